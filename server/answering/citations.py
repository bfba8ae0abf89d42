"""The answer as the model streams it, to the answer with marks that the server has checked (`feed`, `flush`).

The model's own marks are taken out; when a sentence closes, its words are aligned with the evidence, and the marks of
the passages that support it are put at its end. Words go out as they come; from a `[`, a `(1)` or a `(source 1)` on
they are held back until their sentence closes, since what was sent cannot be taken back. A line ends a sentence. Code
(fenced, or in backticks) and the addresses of links are passed on as they are; headings, rules and the first row of a
table lose the model's marks and get none.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from indexer.passages import Passage
from indexer.text.sentences import sentence_spans
from indexer.text.terms import content_terms, words
from server.answering.events import Citation, Doubt, Evidence
from server.answering.support import Encode, Support, doubt, find_support

_NUMBERS = r"\d{1,3}(?:\s*(?:[,;&–-]|and)\s*\d{1,3})*"
_NAME = r"(?:sources?|passages?|documents?)"
_MARK = (
    rf"(?:\\?\[\s*(?:\^|(?:sources?|passages?|documents?)[\s:#]*)?({_NUMBERS})\s*\\?\](?:\([^()\s]*\))?"
    r"|【\s*(\d{1,3})(?:[†:,][^】\n]{0,40})?】"
    rf"|\(\s{{0,3}}{_NAME}[\s:#]{{0,3}}({_NUMBERS})\s{{0,3}}\))"
)
_MARKS = rf"{_MARK}(?:[ \t]{{0,3}}(?:[,;]|and)?[ \t]{{0,3}}{_MARK})*"
_ONE_MARK = re.compile(_MARK, re.I)
_VERBATIM_OR_MARKS = re.compile(
    rf"(?P<verbatim>(?<!`)(?P<ticks>`+)(?!`)[\s\S]*?(?<!`)(?P=ticks)(?!`)|\]\([^()\s]*\))"
    rf"|(?<![ \t])[ \t]*(?:\(\s{{0,3}}{_MARKS}\s{{0,3}}\)|{_MARKS})",
    re.I,
)
_NAME_BEGINS = "|".join(word[:end] for word in ("sources", "passages", "documents") for end in range(1, len(word) + 1))
_NAMING = rf"\(\s{{0,3}}(?:{_NAME_BEGINS})?[\s:#]{{0,3}}"
_MAY_NAME = re.compile(rf"{_NAMING}|\(\s{{0,3}}(?:{_NAME}[\s:#]{{0,3}})?\d[\d\s,;&–and-]{{0,20}}", re.I)
"""What may become "(source 1)" or "(1)"."""
_MAY_BECOME_MARK = re.compile(
    rf"{_NAMING}|\(\s{{0,3}}{_NAME}[\s:#]{{0,3}}\d[\d\s,;&–and-]{{0,20}}|\\|[(\\]?\s{{0,3}}[\[【][^\]】]{{0,60}}", re.I
)
_BARE = rf"\(\s{{0,3}}({_NUMBERS})\s{{0,3}}\)"
_BARE_MARK = re.compile(_BARE)
_BARE_AT_END = re.compile(rf"(?<=[^\W\d_])[ \t]+{_BARE}(?=[\s.!?…]*$)")
"""A number in round brackets is a mark only before the end of a sentence, and not after another number."""
_IN_WORDS = re.compile(rf"\b(?:sources?|passages?)[ \t]+#?({_NUMBERS})\b", re.I)
_IS_MARK = re.compile(rf"\(?\s{{0,3}}{_MARK}", re.I)

_TERMINATORS = ".!?؟।"
_CLOSERS = "\"'”’»)*_"
_AFTER_MARKS = ".!?…:;,|(\\"
"""A mark is put before these, and white space, at the end of a sentence or a row; `(` and `\\` may belong to a mark."""

_LINE_START = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|>)[ \t]+)*(?:\[[ xX]\][ \t]+)?")
_LINK_TARGET = re.compile(r"\]\((?:[^()\s]|\([^()\s]*\))*\)")
_UNCHECKED_LINE = re.compile(r"[ \t>]*(?:#{1,6}\s|[\s|:*_=-]*$)")
_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}(?!.*`)|~{3,})(.*)")

_WINDOW = 200
"""Characters before its end that tell whether a sentence ends; an abbreviation or a quotation is shorter."""
_CLAIM_TERMS = 3
"""A sentence of fewer content words is no claim ("Yes.", "Here is how:") and is not called unsupported."""


@dataclass
class CheckedText:
    """Words that may be shown now, and the citations whose marks are among them."""

    delta: str = ""
    citations: list[Citation] = field(default_factory=list)


class CitationChecker:
    """One answer. `text` is all that was handed out so far; `citations` and `unsupported` speak of its code points.

    `refusal` is the sentence that says that there is no answer: it rests on nothing and is never cited.
    """

    def __init__(self, evidence: Sequence[Evidence], refusal: str = "", encode: Encode | None = None) -> None:
        """With `encode`, a sentence in words of its own is looked for by meaning too: some 20 ms for each of those."""
        self.citations: list[Citation] = []
        self.unsupported: list[Doubt] = []
        self._evidence = evidence
        self._numbers = frozenset(e.n for e in evidence)
        self._refusal = words(refusal)
        self._encode = encode
        self._parts: list[str] = []
        self._length = 0  # of the parts
        self._fence = ""  # what opened the code that we are in
        self._line_checked: bool | None = None  # whether this line's sentences are; not known before its first
        self._is_row = self._after_row = False  # this line, and the one before it, belong to a table
        self._begin([])

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def feed(self, delta: str) -> CheckedText:
        """Take the model's next words; returns what may be shown."""
        before, cited = len(self._parts), len(self.citations)
        for character in delta:
            self._take(character)
        safe = self._safe if self._held is None else self._held
        self._show(len(self._open) if self._fence else safe)
        return CheckedText("".join(self._parts[before:]), self.citations[cited:])

    def flush(self) -> CheckedText:
        """The end of the answer: close what is open."""
        before, cited = len(self._parts), len(self.citations)
        self._end_line()
        return CheckedText("".join(self._parts[before:]), self.citations[cited:])

    def _begin(self, rest: Sequence[str]) -> None:
        """Open a sentence that begins with `rest`."""
        self._open: list[str] = []  # the open sentence as the model wrote it
        self._shown = 0  # characters of it that were handed out
        self._safe = 0  # how many may be: up to the punctuation before which marks are put
        self._held: int | None = None  # how many may be since a bracket came that may be a mark
        self._bracket: int | None = None  # where a bracket is open
        self._naming: int | None = None  # where a round bracket is open that may name a source
        self._boundary: int | None = None  # where it ended, unless the bracket that follows is a mark
        self._ticks = self._code = 0  # backticks just read, and those that opened the code we are in
        for character in rest:
            self._take(character)

    def _take(self, character: str) -> None:
        if character == "\n":
            self._end_line()
            self._emit(character)
            return
        if self._fence:
            self._open.append(character)
            return
        self._note(character)
        if self._boundary is not None:
            self._settle(self._boundary)
        elif not character.isspace():
            end = self._ended()
            if end is not None and character in "[【(\\":
                self._boundary = end  # a mark may follow the full stop: it still belongs to this sentence
            elif end is not None:
                self._close(end)

    def _note(self, character: str) -> None:
        """Append to the open sentence, and keep track of brackets, backticks and the punctuation at its end."""
        if character in "[【":
            self._bracket = len(self._open)
            self._held = self._safe if self._held is None else self._held
        elif character in "]】":
            self._bracket = None
        if character == "`":
            self._ticks += 1
        elif self._ticks:
            self._code = 0 if self._code == self._ticks else self._code or self._ticks
            self._ticks = 0
        self._open.append(character)
        if not self._may_name(character) and character not in _AFTER_MARKS and not character.isspace():
            self._safe = len(self._open)

    def _may_name(self, character: str) -> bool:
        """Whether the open round bracket may still become a mark; holds the words back from one that is."""
        if character == "(":
            self._naming = len(self._open) - 1
        if self._naming is None:
            return False
        written = "".join(self._open[self._naming :])
        if _MAY_NAME.fullmatch(written):
            return True
        if _ONE_MARK.fullmatch(written) or _BARE_MARK.fullmatch(written):
            self._held = self._safe if self._held is None else self._held
        self._naming = None
        return False

    def _ended(self) -> int | None:
        """Where the open sentence ended, now that the first character of the next one is there."""
        last = len(self._open) - 1
        if last < 1 or not self._open[last - 1].isspace() or self._code:
            return None
        if self._bracket is not None and self._bracket != last and last - self._bracket < _WINDOW:
            return None
        end = last
        while end and self._open[end - 1].isspace():
            end -= 1
        if not end or self._open[end - 1] not in f"{_TERMINATORS}{_CLOSERS}]】":
            return None
        if self._opens_fence("".join(self._open[:_WINDOW])):
            return None
        bare = _without_marks("".join(self._open[max(0, end - _WINDOW) : end]), self._numbers)[0].rstrip(_CLOSERS)
        if not bare or bare[-1] not in _TERMINATORS:
            return None
        following = self._open[last] if self._open[last].isalnum() else "X"
        spans = sentence_spans(f"{bare} {following}xy")
        return end if spans[-1][0] > len(bare) else None

    def _settle(self, boundary: int) -> None:
        """Close at `boundary` if what follows it is no mark; wait while that is not known."""
        following = "".join(self._open[boundary:]).lstrip()
        if _MAY_BECOME_MARK.fullmatch(following):
            return
        self._boundary = None
        if not _IS_MARK.match(following):
            self._close(boundary)

    def _opens_fence(self, line: str) -> str:
        """The run of characters by which the open line begins a block of code; empty when it does not."""
        match = _FENCE.match(line) if self._line_checked is None else None
        return match[1] if match else ""

    def _end_line(self) -> None:
        line = "".join(self._open)
        if self._fence:
            match = _FENCE.match(line)
            if match and match[1].startswith(self._fence) and not match[2].strip():
                self._fence = ""
            self._show(len(self._open))
        elif fence := self._opens_fence(line):
            self._fence = fence
            self._show(len(self._open))
        else:
            self._close(len(self._open))
        self._begin([])
        self._line_checked = None
        self._is_row, self._after_row = False, self._is_row

    def _close(self, end: int) -> None:
        """Check the sentence that ends at `end` and hand out the rest of it, with its marks before its full stop."""
        written, shown, rest = "".join(self._open[:end]), self._shown, self._open[end:]
        sentence, named = _without_marks(written, self._numbers)
        begins_line = self._line_checked is None
        if begins_line and _ONE_MARK.match(written.lstrip()):
            sentence = sentence.lstrip()
        start = self._length - shown + len(sentence) - len(sentence.lstrip())
        found: list[Support] = []
        checked = self._checks(sentence)
        claim = _LINK_TARGET.sub("]", sentence[_line_start(sentence) if begins_line else 0 :])
        claim, mentioned = _without_mentions(claim, self._numbers)
        if checked and words(claim) != self._refusal:
            found = find_support(claim, self._evidence, [*named, *mentioned], self._encode)
        stop = _words_end(sentence)
        self._emit(sentence[shown:stop])
        for support in found:
            self._emit(" ")
            rests_on = support.evidence
            self.citations.append(
                citation(rests_on.passage, support.start, support.end, support.heading, rests_on.n, self._length)
            )
            self._emit(f"[{support.evidence.n}]")
        self._emit(sentence[stop:])
        self._doubt(claim, start, self._length - len(sentence) + len(sentence.rstrip()), found, checked=checked)
        self._begin(rest)

    def _doubt(self, claim: str, start: int, end: int, found: Sequence[Support], *, checked: bool) -> None:
        """Note the sentence [start, end) where it claims something that should not be relied on."""
        if checked and self._evidence and words(claim) != self._refusal:
            reason = doubt(claim, self._evidence, found)
            if reason and (found or reason == "number" or len(set(content_terms(claim))) >= _CLAIM_TERMS):
                self.unsupported.append(Doubt(start, end, reason))

    def _checks(self, sentence: str) -> bool:
        """Whether the sentences of this line are claims; its first one tells."""
        if self._line_checked is None:
            self._is_row = sentence.lstrip().startswith("|")
            header = self._is_row and not self._after_row
            self._line_checked = not header and not _UNCHECKED_LINE.match(sentence)
        return self._line_checked

    def _show(self, end: int) -> None:
        self._emit("".join(self._open[self._shown : end]))
        self._shown = max(self._shown, end)

    def _emit(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._length += len(text)


def _without_marks(written: str, known: Set[int]) -> tuple[str, list[int]]:
    """The words without the model's marks, and the numbers that stood in them, ranges written out."""
    named: list[int] = []

    def take_out(match: re.Match[str]) -> str:
        if match["verbatim"]:
            return match[0]
        for mark in _ONE_MARK.finditer(match[0]):
            named.extend(_listed(mark[1] or mark[2] or mark[3]))
        return ""

    words_alone = _VERBATIM_OR_MARKS.sub(take_out, written)
    bare = _BARE_AT_END.search(words_alone)
    if bare and set(_listed(bare[1])) <= known:
        named.extend(_listed(bare[1]))
        words_alone = words_alone[: bare.start()] + words_alone[bare.end() :]
    return words_alone, named


def _without_mentions(claim: str, known: Set[int]) -> tuple[str, list[int]]:
    """A claim without its "source 1", which is no number of its own, and the numbers of passages so named."""
    named: list[int] = []

    def take_out(match: re.Match[str]) -> str:
        numbers = _listed(match[1])
        if not set(numbers) <= known:
            return match[0]
        named.extend(numbers)
        return ""

    return _IN_WORDS.sub(take_out, claim), named


def _listed(numbers: str) -> list[int]:
    """The numbers of a list such as "1, 3-5 and 7", ranges written out."""
    listed: list[int] = []
    for part in re.split(r"[,;&]|and", numbers, flags=re.I):
        ends = [int(number) for number in re.findall(r"\d+", part)]
        listed.extend(range(ends[0], ends[-1] + 1))
    return listed


def _words_end(sentence: str) -> int:
    """Where the marks of a sentence are put."""
    end = len(sentence)
    while end and (sentence[end - 1] in _AFTER_MARKS or sentence[end - 1].isspace()):
        end -= 1
    return end


def _line_start(line: str) -> int:
    """Characters of list markers and the like before a line's words: the 2 of "2. Ask" is no claim."""
    match = _LINE_START.match(line)
    return match.end() if match else 0


def citation(passage: Passage, start: int, end: int, heading: str, n: int, at: int) -> Citation:
    """The mark `[n]` at code point `at` of an answer, for the words [start, end) of the passage's document."""
    return Citation(
        n=n,
        at=at,
        document_id=passage.document_id,
        collection_id=passage.collection_id,
        document=passage.document,
        title=passage.title,
        heading=heading,
        page=passage.page,
        start=start,
        end=end,
        quote=passage.text[start - passage.start : end - passage.start],
    )
