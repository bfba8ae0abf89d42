"""What the running server does about an index that has changed, while nobody writes: it drops what is dead from
it, saves it, and calibrates.

It has index and embedder in memory. A command that changes the knowledge beside it leaves both to it.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from indexer.knowledge.calibration import is_due
from indexer.knowledge.database import is_being_written
from indexer.search.calibrate import calibrate
from indexer.search.retrieve import Retriever
from indexer.search.snapshot_due import is_snapshot_due
from server.runtime.services import Services

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
REST = 3
"""Times as long as an off-topic question took nothing is done before the next: a calibration takes a quarter of one
core."""


class Stopped(Exception):  # noqa: N818 (no error: the server ends)
    """Raised out of a calibration that shall not go on."""


class Upkeep:
    """The upkeep of one server's index. Sets `Services.calibrating`."""

    def __init__(self, services: Services, *, look: float = LOOK_SECONDS) -> None:
        self._services = services
        self._look = look
        self._stop = threading.Event()
        self._kept_up = 0  # the change up to which nothing is left to do

    async def run(self) -> None:
        """Until cancelled; a calibration that is under way then ends with its question."""
        try:
            while True:
                await asyncio.sleep(self._look)
                try:
                    await asyncio.to_thread(self.keep_up)
                except Exception:  # a busy or full disk must not end this for the days after
                    log.exception("the index could not be saved or calibrated")
        finally:
            self._stop.set()

    def keep_up(self) -> None:
        """One look: does what is due. Blocks, a calibration for up to a minute."""
        retriever, change = self._services.retriever, self._services.change
        if retriever is None or change == self._kept_up or is_being_written(retriever.engine):
            return
        self._kept_up = change  # also where it fails: what is due is due again after the next change
        retriever.store.compact()
        if is_snapshot_due(retriever.engine, self._services.settings.index_path):
            retriever.store.save()
        if is_due(retriever.engine):
            self._calibrate(retriever)

    def _calibrate(self, retriever: Retriever) -> None:
        self._services.calibrating = True
        try:
            with suppress(Stopped):
                calibrate(retriever, self._services.catalog.everything(), self._rested())
        finally:
            self._services.calibrating = False

    def _rested(self) -> Callable[[int, int], None]:
        """What to call after each question: it rests, and raises Stopped where the server ends."""
        before = time.monotonic()

        def rest(_done: int, _total: int) -> None:
            nonlocal before
            if self._stop.wait(REST * (time.monotonic() - before)):
                raise Stopped
            before = time.monotonic()

        return rest
