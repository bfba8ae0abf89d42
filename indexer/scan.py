"""Which files a run is given: folders walked in order, with a word on everything that is not read.

Links to folders are not followed (they may loop, or lead out of what the operator named); a link to a file is followed
only inside its root.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import FolderError


@dataclass(frozen=True)
class Root:
    """A folder to ingest; `only` names single files of it where the operator gave files instead."""

    folder: Path
    only: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ScannedFile:
    """A file as the walk saw it. `refusal` says why it will not be opened; empty when it may be."""

    root: Path
    path: str  # relative to root, POSIX form, always valid Unicode
    size: int = 0  # bytes
    mtime_ns: int = 0
    refusal: str = ""

    @property
    def absolute(self) -> Path:
        return self.root / self.path


def resolve_roots(paths: Sequence[Path], known: Sequence[Path]) -> list[Root]:
    """The roots that the given files and folders stand for. Raises FolderError.

    `known` are the collection's roots so far: a root inside another would index its files twice, so it is refused; a
    single file inside a known root belongs to that root.
    """
    folders: list[Path] = []
    files: dict[Path, set[str]] = {}
    for path in paths:
        absolute = path.expanduser().absolute()
        if absolute.is_dir():
            folders.append(absolute.resolve())
        elif absolute.is_file():
            real = absolute.parent.resolve() / absolute.name
            home = next((root for root in known if real.is_relative_to(root)), real.parent)
            files.setdefault(home, set()).add(real.relative_to(home).as_posix())
        else:
            raise FolderError(f"There is no file or folder {path}.", "Check the spelling, or that the disk is mounted.")
    folders = list(dict.fromkeys(folders))
    for folder in folders:
        for other in [*folders, *known]:
            if folder != other and folder.is_relative_to(other):
                raise FolderError(
                    f"{folder} lies inside {other}, which is indexed as a whole.",
                    f"Run `indexer ingest {other}` instead.",
                )
            if folder != other and other in known and other.is_relative_to(folder):
                raise FolderError(
                    f"{folder} holds {other}, which this collection already has.",
                    "Choose another collection with --collection.",
                )
    singles = [Root(home, frozenset(names)) for home, names in files.items() if home not in folders]
    return [Root(folder) for folder in folders] + singles


def scan(root: Root) -> Iterator[ScannedFile]:
    """Every file below the root, in the order of their paths; hidden folders as one entry each. Raises FolderError."""
    if root.only:
        for name in sorted(root.only):
            yield _file(root.folder, root.folder / name)
        return
    yield from _walk(root.folder, root.folder)


def _walk(root: Path, folder: Path) -> Iterator[ScannedFile]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        if folder == root:
            raise FolderError(
                f"The folder {folder} cannot be read: {error.strerror}.", "Check its permissions."
            ) from error
        yield _refused(root, folder, f"this folder cannot be read: {error.strerror}", is_folder=True)
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if entry.name.startswith("."):
                yield _refused(root, path, "hidden folder, not read", is_folder=True)
            else:
                yield from _walk(root, path)
        elif entry.is_symlink() and path.is_dir():
            yield _refused(root, path, "link to a folder, not followed", is_folder=True)
        else:
            yield _file(root, path)


def _file(root: Path, path: Path) -> ScannedFile:
    name = _relative(root, path)
    if name != path.relative_to(root).as_posix():
        return _refused(root, path, "its name is not valid Unicode; rename it")
    if path.name.startswith("."):
        return _refused(root, path, "hidden file, not read")
    if path.name.startswith("~$"):
        return _refused(root, path, "lock file of an office program, not a document")
    try:
        if path.is_symlink() and not path.resolve(strict=True).is_relative_to(root):
            return _refused(root, path, "link to a file outside the folder, not followed")
        status = path.stat()
    except (OSError, RuntimeError) as error:  # a link that loops raises RuntimeError before Python 3.13
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the link leads nowhere"
        return _refused(root, path, f"cannot be opened: {reason}")
    if not stat.S_ISREG(status.st_mode):
        return _refused(root, path, "not a regular file")
    return ScannedFile(root, name, status.st_size, status.st_mtime_ns)


def _refused(root: Path, path: Path, why: str, is_folder: bool = False) -> ScannedFile:
    return ScannedFile(root, _relative(root, path) + ("/" if is_folder else ""), refusal=why)


def _relative(root: Path, path: Path) -> str:
    """The relative path; bytes that are no UTF-8 are shown as backslash escapes."""
    return path.relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode()
