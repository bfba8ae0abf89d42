"""The answer as the model streams it, to the answer with marks that the server has checked (`feed`, `flush`; pure).

`sentence_scanner.py` takes the model's own marks out. When a sentence closes, its words are aligned here with the
evidence, and the marks of the passages that support it are put at its end; what nothing supports is not shown.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from indexer.passages import Passage
from indexer.text.sentences import sentence_spans
from indexer.text.terms import content_terms, words
from server.answering.checker import CheckedText, Dropped, DropReason
from server.answering.claims import (
    agrees_blindly,
    is_example,
    known_facts,
    knows_not,
    says_back,
    unknown,
    without_loose_marks,
    without_preamble,
)
from server.answering.events import Citation, Doubt, Evidence, Exchange, Reason
from server.answering.markdown_lines import is_item, is_row, leads_in, without_fences
from server.answering.orders import cleared, only_in_orders
from server.answering.sentence_scanner import ClosedSentence, Code, LineEnd, ScannedEvent, SentenceScanner
from server.answering.shown_markdown import ShownMarkdown
from server.answering.support import Encode, Support, claim_terms, doubt, find_support, holds_code

LOST = 3
"""A model whose first claims have no support, so many of them, has lost its way: what it still says right, the seventh
field of an invented form, is no answer."""

ASTRAY = 4
"""Claims that had to go one after the other, behind which a model is not listened to any more. Seen: after a first true
step the roads from six invented places, until the answer was cut off."""

_STOPS = (".", "!", "?")
_ENDS = (*_STOPS, "…", "|", "`")
_CLOSERS = "\"'”’»)*_]"
_CLAIM_TERMS = 2
"""A sentence of fewer content words, "yes" not counted, is no claim ("Yes, you can.", "Here is how:") where it is no
item of a list and no row, and is not called unsupported."""


class CitationChecker:
    """The checker of an answer to `question` that rests on `evidence`, whose numbers the model was shown.

    A sentence is handed out when it has closed and a passage supports it; any other that claims something is dropped,
    and so are one said twice, the question said back, that the passages say nothing, and code that no passage holds.
    What claims nothing (a heading, "Yes.", the line that leads in to a list) is handed out with the next sentence that
    is kept. White space at both ends of an answer is left out.

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
        self.judged = 0
        self._evidence = cleared(evidence, question)
        self._earlier = cleared(earlier, question)
        self._all = (*self._evidence, *self._earlier)
        self._whole = {e.n: e for e in (*evidence, *earlier)}
        self._orders = only_in_orders((*evidence, *earlier), self._all, question)
        self._question = question
        self._encode = encode
        self._drops = bool(self._all) and not another_form
        self._scanner = SentenceScanner(frozenset(e.n for e in self._all))
        self._markdown = ShownMarkdown()
        self._code: list[str] = []  # the block that is being written
        self._numbers = {e.n: e.number for e in evidence}
        self._said: set[tuple[str, ...]] = set()
        self._astray = 0  # sentences dropped since the last one that is kept
        self._parts: list[str] = []
        self._length = 0  # code points of the parts

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def feed(self, delta: str) -> CheckedText:
        return self._check(self._scanner.feed(delta))

    @property
    def is_over(self) -> bool:
        return self._is_lost or self._astray >= ASTRAY

    def flush(self, *, cut: bool = False) -> CheckedText:
        """With `cut`, half a sentence is left out where something was said before it."""
        events = self._scanner.flush()
        half = events[-1] if cut and events and self._parts else None
        if not isinstance(half, ClosedSentence) or half.text.rstrip().rstrip(_CLOSERS).endswith(_ENDS):
            return self._check(events, ended=True)
        checked = self._check(events[:-1], ended=True)
        self.dropped.append(Dropped(half.claim, "cut", self.judged, self.judged + half.length))
        self.judged += half.length
        return checked

    def _check(self, events: Sequence[ScannedEvent], *, ended: bool = False) -> CheckedText:
        parts, citations = len(self._parts), len(self.citations)
        for event in events:
            if isinstance(event, Code):
                self._code.append(event.text)
                continue
            self._close_code()
            if isinstance(event, LineEnd):
                self._markdown.end_line()
                self.judged += 1
            else:
                self._close(event)
                self.judged += event.length
        if ended:
            self._close_code()
        return CheckedText("".join(self._parts[parts:]), self.citations[citations:])

    def _close(self, sentence: ClosedSentence) -> None:
        """Hand out a sentence with the marks of what supports it, hold it back, or drop it."""
        if self._drops:
            sentence = _plainly(sentence)
        claim = sentence.claim
        supports, reason = self._judge(sentence) if claim else ([], None)
        why = self._reason_to_drop(claim, supports, reason) if claim else self._wrong_number(sentence.text)
        why = "order" if self._obeys(sentence.text) else why
        if why:
            self._markdown.drop(sentence)
            self.dropped.append(Dropped(claim, why, self.judged, self.judged + sentence.length))
            self._astray += self._drops
            return
        sentence = self._markdown.place(sentence)
        if not sentence.text.strip() or (self._drops and not supports and not reason):
            self._markdown.wait(sentence)
            return
        self._emit(self._markdown.release(sentence))
        text = sentence.text if self._parts else sentence.text.lstrip()
        marks_at = max(0, sentence.marks_at - len(sentence.text) + len(text))
        start = self._length + len(text) - len(text.lstrip())
        self._emit(text[:marks_at])
        for support in supports:
            self._cite(support)
        self._emit(text[marks_at:])
        self._said.add(tuple(words(claim)))
        self._astray = 0
        if reason:
            self.unsupported.append(Doubt(start, self._length - len(text) + len(text.rstrip()), reason))

    def _close_code(self) -> None:
        """Hand out a block of code that a passage holds, without a mark: there is no place for one in it."""
        code = "".join(self._code)
        if not code:
            return
        self._code = []
        lines = without_fences(code)
        obeys = self._obeys(code)
        known = holds_code(lines, self._all) and not unknown(lines, self._known)
        if obeys or (self._drops and (self._is_lost or not known)):
            self._markdown.drop(None)
            self.dropped.append(Dropped(code, "order" if obeys else "words", self.judged, self.judged + len(code)))
        else:
            self._emit(self._markdown.release(None))
            self._emit(code)
        self.judged += len(code)

    def _reason_to_drop(self, claim: str, supports: Sequence[Support], doubted: Reason | None) -> DropReason | None:
        said = tuple(words(claim))
        if said and said in self._said:
            return "repeated"
        if knows_not(claim) and not any(knows_not(support.text) for support in supports):
            return "knows_not"
        if not self._drops:
            return None
        if says_back(claim, self._question, supported=bool(supports)):
            return "said_back"
        if doubted:
            return doubted
        if agrees_blindly(claim, self._question, (_whole(support.evidence.passage) for support in supports)):
            return "agrees"
        if unknown(claim, self._known_to(supports) if supports else self._known):
            return "name"
        return "lost" if self._is_lost or (not self._parts and _only_examples(claim, supports)) else None

    def _wrong_number(self, text: str) -> DropReason | None:
        """A heading, of a table too, claims nothing and is shown unmarked: it must not have a number of its own."""
        heading = text.lstrip()
        if not self._drops or not heading.startswith(("#", "|")):
            return None
        return "name" if any(fact[0].isdigit() for fact in unknown(heading.lstrip("#| "), self._known)) else None

    def _obeys(self, text: str) -> bool:
        """Whether it holds what stands in a document's orders alone: a word, a name, a number, a part of an address."""
        return bool(self._orders) and not self._orders.isdisjoint(content_terms(text))

    @cached_property
    def _known(self) -> frozenset[str]:
        """The numbers and names that the passages and the question hold."""
        return known_facts([*(_whole(e.passage) for e in self._all), self._question])

    def _known_to(self, supports: Sequence[Support]) -> frozenset[str]:
        """The same of the passages that would be cited: a name of another one is no fact of theirs."""
        return known_facts([*(_whole(support.evidence.passage) for support in supports), self._question])

    @property
    def _is_lost(self) -> bool:
        unsupported = [one for one in self.dropped if one.reason in ("words", "number", "name")]
        return not self._parts and len(unsupported) >= LOST

    def _judge(self, sentence: ClosedSentence) -> tuple[list[Support], Reason | None]:
        """What supports it, each passage once, and why it should not be relied on: because of any of its parts."""
        supports: dict[int, Support] = {}
        why: Reason | None = None
        for part in _parts(sentence):
            found = self._supports(part, sentence.named)
            reason = doubt(part, self._all, found) if self._all else None
            if reason == "words" and not _claims(part, sentence):
                reason = None
            why = why or reason
            supports = supports | {one.evidence.n: one for one in found if one.evidence.n not in supports}
        return [] if why in ("words", "number") else list(supports.values()), why

    def _supports(self, claim: str, named: Sequence[int]) -> list[Support]:
        if not {e.n for e in self._earlier}.isdisjoint(named):
            return self._support_in(self._all, claim, named)
        found = self._support_in(self._evidence, claim, named)
        return found or (self._support_in(self._earlier, claim, named) if self._earlier else [])

    def _support_in(self, evidence: Sequence[Evidence], claim: str, named: Sequence[int]) -> list[Support]:
        return find_support(claim, evidence, named, self._encode, self._question)

    def _cite(self, support: Support) -> None:
        """Put the mark of one passage, a space before it."""
        evidence = self._whole[support.evidence.n]
        if evidence.n not in self._numbers:
            self._numbers[evidence.n] = max(self._numbers.values(), default=0) + 1
            self.cited_again.append(replace(evidence, shown=self._numbers[evidence.n]))
        self._emit(" ")
        n = self._numbers[evidence.n]
        self.citations.append(citation(evidence.passage, support.start, support.end, support.heading, n, self._length))
        self._emit(f"[{n}]")

    def _emit(self, text: str) -> None:
        """Hand text out, an answer's first without white space before it."""
        text = text if self._parts else text.lstrip()
        if text:
            self._parts.append(text)
            self._length += len(text)


