r"""The answer as the model streams it, to its sentences without the model's marks (`feed`, `flush`; pure).

Words go out as they come. Two things wait until their sentence closes, since what was handed out cannot be taken back:
everything from a `[`, a `(1)` or a `(source 1)` on, and the punctuation at the end, before which the server's marks are
put. A sentence closes where the next one begins, and at the end of a line. Code (fenced, or in backticks) and the
addresses of links keep what looks like a mark.

`SentenceScanner` decides when a sentence closes; `_OpenSentence` knows where it would end and how much of it may be
shown; `markdown_lines.py` knows what kind of line it stands in, `marks.py` what a mark looks like.
"""

from collections.abc import Set
from dataclasses import dataclass

from indexer.text.sentences import sentence_spans
from server.answering.markdown_lines import MarkdownLines, claim_of
from server.answering.marks import begins_with_mark, is_mark_after_stop, is_round_mark, without_marks, without_mentions

_TERMINATORS = ".!?؟।"
_CLOSERS = "\"'”’»)*_"
_AFTER_MARKS = ".!?…:;,|(\\"
"""At the end of a sentence or a row the server's marks are put before these characters and before white space. `(` and
`\\` are among them since they may begin a mark of the model's."""

_WINDOW = 200
"""Characters before its end that tell whether a sentence ends; an abbreviation or a quotation is shorter."""


@dataclass(frozen=True)
class Verbatim:
    """The next characters, to be shown as they are: the beginning of a sentence, code, or the end of a line."""

    text: str


@dataclass(frozen=True)
class ClosedSentence:
    """A sentence that has ended, the model's marks taken out."""

    text: str  # white space around it included
    shown: int  # code points of `text` that earlier `Verbatim` events handed out
    marks_at: int  # code point of `text` at which the server's marks are put; at least `shown`
    claim: str  # what of `text` claims something; empty where nothing does, as in a heading
    named: tuple[int, ...]  # the passages that the model named, in order, perhaps repeated or unknown


ScannedEvent = Verbatim | ClosedSentence


class SentenceScanner:
    """One answer. Its events, joined, are the answer without marks; only the `shown` words of a sentence come twice."""

    def __init__(self, known: Set[int], *, holds_back: bool = False) -> None:
        """`known`: the numbers of passages, without which "(1)" is no mark. `holds_back`: whole sentences alone."""
        self._known = known
        self._holds_back = holds_back
        self._events: list[ScannedEvent] = []  # not handed out yet
        self._lines = MarkdownLines()
        self._open = _OpenSentence()
        self._end: int | None = None  # where the open sentence ends, unless the bracket that follows is its mark

    def feed(self, delta: str) -> list[ScannedEvent]:
        """Take the model's next words; returns the sentences that they close and what may be shown."""
        for character in delta:
            self._take(character)
        if self._lines.in_code:
            self._show(len(self._open.written))
        elif not self._holds_back:
            self._show(self._open.showable)
        return self._completed()

    def flush(self) -> list[ScannedEvent]:
        """The end of the answer: close what is open."""
        self._end_line()
        return self._completed()

    def _take(self, character: str) -> None:
        if character == "\n":
            self._end_line()
            self._events.append(Verbatim(character))
        elif self._lines.in_code:
            self._open.written.append(character)
        else:
            self._open.append(character)
            if self._end is not None:
                self._settle(self._end)
            elif not character.isspace():
                self._look_for_end(character)

    def _look_for_end(self, character: str) -> None:
        """Close the open sentence if `character`, its last one, is the first of the next sentence."""
        end = self._open.end(self._known)
        if end is None or self._lines.opens_code(self._open.beginning):
            return
        if character in "[【(\\":
            self._end = end  # a mark may follow the full stop: it still belongs to this sentence
        else:
            self._close(end)

    def _settle(self, end: int) -> None:
        """Close at `end` if what follows it is no mark; wait while that is not known."""
        is_mark = is_mark_after_stop("".join(self._open.written[end:]).lstrip())
        if is_mark is None:
            return
        self._end = None
        if not is_mark:
            self._close(end)

    def _end_line(self) -> None:
        if self._lines.ends_as_code("".join(self._open.written)):
            self._show(len(self._open.written))
            self._begin([])
        else:
            self._close(len(self._open.written))
        self._lines.next()

    def _close(self, end: int) -> None:
        """Hand out the sentence that ends at `end`, and read what follows it as the beginning of the next."""
        written = "".join(self._open.written[:end])
        text, named = without_marks(written, self._known)
        begins_line = self._lines.at_start
        if begins_line and begins_with_mark(written.lstrip()):
            text = text.lstrip()
        claim, mentioned = without_mentions(claim_of(text, begins_line=begins_line), self._known)
        self._events.append(
            ClosedSentence(
                text=text,
                shown=self._open.shown,
                marks_at=_words_end(text),
                claim=claim if self._lines.claims(text) else "",
                named=(*named, *mentioned),
            )
        )
        self._begin(self._open.written[end:])

    def _begin(self, characters: list[str]) -> None:
        """Open a sentence that begins with `characters`; they may hold the whole of it."""
        self._open = _OpenSentence()
        self._end = None
        for character in characters:
            self._take(character)

    def _show(self, end: int) -> None:
        """Hand out the open sentence up to `end`, a code point of it."""
        if end > self._open.shown:
            self._events.append(Verbatim("".join(self._open.written[self._open.shown : end])))
            self._open.shown = end

    def _completed(self) -> list[ScannedEvent]:
        events, self._events = self._events, []
        return events


