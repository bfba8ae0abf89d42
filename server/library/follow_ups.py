"""What to ask next: questions that the documents of an answer can answer, near to where it was found.

No model is asked. They are those that a model wrote of passages when the documents were enriched, and headings
(example_headings.py); each is shown only where the search finds an answer to it in its document, asked as it would be:
after the question before it. What was asked already, and what asks for the same as another, is left out.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.knowledge.generations import is_current
from indexer.knowledge.readable import is_one_of, readable_documents
from indexer.knowledge.tables import Chunk, Document, Entry
from indexer.passages import Passage, Scope
from indexer.text.terms import content_terms
from server.answering.events import Citation, Evidence
from server.answering.evidence import source_of
from server.library.example_headings import as_question, asks, last_heading, says_enough, stands_alone
from server.library.example_questions import LONGEST

WANTED = 3
TRIED = 10  # candidates that are searched for: some have no answer under them
DOCUMENTS = 3  # of an answer, the first ones
LOOKED_AT = 1500  # chunks, and entries, of these documents: 2 MB of vectors
GOOD = 0.1
"""What a good question may be farther from the answer, as a cosine: most headings ask nothing."""
SHORT_TITLE = 5  # words that a question may have before it, where it is not understood without them
ALIKE = 2  # one part in so many of a question's words: who shares more asks for the same
REMEMBERED = 200  # turns

_FRAME = frozenset(content_terms(as_question("")))  # what is asked about every heading that does not ask

Answers = Callable[[str, Scope, int], bool]
"""Whether a question would be answered, and from the document of this id."""


@dataclass(frozen=True)
class Found:
    """A question that may be asked next, and how near its passage is to those of the answer."""

    question: str
    document_id: int
    near: float  # cosine of the vectors
    good: bool  # it asks something, and is understood without its document

    @property
    def worth(self) -> float:
        return self.near + GOOD * self.good


class FollowUps:
    """Those of one server, remembered for turns that are looked at again. Thread-safe; one search at a time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._known: OrderedDict[tuple[int, Scope, int], list[str]] = OrderedDict()
        self._searching = Lock()

    def of(
        self, turn_id: int, change: int, near: Sequence[Passage], asked: Sequence[str], scope: Scope, answers: Answers
    ) -> list[str]:
        """At most WANTED questions. `near`: where the words of the answer stand, the first ones first; `asked`: the
        conversation's questions; `change`: up to which the index is true. Takes up to TRIED searches; blocks."""
        key = (turn_id, scope, change)
        with self._searching:
            if key not in self._known:
                self._known[key] = self._find(near, asked, scope, answers)
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
            return self._known[key]

    def _find(self, near: Sequence[Passage], asked: Sequence[str], scope: Scope, answers: Answers) -> list[str]:
        found: list[str] = []
        for one in choose(candidates(self.engine, near, scope), asked)[:TRIED]:
            if len(found) == WANTED:
                break
            if is_new(one.question, [*asked, *found]) and answers(one.question, scope, one.document_id):
                found.append(one.question)
        return found


def rests_on(citations: Iterable[Citation], evidence: Sequence[Evidence]) -> list[Passage]:
    """The passages in which an answer's citations stand, in their order, each once."""
    found = (source_of(one.document_id, one.start, one.end, evidence) for one in citations)
    return list(dict.fromkeys(source.passage for source in found if source is not None))


def choose(found: Iterable[Found], asked: Sequence[str]) -> list[Found]:
    """Each question once, none that was asked: the nearest first, good ones before others that are as near."""
    ranked = sorted(found, key=lambda one: (-one.worth, one.question))
    first = {one.question.casefold(): one for one in reversed(ranked)}
    return [one for one in ranked if first[one.question.casefold()] is one and is_new(one.question, asked)]


def is_new(question: str, others: Iterable[str]) -> bool:
    """Whether it asks for something else than each of the others: less than half of its words are theirs."""
    terms = set(content_terms(question)) - _FRAME
    return bool(terms) and all(ALIKE * len(terms & set(content_terms(other))) <= len(terms) for other in others)


def candidates(engine: Engine, near: Sequence[Passage], scope: Scope) -> list[Found]:
    """Questions about the sections and passages of the documents that the answer rests on. Blocks."""
    titles = {one.document_id: one.title for one in reversed(near)}
    documents = list(dict.fromkeys(one.document_id for one in near))[:DOCUMENTS]
    inside = (is_one_of(Chunk.document_id, documents), readable_documents(scope), is_current())
    with Session(engine) as session:
        chunks = session.exec(select(Chunk).join(Document).where(*inside).limit(LOOKED_AT)).all()
        written = session.exec(
            select(Entry.chunk_id, Entry.text)
            .join(Chunk, col(Entry.chunk_id) == col(Chunk.id))
            .join(Document, col(Document.id) == col(Chunk.document_id))
            .where(*inside, Entry.kind == "question")
            .limit(LOOKED_AT)
        ).all()
    nearness = _nearness(chunks, near)
    told = {last_heading(one.heading).casefold() for one in near}
    document_of = {chunk.id: chunk.document_id for chunk in chunks}
    found = [
        Found(question, document_of[chunk], nearness[chunk], True)
        for chunk, question in written
        if chunk in document_of and len(question.split()) <= LONGEST and stands_alone(question)
    ]
    for chunk in chunks:
        for _, path in json.loads(chunk.sections):
            heading = last_heading(path)
            if heading.casefold() not in told and says_enough(heading) and not heading.isupper():
                question, good = of_heading(heading, titles[chunk.document_id])
                found += [Found(question, chunk.document_id, nearness[chunk.id], good)] if question else []
    return found


def _nearness(chunks: Sequence[Chunk], near: Sequence[Passage]) -> dict[int | None, float]:
    """Of each chunk, by its id, the cosine with the nearest of those that the answer rests on."""
    vectors = {chunk.id: np.frombuffer(chunk.vector, np.float32) for chunk in chunks if chunk.vector}

    def is_answer(chunk: Chunk) -> bool:
        own = (one for one in near if one.document_id == chunk.document_id)
        return any(one.start < chunk.end and chunk.start < one.end for one in own)

    answer = [vectors[chunk.id] for chunk in chunks if chunk.id in vectors and is_answer(chunk)]
    if not answer:
        return dict.fromkeys((chunk.id for chunk in chunks), 0.0)
    stacked = np.stack(answer)
    return {chunk.id: float((stacked @ vectors[chunk.id]).max()) if chunk.id in vectors else 0.0 for chunk in chunks}


def of_heading(heading: str, title: str) -> tuple[str, bool]:
    """What is asked about a section, and whether it is good: it asks, and is understood without the title. Empty where
    it is not understood and the title is too long to stand before it."""
    question = as_question(heading)
    if not asks(heading) or stands_alone(question):
        return question, asks(heading)
    return (f"{title}: {question}" if 0 < len(title.split()) <= SHORT_TITLE else ""), False
