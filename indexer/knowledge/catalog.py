"""What is indexed, for people and pages: collections, documents, the ledger. Every read takes a Scope.

What was deleted by hand is not there for any of them, except for who asks for the files of state "deleted".
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, and_, case, desc, func
from sqlmodel import Session, col, select

from indexer.documents.extract.document import READER_VERSION
from indexer.errors import StartError
from indexer.knowledge.alike import Alike, Other, alike, same_groups
from indexer.knowledge.database import is_being_written, reading
from indexer.knowledge.file_query import OF_UNREAD_KIND, FileQuery, asked_for, searched_for
from indexer.knowledge.generations import Rebuild, is_current, rebuild_under_way
from indexer.knowledge.readable import is_one_of, readable_documents, readable_files, same_file
from indexer.knowledge.seen import UNSEEN
from indexer.knowledge.tables import WAITING, Chunk, Collection, Document, IngestRun, LedgerEntry, Rebuilt
from indexer.passages import Scope


@dataclass(frozen=True)
class CollectionSummary:
    id: int
    name: str
    documents: int
    updated_at: datetime | None  # when the newest version of a document was indexed (UTC)


@dataclass(frozen=True)
class Reason:
    """How many files of a collection are in a state for a reason; those that are indexed have remarks instead."""

    collection: str
    state: str
    reason: str
    files: int


@dataclass(frozen=True)
class RebuildProgress:
    rebuild: Rebuild
    done: int  # documents
    total: int


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

    def names(self, scope: Scope) -> dict[int, str]:
        """The collections' names by id, in their order, without what is in them: what costs next to nothing."""
        readable = (
            select(Collection.id, Collection.name)
            .where(is_one_of(Collection.id, scope.collections))
            .order_by(Collection.name)
        )
        with Session(self.engine) as session:
            return {id_: name for id_, name in session.exec(readable) if id_ is not None}

    def named(self, names: Sequence[str], scope: Scope) -> Scope:
        """`scope` narrowed to the collections of these names; unknown and unreadable names are the same: nothing."""
        wanted = set(names)
        return scope.narrowed(frozenset(id_ for id_, name in self.names(scope).items() if name in wanted))

    def chosen(self, names: Sequence[str], scope: Scope) -> Scope:
        """`scope`, or its collections of these names where any are given. Raises StartError for an unknown one."""
        known = set(self.names(scope).values())
        for name in names:
            if name not in known:
                raise StartError(f"There is no collection {name!r}.", "`indexer status` shows what there is.")
        return self.named(names, scope) if names else scope

    def collections(self, scope: Scope) -> list[CollectionSummary]:
        """What is in each collection, in the order of their names. Every document is counted, by an index: ask once
        a page, and `names` where names are enough."""
        counted = (
            select(Document.collection_id, func.count(), func.max(Document.indexed_at))
            .where(readable_documents(scope))
            .group_by(col(Document.collection_id))
        )
        with Session(self.engine) as session:
            documents = {id_: (count, latest) for id_, count, latest in session.exec(counted)}
        return [CollectionSummary(id_, name, *documents.get(id_, (0, None))) for id_, name in self.names(scope).items()]

    def count_chunks(self, scope: Scope) -> dict[int, int]:
        """How many chunks each collection has, by its id, none where there are none. Every chunk is counted, which
        takes five times as long as `collections`: not for a page that is often asked for."""
        counted = (
            select(Document.collection_id, func.count())
            .join(Chunk)
            .where(readable_documents(scope), is_current())
            .group_by(col(Document.collection_id))
        )
        with Session(self.engine) as session:
            return dict(session.exec(counted).all())

    def alike(self, document_ids: Iterable[int], scope: Scope) -> dict[int, Alike]:
        """What says the same as each of these documents, or nearly, for those of which anything does."""
        with Session(self.engine) as session:
            return alike(session, document_ids, scope)

    def same_groups(self, scope: Scope) -> list[list[Other]]:
        """Documents that say the same, together."""
        with Session(self.engine) as session:
            return same_groups(session, scope)

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
            return found if scope.holds(found.id, found.collection_id, found.root, found.path) else None

    def excerpts(self, spans: Sequence[tuple[int, int, int]], scope: Scope) -> list[str | None]:
        """What documents say now at (document id, start, end): None where one is gone or may not be read."""
        asked = func.json_each(json.dumps(spans)).table_valued("key", "value")
        start, end = (func.json_extract(asked.c.value, f"$[{place}]") for place in (1, 2))
        found = (
            select(asked.c.key, func.substr(Document.text, start + 1, end - start))
            .select_from(asked)
            .join(Document, col(Document.id) == func.json_extract(asked.c.value, "$[0]"))
            .where(readable_documents(scope))
        )
        with Session(self.engine) as session:
            says = dict(session.execute(found).all())
        return [says.get(place) for place in range(len(spans))]

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
        """At most `query.limit` files. All of the query are sorted for it, by their ids: what else is shown of them is
        read of one page alone."""
        first = [SORTS[query.sort]] if query.sort in SORTS else []
        order = [*(desc(column) if query.descending else column for column in first), *_ORDER]
        shown = select(LedgerEntry.id).where(*asked_for(query, scope)).order_by(*order)
        rows = (
            select(LedgerEntry, Collection.name, Document.id, Document.title)
            .select_from(LedgerEntry)
            .join(Collection)
            .join(Document, same_file(), isouter=True)
            .where(col(LedgerEntry.id).in_(shown.offset(query.offset).limit(query.limit).correlate(None)))
            .order_by(*order)
        )
        with Session(self.engine) as session:
            return [FileRow(entry, name, id_, title or "") for entry, name, id_, title in session.exec(rows)]

    def count_files(self, query: FileQuery, scope: Scope) -> int:
        """How many files there are in all pages of a query."""
        counted = select(func.count()).select_from(LedgerEntry).where(*asked_for(query, scope))
        with Session(self.engine) as session:
            return session.exec(counted).one()

    def unread_kinds(self, query: FileQuery, scope: Scope) -> dict[str, int]:
        """Of the files of a query that are of a kind that is not read, how many were skipped for each reason; the
        most first."""
        counted = (
            select(LedgerEntry.reason, func.count())
            .where(*asked_for(query, scope), OF_UNREAD_KIND)
            .group_by(LedgerEntry.reason)
            .order_by(desc(func.count()), LedgerEntry.reason)
        )
        with Session(self.engine) as session:
            return dict(session.exec(counted).all())

    def file_states(self, scope: Scope, query: FileQuery | None = None) -> dict[str, int]:
        """How many files are in each state that any is in; with a query, of those that it searches for."""
        state = case((col(LedgerEntry.deleted_at).is_not(None), "deleted"), else_=LedgerEntry.state)
        counted = select(state, func.count()).where(*searched_for(query or FileQuery(), scope)).group_by(state)
        with Session(self.engine) as session:
            return dict(session.exec(counted).all())

    def file_ids(self, query: FileQuery, scope: Scope, most: int) -> list[int]:
        """The entries in all pages of a query, the first `most` of them."""
        ids = select(LedgerEntry.id).where(*asked_for(query, scope)).order_by(*_ORDER).limit(most)
        with Session(self.engine) as session:
            return [id_ for id_ in session.exec(ids) if id_ is not None]

    def entries(self, entry_ids: Sequence[int], scope: Scope) -> list[LedgerEntry]:
        """Those of these entries that there are."""
        found = select(LedgerEntry).where(is_one_of(LedgerEntry.id, entry_ids), readable_files(scope))
        with Session(self.engine) as session:
            return list(session.exec(found))

    def entries_at(self, paths: Iterable[Path], scope: Scope) -> list[LedgerEntry]:
        """Of uploaded files, which lie right in their folders."""
        names = json.dumps([[str(path.parent), path.name] for path in paths])
        asked = func.json_each(names).table_valued("value")
        root, name = (func.json_extract(asked.c.value, f"$[{place}]") for place in (0, 1))
        found = (
            select(LedgerEntry)
            .join(asked, and_(col(LedgerEntry.root) == root, col(LedgerEntry.path) == name))
            .where(readable_files(scope))
        )
        with Session(self.engine) as session:
            return list(session.exec(found))

    def in_use(self, scope: Scope) -> dict[int, str]:
        """The names, by id and in their order, of the collections that hold a file which is not deleted."""
        of_it = select(LedgerEntry.id).where(
            LedgerEntry.collection_id == Collection.id, col(LedgerEntry.deleted_at).is_(None)
        )
        used = select(Collection.id).where(is_one_of(Collection.id, scope.collections), of_it.exists())
        with Session(self.engine) as session:
            ids = set(session.exec(used))
        return {id_: name for id_, name in self.names(scope).items() if id_ in ids}

    def reasons(self, scope: Scope) -> list[Reason]:
        """Every state with every reason that files have for it, by collection, the most frequent first."""
        counted = (
            select(Collection.name, LedgerEntry.state, LedgerEntry.reason, func.count())
            .select_from(LedgerEntry)
            .join(Collection)
            .where(readable_files(scope), col(LedgerEntry.deleted_at).is_(None))
            .group_by(Collection.name, LedgerEntry.state, LedgerEntry.reason)
            .order_by(Collection.name, desc(func.count()), LedgerEntry.state, LedgerEntry.reason)
        )
        with Session(self.engine) as session:
            return [Reason(*row) for row in session.exec(counted)]

    def read_by_older(self, scope: Scope) -> dict[str, int]:
        """How many documents of each collection an older reader has read, by its name: none where there are none."""
        older = (
            select(Collection.name, func.count())
            .select_from(LedgerEntry)
            .join(Collection)
            .where(
                readable_files(scope),
                col(LedgerEntry.deleted_at).is_(None),
                LedgerEntry.state == "indexed",
                LedgerEntry.reader < READER_VERSION,
            )
            .group_by(Collection.name)
        )
        with Session(self.engine) as session:
            return dict(session.exec(older).all())

    def rebuild(self) -> RebuildProgress | None:
        """The rebuild that is under way, or was when it was interrupted."""
        with reading(self.engine) as session:
            found = rebuild_under_way(session)
            if found is None:
                return None
            done = session.exec(select(func.count(col(Rebuilt.document_id)))).one()
            total = session.exec(select(func.count(col(Document.id)))).one()
        return RebuildProgress(found, done, total)

    def roots(self, scope: Scope) -> list[tuple[int, str, str]]:
        """(collection id, collection name, folder) of every folder that was ingested into a whole collection, and of
        which something is not deleted."""
        found = (
            select(LedgerEntry.collection_id, Collection.name, LedgerEntry.root)
            .select_from(LedgerEntry)
            .join(Collection)
            .where(is_one_of(LedgerEntry.collection_id, scope.whole_collections), col(LedgerEntry.deleted_at).is_(None))
            .distinct()
            .order_by(Collection.name, LedgerEntry.root)
        )
        with Session(self.engine) as session:
            return list(session.exec(found).all())

    def deleted_file(self, entry_id: int, scope: Scope) -> LedgerEntry | None:
        """The entry, if it was deleted by hand and can be brought back."""
        deleted = select(LedgerEntry).where(
            LedgerEntry.id == entry_id, col(LedgerEntry.deleted_at).is_not(None), readable_files(scope)
        )
        with Session(self.engine) as session:
            return session.exec(deleted).first()

    def deleted_together(self, moment: datetime, scope: Scope) -> tuple[int, str]:
        """How many files were deleted by hand at one moment (UTC), and the path of one of them."""
        deleted = select(func.count(), func.min(LedgerEntry.path)).where(
            col(LedgerEntry.deleted_at) == moment, readable_files(scope)
        )
        with Session(self.engine) as session:
            count, path = session.exec(deleted).one()
        return count, path or ""

    def ended_runs(self, scope: Scope) -> int:
        """How many runs of whole collections have ended: it grows when there is something new to list."""
        with Session(self.engine) as session:
            ended = select(func.count()).where(
                col(IngestRun.finished_at).is_not(None), is_one_of(IngestRun.collection_id, scope.whole_collections)
            )
            return session.exec(ended).one()

    def last_run(self, collection_id: int) -> IngestRun | None:
        """The run of a collection that began last, whether it has ended or not."""
        latest = select(IngestRun).where(IngestRun.collection_id == collection_id).order_by(desc(col(IngestRun.id)))
        with Session(self.engine) as session:
            return session.exec(latest.limit(1)).first()

    def running(self, scope: Scope) -> list[IngestRun]:
        """Ingest runs of whole collections that have begun and go on; one that was killed does not."""
        unfinished = select(IngestRun).where(
            col(IngestRun.finished_at).is_(None), is_one_of(IngestRun.collection_id, scope.whole_collections)
        )
        with Session(self.engine) as session:
            runs = list(session.exec(unfinished))
        return runs if runs and is_being_written(self.engine) else []


_URGENCY = case(
    (and_(UNSEEN, col(LedgerEntry.state) == "failed"), 0),
    (UNSEEN, 1),
    (col(LedgerEntry.state) == WAITING, 2),
    (col(LedgerEntry.state) == "skipped", 4),
    else_=3,
)
_ORDER = (_URGENCY, col(LedgerEntry.path).collate("NOCASE"), col(LedgerEntry.id))
_TITLE = select(Document.title).where(same_file()).correlate(LedgerEntry).scalar_subquery()
_COLLECTION = select(Collection.name).where(Collection.id == LedgerEntry.collection_id).correlate(LedgerEntry)
SORTS: dict[str, Any] = {
    "title": func.coalesce(_TITLE, LedgerEntry.path).collate("NOCASE"),
    "collection": _COLLECTION.scalar_subquery().collate("NOCASE"),
    "pages": func.coalesce(LedgerEntry.pages, 0),
    "state": col(LedgerEntry.state),
    "size": col(LedgerEntry.size),
    "when": col(LedgerEntry.updated_at),
}
