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
TRIED = 8  # candidates that are searched for: some have no answer under them
DOCUMENTS = 3  # of an answer, the first ones
LOOKED_AT = 600  # chunks, and entries, of these documents
ALIKE = 2  # one part in so many of a question's words: who shares more asks for the same
REMEMBERED = 200  # turns

Answers = Callable[[str, Scope, int], bool]
"""Whether a question would be answered, and from the document of this id."""


@dataclass(frozen=True)
class Found:
    """A question that may be asked next; `away` is how far its section is from the words of the answer."""

    question: str
    document_id: int
    place: int  # of its document among those of the answer
    away: int  # characters
    good: bool  # it asks something, and is understood without its document


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
    """Each question once, none that was asked: good ones before others, then by document, the nearest first."""
    ranked = sorted(found, key=lambda one: (not one.good, one.place, one.away, one.question))
    first = {one.question.casefold(): one for one in reversed(ranked)}
    return [one for one in ranked if first[one.question.casefold()] is one and is_new(one.question, asked)]


def is_new(question: str, others: Iterable[str]) -> bool:
    """Whether it asks for something else than each of the others: less than half of its words are theirs."""
    terms = set(content_terms(question))
    return bool(terms) and all(ALIKE * len(terms & set(content_terms(other))) <= len(terms) for other in others)


def candidates(engine: Engine, near: Sequence[Passage], scope: Scope) -> list[Found]:
    """Questions about the sections and passages of the documents that the answer rests on. Blocks."""
    places = {id_: place for place, id_ in enumerate(dict.fromkeys(one.document_id for one in near))}
    documents = [id_ for id_, place in places.items() if place < DOCUMENTS]
    titles = {one.document_id: one.title for one in near}
    inside = (is_one_of(Chunk.document_id, documents), readable_documents(scope), is_current())
    with Session(engine) as session:
        sections = session.exec(
            select(Chunk.document_id, Chunk.sections).join(Document).where(*inside).limit(LOOKED_AT)
        ).all()
        entries = session.exec(
            select(Chunk.document_id, Chunk.start, Entry.text)
            .join(Entry, col(Entry.chunk_id) == col(Chunk.id))
            .join(Document, col(Document.id) == col(Chunk.document_id))
            .where(*inside, Entry.kind == "question")
            .limit(LOOKED_AT)
        ).all()

    def away(document: int, start: int) -> int:
        own = [one for one in near if one.document_id == document]
        return min(max(0, one.start - start, start - one.end) for one in own)

    told = {last_heading(one.heading).casefold() for one in near}
    found = []
    for document, start, question in entries:
        if len(question.split()) <= LONGEST and stands_alone(question):
            found.append(Found(question, document, places[document], away(document, start), True))
    for document, listed in sections:
        for start, path in json.loads(listed):
            heading = last_heading(path)
            if heading.casefold() not in told and says_enough(heading):
                question, good = of_heading(heading, titles[document])
                found.append(Found(question, document, places[document], away(document, start), good))
    return found


def of_heading(heading: str, title: str) -> tuple[str, bool]:
    """What is asked about a section, and whether it is good: it asks, and is understood without the title."""
    question = as_question(heading)
    if asks(heading):
        alone = stands_alone(question) or not title
        return (question, True) if alone else (f"{title}: {question}", False)
    return f"What does “{title}” say about “{heading}”?" if title and title != heading else question, False
