"""Read files and cut them into chunks in a process of their own, which can be ended: the indexer's side of `worker`."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from indexer.documents import channel, child
from indexer.documents.extract.files import check_file
from indexer.documents.wire import CutDocument, read_message
from indexer.embed import model_folder
from indexer.errors import SAVE_AGAIN, EmbedderError, OverLimit, StartError, UnreadableFile
from indexer.text.word_pieces import SPECIAL_TOKENS

if TYPE_CHECKING:
    from indexer.settings import IndexerSettings

_MOST_FILES = 500
"""Files after which the process is replaced: what its libraries leak does not add up."""
_READ_AGAIN = "It is read again when it changes, when {setting} is raised, or with *Index again* on the page Documents."


class Reader:
    """Reads one file after another and cuts it into chunks, both within the limits of the settings; a context manager.

    The process starts with the first file and is kept. Calls from several threads take turns; while one waits, others
    run. The process ends when the thread that started it ends (so Linux has it), and is then started again.
    """

    def __init__(self, settings: "IndexerSettings") -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, path: Path) -> CutDocument:
        """The document in `path` and its chunks. Raises UnsupportedFile, UnreadableFile, OverLimit, NeedsOcr."""
        check_file(path, self._settings.max_file_mb)
        with self._lock:
            message = self._asked(path)
        try:
            return read_message(message)
        except ValueError as error:
            self.close()
            raise _senseless() from error

    def close(self) -> None:
        with self._lock:
            self._end()

    def _asked(self, path: Path) -> dict[str, Any]:
        """The process's reply. A process that gave none is ended, so that the next file has a fresh one."""
        process = self._started()
        is_fresh = self._files == 1
        try:
            reply = self._exchange(process, path)
        except BaseException as error:
            self._end()
            failure = self._failure(process, error)
            if failure is None:
                raise
            raise failure from error
        if reply.get("out_of_memory"):
            self._end()
            if is_fresh:
                raise self._too_large()
            return self._asked(path)  # what earlier files left behind may be what fills the memory
        return reply

    def _exchange(self, process: subprocess.Popen[bytes], path: Path) -> dict[str, Any]:
        requests, replies = child.pipes(process)
        channel.send(requests, {"path": str(path.absolute()), "max_file_mb": self._settings.max_file_mb})
        deadline = time.monotonic() + self._settings.extract_seconds
        return channel.receive(replies, deadline, channel.longest(self._settings.extract_memory_mb))

    def _failure(self, process: subprocess.Popen[bytes], error: BaseException) -> UnreadableFile | None:
        """What a failed exchange says about the file; None where it is not the file's fault."""
        seconds = self._settings.extract_seconds
        if isinstance(error, TimeoutError) or process.returncode == -signal.SIGALRM:
            return OverLimit(
                f"Reading it took longer than {seconds} seconds.", _READ_AGAIN.format(setting="DOCENT_EXTRACT_SECONDS")
            )
        if isinstance(error, channel.ChannelBroken):
            return _senseless()
        if not isinstance(error, channel.ChannelClosed):
            return None
        if process.returncode == -signal.SIGABRT:  # what libraries do that are not written in Python
            return self._too_large()
        if process.returncode == -signal.SIGKILL:
            return UnreadableFile("Reading it was ended by the system, perhaps for want of memory.", "Read it again.")
        return UnreadableFile("Reading it crashed the reader: the file is damaged, or was made to do so.", SAVE_AGAIN)

    def _too_large(self) -> OverLimit:
        return OverLimit(
            f"Reading it needs more than {self._settings.extract_memory_mb} MB of memory.",
            _READ_AGAIN.format(setting="DOCENT_EXTRACT_MEMORY_MB"),
        )

    def _started(self) -> subprocess.Popen[bytes]:
        """The process, started where there is none."""
        if self._process is not None and (self._process.poll() is not None or self._files >= _MOST_FILES):
            self._end()
        if self._process is None:
            self._process = self._start()
            self._files = 0
        self._files += 1
        return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        """Raises StartError, EmbedderError."""
        settings = self._settings
        numbers = (settings.extract_memory_mb, settings.extract_seconds, os.getpid())
        cutting = (model_folder(settings.embedder).absolute(), settings.chunk_tokens - SPECIAL_TOKENS)
        try:
            process, said = child.start("indexer.documents.worker", *numbers, *cutting)
        except child.NotStarted as error:
            raise self._not_started(str(error)) from error
        if "refused" in said:
            child.stop(process)
            raise EmbedderError(*map(str, said["refused"]))
        return process

    def _not_started(self, reason: str) -> StartError:
        return StartError(
            f"The process that reads documents does not start ({reason}).",
            f"Run `{sys.executable} -c 'import indexer.documents.worker'` to see why; DOCENT_EXTRACT_MEMORY_MB "
            f"({self._settings.extract_memory_mb}) may be too small.",
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            child.stop(process)


def _senseless() -> UnreadableFile:
    return UnreadableFile(
        "Reading it gave something that is no document: the file is damaged, or was made to do so.", SAVE_AGAIN
    )
