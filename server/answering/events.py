"""What happens while a question is answered: the events that `answer.py` yields and pages and programs render."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from indexer.passages import Passage, Scope
from server.llm.generator import Sampling, TokenLogprob, Usage

Mode = Literal["model", "extractive", "fixed"]
"""Written by the model, quoted from the documents, or (in the page only) a fixed reply that rests on neither."""


@dataclass(frozen=True)
class Evidence:
    """A passage, cut to the words put before the model.

    `n` tells it from the others of a conversation and never changes there; nobody sees it. `shown` is its number in the
    answer that shows it, from 1; 0 where it is none's source, and in what was stored before answers had numbers of
    their own.
    """

    n: int
    passage: Passage
    text: str
    shown: int = 0

    @property
    def number(self) -> int:
        """How pages and programs call it."""
        return self.shown or self.n


@dataclass(frozen=True)
class Exchange:
    """An earlier question of the conversation with what was made of it. API clients send no evidence."""

    question: str
    raw_answer: str  # as the model wrote it, so that its cached prefix stays true
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Question:
    """All that an answer depends on."""

    text: str
    scope: Scope
    history: tuple[Exchange, ...] = ()
    system: str = ""  # an API client's own system text; follows ours
    retrieval: bool = True
    abstain: bool = True  # refuse when the documents do not say
    exact: bool = False  # search for the words as they stand, whatever looks misspelt
    rewrites: bool = False  # the last answer in another form, from its own evidence; the page only
    forgetful: bool = False  # drop the oldest turns when the context is full, rather than refuse
    top_k: int = 8
    sampling: Sampling = field(default_factory=Sampling)
    withdrawn: frozenset[int] = frozenset()  # numbers of passages that the documents do not hold any more

    @property
    def shown(self) -> tuple[Evidence, ...]:
        """All evidence of the conversation so far."""
        return tuple(evidence for exchange in self.history for evidence in exchange.evidence)

    def may_show(self, evidence: Evidence) -> bool:
        """Whether what an earlier turn has shown may be shown again: the asker may read it, and it is still there."""
        return evidence.n not in self.withdrawn and evidence.passage.is_in(self.scope)

    def readable(self, evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
        """What of it may be shown again, without other places of its words that the asker may not read."""
        return tuple(replace(e, passage=e.passage.seen_by(self.scope)) for e in evidence if self.may_show(e))

    @property
    def shown_still(self) -> tuple[Evidence, ...]:
        """What of it may be shown again."""
        return self.readable(self.shown)

    @property
    def following(self) -> int:
        """The number of its first new passage: numbers go on where the conversation's evidence ended."""
        return max((evidence.n for evidence in self.shown), default=0) + 1

    @property
    def is_searched(self) -> bool:
        """Whether the documents are searched for it."""
        return self.retrieval and not self.rewrites

    @property
    def wants_json(self) -> bool:
        return self.sampling.json_schema is not None

    @property
    def needs_model(self) -> bool:
        """Whether quotations are no answer to it: only a model writes without documents, JSON or log probabilities."""
        return not self.retrieval or self.wants_json or self.sampling.logprobs is not None

    @property
    def may_be_stitched(self) -> bool:
        """Whether passages may be read apart from each other: not for who asks to have the same answer again, or for
        the model's very probabilities."""
        return self.retrieval and self.sampling.seed is None and self.sampling.logprobs is None

    @property
    def is_cited(self) -> bool:
        """Whether its answer is checked against passages; no mark stands inside JSON."""
        return self.retrieval and not self.wants_json

    @property
    def may_be_refused(self) -> bool:
        """Whether the documents may be said not to answer it, before anything is generated."""
        return self.retrieval and self.abstain


BENEATH = -1
"""`Citation.at` of words that are quoted beneath the answer: no mark in it leads to them."""


@dataclass(frozen=True)
class Citation:
    """A mark `[n]` in the answer and the words of a document that it rests on."""

    n: int  # `Evidence.number` of its passage
    at: int  # code point of the answer's text at which the mark `[n]` begins, or BENEATH
    document_id: int
    collection_id: int
    document: str
    title: str
    heading: str
    page: int | None
    start: int  # code points of the document's text
    end: int
    quote: str  # document.text[start:end] when the answer was given
    root: str = ""  # the absolute folder that was ingested; empty: not known

    def is_in(self, scope: Scope) -> bool:
        """Whether the asker of `scope` may read the quoted document."""
        return scope.holds(self.document_id, self.collection_id, self.root, self.document)


@dataclass(frozen=True)
class Searched:
    """What was searched for, where it is not the question as it was asked. Comes before the sources."""

    words: str = ""  # the question with its misspelt words mended; empty where it had none
    together_with: str = ""  # the questions before it, newest first, where they were searched for too


Reason = Literal["words", "number", "negation"]
"""No passage holds enough of the words; none holds a number; or a "not" stands in one of sentence and passage alone."""


@dataclass(frozen=True)
class Doubt:
    """A sentence of the answer's text, code points [start, end), that should not be relied on, and why."""

    start: int
    end: int
    reason: Reason = "words"


@dataclass(frozen=True)
class Sources:
    """The passages found, best first; empty when retrieval was off. Comes before any text.

    A later one replaces it: once the model can read, and where words that follow rest on a passage of an earlier turn,
    which then stands first.
    """

    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Progress:
    """What the asker waits for."""

    stage: Literal["searching", "loading", "queued", "reading", "writing"]
    done: int = 0  # queued: requests ahead; reading: prompt tokens done
    total: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Meanwhile:
    """The documents' own words that bear most on the question, to read while a model reads: they give way to the answer
    and are no part of it. Comes after the sources."""

    quote: Citation


@dataclass(frozen=True)
class Text:
    """The next words of the answer, checked marks included. What was sent is never taken back."""

    delta: str
    citations: tuple["Citation", ...] = ()  # those whose marks are in `delta`
    logprobs: tuple[TokenLogprob, ...] = ()  # of the tokens written since the last Text, where they were asked for


@dataclass(frozen=True)
class Timing:
    """Milliseconds from the question's arrival."""

    retrieve: int = 0
    first_token: int = 0
    total: int = 0


class Clock:
    """Milliseconds since the question came."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._retrieve = 0
        self._first: int | None = None

    def retrieved(self) -> None:
        self._retrieve = self._now()

    def wrote(self) -> None:
        """A word of the answer; only the first counts."""
        self._first = self._now() if self._first is None else self._first

    def timing(self) -> Timing:
        now = self._now()
        return Timing(self._retrieve, now if self._first is None else self._first, now)

    def _now(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


@dataclass(frozen=True)
class Answer:
    """The whole answer, as the last event of a question that was answered or refused."""

    text: str  # Markdown with marks [n]
    raw: str  # as the model wrote it
    answered: bool  # False: the documents do not say
    mode: Mode
    reason: Literal["stop", "length"] = "stop"
    citations: tuple[Citation, ...] = ()
    quotes: tuple[Citation, ...] = ()  # the sentences that it rests on, BENEATH; none of an answer that is quotations
    closest: tuple[Passage, ...] = ()  # shown when not answered
    answerability: float | None = None  # the server's judgement of the question; None where it made none
    unsupported: tuple[Doubt, ...] = ()  # sentences that nothing supports, or that say the opposite
    usage: Usage = field(default_factory=Usage)
    took_ms: Timing = field(default_factory=Timing)

    @property
    def supported(self) -> bool:
        """False where the model claims something and no passage supports any of it."""
        return bool(self.citations) or not self.unsupported


AnswerEvent = Searched | Sources | Progress | Meanwhile | Text | Answer
