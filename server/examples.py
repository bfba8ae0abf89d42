"""Example questions for the first visit, made from headings that the indexed documents really have."""

import json
from collections.abc import Iterable

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.models import Chunk, Document, Scope

LOOKED_AT = 3000  # chunks; enough to choose four from, quick to read
FEWEST, MOST = 2, 10  # words of a heading that says what its section is about
ENOUGH = 5  # words of a question that is understood without its document
DULL = frozenset(
    {"introduction", "overview", "contents", "table of contents", "summary", "appendix", "index", "notes", "links"}
)


def example_questions(engine: Engine, scope: Scope, count: int = 4) -> list[str]:
    """At most `count` questions, each from another document."""
    with Session(engine) as session:
        rows = session.exec(
            select(Chunk.document_id, Chunk.sections)
            .join(Document)
            .where(col(Document.collection_id).in_(scope.collections), col(Document.deleted_at).is_(None))
            .limit(LOOKED_AT)
        ).all()
    headings = dict.fromkeys((id_, heading) for id_, sections in rows for _, heading in json.loads(sections) if heading)
    return choose(headings, count)


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
