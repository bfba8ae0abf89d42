"""Deleting a file by hand, and bringing it back.

    delete    hides the document and marks its ledger entry: one transaction, with a row of the change table
    restore   takes both marks away: nothing was lost, so everything is back
    purge     after UNDO: removes what is hidden for good, and the copy of a file that was uploaded, unless it is newer

Hiding is one commit, so a crash leaves a file deleted or not deleted, and a crash before `purge` only leaves something
to purge. The entry of a file in somebody's own folder stays, marked: an ingest leaves the file alone until it changes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, and_, insert, update
from sqlmodel import Session, col, select

from indexer.documents.reading import file_sha256
from indexer.documents.scan import ScannedFile
from indexer.knowledge.database import begin_writing, scrub, writing
from indexer.knowledge.readable import is_one_of, readable_files, same_file
from indexer.knowledge.records import remove_document
from indexer.knowledge.tables import WAITING, Change, Document, LedgerEntry, now
from indexer.passages import Scope
from indexer.settings import IndexerSettings

UNDO = timedelta(minutes=10)
FORGOTTEN = -1
"""The time of a file whose collection was removed as a whole: an ingest that names its folder again reads it as a new
one, and its entry goes with its document."""
AT_ONCE = 200  # files of one transaction
DELETED = "It was deleted by hand, and has not changed since. The documents page can bring it back."


def delete_file(engine: Engine, entry_id: int, scope: Scope) -> LedgerEntry | None:
    """The entry, deleted; None where there is none that the asker may read."""
    with Session(engine, expire_on_commit=False) as session:
        begin_writing(session)  # or an ingest could put the document between the look for it and the deletion
        entry = _entry(session, entry_id, scope)
        if entry is not None and _hide(session, [entry], now()):
            session.commit()
        return entry


def delete_files(settings: IndexerSettings, engine: Engine, entry_ids: Sequence[int], scope: Scope, whole: bool) -> int:
    """The same for many, some at a time; how many were deleted. `whole`: they are all of a collection, and what lies in
    somebody's own folder is not kept from coming back by another ingest."""
    return delete_together(settings, engine, entry_ids, scope, now(), whole=whole)


def delete_together(
    settings: IndexerSettings,
    engine: Engine,
    entry_ids: Sequence[int],
    scope: Scope,
    moment: datetime,
    *,
    whole: bool = False,
) -> int:
    """Delete many at one `moment` (UTC), by which `restore_together` finds them again. How many were deleted."""
    deleted = 0
    for at in range(0, len(entry_ids), AT_ONCE):
        with Session(engine) as session:
            begin_writing(session)
            entries = _entries(session, entry_ids[at : at + AT_ONCE], scope)
            deleted += _hide(session, entries, moment)
            for entry in entries:
                if whole and not is_upload(settings, entry.root):
                    entry.sha256, entry.mtime_ns = "", FORGOTTEN
            session.commit()
    return deleted


def restore_together(engine: Engine, moment: datetime, scope: Scope) -> tuple[int, list[LedgerEntry]]:
    """How many of what was deleted at one moment came back, and those of them whose files have to be read anew."""
    with Session(engine) as session:
        deleted = select(LedgerEntry.id).where(col(LedgerEntry.deleted_at) == moment, readable_files(scope))
        ids = [id_ for id_ in session.exec(deleted) if id_ is not None]
    count, unread = 0, []
    for at in range(0, len(ids), AT_ONCE):
        with Session(engine, expire_on_commit=False) as session:
            begin_writing(session)
            entries = _entries(session, ids[at : at + AT_ONCE], scope)
            unread += _restore(session, entries)
            count += len(entries)
            session.commit()
    return count, unread


def restore_file(engine: Engine, entry_id: int, scope: Scope) -> tuple[LedgerEntry, bool] | None:
    """The entry, and whether it is whole again; if not, its file has to be read anew. None as in `delete_file`."""
    with Session(engine, expire_on_commit=False) as session:
        entry = _entry(session, entry_id, scope)
        if entry is None:
            return None
        unread = _restore(session, [entry])
        session.commit()
        return entry, not unread


