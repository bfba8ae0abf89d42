r"""The answer as the model streams it, to its sentences without the model's marks (`feed`, `flush`; pure).

A sentence closes where the next one begins, and at the end of a line. A line that breaks off in the middle of a
sentence goes on in the next one where that begins with a small letter; a row of a table and what stands between two
`**` are never parted. Code (fenced, or in backticks) and the addresses of links keep what looks like a mark.

`SentenceScanner` decides when a sentence closes; `_OpenSentence` knows where it would end; `markdown_lines.py` knows
what kind of line it stands in, `marks.py` what a mark looks like.
"""

from collections.abc import Set
from dataclasses import dataclass

from indexer.text.sentences import sentence_spans
from server.answering.markdown_lines import MarkdownLines, claim_of, markers_of
from server.answering.marks import begins_with_mark, is_mark_after_stop, without_marks, without_mentions

_TERMINATORS = ".!?؟।"
_CLOSERS = "\"'”’»)*_"
_AFTER_MARKS = ".!?…:;,|(\\"
"""At the end of a sentence or a row the server's marks are put before these characters and before white space. `(` and
`\\` are among them since they may begin a mark of the model's."""

_WINDOW = 200
"""Characters before its end that tell whether a sentence ends; an abbreviation or a quotation is shorter."""


@dataclass(frozen=True)
class Code:
    """The next characters of a block of code, its fences and line ends included."""

    text: str


@dataclass(frozen=True)
class LineEnd:
    """The end of a line that is no code: one character."""


@dataclass(frozen=True)
class ClosedSentence:
    """A sentence that has ended, the model's marks taken out."""

    text: str  # white space around it included; an empty line is an empty sentence
    marks_at: int  # code point of `text` at which the server's marks are put
    claim: str  # what of `text` claims something; empty where nothing does, as in a heading
    named: tuple[int, ...]  # the passages that the model named, in order, perhaps repeated or unknown
    markers: str | None  # of `text`, what makes its line an item or a quotation; None where it does not begin the line
    length: int  # code points that the model wrote for it, marks included


ScannedEvent = Code | LineEnd | ClosedSentence


class SentenceScanner:
    """One answer. Its events, joined, are the answer without marks; their lengths are those of what was written."""

    def __init__(self, known: Set[int]) -> None:
        """`known`: the numbers of passages, without which "(1)" is no mark."""
        self._known = known
        self._events: list[ScannedEvent] = []  # not handed out yet
        self._lines = MarkdownLines()
        self._open = _OpenSentence()
        self._end: int | None = None  # where the open sentence ends, unless the bracket that follows is its mark
        self._breaks_off = False  # the line has ended, but perhaps not the sentence

    def feed(self, delta: str) -> list[ScannedEvent]:
        """Take the model's next words; returns the sentences that they close, and code."""
        for character in delta:
            self._take(character)
        if self._lines.in_code:
            self._pass_code()
        return self._completed()

    def flush(self) -> list[ScannedEvent]:
        """The end of the answer: close what is open."""
        if self._breaks_off:
            self._begin_line()
        self._end_line()
        return self._completed()

    def _take(self, character: str) -> None:
        if self._breaks_off:
            if character.islower():
                self._breaks_off = False
                self._open.append("\n")
            else:
                self._begin_line()
        if character == "\n":
            if self._may_go_on():
                self._breaks_off = True
            else:
                self._begin_line()
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
        if end is None or self._lines.is_whole(self._open.beginning):
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

    def _may_go_on(self) -> bool:
        """Whether the sentence that is open at the end of a line may go on in the next one."""
        if self._lines.in_code or self._end is not None or not self._open.breaks_off:
            return False
        return self._lines.may_go_on("".join(self._open.written))

    def _begin_line(self) -> None:
        """After the end of a line."""
        self._breaks_off = False
        self._end_line()
        self._events.append(Code("\n") if self._lines.in_code else LineEnd())

    def _end_line(self) -> None:
        if self._lines.ends_as_code("".join(self._open.written)):
            self._pass_code()
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
                marks_at=_words_end(text),
                claim=claim if self._lines.claims(text) else "",
                named=(*named, *mentioned),
                markers=markers_of(text) if begins_line else None,
                length=len(written),
            )
        )
        self._begin(self._open.written[end:])

    def _begin(self, characters: list[str]) -> None:
        """Open a sentence that begins with `characters`; they may hold the whole of it."""
        self._open = _OpenSentence()
        self._end = None
        for character in characters:
            self._take(character)

    def _pass_code(self) -> None:
        """Hand out what was read of a line of code."""
        if new := "".join(self._open.written[self._open.passed :]):
            self._events.append(Code(new))
            self._open.passed = len(self._open.written)

    def _completed(self) -> list[ScannedEvent]:
        events, self._events = self._events, []
        return events


class _OpenSentence:
    """The sentence that the model is writing. All positions are code points of it."""

    def __init__(self) -> None:
        self.written: list[str] = []  # its characters, marks included
        self.passed = 0  # how many of them were handed out, where it is code
        self._square_bracket: int | None = None  # where one is open
        self._code = _Ticks()
        self._strong = _Asterisks()

    @property
    def beginning(self) -> str:
        return "".join(self.written[:_WINDOW])

    @property
    def breaks_off(self) -> bool:
        """Whether a line that ends here ends in the middle of a sentence; two spaces there end it."""
        *_, before, last = ["", "", *self.written[-2:]]
        return last.isalnum() or last == "," or (last == " " and (before.isalnum() or before == ","))

    def append(self, character: str) -> None:
        if character in "[【":
            self._square_bracket = len(self.written)
        elif character in "]】":
            self._square_bracket = None
        self._code.append(character)
        if not self._code.is_open:
            self._strong.append(character)
        self.written.append(character)

    def end(self, known: Set[int]) -> int | None:
        """Where it ended, if its last character is the first of the next sentence."""
        last = len(self.written) - 1
        if last < 1 or not self.written[last - 1].isspace() or self._code.is_open or self._strong.is_open:
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


class _Ticks:
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


class _Asterisks:
    """What stands between two `**`, at words: "2 ** 3" opens nothing."""

    def __init__(self) -> None:
        self.is_open = False
        self._read = 0  # asterisks in a row
        self._before = ""  # the character before them

    def append(self, character: str) -> None:
        if character == "*":
            self._read += 1
            return
        if self._read > 1:
            self.is_open = self._before.isspace() if self.is_open else not character.isspace()
        self._read, self._before = 0, character


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
