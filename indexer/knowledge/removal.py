"""Which files of the ledger somebody means who names paths, and removing them: by the rules of the trash."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents.scan import from_here
from indexer.errors import StartError
from indexer.knowledge.readable import readable_files
from indexer.knowledge.tables import Collection, LedgerEntry
from indexer.passages import Scope


@dataclass(frozen=True)
class KnownFile:
    """A file of the ledger."""

    entry_id: int
    collection: str
    root: str
    path: str
    is_deleted: bool  # by hand, already

    @property
    def place(self) -> str:
        """The absolute path."""
        return f"{self.root.rstrip('/')}/{self.path}"


@dataclass(frozen=True)
class Named:
    """What paths stand for."""

    files: list[KnownFile] = field(default_factory=list)  # each once
    unknown: list[str] = field(default_factory=list)  # paths that name no file of the ledger


def known_files(engine: Engine, scope: Scope) -> list[KnownFile]:
    """Every file of the ledger that the asker may read, those that were deleted by hand among them."""
    rows = (
        select(LedgerEntry, Collection.name)
        .join(Collection)
        .where(readable_files(scope))
        .order_by(Collection.name, LedgerEntry.root, LedgerEntry.path)
    )
    with Session(engine) as session:
        return [
            KnownFile(entry.id or 0, name, entry.root, entry.path, entry.deleted_at is not None)
            for entry, name in session.exec(rows)
        ]


def named_files(files: Sequence[KnownFile], paths: Sequence[str]) -> Named:
    """The files that are, or lie below, each path: first as a path of this machine, and where no file is meant by that,
    as one relative to a folder that was ingested, which is how every command names documents.

    Raises StartError, before anything is done, where a relative path may mean files of several folders.
    """
    found, unknown = Named(), []
    chosen: dict[int, KnownFile] = {}
    for path in paths:
        meant = _on_this_machine(files, path) or _relative(files, path)
        if not meant:
            unknown.append(path)
        chosen |= {file.entry_id: file for file in meant}
    found.files.extend(chosen.values())
    found.unknown.extend(unknown)
    return found


def _on_this_machine(files: Sequence[KnownFile], path: str) -> list[KnownFile]:
    if not path:  # it would be the folder that one stands in, which nobody names so
        return []
    absolute = from_here(Path(path))
    places = {os.path.normpath(absolute), os.path.realpath(absolute)}
    return [file for file in files if any(_is_at(file.place, place) for place in places)]


def _relative(files: Sequence[KnownFile], path: str) -> list[KnownFile]:
    wanted = PurePosixPath(path).as_posix()
    if PurePosixPath(wanted).is_absolute() or wanted == ".":
        return []
    found = [file for file in files if _is_at(file.path, wanted)]
    folders = sorted({(file.collection, file.root) for file in found})
    if len(folders) > 1:
        listed = ", ".join(f"{root} (collection {collection})" for collection, root in folders)
        raise StartError(
            f"{path} may be one of several: there is one in {listed}.",
            "Nothing was removed. Name its collection with --collection, or give the whole path.",
        )
    return found


def _is_at(place: str, wanted: str) -> bool:
    return place.rstrip("/") == wanted or place.startswith(f"{wanted.rstrip('/')}/")
