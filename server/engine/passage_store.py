"""Passages that the model has read once: which are kept, in memory and on the disk, and which are to be read next.

What is asked for most and was asked for last stays, by the rule of prefixes.py. A passage is found by its key alone,
which is made of its very tokens, so who asks for one has its words already: what a question may not read is never
looked for. A source says which words of which document a passage is, so that it goes when they do.

    store.holds(passage)      whether it is kept; if not, it is to be read when there is time
    store.ask(passage)        the same, with its cells, from memory or the disk
    store.next_unread()       the passage that was asked for most and is not kept
    store.put(passage, data)  it was read
    store.forget(sources)     documents are gone or changed

From any thread. A thread of its own writes files, so that no question waits for that.
"""

import hashlib
import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass

from server.engine.cell_state import State
from server.engine.passage_folder import PassageFolder
from server.engine.prefixes import priority

logger = logging.getLogger("docent.engine")

MOST_UNREAD = 256
MOST_UNWRITTEN = 64 << 20  # bytes that wait for the disk; what waits longest is then not written
CLOSE_SECONDS = 5.0  # what is not written by then is read by the model again
MOST_REMEMBERED = 16_384  # keys of which it is known how often they were asked for


@dataclass(frozen=True)
class PassageTokens:
    """A passage as the model reads it alone."""

    key: str
    before: tuple[int, ...]  # what it is read behind
    tokens: tuple[int, ...]
    source: str


@dataclass(frozen=True)
class PassageFigures:
    """Since the start, and now."""

    asked: int
    from_memory: int
    from_disk: int
    memory: int  # bytes
    disk: int
    unread: int  # passages that wait to be read

    def __str__(self) -> str:
        return (
            f"{self.asked} passages were asked for: {self.from_memory} were in memory, {self.from_disk} on the disk; "
            f"{self.memory >> 20} MB of memory and {self.disk >> 20} MB of the disk hold what was read"
        )


@dataclass
class _Uses:
    asked: int
    last: int  # as a count of all
    source: str

    @property
    def priority(self) -> float:
        return priority(self.last, self.asked)


def passage_key(model: str, before: tuple[int, ...], tokens: tuple[int, ...]) -> str:
    """Tells passages apart by all that their cells depend on."""
    return hashlib.blake2b(repr((model, before, tokens)).encode(), digest_size=16).hexdigest()


