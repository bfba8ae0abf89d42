"""Which files a run is given: folders walked in order, with a word on everything that is not read.

Links to folders are not followed (they may loop, or lead out of what the operator named); a link to a file is followed
only inside its root.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.documents.left_out import NAME as PATTERNS
from indexer.documents.left_out import read_left_out
from indexer.errors import FolderError

LEFT_OUT = f"left out by {PATTERNS}"
GONE = "moved or deleted while the folder was looked at"


@dataclass(frozen=True)
class Root:
    """A folder to ingest; `only` names single files of it where the operator gave files instead."""

    folder: Path
    only: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ScannedFile:
    """A file as the walk saw it. `refusal` says why it will not be opened; empty when it may be.

    `lost` says that what is there cannot be known just now: a folder or file that the disk does not give. What was
    indexed of it before stays.
    """

    root: Path
    path: str  # relative to root, POSIX form, always valid Unicode
    size: int = 0  # bytes
    mtime_ns: int = 0
    refusal: str = ""
    lost: bool = False

    @property
    def absolute(self) -> Path:
        return self.root / self.path


def resolve_roots(paths: Sequence[Path], known: Sequence[Path], leave_out: Path | None = None) -> list[Root]:
    """The roots that the given files and folders stand for. Raises FolderError.

    `known` are the collection's roots so far: a root inside another would index its files twice, so it is refused; a
    single file inside a known root belongs to that root. A root inside `leave_out`, which no walk from outside
    enters, lies in no root around that.
    """
    folders: list[Path] = []
    files: list[Path] = []
    for path in paths:
        absolute = from_here(path)
        if not _is_unicode(absolute):
            raise FolderError(f"The name of {_shown(absolute)} is not valid Unicode.", "Rename it.")
        if absolute.is_dir():
            folders.append(absolute.resolve())
        elif absolute.is_file():
            files.append(absolute.parent.resolve() / absolute.name)
        else:
            raise FolderError(f"There is no file or folder {path}.", "Check the spelling, or that the disk is mounted.")
    folders = list(dict.fromkeys(folders))
    singles: dict[Path, set[str]] = {}
    for file in files:
        home = next((root for root in [*known, *folders] if _holds(root, file, leave_out)), file.parent)
        singles.setdefault(home, set()).add(file.relative_to(home).as_posix())
    _check_nesting([*folders, *singles], known, leave_out)
    single_roots = [Root(home, frozenset(names)) for home, names in singles.items() if home not in folders]
    return [Root(folder) for folder in folders] + single_roots


def from_here(path: Path) -> Path:
    """The absolute path that is meant here, where ~ is a home. What only begins like one, as the lock files of office
    programs do (~$plan.docx), is a name like another."""
    try:
        return path.expanduser().absolute()
    except RuntimeError:  # it is the home of nobody
        return path.absolute()


def _holds(root: Path, path: Path, leave_out: Path | None) -> bool:
    """Whether a walk of `root` comes by `path`."""
    apart = leave_out is not None and path.is_relative_to(leave_out) and not root.is_relative_to(leave_out)
    return path.is_relative_to(root) and not apart


def _check_nesting(roots: Sequence[Path], known: Sequence[Path], leave_out: Path | None) -> None:
    for folder in roots:
        for other in [*known, *roots]:
            if folder != other and _holds(other, folder, leave_out):
                raise FolderError(
                    f"{folder} lies inside {other}, which is a folder of this collection already.",
                    f"Run `indexer ingest {other}` instead, or choose another collection with --collection.",
                )
        for other in known:
            if folder != other and _holds(folder, other, leave_out):
                raise FolderError(
                    f"{folder} holds {other}, which is a folder of this collection already.",
                    "Choose another collection with --collection.",
                )


def scan(root: Root, leave_out: Path | None = None) -> Iterator[ScannedFile]:
    """Every file below the root, in the order of their paths; folders that are not read as one entry each.

    `leave_out` is a folder that is none of the operator's documents: Docent's own. Raises FolderError.
    """
    left_out = read_left_out(root.folder)
    if root.only:
        for name in sorted(root.only):
            path = root.folder / name
            yield _refused(root.folder, path, LEFT_OUT) if left_out.holds_file(name) else _file(root.folder, path)
        return
    try:
        open_folders = [_entries(root.folder)]
    except OSError as error:
        raise FolderError(
            f"The folder {root.folder} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    while open_folders:  # no recursion: folders may be nested deeper than Python's stack
        if not open_folders[-1]:
            open_folders.pop()
            continue
        entry = open_folders[-1].pop()
        path = Path(entry.path)
        is_folder = _is_folder(entry)
        if left_out.holds(_relative(root.folder, path), is_folder=is_folder):
            yield _refused(root.folder, path, LEFT_OUT, is_folder=is_folder)
        elif not is_folder:
            yield _file(root.folder, path)
        elif refusal := _folder_refusal(entry, leave_out):
            yield _refused(root.folder, path, refusal, is_folder=True)
        else:
            try:
                open_folders.append(_entries(path))
            except (FileNotFoundError, NotADirectoryError):
                yield _refused(root.folder, path, _gone(root.folder), is_folder=True, lost=True)
            except OSError as error:
                why = f"this folder cannot be read: {_why(error)}"
                yield _refused(root.folder, path, why, is_folder=True, lost=True)


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """Last first, to be taken from the end. A folder sorts as its path does among those of the files below it."""
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name, reverse=True)


def _gone(root: Path) -> str:
    """Raises FolderError where not one file went away, but all of them."""
    if not root.is_dir():
        raise FolderError(f"The folder {root} is not there any more.", "If a disk is not mounted, mount it first.")
    return GONE


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that loops
        return False


def _folder_refusal(entry: "os.DirEntry[str]", leave_out: Path | None) -> str:
    if entry.is_symlink():
        return "link to a folder, not followed"
    if entry.name.startswith("."):
        return "hidden folder, not read"
    if leave_out is not None and Path(entry.path) == leave_out:
        return "Docent's own data, not read"
    if not _is_unicode(Path(entry.name)):
        return "its name is not valid Unicode; rename it"
    return ""


def _file(root: Path, path: Path) -> ScannedFile:
    if path == root / PATTERNS:  # itself no document either
        return _refused(root, path, LEFT_OUT)
    if not _is_unicode(path.relative_to(root)):
        return _refused(root, path, "its name is not valid Unicode; rename it")
    if path.name.startswith("."):
        return _refused(root, path, "hidden file, not read")
    if path.name.startswith("~$"):
        return _refused(root, path, "lock file of an office program, not a document")
    is_link = path.is_symlink()
    try:
        if is_link and not path.resolve(strict=True).is_relative_to(root):
            return _refused(root, path, "link to a file outside the folder, not followed")
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if not is_link:
            return _refused(root, path, _gone(root), lost=True)
        return _refused(root, path, "link that leads nowhere")
    except (OSError, RuntimeError) as error:  # a link that loops raises RuntimeError before Python 3.13
        if is_link:
            return _refused(root, path, "link that leads nowhere")
        return _refused(root, path, f"cannot be opened: {_why(error)}", lost=not isinstance(error, FileNotFoundError))
    if not stat.S_ISREG(status.st_mode):
        return _refused(root, path, "it is a pipe, a socket or a device, not a file")
    return ScannedFile(root, path.relative_to(root).as_posix(), status.st_size, status.st_mtime_ns)


def _why(error: OSError | RuntimeError) -> str:
    if isinstance(error, PermissionError):
        return "Docent has no right to; give it to the user that runs the indexer"
    if isinstance(error, FileNotFoundError):
        return "it is not there any more"
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return "its name, with the folders before it, is too long"
    return "the disk does not give it; check the disk, then run again"


def _refused(root: Path, path: Path, why: str, is_folder: bool = False, lost: bool = False) -> ScannedFile:
    return ScannedFile(root, _apart(root, path) + ("/" if is_folder else ""), refusal=why, lost=lost)


def _apart(root: Path, path: Path) -> str:
    """Its relative path. A name that is no valid Unicode is shown as no other file is called, or the refusal of the one
    would stand in the ledger for the other."""
    relative = path.relative_to(root)
    if _is_unicode(relative):
        return relative.as_posix()
    shown = _shown(Path(relative.as_posix().replace("\\", "\\\\")))
    while os.path.lexists(root / shown):
        shown += "\\"
    return shown


def _relative(root: Path, path: Path) -> str:
    return _shown(path.relative_to(root))


def _shown(path: Path) -> str:
    """The path in POSIX form; bytes that are no UTF-8 are shown as backslash escapes."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode()


def _is_unicode(path: Path) -> bool:
    return _shown(path) == path.as_posix()
