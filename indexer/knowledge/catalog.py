"""What is indexed, for people and pages: collections, documents, the ledger. Every read takes a Scope.

What was deleted by hand is not there for any of them, except for who asks for the files of state "deleted".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, case, desc, func, or_
from sqlmodel import Session, col, select

from indexer.errors import StartError
from indexer.knowledge.database import is_being_written
from indexer.knowledge.readable import readable_documents, readable_files, same_file
from indexer.knowledge.seen import UNSEEN
from indexer.knowledge.tables import Chunk, Collection, Document, IngestRun, LedgerEntry
from indexer.passages import Scope


@dataclass(frozen=True)
class CollectionSummary:
    id: int
    name: str
    documents: int
    chunks: int
    updated_at: datetime | None


@dataclass(frozen=True)
class FileQuery:
    """Which files a page asks for, and in which order. Unknown words for `sort` and `state` mean the default."""

    state: str = ""  # indexed | skipped | failed | needs_ocr | deleted; empty: all but deleted
    collection: int = 0  # 0: all
    search: str = ""  # stands in the title or the path
    sort: str = ""  # a key of SORTS; empty: what needs somebody first
    descending: bool = False
    offset: int = 0
    limit: int = 200


@dataclass(frozen=True)
class FileRow:
    """A file that a run saw: its ledger entry, and the document that is searched for it."""

    entry: LedgerEntry
    collection: str
    document_id: int | None
    title: str


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

    def chosen(self, names: Sequence[str], scope: Scope) -> Scope:
        """`scope`, or its collections of these names where any are given. Raises StartError for an unknown one."""
        for name in names:
            if not self.named([name], scope).collections:
                raise StartError(f"There is no collection {name!r}.", "`indexer status` shows what there is.")
        return self.named(list(names), scope) if names else scope

    def collections(self, scope: Scope) -> list[CollectionSummary]:
        documents = (
            select(Document.collection_id, func.count(), func.max(Document.indexed_at))
            .where(readable_documents(scope))
            .group_by(col(Document.collection_id))
        )
        chunks = (
            select(Document.collection_id, func.count())
            .join(Chunk)
            .where(readable_documents(scope))
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
            found = select(Document.id).where(readable_documents(scope)).limit(1)
            return session.exec(found).first() is not None

    def document(self, document_id: int, scope: Scope) -> Document | None:
        """The document, or None where it does not exist or may not be read."""
        with Session(self.engine) as session:
            found = session.get(Document, document_id)
            if found is None or found.deleted_at is not None:
                return None
            return found if scope.holds(found.id, found.collection_id, found.path) else None

    def ledger(self, scope: Scope) -> list[tuple[str, LedgerEntry]]:
        """(collection name, entry) of every file that a run has seen; failures first, then by path."""
        with Session(self.engine) as session:
            rows = session.exec(
                select(Collection.name, LedgerEntry)
                .join(Collection)
                .where(readable_files(scope), col(LedgerEntry.deleted_at).is_(None))
                .order_by(col(LedgerEntry.state) == "indexed", col(LedgerEntry.path))
            )
            return list(rows.all())

    def files(self, query: FileQuery, scope: Scope) -> list[FileRow]:
        """At most `query.limit` files."""
        order = [SORTS[query.sort]] if query.sort in SORTS else []
        rows = (
            select(LedgerEntry, Collection.name, Document.id, Document.title)
            .select_from(LedgerEntry)
            .join(Collection)
            .join(Document, same_file(), isouter=True)
            .where(*_asked_for(query, scope))
            .order_by(*[desc(column) if query.descending else column for column in order])
            .order_by(_URGENCY, func.lower(LedgerEntry.path), col(LedgerEntry.id))
            .offset(query.offset)
            .limit(query.limit)
        )
        with Session(self.engine) as session:
            return [FileRow(entry, name, id_, title or "") for entry, name, id_, title in session.exec(rows)]

    def count_files(self, query: FileQuery, scope: Scope) -> int:
        """How many files there are in all pages of a query."""
        counted = (
            select(func.count())
            .select_from(LedgerEntry)
            .join(Document, same_file(), isouter=True)
            .where(*_asked_for(query, scope))
        )
        with Session(self.engine) as session:
            return session.exec(counted).one()

    def unseen(self, query: FileQuery, scope: Scope) -> list[LedgerEntry]:
        """Of the files of a query, all its pages, those that were not read and that nobody has marked as seen."""
        wanted = (
            select(LedgerEntry)
            .join(Document, same_file(), isouter=True)
            .where(*_asked_for(query, scope), UNSEEN)
            .order_by(col(LedgerEntry.id))
        )
        with Session(self.engine) as session:
            return list(session.exec(wanted))

    def file_states(self, scope: Scope) -> dict[str, int]:
        """How many files are in each state that any is in."""
        state = case((col(LedgerEntry.deleted_at).is_not(None), "deleted"), else_=LedgerEntry.state)
        counted = select(state, func.count()).where(readable_files(scope)).group_by(state)
        with Session(self.engine) as session:
            return dict(session.exec(counted).all())

    def roots(self, scope: Scope) -> list[tuple[int, str, str]]:
        """(collection id, collection name, folder) of every folder that was ingested."""
        found = (
            select(Collection.id, Collection.name, LedgerEntry.root)
            .select_from(Collection)
            .join(LedgerEntry)
            .where(readable_files(scope))
            .distinct()
            .order_by(Collection.name, LedgerEntry.root)
        )
        with Session(self.engine) as session:
            return [(id_ or 0, name, root) for id_, name, root in session.exec(found)]

    def deleted_file(self, entry_id: int, scope: Scope) -> LedgerEntry | None:
        """The entry, if it was deleted by hand and can be brought back."""
        deleted = select(LedgerEntry).where(
            LedgerEntry.id == entry_id, col(LedgerEntry.deleted_at).is_not(None), readable_files(scope)
        )
        with Session(self.engine) as session:
            return session.exec(deleted).first()

    def ended_runs(self, scope: Scope) -> int:
        """How many runs have ended: it grows when there is something new to list."""
        with Session(self.engine) as session:
            ended = select(func.count()).where(
                col(IngestRun.finished_at).is_not(None), col(IngestRun.collection_id).in_(scope.collections)
            )
            return session.exec(ended).one()

    def running(self, scope: Scope) -> list[IngestRun]:
        """Ingest runs that have begun and go on; one that was killed does not."""
        unfinished = select(IngestRun).where(
            col(IngestRun.finished_at).is_(None), col(IngestRun.collection_id).in_(scope.collections)
        )
        with Session(self.engine) as session:
            runs = list(session.exec(unfinished))
        return runs if runs and is_being_written(self.engine) else []


_URGENCY = case(
    (and_(UNSEEN, col(LedgerEntry.state) == "failed"), 0),
    (UNSEEN, 1),
    (col(LedgerEntry.state) == "skipped", 3),
    else_=2,
)
SORTS: dict[str, Any] = {
    "title": func.lower(func.coalesce(Document.title, LedgerEntry.path)),
    "collection": func.lower(Collection.name),
    "pages": func.coalesce(LedgerEntry.pages, 0),
    "state": col(LedgerEntry.state),
    "size": col(LedgerEntry.size),
    "when": col(LedgerEntry.updated_at),
}


def _asked_for(query: FileQuery, scope: Scope) -> list[ColumnElement[bool]]:
    deleted = col(LedgerEntry.deleted_at)
    wanted: list[ColumnElement[bool]] = [
        readable_files(scope),
        deleted.is_not(None) if query.state == "deleted" else deleted.is_(None),
    ]
    if query.collection:
        wanted.append(col(LedgerEntry.collection_id) == query.collection)
    if query.state and query.state != "deleted":
        wanted.append(col(LedgerEntry.state) == query.state)
    if query.search:
        found = col(LedgerEntry.path).icontains(query.search, autoescape=True)
        wanted.append(or_(found, col(Document.title).icontains(query.search, autoescape=True)))
    return wanted


def _pair(counted: tuple[int, datetime] | None, chunks: int) -> tuple[int, int, datetime | None]:
    return (0, chunks, None) if counted is None else (counted[0], chunks, counted[1])
