"""The answer as the model streams it, to the answer with marks that the server has checked (`feed`, `flush`; pure).

`sentence_scanner.py` takes the model's own marks out. When a sentence closes, its words are aligned here with the
evidence, and the marks of the passages that support it are put at its end; what nothing supports is not shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Protocol

from indexer.passages import Passage
from indexer.text.terms import content_terms, words
from server.answering.claims import known_facts, knows_not, says_back, unknown
from server.answering.events import Citation, Doubt, Evidence, Exchange, Reason
from server.answering.sentence_scanner import ClosedSentence, ScannedEvent, SentenceScanner, Verbatim
from server.answering.support import Encode, Support, doubt, find_support

_CLAIM_TERMS = 3
"""A sentence of fewer content words is no claim ("Yes.", "Here is how:") and is not called unsupported."""


DropReason = Reason | Literal["repeated", "said_back", "knows_not", "name"]
"""Why a sentence is not shown: a doubt, or that it was said before, is the question, says that the passages do not say,
or has a number or name that stands nowhere."""


@dataclass(frozen=True)
class Dropped:
    """A sentence of the model's that nobody is shown."""

    claim: str
    reason: DropReason


@dataclass
class CheckedText:
    """Words that may be shown now, and the citations whose marks are among them."""

    delta: str = ""
    citations: list[Citation] = field(default_factory=list)


class Checker(Protocol):
    """One answer on its way from the model to the reader."""

    citations: list[Citation]
    """Those whose marks stand in `text`, in order."""
    unsupported: list[Doubt]
    """The sentences of `text` that should not be relied on, in order."""
    cited_again: list[Evidence]
    """Passages of earlier turns that `citations` lead to, with their numbers in this answer, in order."""
    dropped: list[Dropped]
    """What the model wrote and nobody is shown."""

    @property
    def text(self) -> str:
        """All that was handed out so far; citations and doubts speak of its code points."""

    def feed(self, delta: str) -> CheckedText:
        """Take the model's next words; returns what may be shown."""

    def flush(self) -> CheckedText:
        """The end of the answer; returns the rest of it."""


class Unchecked:
    """The checker of an answer that rests on no passages: it passes all words on as they are."""

    def __init__(self) -> None:
        self.citations: list[Citation] = []
        self.unsupported: list[Doubt] = []
        self.cited_again: list[Evidence] = []
        self.dropped: list[Dropped] = []
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def feed(self, delta: str) -> CheckedText:
        self._parts.append(delta)
        return CheckedText(delta)

    def flush(self) -> CheckedText:
        return CheckedText()


