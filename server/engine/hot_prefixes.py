"""What of the KV cache outlives a restart: the beginnings that several prompts had, each a file (state_folder.py).

A conversation that merely goes on is not among them, and nothing that follows an answer is: what one person wrote shall
not lie on the disk only because it was read twice. On the thread that owns the model.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from server.engine.slots import Slots
from server.engine.state_folder import StateFolder

logger = logging.getLogger("docent.engine")


class StateCache(Protocol):
    """A KV cache whose sequences can be written to files: see llama.Context."""

    def state_size(self, sequence: int) -> int:
        """Bytes of the file."""

    def save_state(self, sequence: int, tokens: Sequence[int], path: Path) -> bool: ...

    def load_state(self, sequence: int, tokens: Sequence[int], path: Path) -> bool:
        """Fill the empty `sequence`. False: the file does not hold `tokens`."""


class HotPrefixes:
    def __init__(self, folder: StateFolder, cache: StateCache) -> None:
        self._folder = folder
        self._cache = cache
        self._used: dict[tuple[int, ...], int] = {}  # what is saved: when it was used last, as the tree counts

    def restore(self, slots: Slots) -> None:
        """Fill an empty cache with what was saved."""
        started, restored = time.perf_counter(), 0
        for tokens, path in self._folder.open():

            def load(sequence: int, tokens: tuple[int, ...] = tokens, path: Path = path) -> bool:
                return self._cache.load_state(sequence, tokens, path)

            restored += len(tokens) if slots.restore(tokens, load) else 0
        slots.make_room(0)  # now rather than while the first request waits
        if restored:
            took = time.perf_counter() - started
            logger.info("%d tokens of earlier prompts were restored from the disk in %.1f s.", restored, took)

    def save(self, slots: Slots, stop: Callable[[], bool] = lambda: False) -> None:
        """Save what is hot and was used since it was saved, one after the other until `stop` says so.

        What is only still in the cache does not count as used: the folder forgets it by its age.
        """

        def write(tokens: tuple[int, ...], path: Path, room: int) -> bool:
            if stop():
                return False
            with slots.lend(tokens) as sequence:
                if sequence is None or self._cache.state_size(sequence) > room:
                    return False
                return self._cache.save_state(sequence, tokens, path)

        hottest = slots.hottest()
        as_before = {tokens for tokens, used in hottest.items() if self._used.get(tokens) == used}
        saved = self._folder.keep([tokens for tokens in hottest if tokens not in as_before], write) | as_before
        self._used = {tokens: used for tokens, used in hottest.items() if tokens in saved}
