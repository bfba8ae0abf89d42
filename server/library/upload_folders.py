"""Where the copies of uploaded files lie: a folder for each collection in `<data>/uploads/`, with a note of whose it
is.

The ledger says which folder a collection has; a new one gets one of its own name. An older copy is set aside while a
newer one of its name waits to be read, because that may be cancelled.
"""

import errno
import hashlib
import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.errors import StorageError
from indexer.knowledge.tables import Collection, LedgerEntry
from indexer.knowledge.trash import is_cancelled
from indexer.settings import IndexerSettings

INCOMING = ".incoming"  # folder of files that are not whole yet
REPLACED = ".replaced"  # folder of older copies, while the newer ones wait to be read
NOTE = ".name"  # ending of the file that holds a collection's name


def collection_folder(settings: IndexerSettings, collection: str) -> Path:
    """Where uploads of a new collection lie; two of them never share a folder, whatever they are called."""
    plain = re.sub(r"[^a-z0-9-]+", "-", collection.lower()).strip("-")[:40]
    if plain != collection:
        plain = f"{plain or 'collection'}-{hashlib.sha256(collection.encode()).hexdigest()[:10]}"
    return settings.uploads_path.resolve() / plain


def upload_folder(settings: IndexerSettings, engine: Engine, collection: str) -> Path:
    """Where the collection's uploads lie: a collection that was renamed keeps its folder, and one that is called as
    another was before gets another."""
    below = f"{settings.uploads_path.resolve()}/"
    roots = select(LedgerEntry.root).where(col(LedgerEntry.root).startswith(below, autoescape=True))
    of_it = select(Collection.id).where(Collection.name == collection)
    with Session(engine) as session:
        mine = session.exec(roots.where(col(LedgerEntry.collection_id).in_(of_it)).limit(1)).first()
        if mine is not None:
            return Path(mine)
        folder = collection_folder(settings, collection)
        taken = session.exec(roots.where(LedgerEntry.root == str(folder)).limit(1)).first()
    return folder if taken is None else folder.with_name(f"{folder.name}-{secrets.token_hex(4)}")


def open_folder(settings: IndexerSettings, engine: Engine, collection: str) -> Path:
    """The collection's folder, with a note beside it of whose it is; made where it is not there."""
    folder = upload_folder(settings, engine, collection)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        note(folder, collection)
    except OSError as error:
        raise no_space(error) from error
    return folder


def note(folder: Path, collection: str) -> None:
    """Say whose an upload folder is. Raises OSError."""
    fresh = folder.with_name(f"{folder.name}{NOTE}.{secrets.token_hex(4)}")
    fresh.write_text(collection, encoding="utf-8")
    fresh.replace(folder.with_name(folder.name + NOTE))


def unread_uploads(settings: IndexerSettings, engine: Engine) -> list[tuple[str, list[Path]]]:
    """(collection, files) that were kept and not read as they are, because the server ended first. Raises OSError.

    A file's newer version has its own time or size. What was not even whole by then is removed: call it before the
    first upload.
    """
    uploads = settings.uploads_path.resolve()
    for gone in (INCOMING, REPLACED):
        shutil.rmtree(uploads / gone, ignore_errors=True)
    found = []
    for noted in sorted(uploads.glob(f"*{NOTE}")):
        folder = noted.with_name(noted.name.removesuffix(NOTE))
        with Session(engine) as session:
            entries = session.exec(select(LedgerEntry).where(LedgerEntry.root == str(folder))).all()
            of_it = {entry.collection_id for entry in entries}
            name = session.get_one(Collection, of_it.pop()).name if len(of_it) == 1 else noted.read_text("utf-8")
        known = {entry.path: entry for entry in entries}
        unread = [path for path in sorted(folder.glob("*")) if _shall_be_read(path, known.get(path.name))]
        if unread:
            found.append((name, unread))
    return found


def _shall_be_read(path: Path, entry: LedgerEntry | None) -> bool:
    return entry is None or (is_unread(entry) and not is_cancelled(entry, path.stat().st_mtime_ns))


def is_unread(entry: LedgerEntry) -> bool:
    """Whether the file of an entry is there and not the one that was read."""
    try:
        status = (Path(entry.root) / entry.path).stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) != (entry.size, entry.mtime_ns)


def replaced(settings: IndexerSettings, path: Path) -> Path:
    """Where the older copy of an upload lies while the newer one waits to be read."""
    name = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()
    return settings.uploads_path.resolve() / REPLACED / name


def forget_replaced(settings: IndexerSettings, paths: Sequence[Path]) -> None:
    """The newer ones have been read."""
    if (settings.uploads_path / REPLACED).is_dir():
        for path in paths:
            replaced(settings, path).unlink(missing_ok=True)


def bring_back(settings: IndexerSettings, path: Path) -> bool:
    """Put the older copy in the place of one that shall not be read; False where there is none. Raises OSError."""
    try:
        replaced(settings, path).replace(path)
    except FileNotFoundError:
        return False
    return True


def no_space(error: OSError) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError("The disk of the computer that runs Docent is full.", "Free some space, then try again.")
    return StorageError(f"The files could not be stored: {error.strerror}.", "Check the data folder's permissions.")
