"""Example questions for the first visit, made from headings of the documents: those that search finds an answer to."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock

from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.knowledge.readable import readable_documents
from indexer.knowledge.tables import Chunk, Document
from indexer.passages import Scope

LOOKED_AT = 3000  # chunks; enough to choose four from, quick to read
WANTED = 4  # questions
TRIED = 3  # headings for each question wanted: some have no answer under them
FEWEST, MOST = 2, 10  # words of a heading that says what its section is about
ENOUGH = 5  # words of a question that is understood without its document
DULL = frozenset(
    {"introduction", "overview", "contents", "table of contents", "summary", "appendix", "index", "notes", "links"}
)


CanAnswer = Callable[[str, Scope], bool]


@dataclass(frozen=True)
class Found:
    """Questions that the documents could answer when the index was true up to `change`."""

    questions: list[str]
    change: int

    def is_due(self, change: int, *, settled: bool) -> bool:
        """Whether to look anew at `change`: when nothing is being read, and where nothing was found also while much is,
        each time that as much again was read."""
        if settled:
            return change != self.change
        return not self.questions and change != self.change and change >= 2 * self.change


@dataclass
class Examples:
    """The example questions of one server, kept for each scope until an ingest has ended. Thread-safe.

    A search for them takes up to `TRIED` searches of the index for each question wanted, so there is one at a time.
    """

    engine: Engine
    _found: dict[Scope, Found] = field(default_factory=dict)
    _searching: Lock = field(default_factory=Lock)

    def known(self, scope: Scope) -> list[str]:
        """What was found last; empty where nothing was, or where nobody looked."""
        found = self._found.get(scope)
        return found.questions if found else []

    def is_due(self, scope: Scope, change: int, *, settled: bool) -> bool:
        """Whether `find` would search. `change`: up to which the index is true; `settled`: no ingest goes on."""
        found = self._found.get(scope)
        return found is None or found.is_due(change, settled=settled)

    def find(self, scope: Scope, change: int, can_answer: CanAnswer, *, settled: bool = False) -> list[str]:
        """At most `WANTED` questions that the documents can answer, of different documents where there are enough: what
        is known, unless `is_due`. Waits while another thread searches."""
        with self._searching:
            if self.is_due(scope, change, settled=settled):
                candidates = choose(_headings(self.engine, scope), TRIED * WANTED)
                answerable = (question for question in candidates if can_answer(question, scope))
                found = Found(list(islice(answerable, WANTED)), change)
                others = {} if settled else self._found  # what others may read has changed as well
                self._found = {**others, scope: found}
            return self._found[scope].questions


def _headings(engine: Engine, scope: Scope) -> Iterable[tuple[int, str]]:
    """(document, heading path), each once."""
    with Session(engine) as session:
        rows = session.exec(
            select(Chunk.document_id, Chunk.sections).join(Document).where(readable_documents(scope)).limit(LOOKED_AT)
        ).all()
    return dict.fromkeys((id_, heading) for id_, sections in rows for _, heading in json.loads(sections) if heading)


def choose(headings: Iterable[tuple[int, str]], count: int) -> list[str]:
    """Headings that are questions first, then questions about headings; one a document while there are enough."""
    candidates: dict[str, tuple[bool, int]] = {}
    for document, path in headings:
        heading = path.rpartition(" › ")[2].strip()
        if FEWEST <= len(heading.split()) <= MOST and heading.lower() not in DULL and not heading[0].isdigit():
            asks = heading.endswith("?")
            question = heading if asks else f"What do the documents say about “{heading}”?"
            candidates.setdefault(question, (asks, document))
    ranked = sorted(candidates, key=lambda question: (_vague(question), not candidates[question][0], len(question)))
    chosen: list[str] = []
    documents: set[int] = set()
    for question in ranked:
        document = candidates[question][1]
        if document not in documents:
            documents.add(document)
            chosen.append(question)
    return [*chosen, *(question for question in ranked if question not in chosen)][:count]


def _vague(question: str) -> bool:
    return len(question.split()) < ENOUGH or question.endswith(("more?", "this?", "it?"))
