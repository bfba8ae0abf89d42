"""Collections as a whole: a new name, and files that go from one to another. Deleting one is the trash's work.

A document keeps its id, its text and its vectors: a row of the change table has every search take it up anew, under the
collection that it is in then.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, insert, update
from sqlmodel import Session, col, select

from indexer.knowledge.database import begin_writing
from indexer.knowledge.readable import is_one_of, readable_files
from indexer.knowledge.records import find_document, find_entry
from indexer.knowledge.tables import WAITING, Change, Collection, Document, LedgerEntry, known_id
from indexer.knowledge.trash import AT_ONCE, is_upload
from indexer.passages import Scope
from indexer.settings import IndexerSettings

Renamed = Literal["renamed", "gone", "changed", "taken"]
"""`changed`: it was called otherwise by then; `taken`: another one that holds something is called so."""


@dataclass
class Moved:
    """What became of files that should go to another collection; the paths of those that stayed, by why."""

    moved: int = 0
    same_name: tuple[str, ...] = ()  # the other collection has one of this name
    in_folder: tuple[str, ...] = ()  # they lie in a folder that is read as a whole
    unread: tuple[str, ...] = ()  # they wait to be read

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(
            self.moved + other.moved,
            self.same_name + other.same_name,
            self.in_folder + other.in_folder,
            self.unread + other.unread,
        )


def rename_collection(engine: Engine, collection_id: int, before: str, name: str) -> Renamed:
    """Only where it is still called `before`. A collection that holds nothing gives its name away."""
    with Session(engine) as session:
        begin_writing(session)
        found = session.get(Collection, collection_id)
        if found is None:
            return "gone"
        if found.name != before:
            return "changed"
        other = session.exec(select(Collection).where(Collection.name == name)).first()
        if other is not None and other.id != collection_id:
            if holds_files(session, known_id(other)):
                return "taken"
            other.name = f"{name} (deleted, {other.id})"
            session.flush()
        found.name = name
        session.commit()
        return "renamed"


def holds_files(session: Session, collection_id: int) -> bool:
    """Whether any file of it is not deleted."""
    any_of_it = select(LedgerEntry.id).where(
        LedgerEntry.collection_id == collection_id, col(LedgerEntry.deleted_at).is_(None)
    )
    return session.exec(any_of_it.limit(1)).first() is not None


def move_files(
    settings: IndexerSettings, engine: Engine, entry_ids: Sequence[int], scope: Scope, into: int, folder: Path
) -> Moved:
    """Uploaded files into another collection, whose uploads lie in `folder`; some at a time. Raises OSError: what was
    moved before stays moved.

    Copies are moved just before their rows are committed. A kill between the two loses nothing: they are then read once
    more, at the next start.
    """
    done = Moved()
    folder.mkdir(parents=True, exist_ok=True)
    for at in range(0, len(entry_ids), AT_ONCE):
        with _copies_go_back() as copies, Session(engine) as session:
            begin_writing(session)
            asked = select(LedgerEntry).where(
                is_one_of(LedgerEntry.id, entry_ids[at : at + AT_ONCE]),
                readable_files(scope),
                col(LedgerEntry.deleted_at).is_(None),
                LedgerEntry.collection_id != into,
            )
            for entry in session.exec(asked).all():
                done += _move(settings, session, entry, into, folder, copies)
            session.commit()
    return done


@contextmanager
def _copies_go_back() -> Iterator[list[tuple[Path, Path]]]:
    """Moves of files, (from, to), that are undone where something is raised."""
    copies: list[tuple[Path, Path]] = []
    try:
        yield copies
    except BaseException:
        for place, target in copies:
            target.replace(place)
        raise


def _move(
    settings: IndexerSettings,
    session: Session,
    entry: LedgerEntry,
    into: int,
    folder: Path,
    copies: list[tuple[Path, Path]],
) -> Moved:
    if entry.state == WAITING:
        return Moved(unread=(entry.path,))
    if not is_upload(settings, entry.root):
        return Moved(in_folder=(entry.path,))
    place, target = Path(entry.root) / entry.path, folder / entry.path
    if find_entry(session, into, str(folder), entry.path) is not None or target.exists():
        return Moved(same_name=(entry.path,))
    document = find_document(session, entry.collection_id, entry.root, entry.path)
    for row in (entry, document):
        if row is not None:
            row.collection_id, row.root = into, str(folder)
    if document is not None:
        session.add(Change(document_id=known_id(document), operation="put"))
    session.flush()  # what the database refuses leaves the copy where it is
    if place.exists():  # of what was refused when it was sent there is no copy
        place.replace(target)
        copies.append((place, target))
    return Moved(1)


def move_folders(settings: IndexerSettings, engine: Engine, collection_id: int, into: int) -> int | None:
    """The folders of a collection that `indexer ingest` was given, with all that is in them, to another collection; how
    many. None, and nothing is moved, where a folder of the other one is one of them, lies in one or holds one."""
    with Session(engine) as session:
        begin_writing(session)
        folders, others = _roots(settings, session, collection_id), _roots(settings, session, into)
        if any(_overlap(one, other) for one in folders for other in others):
            return None
        of_them = (Document.collection_id == collection_id, col(Document.root).in_(folders))
        ids = session.exec(select(Document.id).where(*of_them, col(Document.deleted_at).is_(None))).all()
        for table in (Document, LedgerEntry):
            session.exec(
                update(table)
                .where(col(table.collection_id) == collection_id, col(table.root).in_(folders))
                .values(collection_id=into)
                .execution_options(synchronize_session=False)
            )
        if ids:
            session.connection().execute(insert(Change), [{"document_id": id_, "operation": "put"} for id_ in ids])
        session.commit()
    return len(folders)


def _roots(settings: IndexerSettings, session: Session, collection_id: int) -> list[str]:
    found = select(LedgerEntry.root).where(LedgerEntry.collection_id == collection_id).distinct()
    return [root for root in session.exec(found) if not is_upload(settings, root)]


def _overlap(one: str, other: str) -> bool:
    return Path(one).is_relative_to(other) or Path(other).is_relative_to(one)
