"""Fetching a model file from the Hugging Face hub: resumed where it stopped, checked, then moved into place at once.

    pull(settings, wanted_file("phi-3-mini"), say=print) -> path of the installed file

The hub's own package does the talking (HF_ENDPOINT, HF_TOKEN and proxies work as it documents), over plain HTTP: its
other transfer protocol needs more hosts to be reachable and cannot resume. What has arrived lies under
`<models>/.partial` until it is whole. Raises PullError, StorageError or BusyError, each with what to do.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from indexer.errors import BusyError, StartError, StorageError
from indexer.settings import IndexerSettings
from server.engine.gguf_header import GgufError, read_header
from server.llm.model_files import CATALOGUE, catalogue_model

SHA256 = re.compile(r"[0-9a-f]{64}")
WANTED = re.compile(r"([\w.-]+/[\w.-]+)/((?:[\w.-]+/)*[\w.-]+\.gguf)", re.ASCII)
HASH_BLOCK = 1 << 22  # bytes
DEFAULT_ENDPOINT = "https://huggingface.co"

Say = Callable[[str], None]


class PullError(StartError):
    """A model file could not be fetched."""


@dataclass(frozen=True)
class WantedFile:
    """A file on the hub, with what is known of it beforehand (size 0 and an empty hash: nothing)."""

    repository: str
    path: str  # inside the repository
    revision: str = "main"
    size: int = 0
    sha256: str = ""

    @property
    def file(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def address(self) -> str:
        endpoint = os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")
        return f"{endpoint}/{self.repository}/resolve/{self.revision}/{self.path}"


def wanted_file(name: str) -> WantedFile:
    """What `NAME` of the catalogue or `OWNER/REPOSITORY/FILE.gguf` means. Raises PullError."""
    known = catalogue_model(name)
    if known:
        return WantedFile(known.repository, known.file, known.revision, known.size, known.sha256)
    match = WANTED.fullmatch(name)
    if not match or ".." in name:
        names = ", ".join(model.name for model in CATALOGUE)
        raise PullError(
            f"{name!r} is not a model that can be pulled.", f"Give one of {names}, or OWNER/REPOSITORY/FILE.gguf."
        )
    return WantedFile(match[1], match[2])


def by_hand(wanted: WantedFile, folder: Path) -> str:
    """How to install the file without a connection from this machine."""
    size = f", {wanted.size:,} bytes" if wanted.size else ""
    check = f"\n  sha256 {wanted.sha256}" if wanted.sha256 else ""
    return (
        f"Without internet: fetch the file on another machine and lay it into {folder.absolute()}\n"
        f"  file   {wanted.file}{size}{check}\n"
        f"  from   {wanted.address}"
    )


def pull(settings: IndexerSettings, wanted: WantedFile, *, say: Say) -> Path:
    """Install the file into the models folder and return its path; nothing is fetched that is already there."""
    folder = settings.models_path
    target, partial_folder = folder / wanted.file, folder / ".partial"
    try:
        partial_folder.mkdir(parents=True, exist_ok=True)
        with FileLock(partial_folder / f"{wanted.file}.lock", timeout=0):
            wanted = wanted if _is_installed(wanted, target) else _with_hub_metadata(wanted, folder)
            if _is_installed(wanted, target):
                say(f"{target} is there already, and its checksum is right.")
                return target
            partial = partial_folder / f"{wanted.sha256[:16] or 'unchecked'}-{wanted.file}"
            _fetch(wanted, partial, folder, say)
            _check(wanted, partial, say)
            os.replace(partial, target)  # noqa: PTH105 (atomic, on one file system)
    except Timeout:
        raise BusyError(f"Another process is pulling {wanted.file}.", "Wait until it has finished.") from None
    except OSError as error:
        raise _storage_error(error, folder) from error
    return target


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _is_installed(wanted: WantedFile, target: Path) -> bool:
    if not (wanted.sha256 and target.is_file() and (not wanted.size or target.stat().st_size == wanted.size)):
        return False
    return file_sha256(target) == wanted.sha256


def _hub() -> Any:
    """The hub's package; it takes half a second to import and reads its switches then."""
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import file_download

    return file_download


