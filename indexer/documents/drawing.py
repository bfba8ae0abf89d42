"""Draw pages of PDFs in a process of their own, which can be ended: the server's side of `drawing_worker`.

PDFium draws one page at a time, whatever thread asks, and a hostile page can take it any time and memory, or its life.
"""

import base64
import binascii
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.documents import channel, child
from indexer.errors import DocentError

if TYPE_CHECKING:
    from indexer.settings import IndexerSettings

SECONDS = 5  # that drawing one page may take
IDLE = 600  # seconds without a page after which the process ends
_MEMORY_MB = 1024  # of the process, PDFium and two files that are open among it
_MOST_PAGES = 500
"""Pages after which the process is replaced: what its libraries leak does not add up."""
_CRASHED = "Drawing this page failed: the file is damaged, or was made to do so."


class NotDrawn(DocentError):  # noqa: N818 (what happened)
    """A page that cannot be shown as it looks; `what` says why in one sentence."""


class NoSuchPage(NotDrawn):
    pass


class NoDrawing(NotDrawn):
    """Nothing is wrong with the page: later it may be drawn."""


@dataclass(frozen=True)
class Picture:
    """A page as a PNG. `width` and `height` are the page's, in the units that boxes of words are in."""

    png: bytes
    width: float
    height: float
    pages: int  # of the document


class Drawer:
    """Draws one page after the other; for one thread, which has to live as long as the process shall."""

    def __init__(self, settings: "IndexerSettings") -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._pages = 0

    def draw(self, path: Path, sha256: str, number: int, width: int) -> Picture:
        """Page `number` (from 1) of the file, which must have this checksum, about `width` pixels wide.

        Raises NotDrawn.
        """
        request = {"path": os.fspath(path), "sha256": sha256, "number": number, "width": width}
        message = self._asked(request)
        if "refused" in message:
            kind = NoSuchPage if "pages" in message else NotDrawn
            raise kind(str(message["refused"])[:200])
        try:
            png = base64.b64decode(message["png"], validate=True)
            return Picture(png, float(message["width"]), float(message["height"]), int(message["pages"]))
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            self.close()
            raise NotDrawn(_CRASHED) from error

    def start(self) -> None:
        """Have the process there before the first page is asked for. Raises NoDrawing."""
        self._started()

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            child.stop(process)

    @property
    def _memory_mb(self) -> int:
        return min(_MEMORY_MB, self._settings.extract_memory_mb)

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        """The process's reply. A process that gave none is ended, so that the next page has a fresh one."""
        process = self._started()
        is_fresh = self._pages == 0
        self._pages += 1
        try:
            reply = self._exchange(process, request)
        except BaseException as error:
            self.close()
            if isinstance(error, channel.ChannelClosed) and process.returncode == 0 and not is_fresh:
                return self._asked(request)  # it had nothing to do for long, and ended just now
            failure = _failure(process, error)
            if failure is None:
                raise
            raise failure from error
        if "out_of_memory" in reply:
            self.close()
            if is_fresh:
                raise NotDrawn("Drawing this page needs more memory than it may take.")
            return self._asked(request)  # what earlier pages left behind may be what fills the memory
        return reply

    def _exchange(self, process: subprocess.Popen[bytes], request: dict[str, Any]) -> dict[str, Any]:
        requests, replies = child.pipes(process)
        channel.send(requests, request)
        return channel.receive(replies, time.monotonic() + SECONDS, channel.longest(self._memory_mb))

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and (self._process.poll() is not None or self._pages >= _MOST_PAGES):
            self.close()
        if self._process is None:
            self._process = self._start()
            self._pages = 0
        return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        numbers = (self._memory_mb, SECONDS, os.getpid(), IDLE, self._settings.max_file_mb)
        try:
            return child.start("indexer.documents.drawing_worker", *numbers)[0]
        except child.NotStarted as error:
            raise NoDrawing("Pages cannot be drawn on this computer just now.") from error


def _failure(process: subprocess.Popen[bytes], error: BaseException) -> NotDrawn | None:
    """What a failed exchange says about the page; None where it is no fault of a page."""
    if isinstance(error, TimeoutError) or process.returncode == -signal.SIGALRM:
        return NotDrawn(f"Drawing this page takes longer than {SECONDS} seconds.")
    if isinstance(error, channel.ChannelClosed | channel.ChannelBroken):
        return NotDrawn(_CRASHED)
    return None