class CitationChecker:
    """The checker of an answer to `question` that rests on `evidence`, whose numbers the model was shown.

    A sentence is handed out when it has closed and a passage supports it; any other that claims something is dropped,
    and so are one said twice, the question said back, and that the passages say nothing. What claims nothing (a
    heading, "Yes.", the line that leads in to a list) is handed out with the next sentence that is kept.

    `earlier` are passages that earlier turns have shown: they support what the model says is theirs, and what nothing
    of `evidence` supports; those that do are `cited_again`, and get the numbers that follow. `another_form`: the answer
    says in other words or another language what is in `evidence`, so that a sentence which nothing supports stays and
    is doubted.
    """

    def __init__(
        self,
        evidence: Sequence[Evidence],
        question: str = "",
        encode: Encode | None = None,
        earlier: Sequence[Evidence] = (),
        *,
        another_form: bool = False,
    ) -> None:
        """With `encode`, a sentence in words of its own is looked for by meaning too: some 20 ms for each of those."""
        self.citations: list[Citation] = []
        self.unsupported: list[Doubt] = []
        self.cited_again: list[Evidence] = []
        self.dropped: list[Dropped] = []
        self._evidence = evidence
        self._earlier = earlier
        self._all = (*evidence, *earlier)
        self._question = question
        self._encode = encode
        self._drops = bool(self._all) and not another_form
        self._scanner = SentenceScanner(frozenset(e.n for e in self._all), holds_back=True)
        self._numbers = {e.n: e.number for e in evidence}
        self._said: set[tuple[str, ...]] = set()
        self._waiting: list[str] = []  # what claims nothing, until a sentence follows that is kept
        self._line_dropped = self._line_kept = False  # some of this line so far
        self._parts: list[str] = []
        self._length = 0  # code points of the parts

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def feed(self, delta: str) -> CheckedText:
        return self._check(self._scanner.feed(delta))

    def flush(self) -> CheckedText:
        return self._check(self._scanner.flush())

    def _check(self, events: Sequence[ScannedEvent]) -> CheckedText:
        parts, citations = len(self._parts), len(self.citations)
        for event in events:
            match event:
                case Verbatim("\n"):
                    self._end_line()
                case Verbatim(text):
                    self._keep(text)
                case ClosedSentence():
                    self._close(event)
        return CheckedText("".join(self._parts[parts:]), self.citations[citations:])

    def _end_line(self) -> None:
        """The end of a line of which all was dropped is dropped with it: a list or table goes on."""
        if self._line_kept or not self._line_dropped:
            self._waiting.append("\n")
        self._line_dropped = self._line_kept = False

    def _close(self, sentence: ClosedSentence) -> None:
        """Hand out the rest of a sentence, with the marks of what supports it, or drop it."""
        claim = sentence.claim
        supports = self._supports(claim, sentence.named) if claim else []
        reason = self._reason_to_doubt(claim, supports) if claim else None
        why = self._reason_to_drop(claim, reason)
        if why:
            self._drop(Dropped(claim, why))
            return
        self._line_kept = self._line_kept or bool(sentence.text.strip())
        if not supports and not reason and self._drops:
            self._waiting.append(sentence.text[sentence.shown :])
            return
        self._keep("")
        blank = len(sentence.text) - len(sentence.text.lstrip())
        start = self._length - sentence.shown + (blank if self._parts else 0)
        self._emit(sentence.text[sentence.shown if self._parts else max(sentence.shown, blank) : sentence.marks_at])
        for support in supports:
            self._cite(support)
        self._emit(sentence.text[sentence.marks_at :])
        self._said.add(tuple(words(claim)))
        if reason:
            end = self._length - len(sentence.text) + len(sentence.text.rstrip())
            self.unsupported.append(Doubt(start, end, reason))

    def _drop(self, dropped: Dropped) -> None:
        """With it goes what waits on its line: the "Yes." before it was about it."""
        self.dropped.append(dropped)
        self._line_dropped, self._line_kept = True, False
        while self._waiting and self._waiting[-1] != "\n":
            self._waiting.pop()

    def _reason_to_drop(self, claim: str, doubted: Reason | None) -> DropReason | None:
        if not claim:
            return None
        if tuple(words(claim)) in self._said:
            return "repeated"
        if knows_not(claim):
            return "knows_not"
        if not self._drops:
            return None
        if says_back(claim, self._question):
            return "said_back"
        if doubted:
            return doubted
        return "name" if unknown(claim, self._known) else None

    @cached_property
    def _known(self) -> frozenset[str]:
        """The numbers and names that the passages and the question hold."""
        return known_facts([*(f"{e.passage.prefix}\n{e.passage.text}" for e in self._all), self._question])

    def _supports(self, claim: str, named: Sequence[int]) -> list[Support]:
        if not {e.n for e in self._earlier}.isdisjoint(named):
            return find_support(claim, self._all, named, self._encode)
        found = find_support(claim, self._evidence, named, self._encode)
        return found or (find_support(claim, self._earlier, named, self._encode) if self._earlier else [])

    def _cite(self, support: Support) -> None:
        """Put the mark of one passage, a space before it."""
        evidence = support.evidence
        if evidence.n not in self._numbers:
            self._numbers[evidence.n] = max(self._numbers.values(), default=0) + 1
            self.cited_again.append(replace(evidence, shown=self._numbers[evidence.n]))
        self._emit(" ")
        n = self._numbers[evidence.n]
        self.citations.append(citation(evidence.passage, support.start, support.end, support.heading, n, self._length))
        self._emit(f"[{n}]")

    def _reason_to_doubt(self, claim: str, supports: Sequence[Support]) -> Reason | None:
        """Why the claim should not be relied on; words that no passage holds are none where there are hardly any."""
        reason = doubt(claim, self._all, supports) if self._all else None
        few = len(set(content_terms(claim))) < _CLAIM_TERMS or claim.rstrip().endswith(":")
        return None if reason == "words" and few else reason

    def _keep(self, text: str) -> None:
        """Hand out what waited, then the text."""
        waiting = "".join(self._waiting)
        self._waiting = []
        self._emit((waiting if self._parts else waiting.lstrip("\n")) + text)

    def _emit(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._length += len(text)


def cited_in(exchange: Exchange) -> tuple[Evidence, ...]:
    """The evidence that an earlier answer rests on; all of it where none can be told. What is written in another form
    keeps its sources so: the words of a shorter sentence stand in other passages as well."""
    checker = CitationChecker(exchange.evidence)
    checker.feed(exchange.raw_answer)
    checker.flush()
    cited = {citation.n for citation in checker.citations}
    return tuple(e for e in exchange.evidence if e.number in cited) or exchange.evidence


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
        root=passage.root,
    )
