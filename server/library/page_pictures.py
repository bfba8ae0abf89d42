"""Pages of PDFs as pictures: drawn one after the other by one process, kept in memory while there is room.

Who may see a page is for the caller to see to, at every request: what is kept here belongs to the content of a file,
not to a document.
"""

import threading
import time
from collections import OrderedDict
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from indexer.documents.drawing import Drawer, NoDrawing, NotDrawn, Picture
from indexer.settings import IndexerSettings

KEPT_BYTES = 48 << 20
"""Of pictures in memory, some 300 pages of text. None is kept on the disk: drawing one anew takes less time than the
answer to a click may, and of a deleted document nothing is left."""
MOST_WAITING = 8  # pages, that one among them that is drawn; each holds a thread of the server's
PATIENCE = 8.0  # seconds that a page waits for others
_FAILED_SECONDS = 300.0
"""That a page is not tried again: one that takes too long shall not do so for each who asks."""
_SMALL = 1000  # bytes that anything counts, so that failures are bounded too
_BUSY = "Docent is drawing other pages just now."
_ENDS = "Docent is being stopped or restarted."

Key = tuple[str, int, int, int, int]


@dataclass(frozen=True)
class _Failure:
    kind: type[NotDrawn]
    what: str
    until: float  # time.monotonic


class PagePictures:
    """Pictures of pages, for all threads. `close` when the server ends."""

    def __init__(self, settings: IndexerSettings) -> None:
        self._drawer = Drawer(settings)
        # One thread: PDFium is not thread safe, and Linux ends the process with the thread that started it.
        self._thread = ThreadPoolExecutor(1, "docent-pages")
        self._room = threading.Semaphore(MOST_WAITING)
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Picture | _Failure] = OrderedDict()
        self._bytes = 0

    def picture(self, path: Path, sha256: str, number: int, width: int) -> Picture:
        """Page `number` (from 1) of the file, about `width` pixels wide, if the file still has this checksum.

        Raises NotDrawn, of these NoDrawing where too many wait.
        """
        try:
            found = path.stat()
        except OSError as error:
            raise NotDrawn("The file is not there any more.") from error
        key = (sha256, found.st_size, found.st_mtime_ns, number, width)
        kept = self._known(key)
        if kept is None:
            kept = self._outcome(key, path)
        if isinstance(kept, _Failure):
            raise kept.kind(kept.what)
        return kept

    def close(self) -> None:
        """Waits for the page that is being drawn; those who wait for others are told."""
        self._thread.shutdown(cancel_futures=True)
        self._drawer.close()

    def _known(self, key: Key) -> Picture | _Failure | None:
        with self._lock:
            kept = self._kept.get(key)
            if isinstance(kept, _Failure) and kept.until < time.monotonic():
                self._forget(key)
                return None
            if kept is not None:
                self._kept.move_to_end(key)
            return kept

    def _outcome(self, key: Key, path: Path) -> Picture | _Failure:
        """What comes of drawing, after those who asked before. Raises NoDrawing."""
        if not self._room.acquire(blocking=False):
            raise NoDrawing(_BUSY)
        try:
            drawing = self._thread.submit(partial(self._drawn, key, path))
        except RuntimeError as error:  # `close` was called
            self._room.release()
            raise NoDrawing(_ENDS) from error
        drawing.add_done_callback(self._make_room)
        try:
            return drawing.result(PATIENCE)
        except WaitedTooLong as error:
            drawing.cancel()
            raise NoDrawing(_BUSY) from error
        except CancelledError as error:
            raise NoDrawing(_ENDS) from error

    def _make_room(self, _drawing: Future[Picture | _Failure]) -> None:
        self._room.release()

    def _drawn(self, key: Key, path: Path) -> Picture | _Failure:
        """Raises NoDrawing."""
        known = self._known(key)
        if known is not None:  # several asked for it
            return known
        sha256, _, _, number, width = key
        try:
            outcome: Picture | _Failure = self._drawer.draw(path, sha256, number, width)
        except NoDrawing:
            raise
        except NotDrawn as failure:
            outcome = _Failure(type(failure), failure.what, time.monotonic() + _FAILED_SECONDS)
        self._keep(key, outcome)
        return outcome

    def _keep(self, key: Key, outcome: Picture | _Failure) -> None:
        with self._lock:
            if key in self._kept:
                self._forget(key)
            self._kept[key] = outcome
            self._bytes += _weight(outcome)
            while self._bytes > KEPT_BYTES:
                self._forget(next(iter(self._kept)))

    def _forget(self, key: Key) -> None:
        self._bytes -= _weight(self._kept.pop(key))


def _weight(outcome: Picture | _Failure) -> int:
    return _SMALL + (len(outcome.png) if isinstance(outcome, Picture) else 0)
