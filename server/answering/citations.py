"""The answer as the model streams it, to the answer with marks that the server has checked (`feed`, `flush`; pure).

`sentence_scanner.py` takes the model's own marks out. When a sentence closes, its words are aligned here with the
evidence, the marks of the passages that support it are put at its end, and what nothing supports is noted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from indexer.passages import Passage
from indexer.text.terms import content_terms, words
from server.answering.events import Citation, Doubt, Evidence, Reason
from server.answering.sentence_scanner import ClosedSentence, ScannedEvent, SentenceScanner, Verbatim
from server.answering.support import Encode, Support, doubt, find_support

_CLAIM_TERMS = 3
"""A sentence of fewer content words is no claim ("Yes.", "Here is how:") and is not called unsupported."""


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
    """The checker of an answer that rests on `evidence`, whose numbers the model was shown.

    `earlier` are passages that earlier turns have shown: they support what the model says is theirs, and what nothing
    of `evidence` supports. `refusal` is the sentence that says that there is no answer: it rests on nothing and is
    never cited.
    """

    def __init__(
        self,
        evidence: Sequence[Evidence],
        refusal: str = "",
        encode: Encode | None = None,
        earlier: Sequence[Evidence] = (),
    ) -> None:
        """With `encode`, a sentence in words of its own is looked for by meaning too: some 20 ms for each of those."""
        self.citations: list[Citation] = []
        self.unsupported: list[Doubt] = []
        self._evidence = evidence
        self._earlier = earlier
        self._all = (*evidence, *earlier)
        self._refusal = words(refusal)
        self._encode = encode
        self._scanner = SentenceScanner(frozenset(e.n for e in self._all))
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
                case Verbatim(text):
                    self._emit(text)
                case ClosedSentence():
                    self._close(event)
        return CheckedText("".join(self._parts[parts:]), self.citations[citations:])

    def _close(self, sentence: ClosedSentence) -> None:
        """Hand out the rest of a sentence, with the marks of what supports it."""
        text, claim = sentence.text, sentence.claim
        start = self._length - sentence.shown + len(text) - len(text.lstrip())
        claims = bool(claim) and words(claim) != self._refusal
        supports = self._supports(claim, sentence.named) if claims else []
        self._emit(text[sentence.shown : sentence.marks_at])
        for support in supports:
            self._cite(support)
        self._emit(text[sentence.marks_at :])
        reason = self._reason_to_doubt(claim, supports) if claims else None
        if reason:
            self.unsupported.append(Doubt(start, self._length - len(text) + len(text.rstrip()), reason))

    def _supports(self, claim: str, named: Sequence[int]) -> list[Support]:
        if not {e.n for e in self._earlier}.isdisjoint(named):
            return find_support(claim, self._all, named, self._encode)
        found = find_support(claim, self._evidence, named, self._encode)
        return found or (find_support(claim, self._earlier, named, self._encode) if self._earlier else [])

    def _cite(self, support: Support) -> None:
        """Put the mark of one passage, a space before it."""
        self._emit(" ")
        n = support.evidence.n
        self.citations.append(
            citation(support.evidence.passage, support.start, support.end, support.heading, n, self._length)
        )
        self._emit(f"[{n}]")

    def _reason_to_doubt(self, claim: str, supports: Sequence[Support]) -> Reason | None:
        """Why the claim should not be relied on; words that no passage holds are none where there are hardly any."""
        reason = doubt(claim, self._all, supports) if self._all else None
        if reason == "words" and len(set(content_terms(claim))) < _CLAIM_TERMS:
            return None
        return reason

    def _emit(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._length += len(text)


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
