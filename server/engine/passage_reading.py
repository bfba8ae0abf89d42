"""Reads passages alone while nobody asks anything, each as a request of its own that gives way to every other.

On the thread that owns the model:

    reader.begin()                   a request for the scheduler; None: there is nothing to read
    reader.heard(slots, event)       an event of it; at its end the passage's cells are copied into the store
    reader.give_way()                it was cancelled: what was read of it is cached, and it goes on there later
"""

import logging

from server.engine.cell_state import CellState
from server.engine.passage_store import PassageStore, PassageTokens
from server.engine.scheduler import Decoder, Event, Failed, Finished, Request
from server.engine.slots import Slots

logger = logging.getLogger("docent.engine")

READING = 0  # the id of its requests: others count from 1


class PassageReader:
    def __init__(self, store: PassageStore, cache: Decoder) -> None:
        self._store = store
        self._cache = cache
        self._now: PassageTokens | None = None

    @property
    def reads(self) -> bool:
        """From any thread."""
        return self._now is not None

    def begin(self) -> Request | None:
        self._now = self._store.next_unread()
        return Request(READING, (*self._now.before, *self._now.tokens), 1) if self._now else None

    def give_way(self) -> None:
        self._now = None

    def heard(self, slots: Slots, event: Event) -> None:
        passage = self._now
        if passage is None or not isinstance(event, Finished | Failed):
            return
        self._now = None
        if isinstance(event, Finished) and self._copy(slots, passage):
            return
        self._store.give_up(passage)

    def _copy(self, slots: Slots, passage: PassageTokens) -> bool:
        tokens, start = (*passage.before, *passage.tokens), len(passage.before)
        try:
            with slots.lend(tokens) as sequence:
                data = None if sequence is None else self._cache.read_state(sequence)
            slots.drop(tokens)
            if data is None:
                return False
            state = CellState(data)
            state.check(0, len(tokens))
            self._store.put(passage, state.alone(start))
        except Exception:  # memory that others have taken since must not end the model's thread
            logger.exception("A passage of %d tokens could not be kept.", len(passage.tokens))
            return False
        return True