def _only_examples(claim: str, supports: Sequence[Support]) -> bool:
    """Whether it says no more than an example, in words of its own or in those of the passages."""
    return is_example(claim) or (bool(supports) and all(is_example(support.text) for support in supports))


def _parts(sentence: ClosedSentence) -> list[str]:
    """The claim; of a row, or of what is set in bold, its sentences: those are shown or dropped together."""
    claim = sentence.claim
    if not (is_row(sentence.text) or "**" in sentence.text):
        return [claim]
    return [claim[start:end] for start, end in sentence_spans(claim)] or [claim]


def _claims(part: str, sentence: ClosedSentence) -> bool:
    """Whether words that no passage holds are a reason to doubt it."""
    terms = len(claim_terms(part))
    if is_row(sentence.text) or (sentence.markers and is_item(sentence.markers)):
        return terms > 0 and not leads_in(part)
    return terms >= _CLAIM_TERMS and not leads_in(part)


def _plainly(sentence: ClosedSentence) -> ClosedSentence:
    """Without a preamble and loose marks; `length`, of what the model wrote, stays."""
    text = without_preamble(sentence.text)
    marks_at = max(0, sentence.marks_at - len(sentence.text) + len(text))
    plain, marks_at = without_loose_marks(text, marks_at)
    if len(plain) < len(text) and plain[:marks_at].endswith(_STOPS):
        marks_at -= 1  # behind the full stop because a quotation mark stood between them
    claim, _ = without_loose_marks(without_preamble(sentence.claim))
    return replace(sentence, text=plain, marks_at=marks_at, claim=claim)


def _whole(passage: Passage) -> str:
    return f"{passage.prefix}\n{passage.text}"


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