def ask_many_again(engine: Engine, entry_ids: Sequence[int], scope: Scope) -> list[LedgerEntry]:
    """The same for many, in one transaction; those that there are and that are not deleted."""
    with Session(engine, expire_on_commit=False) as session:
        begin_writing(session)
        asked = select(LedgerEntry).where(
            is_one_of(LedgerEntry.id, entry_ids), readable_files(scope), col(LedgerEntry.deleted_at).is_(None)
        )
        entries = list(session.exec(asked))
        for entry in entries:
            _forget_reading(entry)
        session.commit()
        return entries


def ask_again(engine: Engine, entry_id: int, scope: Scope) -> LedgerEntry | None:
    """The entry, so that the next ingest reads its file whether it changed or not. None as in `delete_file`."""
    with Session(engine, expire_on_commit=False) as session:
        entry = _entry(session, entry_id, scope)
        if entry is not None:
            _forget_reading(entry)
            session.commit()
        return entry


def purge(settings: IndexerSettings, engine: Engine, keep: timedelta = UNDO) -> int:
    """Remove for good what was deleted longer ago than `keep`; how many. Raises BusyError, StorageError, OSError."""
    due = _due(settings, engine, keep)
    if due:
        purge_files(settings, engine, due)
    return len(due)


def purge_files(settings: IndexerSettings, engine: Engine, entry_ids: Sequence[int]) -> None:
    """Remove these for good, those that are deleted by hand. Raises BusyError, StorageError, OSError."""
    with writing(settings):
        for entry_id in entry_ids:
            _purge(settings, engine, entry_id)
        scrub(engine)


def is_as_deleted(file: ScannedFile, entry: LedgerEntry) -> bool:
    """Whether the file is what it was when it was deleted by hand.

    Its bytes decide: a file that was replaced between a run's walk and its reading was read as it was then, but stands
    in the ledger with the size and the time from before.
    """
    if is_cancelled(entry, file.mtime_ns):
        return True
    if (file.size, file.mtime_ns) == (entry.size, entry.mtime_ns):
        return True
    try:
        return bool(entry.sha256) and file_sha256(file.absolute) == entry.sha256
    except OSError:
        return False


def is_cancelled(entry: LedgerEntry, mtime_ns: int) -> bool:
    """Whether a file that was sent shall not be read any more; one of its name that was written later shall."""
    if entry.state != WAITING or entry.deleted_at is None:
        return False
    return mtime_ns <= entry.deleted_at.replace(tzinfo=UTC).timestamp() * 1_000_000_000


def is_still_deleted(file: ScannedFile, sha256: str, entry: LedgerEntry | None, since: datetime) -> bool:
    """Whether a file that a run has read, or tried to, is deleted by hand and not known to be another one than then.

    It may have been deleted after the run's walk. `sha256` is empty where its bytes were not looked at; `since` is when
    the run began: of a collection that was removed as a whole before, it reads everything.
    """
    if entry is None or entry.deleted_at is None:
        return False
    if entry.state == WAITING:
        return is_cancelled(entry, file.mtime_ns)
    if entry.mtime_ns == FORGOTTEN:
        return entry.deleted_at.replace(tzinfo=UTC) >= since
    if sha256:
        return sha256 == entry.sha256
    return file.lost or (file.size, file.mtime_ns) == (entry.size, entry.mtime_ns)


def is_upload(settings: IndexerSettings, root: str) -> bool:
    """Whether the files below `root` are copies of Docent's own."""
    return Path(root).is_relative_to(settings.uploads_path.resolve())


def _entries(session: Session, entry_ids: Sequence[int], scope: Scope) -> Sequence[LedgerEntry]:
    return session.exec(select(LedgerEntry).where(is_one_of(LedgerEntry.id, entry_ids), readable_files(scope))).all()


def _entry(session: Session, entry_id: int, scope: Scope) -> LedgerEntry | None:
    return session.exec(select(LedgerEntry).where(LedgerEntry.id == entry_id, readable_files(scope))).first()


def _hide(session: Session, entries: Sequence[LedgerEntry], moment: datetime) -> int:
    """Mark entries and their documents as deleted; how many were not."""
    live = [entry for entry in entries if entry.deleted_at is None]
    documents = _documents_of(session, live)
    for entry in live:
        entry.deleted_at = moment
        if entry.id in documents:  # it may be to be read again, and is deleted as it was read before
            entry.sha256 = entry.sha256 or documents[entry.id][1]
    _mark(session, [id_ for id_, _ in documents.values()], moment, "delete")
    return len(live)


