"""Files to extracted documents, ahead of whoever embeds them: a thread waits for the process that does the work."""

import hashlib
import queue
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.documents.extract import Extractor
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.files import check_file
from indexer.documents.scan import ScannedFile
from indexer.errors import FileError, UnreadableFile
from indexer.settings import IndexerSettings


@dataclass(frozen=True)
class ReadFile:
    """A file that was extracted, with what identifies this version of it."""

    file: ScannedFile
    sha256: str
    read_ns: int
    document: ExtractedDocument


@dataclass(frozen=True)
class FailedFile:
    """A file that could not be extracted. `sha256` is empty where not even its bytes were looked at."""

    file: ScannedFile
    error: FileError
    read_ns: int
    sha256: str = ""


def read_ahead(files: Sequence[ScannedFile], settings: IndexerSettings) -> Generator[ReadFile | FailedFile, None, None]:
    """Extracted files in order. A thread reads at most eight files ahead; leaving the loop ends it."""
    ready: queue.Queue[ReadFile | FailedFile | BaseException | None] = queue.Queue(maxsize=8)
    stop = threading.Event()

    def read_all() -> None:
        try:
            with Extractor(settings) as extractor:
                for file in files:
                    if stop.is_set():
                        return
                    ready.put(_read(extractor, file, settings.max_file_mb))
            ready.put(None)
        except BaseException as error:  # handed to the thread that waits for it
            ready.put(error)

    reader = threading.Thread(target=read_all, name="extract", daemon=True)
    reader.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        while reader.is_alive():  # it may wait for room in the queue
            if not ready.empty():
                ready.get()
            reader.join(0.05)


def _read(extractor: Extractor, file: ScannedFile, max_file_mb: int) -> ReadFile | FailedFile:
    read_ns = time.time_ns()
    sha256 = ""
    try:
        check_file(file.absolute, max_file_mb)
        sha256 = file_sha256(file.absolute)  # before the text: a file that changes in between is read again next time
        return ReadFile(file, sha256, read_ns, extractor.extract(file.absolute))
    except FileError as error:
        return FailedFile(file, error, read_ns, sha256)
    except OSError as error:
        return FailedFile(file, UnreadableFile(f"The file cannot be read: {error.strerror}."), read_ns)


def file_sha256(path: Path) -> str:
    """Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
