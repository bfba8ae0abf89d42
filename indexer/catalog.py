"""What is indexed, for people and pages: collections, documents, the ledger. Every read takes a Scope."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from indexer.models import Chunk, Collection, Document, IngestRun, LedgerEntry, Scope


@dataclass(frozen=True)
class CollectionSummary:
    id: int
    name: str
    documents: int
    chunks: int
    updated_at: datetime | None


class Catalog:
    """Reads of knowledge.db that are not searches."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def everything(self) -> Scope:
        """The scope of someone who may read all collections."""
        with Session(self.engine) as session:
            return Scope(frozenset(id_ for id_ in session.exec(select(Collection.id)) if id_ is not None))

    def named(self, names: list[str], scope: Scope) -> Scope:
        """`scope` narrowed to the collections of these names; unknown and unreadable names are the same: nothing."""
        with Session(self.engine) as session:
            found = session.exec(select(Collection.id).where(col(Collection.name).in_(names)))
            return scope.narrowed(frozenset(id_ for id_ in found if id_ is not None))

    def collections(self, scope: Scope) -> list[CollectionSummary]:
        documents = (
            select(Document.collection_id, func.count(), func.max(Document.indexed_at))
            .where(col(Document.collection_id).in_(scope.collections))
            .group_by(col(Document.collection_id))
        )
        chunks = (
            select(Document.collection_id, func.count())
            .join(Chunk)
            .where(col(Document.collection_id).in_(scope.collections))
            .group_by(col(Document.collection_id))
        )
        with Session(self.engine) as session:
            counted = {id_: (count, latest) for id_, count, latest in session.exec(documents)}
            chunked: dict[int, int] = dict(session.exec(chunks).all())
            rows = session.exec(
                select(Collection).where(col(Collection.id).in_(scope.collections)).order_by(Collection.name)
            )
            return [
                CollectionSummary(row.id, row.name, *_pair(counted.get(row.id), chunked.get(row.id, 0)))
                for row in rows
                if row.id is not None
            ]

    def has_documents(self, scope: Scope) -> bool:
        with Session(self.engine) as session:
            found = select(Document.id).where(col(Document.collection_id).in_(scope.collections)).limit(1)
            return session.exec(found).first() is not None

    def document(self, document_id: int, scope: Scope) -> Document | None:
        """The document, or None where it does not exist or may not be read."""
        with Session(self.engine) as session:
            found = session.get(Document, document_id)
            return found if found is not None and found.collection_id in scope.collections else None

    def ledger(self, scope: Scope) -> list[tuple[str, LedgerEntry]]:
        """(collection name, entry) of every file that a run has seen; failures first, then by path."""
        with Session(self.engine) as session:
            rows = session.exec(
                select(Collection.name, LedgerEntry)
                .join(Collection)
                .where(col(LedgerEntry.collection_id).in_(scope.collections))
                .order_by(col(LedgerEntry.state) == "indexed", col(LedgerEntry.path))
            )
            return list(rows.all())

    def running(self, scope: Scope) -> list[IngestRun]:
        """Ingest runs that have begun and not ended."""
        with Session(self.engine) as session:
            return list(
                session.exec(
                    select(IngestRun).where(
                        col(IngestRun.finished_at).is_(None), col(IngestRun.collection_id).in_(scope.collections)
                    )
                )
            )


def _pair(counted: tuple[int, datetime] | None, chunks: int) -> tuple[int, int, datetime | None]:
    return (0, chunks, None) if counted is None else (counted[0], chunks, counted[1])