class _OpenSentence:
    """The sentence that the model is writing. All positions are code points of it."""

    def __init__(self) -> None:
        self.written: list[str] = []  # its characters, marks included
        self.shown = 0  # how many of them were handed out
        self._words_end = 0  # how many there are up to the punctuation before which marks are put
        self._held_from: int | None = None  # how many may be shown, since a bracket came that may be a mark
        self._square_bracket: int | None = None  # where one is open
        self._round_bracket: int | None = None  # where one is open that may become a mark
        self._code = _CodeSpan()

    @property
    def showable(self) -> int:
        """How many of its characters may be shown: they hold no mark, and none will be put among them."""
        return self._words_end if self._held_from is None else self._held_from

    @property
    def beginning(self) -> str:
        return "".join(self.written[:_WINDOW])

    def append(self, character: str) -> None:
        if character in "[【":
            self._square_bracket = len(self.written)
            self._hold()
        elif character in "]】":
            self._square_bracket = None
        self._code.append(character)
        self.written.append(character)
        in_round_mark = self._follow_round_bracket(character)
        if not in_round_mark and character not in _AFTER_MARKS and not character.isspace():
            self._words_end = len(self.written)

    def _follow_round_bracket(self, character: str) -> bool:
        """Whether the open round bracket may still become a mark; holds the words back from one that is."""
        if character == "(":
            self._round_bracket = len(self.written) - 1
        if self._round_bracket is None:
            return False
        is_mark = is_round_mark("".join(self.written[self._round_bracket :]))
        if is_mark is None:
            return True
        if is_mark:
            self._hold()
        self._round_bracket = None
        return False

    def _hold(self) -> None:
        self._held_from = self.showable

    def end(self, known: Set[int]) -> int | None:
        """Where it ended, if its last character is the first of the next sentence."""
        last = len(self.written) - 1
        if last < 1 or not self.written[last - 1].isspace() or self._code.is_open:
            return None
        if self._square_bracket is not None and self._square_bracket != last and last - self._square_bracket < _WINDOW:
            return None
        end = last
        while end and self.written[end - 1].isspace():
            end -= 1
        if not end or self.written[end - 1] not in f"{_TERMINATORS}{_CLOSERS}]】":
            return None
        before = "".join(self.written[max(0, end - _WINDOW) : end])
        return end if _ends_sentence(without_marks(before, known)[0], self.written[last]) else None


class _CodeSpan:
    """Code in backticks: as many close it as opened it."""

    def __init__(self) -> None:
        self._ticks = 0  # just read
        self._opened_by = 0  # backticks; none outside code

    @property
    def is_open(self) -> bool:
        return bool(self._opened_by)

    def append(self, character: str) -> None:
        if character == "`":
            self._ticks += 1
        elif self._ticks:
            self._opened_by = 0 if self._opened_by == self._ticks else self._opened_by or self._ticks
            self._ticks = 0


def _ends_sentence(words: str, following: str) -> bool:
    """Whether a sentence ends with `words` when the next word begins with `following`; not after "e.g."."""
    words = words.rstrip(_CLOSERS)
    if not words or words[-1] not in _TERMINATORS:
        return False
    next_word = f"{following if following.isalnum() else 'X'}xy"
    return sentence_spans(f"{words} {next_word}")[-1][0] > len(words)


def _words_end(sentence: str) -> int:
    """Where the marks of a sentence are put."""
    end = len(sentence)
    while end and (sentence[end - 1] in _AFTER_MARKS or sentence[end - 1].isspace()):
        end -= 1
    return end