def _restore(session: Session, entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Take the marks away; those whose files have to be read anew, which is then asked for."""
    hidden = [entry for entry in entries if entry.deleted_at is not None]
    documents = _documents_of(session, hidden)
    unread = []
    for entry in hidden:
        entry.deleted_at = None
        if entry.state == WAITING or (entry.id not in documents and entry.state == "indexed"):
            _forget_reading(entry)
            unread.append(entry)
    _mark(session, [id_ for id_, _ in documents.values()], None, "put")
    return unread


def _documents_of(session: Session, entries: Sequence[LedgerEntry]) -> dict[int | None, tuple[int, str]]:
    """The ids and hashes of the documents that there are, by the ids of the entries; without their texts."""
    ids = [entry.id for entry in entries if entry.id is not None]
    found = (
        select(LedgerEntry.id, Document.id, Document.sha256)
        .join(Document, same_file())
        .where(is_one_of(LedgerEntry.id, ids))
    )
    return {entry_id: (id_, sha256) for entry_id, id_, sha256 in session.exec(found) if id_ is not None}


def _mark(session: Session, document_ids: Sequence[int], moment: datetime | None, operation: str) -> None:
    if document_ids:
        session.exec(
            update(Document)
            .where(is_one_of(Document.id, document_ids))
            .values(deleted_at=moment)
            .execution_options(synchronize_session=False)
        )
        changes = [{"document_id": id_, "operation": operation} for id_ in document_ids]
        session.connection().execute(insert(Change), changes)


def _forget_reading(entry: LedgerEntry) -> None:
    entry.deleted_at, entry.sha256, entry.mtime_ns, entry.limits = None, "", 0, ""


def _due(settings: IndexerSettings, engine: Engine, keep: timedelta) -> list[int]:
    """Ids of the ledger entries of which something is left to remove. An entry in somebody's own folder stays for good,
    so a document is looked for only beside what was deleted long enough ago."""
    hidden = and_(same_file(), col(Document.deleted_at).is_not(None))
    deleted = (
        select(LedgerEntry.id, LedgerEntry.root, LedgerEntry.mtime_ns, Document.id)
        .select_from(LedgerEntry)
        .join(Document, hidden, isouter=True)
        .where(col(LedgerEntry.deleted_at) < now() - keep)
    )
    with Session(engine) as session:
        return [
            entry
            for entry, root, mtime_ns, document in session.exec(deleted)
            if entry is not None and (document is not None or mtime_ns == FORGOTTEN or is_upload(settings, root))
        ]


def _purge(settings: IndexerSettings, engine: Engine, entry_id: int) -> None:
    with Session(engine) as session:
        begin_writing(session)  # nobody brings it back between the look and the end
        entry = session.get(LedgerEntry, entry_id)
        if entry is None or entry.deleted_at is None:  # brought back meanwhile
            return
        remove_document(session, entry.collection_id, entry.root, entry.path)
        if is_upload(settings, entry.root):
            path = Path(entry.root) / entry.path
            if _is_the_deleted_one(path, entry):
                path.unlink(missing_ok=True)  # before the commit: a crash leaves it to be purged
            session.delete(entry)
        elif entry.mtime_ns == FORGOTTEN:
            session.delete(entry)
        else:
            entry.chunks = 0
        session.commit()


def _is_the_deleted_one(path: Path, entry: LedgerEntry) -> bool:
    """Whether the copy is the one that was deleted: a newer one of that name may wait to be read, and was promised.

    One with the same bytes is newer where it was written after the deletion: see `is_as_deleted` for why the size and
    the time in the ledger may be older ones.
    """
    try:
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) == (entry.size, entry.mtime_ns):
            return True
        before = entry.deleted_at is not None and status.st_mtime <= entry.deleted_at.replace(tzinfo=UTC).timestamp()
        return before and (entry.state == WAITING or file_sha256(path) == entry.sha256)
    except FileNotFoundError:
        return False
