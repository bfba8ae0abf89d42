"""Files that were sent to the page and are not read yet: each has its entry of the ledger from the moment it is there.

The run that reads a file writes its entry anew. Until then it may be cancelled: it is then deleted by hand, and the run
leaves it out, since it looks for that in the transaction in which it would commit the document.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, update
from sqlmodel import Session, col, select

from indexer.knowledge.database import begin_writing
from indexer.knowledge.readable import is_one_of, readable_files
from indexer.knowledge.records import find_entry
from indexer.knowledge.tables import WAITING, Collection, LedgerEntry, known_id, now
from indexer.passages import Scope


@dataclass(frozen=True)
class SentFile:
    """A file as it came: `refusal` says why it was not kept, and is empty where it was."""

    name: str
    size: int  # bytes
    refusal: str = ""


def make_collection(engine: Engine, name: str) -> int:
    """The id of the collection of this name, which is made where there is none."""
    with Session(engine) as session:
        begin_writing(session)
        found = session.exec(select(Collection.id).where(Collection.name == name)).first()
        if found is not None:
            return found
        made = Collection(name=name)
        session.add(made)
        session.commit()
        session.refresh(made)
        return known_id(made)


def enter_sent(engine: Engine, collection_id: int, folder: Path, files: Sequence[SentFile]) -> None:
    """An entry for each file. One that is searched in an older version stays as it is until the newer one is read, and
    what was refused takes nothing's place."""
    with Session(engine) as session:
        begin_writing(session)
        for file in files:
            entry = find_entry(session, collection_id, str(folder), file.name)
            if entry is None:
                entry = LedgerEntry(collection_id=collection_id, root=str(folder), path=file.name, state=WAITING)
            elif file.refusal or (entry.state == "indexed" and entry.deleted_at is None):
                continue
            entry.state, entry.reason = ("skipped", file.refusal) if file.refusal else (WAITING, "")
            entry.size, entry.mtime_ns, entry.sha256, entry.limits = file.size, 0, "", ""
            entry.pages, entry.chunks, entry.updated_at = None, 0, now()
            entry.deleted_at = entry.seen_at = None
            session.add(entry)
        session.commit()


def cancel_sent(engine: Engine, entry_ids: Sequence[int], scope: Scope, moment: datetime) -> int:
    """Have no run read these, of those that wait; how many. Those that were read meanwhile stay as they are."""
    waiting = (
        is_one_of(LedgerEntry.id, entry_ids),
        readable_files(scope),
        col(LedgerEntry.state) == WAITING,
        col(LedgerEntry.deleted_at).is_(None),
    )
    with Session(engine) as session:
        begin_writing(session)
        cancelled = session.exec(
            update(LedgerEntry).where(*waiting).values(deleted_at=moment).execution_options(synchronize_session=False)
        )
        session.commit()
    return cancelled.rowcount