class PassageStore:
    def __init__(self, limit: int, folder: PassageFolder | None = None) -> None:
        """`limit` is in bytes of memory; the folder has its own."""
        self._limit = limit
        self._folder = folder
        self._lock = threading.Lock()  # of what is in memory
        self._folder_lock = threading.Lock()  # taken first where both are, and never while the disk is waited for
        self._kept: dict[str, State] = {}
        self._bytes = 0
        self._uses: dict[str, _Uses] = {}
        self._unread: dict[str, PassageTokens] = {}
        self._clock = 0
        self._asked = self._from_memory = self._from_disk = 0
        self._unwritten: dict[str, State] = {}  # for the writer, what came first at the beginning
        self._to_write = threading.Condition(self._lock)
        self._closing = False
        self._writer: threading.Thread | None = None
        if folder is not None:
            for saved in folder.open():
                self._clock += 1
                self._uses[saved.key] = _Uses(1, self._clock, saved.source)
            self._writer = threading.Thread(target=self._write_all, args=(folder,), name="docent-passages", daemon=True)
            self._writer.start()

    def holds(self, passage: PassageTokens) -> bool:
        """Whether it is kept somewhere."""
        with self._lock:
            self._use(passage)
            if passage.key in self._kept or passage.key in (self._folder or ()):
                return True
            self._note_unread(passage)
            return False

    def ask(self, passage: PassageTokens) -> State | None:
        """The passage's cells, as they were read behind what is before it. May read the disk."""
        with self._lock:
            self._asked += 1
            self._use(passage)
            data = self._kept.get(passage.key)
            if data is not None:
                self._from_memory += 1
                return data
        data = self._read(passage.key)
        with self._lock:
            if passage.key not in self._uses:  # forgotten meanwhile: nothing of it is kept, or read for later
                return data
            if data is None:
                self._note_unread(passage)
            else:
                self._from_disk += 1
                self._keep(passage.key, data)
        return data

    def next_unread(self) -> PassageTokens | None:
        with self._lock:
            if not self._unread:
                return None
            return max(self._unread.values(), key=lambda each: self._uses[each.key].priority)

    def give_up(self, passage: PassageTokens) -> None:
        """It cannot be read; it is tried again when it is asked for again."""
        with self._lock:
            self._unread.pop(passage.key, None)

    def put(self, passage: PassageTokens, data: State) -> None:
        """Keep what was read, unless its document has gone meanwhile."""
        with self._lock:
            if self._unread.pop(passage.key, None) is None:
                return
            self._keep(passage.key, data)
            if self._writer is not None:
                self._unwritten[passage.key] = data
                while (
                    len(self._unwritten) > 1 and sum(each.nbytes for each in self._unwritten.values()) > MOST_UNWRITTEN
                ):
                    del self._unwritten[next(iter(self._unwritten))]
                self._to_write.notify()

    def sources(self) -> frozenset[str]:
        """Of all that is kept or to be read."""
        with self._lock:
            return frozenset(uses.source for uses in self._uses.values())

    def forget(self, sources: Collection[str]) -> int:
        """Remove everything of these; how many passages that were."""
        with self._folder_lock, self._lock:
            gone = [key for key, uses in self._uses.items() if uses.source in sources]
            for key in gone:
                self._drop(key)
                del self._uses[key]
                self._unread.pop(key, None)
                self._unwritten.pop(key, None)
                if self._folder is not None and key in self._folder:
                    self._folder.remove(key)
        return len(gone)

    def figures(self) -> PassageFigures:
        disk = self._folder.bytes if self._folder is not None else 0
        with self._lock:
            return PassageFigures(self._asked, self._from_memory, self._from_disk, self._bytes, disk, len(self._unread))

    def close(self) -> None:
        """Write what is not written yet, as far as the disk is quick enough for that."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        with self._lock:
            self._closing = True
            self._to_write.notify()
        writer.join(CLOSE_SECONDS)
        with self._lock:
            if self._unwritten:
                logger.warning("%d passages that were read are not kept: the disk is slow.", len(self._unwritten))
                self._unwritten.clear()

    def _use(self, passage: PassageTokens) -> None:
        self._clock += 1
        uses = self._uses.get(passage.key)
        self._uses[passage.key] = _Uses(uses.asked + 1 if uses else 1, self._clock, passage.source)
        if len(self._uses) > MOST_REMEMBERED:
            known = {passage.key, *self._kept, *self._unread}
            spare = [key for key in self._uses if key not in known and key not in (self._folder or ())]
            for key in sorted(spare, key=lambda key: self._uses[key].priority)[: len(spare) // 2]:
                del self._uses[key]

    def _note_unread(self, passage: PassageTokens) -> None:
        self._unread[passage.key] = passage
        while len(self._unread) > MOST_UNREAD:
            del self._unread[min(self._unread, key=lambda key: self._uses[key].priority)]

    def _keep(self, key: str, data: State) -> None:
        self._drop(key)
        self._kept[key] = data
        self._bytes += data.nbytes
        while self._bytes > self._limit:
            self._drop(min(self._kept, key=lambda key: self._uses[key].priority))

    def _drop(self, key: str) -> None:
        data = self._kept.pop(key, None)
        self._bytes -= data.nbytes if data is not None else 0

    def _read(self, key: str) -> State | None:
        if self._folder is None or key not in self._folder:
            return None
        with self._folder_lock:
            return self._folder.read(key) if key in self._folder else None

    def _write_all(self, folder: PassageFolder) -> None:
        while True:
            with self._lock:
                self._to_write.wait_for(lambda: self._unwritten or self._closing)
                if not self._unwritten:
                    return
                key = next(iter(self._unwritten))
                data = self._unwritten.pop(key)
            try:
                self._write(folder, key, data)
            except Exception:  # of one passage: the next ones may be written
                logger.exception("A passage could not be kept on the disk.")

    def _write(self, folder: PassageFolder, key: str, data: State) -> None:
        source = self._make_room(folder, key, data.nbytes + 4096)
        size = folder.write(key, source, data) if source is not None else None
        if size is None:
            return
        with self._folder_lock, self._lock:
            if key in self._uses:
                folder.place(key, size)
            else:  # forgotten meanwhile
                folder.discard(key)

    def _make_room(self, folder: PassageFolder, key: str, size: int) -> str | None:
        """Remove what has less priority, as far as the limit asks for it. The passage's source; None: forgotten."""
        with self._folder_lock:
            with self._lock:
                uses = self._uses.get(key)
                ranks = {key: uses.priority for key, uses in self._uses.items() if key in folder}
            if uses is None:
                return None
            for least in sorted(ranks, key=ranks.__getitem__):
                if folder.bytes + size <= folder.limit or ranks[least] >= uses.priority:
                    break
                folder.remove(least)
            return uses.source