def _with_hub_metadata(wanted: WantedFile, folder: Path) -> WantedFile:
    """`wanted` with the size and hash that the hub gives, which must not contradict what was known."""
    hub = _hub()
    try:
        found = hub.get_hf_file_metadata(wanted.address, timeout=30)
    except Exception as error:
        raise _pull_error(error, wanted, folder) from error
    offered = found.etag if found.etag and SHA256.fullmatch(found.etag) else ""
    if wanted.sha256 and offered and offered != wanted.sha256:
        raise PullError(
            f"The hub now offers another file as {wanted.file} (sha256 {offered}) than the one that was checked.",
            "Nothing was fetched. A newer version of Docent may know the new file.",
        )
    size, sha256 = wanted.size or found.size or 0, wanted.sha256 or offered
    return WantedFile(wanted.repository, wanted.path, wanted.revision, size, sha256)


def _fetch(wanted: WantedFile, partial: Path, folder: Path, say: Say) -> None:
    """Append to `partial` what is missing of the file."""
    have = partial.stat().st_size if partial.exists() else 0
    if wanted.size and have > wanted.size:
        partial.unlink()
        have = 0
    free = shutil.disk_usage(folder).free
    if wanted.size - have > free:
        raise StorageError(
            f"{wanted.file} needs {wanted.size - have:,} more bytes, but {folder.absolute()} has {free:,} free.",
            "Make room, or set DOCENT_DATA to a folder on a larger disk.",
        )
    if have:
        say(f"Resuming {wanted.file} after {have:,} of {wanted.size:,} bytes.")
    hub = _hub()
    with partial.open("r+b" if have else "wb") as file:
        file.seek(0, os.SEEK_END)
        try:
            headers = hub.build_hf_headers(library_name="docent")
            hub.http_get(
                wanted.address,
                file,
                resume_size=have,
                headers=headers,
                expected_size=wanted.size or None,
                displayed_filename=wanted.file,
            )
            file.flush()
            os.fsync(file.fileno())
        except Exception as error:
            raise _pull_error(error, wanted, folder) from error


def _check(wanted: WantedFile, partial: Path, say: Say) -> None:
    """Refuse and remove a file that is not what it should be."""
    if wanted.sha256:
        say("Checking the checksum.")
        found = file_sha256(partial)
        if found != wanted.sha256:
            partial.unlink()
            raise PullError(
                f"{wanted.file} arrived damaged: its sha256 is {found}, but it should be {wanted.sha256}.",
                "The file was removed. Pull it again; if that happens twice, something on the way changes it.",
            )
    else:
        say("The hub gives no checksum for this file, so it was not checked.")
    try:
        read_header(partial)
    except GgufError as error:
        partial.unlink()
        raise PullError(
            f"{wanted.file} cannot be used. {error}", "The file was removed. Choose another one."
        ) from error


def _pull_error(error: Exception, wanted: WantedFile, folder: Path) -> Exception:
    """What went wrong with the hub, in a sentence with advice; StorageError if it was the disk."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _storage_error(error, folder)
    status = getattr(getattr(error, "response", None), "status_code", None)
    place = f"{wanted.path} in {wanted.repository}"
    if status == 404:
        return PullError(f"The hub has no {place} (revision {wanted.revision}).", "Check the spelling.")
    if status in (401, 403):
        return PullError(
            f"The hub does not give out {place} to everybody, or it does not exist.",
            "Check the spelling; if its licence has to be accepted, do so on the hub and set HF_TOKEN.",
        )
    if status is not None:
        return PullError(f"The hub answered with HTTP status {status}.", f"Try again later.\n{by_hand(wanted, folder)}")
    if "Consistency check failed" in str(error):
        return PullError(
            f"The connection ended before {wanted.file} was complete.", "Run the same command again: it goes on there."
        )
    reason = str(error).strip().splitlines()[0:1] or [type(error).__name__]
    return PullError(
        f"The hub at {wanted.address.split('/resolve/')[0]} could not be reached or broke off ({reason[0][:200]}).",
        f"Run the same command again when the connection works: what has arrived is kept.\n{by_hand(wanted, folder)}",
    )


def _storage_error(error: OSError, folder: Path) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f"The disk of {folder.absolute()} is full.",
            "Make room, or set DOCENT_DATA to a folder on a larger disk; what has arrived is kept.",
        )
    return StorageError(f"The models folder {folder.absolute()} cannot be used: {error.strerror or error}.")
