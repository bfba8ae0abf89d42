"""Files to documents in chunks, ahead of whoever embeds them: a thread waits for the process that does the work."""

import errno
import hashlib
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.documents.chunk import ChunkDraft
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.files import MEGABYTE, NOT_WAITING, check_file, unreadable
from indexer.documents.extract.formats import supported
from indexer.documents.process import Reader
from indexer.documents.scan import ScannedFile
from indexer.errors import FileError, OverLimit, UnreadableFile, Unsettled
from indexer.settings import IndexerSettings

AHEAD = 8  # files at most
AHEAD_BYTES = 100_000_000
"""Memory for what is read ahead, unless one file takes more: large ones must not wait eight at a time."""
_BLOCK_BYTES = 500  # of a block or a chunk, measured
_AT_ONCE = 1 << 18  # bytes that a checksum reads at a time


@dataclass(frozen=True)
class ReadFile:
    """A file that was read and cut into chunks, with what identifies this version of it."""

    file: ScannedFile
    sha256: str
    read_ns: int
    document: ExtractedDocument
    drafts: list[ChunkDraft]

    @property
    def weight(self) -> int:
        """Bytes of memory, about."""
        return len(self.document.text) + _BLOCK_BYTES * (len(self.document.blocks) + len(self.drafts))

    @property
    def reason(self) -> str:
        """What the ledger says of a file that was read: what of it was not."""
        return " ".join(self.document.remarks)


@dataclass(frozen=True)
class FailedFile:
    """A file that could not be read. `sha256` is empty where not even its bytes were looked at."""

    file: ScannedFile
    error: FileError
    read_ns: int
    sha256: str = ""

    weight = 0


Outcome = ReadFile | FailedFile


def read_ahead(files: Sequence[ScannedFile], settings: IndexerSettings) -> Generator[Outcome, None, None]:
    """Read files in order. A thread reads some files ahead; leaving the loop ends it. Raises StartError."""
    shelf = _Shelf()

    def read_all() -> None:
        try:
            with Reader(settings) as reader:
                for file in files:
                    if not shelf.put(_read(reader, file, settings.max_file_mb)):
                        return
            shelf.end(None)
        except BaseException as error:  # handed to the thread that waits for it
            shelf.end(error)

    thread = threading.Thread(target=read_all, name="read", daemon=True)
    thread.start()
    try:
        while (item := shelf.take()) is not None:
            yield item
    finally:
        shelf.close()
        thread.join()


class _Shelf:
    """Files between the thread that reads them and the one that takes them: as many as AHEAD says."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: deque[Outcome] = deque()
        self._ended = self._closed = False
        self._error: BaseException | None = None

    def put(self, item: Outcome) -> bool:
        """Waits for room; False where nobody takes anything any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room(item))
            self._items.append(item)
            self._changed.notify_all()
            return not self._closed

    def take(self) -> Outcome | None:
        """The next file, waited for, or None after the last. Raises what ended the reading."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended)
            if self._items:
                self._changed.notify_all()
                return self._items.popleft()
            if self._error is not None:
                raise self._error
            return None

    def end(self, error: BaseException | None) -> None:
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _has_room(self, item: Outcome) -> bool:
        weight = item.weight + sum(one.weight for one in self._items)
        return not self._items or (len(self._items) < AHEAD and weight <= AHEAD_BYTES)


def _read(reader: Reader, file: ScannedFile, max_file_mb: int) -> Outcome:
    before = _look(file.absolute)
    outcome = _outcome(reader, file, max_file_mb)
    if isinstance(outcome, FailedFile) and supported(file.absolute):
        changed = _changed(file, before, outcome.error, max_file_mb)
        return FailedFile(file, changed, outcome.read_ns) if changed else outcome
    return outcome


def _outcome(reader: Reader, file: ScannedFile, max_file_mb: int) -> Outcome:
    read_ns = time.time_ns()
    sha256 = ""
    try:
        check_file(file.absolute, max_file_mb)
        sha256 = file_sha256(file.absolute)  # before the text: a file that changes in between is read again next time
        cut = reader.read(file.absolute)
        return ReadFile(file, sha256, read_ns, cut.document, cut.drafts)
    except FileError as error:
        return FailedFile(file, error, read_ns, sha256)
    except OSError as error:
        return FailedFile(file, unreadable(error), read_ns)


_UNKNOWN = (0, 0, 0)  # what is looked at there does not say


def _look(path: Path) -> tuple[int, int, int] | None:
    """What tells one version of a file from the next; None where there is none. Raises no error: reading tells it."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return _UNKNOWN
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _changed(
    file: ScannedFile, before: tuple[int, int, int] | None, error: FileError, max_file_mb: int
) -> FileError | None:
    """What is true of a file that could not be read because it did not hold still; None where it did.

    One that took too long or too much memory, or is too large, is told as that: it would be at the next run.
    """
    after = _look(file.absolute)
    if after is None:
        if file.root.is_dir():
            return Unsettled("It was moved or deleted while it was read.")
        return UnreadableFile(f"The folder {file.root} is not there any more.", "If a disk is not mounted, mount it.")
    is_over = isinstance(error, OverLimit) or after[1] > max_file_mb * MEGABYTE
    if before != after and not is_over and _UNKNOWN not in (before, after):
        return Unsettled("It was being written while it was read.", "The next run reads it.")
    return None


def file_sha256(path: Path) -> str:
    """Of the bytes that there are at the beginning, and one more: some files grow for as long as they are read.
    Raises OSError."""
    with open(path, "rb", buffering=0, opener=lambda name, _flags: os.open(name, NOT_WAITING)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        digest, left = hashlib.sha256(), found.st_size + 1
        while left and (part := file.read(min(left, _AT_ONCE))):
            digest.update(part)
            left -= len(part)
        return digest.hexdigest()


def small_together(files: Sequence[ReadFile], most: int) -> Iterator[list[ReadFile]]:
    """Neighbours, as many as have at most so many chunks together; a file with more is alone."""
    together: list[ReadFile] = []
    chunks = 0
    for file in files:
        if together and chunks + len(file.drafts) > most:
            yield together
            together, chunks = [], 0
        together.append(file)
        chunks += len(file.drafts)
    if together:
        yield together
