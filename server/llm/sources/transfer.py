"""What every source of a model file does alike: read in the background, notice silence, stop when told, resume.

    for block in blocks(lambda: response.iter_raw(), watch): ...

Reading happens in a thread of its own, so that whoever waits here can be told to stop, and a source that says nothing
can be left, whatever the network is doing.
"""

import errno
import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from indexer.errors import StartError

BLOCK = 1 << 20  # bytes
HASH_BLOCK = 1 << 22  # bytes
POLL = 0.2  # seconds between two looks at whether to stop
REPORT = 0.25  # seconds between two reports of progress
QUEUED = 64  # blocks that wait to be written
ATTEMPTS = 3  # at a transfer that breaks off without having brought anything
BUSY_STATUS = frozenset({408, 429, 500, 502, 503, 504})  # of HTTP; worth asking again
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

T = TypeVar("T")
Stage = Literal["fetching", "checking"]
Say = Callable[[str], None]


class PullError(StartError):
    """A model file could not be fetched."""


class PullCancelled(Exception):  # noqa: N818 (nothing went wrong: somebody said stop)
    """The pull was stopped by `cancelled`; what has arrived is kept."""


class SourceFailed(Exception):  # noqa: N818 (named for what the source did)
    """One source cannot give the file; another may. `reason` is a sentence, `advice` what to do if it was the last."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


class Silent(SourceFailed):
    """It said nothing for longer than the patience with it."""


@dataclass(frozen=True)
class Fetched:
    """How far a pull is, in bytes of the model's file."""

    done: int
    total: int  # 0: unknown
    stage: Stage
    source: str  # as prose names it


@dataclass(frozen=True)
class Target:
    """The file that is wanted, and where it grows, from its beginning on, whatever source its bytes come from."""

    file: str
    size: int  # bytes; 0: unknown
    sha256: str  # empty: unknown
    partial: Path

    @property
    def have(self) -> int:
        """Bytes that have arrived."""
        try:
            return self.partial.stat().st_size
        except FileNotFoundError:
            return 0


def sentence(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]


def ignore(_fetched: Fetched) -> None:
    pass


def never() -> bool:
    return False


@dataclass
class Watch:
    """The eye of whoever asked for the file: told how far it is, asked whether to go on."""

    progress: Callable[[Fetched], None] = ignore
    cancelled: Callable[[], bool] = never
    source: str = ""
    total: int = 0  # bytes
    patience: float = 5.0  # seconds of silence
    hurries: bool = False  # another source follows, so this one is not waited for any longer
    _told: float = field(default=0.0, repr=False)

    def check(self) -> None:
        """Raises PullCancelled."""
        if self.cancelled():
            raise PullCancelled

    def report(self, done: int, stage: Stage = "fetching") -> None:
        """Pass it on, not more often than anybody can see; the last one always."""
        now = time.monotonic()
        if now - self._told >= REPORT or done == self.total:
            self._told = now
            self.progress(Fetched(done, self.total, stage, self.source))


def blocks(read: Callable[[], Iterable[T]], watch: Watch) -> Iterator[T]:
    """What `read()` yields, which runs in another thread. Raises Silent, PullCancelled, or what `read` raises."""
    arrived: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(QUEUED)
    left = threading.Event()

    def offer(what: tuple[T] | BaseException | None) -> bool:
        while not left.is_set():
            try:
                arrived.put(what, timeout=POLL)
            except queue.Full:
                continue
            return True
        return False

    def run() -> None:
        try:
            for block in read():
                if not offer((block,)):
                    return
        except Exception as error:  # for whoever waits
            offer(error)
        else:
            offer(None)

    threading.Thread(target=run, name="docent-fetch", daemon=True).start()
    try:
        while (block := _next(arrived, watch)) is not None:
            yield block[0]
    finally:
        left.set()


def _next(arrived: "queue.Queue[tuple[T] | BaseException | None]", watch: Watch) -> tuple[T] | None:
    since = time.monotonic()
    while True:
        watch.check()
        try:
            found = arrived.get(timeout=POLL)
        except queue.Empty:
            if time.monotonic() - since >= watch.patience:
                raise Silent(f"{sentence(watch.source)} was silent for {watch.patience:.0f} seconds.") from None
            continue
        if isinstance(found, BaseException):
            raise found
        return found


def answer(ask: Callable[[], T], watch: Watch) -> T:
    """What `ask()` returns, with the same patience. Raises what `blocks` raises."""
    return next(blocks(lambda: (ask(),), watch))


def file_sha256(path: Path, watch: Watch, *, told: bool = False) -> str:
    """Of a whole file; `told`: report how far it is. Raises PullCancelled."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK):
            digest.update(block)
            done += len(block)
            if told:
                watch.report(done, "checking")
            watch.check()
    return digest.hexdigest()
