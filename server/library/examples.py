"""Example questions for the first visit, made from headings of the documents: those that search finds an answer to."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.knowledge.readable import readable_documents
from indexer.knowledge.tables import Chunk, Document
from indexer.passages import Scope

LOOKED_AT = 3000  # chunks; enough to choose four from, quick to read
TRIED = 3  # headings for each question wanted: some have no answer under them
FEWEST, MOST = 2, 10  # words of a heading that says what its section is about
ENOUGH = 5  # words of a question that is understood without its document
DULL = frozenset(
    {"introduction", "overview", "contents", "table of contents", "summary", "appendix", "index", "notes", "links"}
)


CanAnswer = Callable[[str, Scope], bool]


@dataclass
class Examples:
    """The example questions of one server, worked out once for each scope and each state of the index. Thread-safe."""

    engine: Engine
    _found: dict[tuple[Scope, int], list[str]] = field(default_factory=dict)

    def known(self, scope: Scope, change: int) -> list[str] | None:
        """What `find` returned; None where it was not asked yet. `change`: up to which the index is true."""
        return self._found.get((scope, change))

    def find(self, scope: Scope, change: int, can_answer: CanAnswer, count: int = 4) -> list[str]:
        """At most `count` questions that the documents can answer, of different documents where there are enough."""
        key = (scope, change)
        if key not in self._found:
            candidates = choose(_headings(self.engine, scope), TRIED * count)
            answerable = (question for question in candidates if can_answer(question, scope))
            found = list(islice(answerable, count))
            self._found = {known: value for known, value in self._found.items() if known[1] == change}
            self._found[key] = found
        return self._found[key]


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
