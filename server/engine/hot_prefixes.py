"""What of the KV cache outlives a restart: the beginnings that several prompts had, each a file (state_folder.py).

Nothing that a person or a program wrote is among them, and no passage of a document: a beginning is saved up to where
the server's own fixed words end (Request.public), so that what is deleted elsewhere need not be looked for here.

Two threads share the work, since writing some hundred megabytes takes seconds. The one that owns the model copies a
prefix out of the cache, when it has nothing else to do; a thread of its own writes and hashes the copy, then asks for
the next one:

    hot.load(slots)                    when the model is loaded
    hot.save_behind(slots, ask)        returns at once; `ask` hands a CopyRequest to the model's thread,
    hot.copy(slots, request)           which answers it so, or with `request.refuse()`
    hot.wait(); hot.save(slots)        at the end: nobody waits any more
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from server.engine.slots import Slots
from server.engine.state_folder import StateFolder

logger = logging.getLogger("docent.engine")


class StateCache(Protocol):
    """A KV cache whose sequences can be written to files: see llama.Context."""

    def state_size(self, sequence: int) -> int:
        """Bytes that `read_state` would copy."""

    def read_state(self, sequence: int) -> Any:
        """A copy of what the sequence holds."""

    def state_file(self, tokens: Sequence[int], data: Any) -> Sequence[Any]:
        """The parts of a file with the copy `data` of a sequence that holds `tokens`, bytes-like. From any thread."""

    def load_state(self, sequence: int, tokens: Sequence[int], path: Path) -> bool:
        """Fill the empty `sequence` from such a file. False: it does not hold `tokens`."""


@dataclass(frozen=True, eq=False)
class CopyRequest:
    """Asks the model's thread for a copy of the cells of `tokens`. It must be answered, or the writing thread waits."""

    tokens: tuple[int, ...]
    room: int  # bytes that the copy may have
    answer: "queue.SimpleQueue[Any]" = field(default_factory=queue.SimpleQueue)  # the copy; None: there is none

    def refuse(self) -> None:
        self.answer.put(None)


Copy = Callable[[tuple[int, ...], int], Any]  # of tokens, in at most so many bytes; None: there is none


class HotPrefixes:
    """On the thread that owns the model, but for what `save_behind` starts."""

    def __init__(self, folder: StateFolder, cache: StateCache, copy_bytes: int) -> None:
        """`copy_bytes`: the memory that there is for a copy; a beginning that takes more is not saved."""
        self._folder = folder
        self._cache = cache
        self._copy_bytes = copy_bytes
        self._used: dict[tuple[int, ...], int] = {}  # what is saved: when it was used last, as the tree counts
        self._writer: threading.Thread | None = None  # while it lives, folder and `_used` are its own

    def load(self, slots: Slots) -> None:
        """Fill an empty cache with what was saved."""
        started, loaded = time.perf_counter(), 0
        for tokens, path in self._folder.open():

            def fill(sequence: int, tokens: tuple[int, ...] = tokens, path: Path = path) -> bool:
                return self._cache.load_state(sequence, tokens, path)

            loaded += len(tokens) if slots.load(tokens, fill) else 0
        slots.make_room(0)  # now rather than while the first request waits
        if loaded:
            took = time.perf_counter() - started
            logger.info("%d tokens of earlier prompts were restored from the disk in %.1f s.", loaded, took)

    def save(self, slots: Slots) -> None:
        """Save what is hot and was used since it was saved.

        What is only still in the cache does not count as used: the folder forgets it by its age.
        """
        self._save(slots.hottest(), lambda tokens, room: self._copy(slots, tokens, room))

    def save_behind(self, slots: Slots, ask: Callable[[CopyRequest], None]) -> bool:
        """The same on a thread of its own, which asks for each copy. False: it still writes what it was given before.

        A request that is refused ends nothing: what it was for is not saved this time.
        """
        if self._writer is not None and self._writer.is_alive():
            return False

        def copy(tokens: tuple[int, ...], room: int) -> Any:
            request = CopyRequest(tokens, room)
            ask(request)
            return request.answer.get()

        self._writer = threading.Thread(
            target=self._save, args=(slots.hottest(), copy), name="docent-state", daemon=True
        )
        self._writer.start()
        return True

    def copy(self, slots: Slots, request: CopyRequest) -> None:
        """Answer a request with the copy, in any case: the model's thread goes on without it."""
        request.answer.put(self._copy(slots, request.tokens, request.room))

    def wait(self) -> None:
        """Until the thread has ended. What it asks for meanwhile must be refused."""
        if self._writer is not None:
            self._writer.join()

    def _copy(self, slots: Slots, tokens: tuple[int, ...], room: int) -> Any:
        """None too where it fails: memory that others have taken since must not end the model's thread."""
        try:
            with slots.lend(tokens) as sequence:
                if sequence is None or self._cache.state_size(sequence) > min(room, self._copy_bytes):
                    return None
                return self._cache.read_state(sequence)
        except Exception:
            logger.exception("A prompt beginning of %d tokens could not be copied.", len(tokens))
            return None

    def _save(self, hottest: dict[tuple[int, ...], int], copy: Copy) -> None:
        def write(tokens: tuple[int, ...], path: Path, room: int) -> bool:
            data = copy(tokens, room)
            if data is None:
                return False
            with path.open("wb") as file:
                for part in self._cache.state_file(tokens, data):
                    file.write(part)
            return True

        as_before = {tokens for tokens, used in hottest.items() if self._used.get(tokens) == used}
        saved = self._folder.keep([tokens for tokens in hottest if tokens not in as_before], write) | as_before
        self._used = {tokens: used for tokens, used in hottest.items() if tokens in saved}
