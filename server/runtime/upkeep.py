"""What the running server does about an index that has changed, while nobody writes: it drops what is dead from it,
saves it, and calibrates.

It has index and embedder in memory. A command that changes the knowledge beside it leaves both to it.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from indexer.knowledge.calibration import is_due
from indexer.knowledge.database import is_being_written
from indexer.search.calibrate import calibrate
from indexer.search.retrieve import Retriever
from indexer.search.snapshot_due import is_snapshot_due
from server.runtime.services import Services

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""Nobody waits for what is done then, which takes from a second to a minute; a look without a change compares three
numbers."""
RETRY_SECONDS = (10.0, 600.0)
"""First wait after a failure, doubled up to the longest: a full disk is seldom mended within seconds, and what fails
may have read the whole index or written 150 MB."""
REST = 3
"""Times as long as an off-topic question took nothing is done before the next: a calibration takes a quarter of one
core."""


class Stopped(Exception):  # noqa: N818 (no error: the server ends)
    """Raised out of a calibration that shall not go on."""


@dataclass
class Duty:
    """One thing that is due after a change; where it fails it is put off, and the others are done nevertheless."""

    failure: str  # what the log says
    do: Callable[[Retriever], None]
    done: int = 0  # the change up to which nothing is left to do
    wait: float = field(default_factory=lambda: RETRY_SECONDS[0])  # seconds, after the next failure
    at: float = 0.0  # the clock's seconds before which it is not tried again

    def attend(self, retriever: Retriever, now: float) -> None:
        change = retriever.store.change  # what comes meanwhile is for the next look
        if change == self.done or now < self.at:
            return
        try:
            self.do(retriever)
        except Exception:  # a busy or full disk must not end this for the days after
            log.exception("%s; it is tried again in %d seconds", self.failure, self.wait)
            self.at, self.wait = now + self.wait, min(2 * self.wait, RETRY_SECONDS[1])
        else:
            self.done, self.wait = change, RETRY_SECONDS[0]


class Upkeep:
    """The upkeep of one server's index. Sets `Services.calibrating`."""

    def __init__(
        self, services: Services, *, look: float = LOOK_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._services = services
        self._look = look
        self._clock = clock
        self._stop = threading.Event()
        self._duties: Sequence[Duty] = (
            Duty("dead rows could not be dropped from the index", lambda retriever: retriever.store.compact()),
            Duty("the index could not be saved", self._save),
            Duty("the documents could not be calibrated", self._calibrate),
        )

    async def run(self) -> None:
        """Until cancelled; a calibration that is under way then ends with its question."""
        try:
            while True:
                await asyncio.sleep(self._look)
                await asyncio.to_thread(self.keep_up)
        finally:
            self._stop.set()

    def keep_up(self) -> None:
        """One look: does what is due. Blocks, a calibration for up to a minute."""
        retriever = self._services.retriever
        if retriever is None or all(duty.done == retriever.store.change for duty in self._duties):
            return
        if not is_being_written(retriever.engine):
            for duty in self._duties:
                duty.attend(retriever, self._clock())

    def _save(self, retriever: Retriever) -> None:
        if is_snapshot_due(retriever.engine, self._services.settings.index_path):
            retriever.store.save()

    def _calibrate(self, retriever: Retriever) -> None:
        if not is_due(retriever.engine):
            return
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
