"""How long the engine's thread is at the step that it is at, for those who must not wait for it.

A step is one batch with the choice of its tokens. On any machine that can run the model it takes seconds at most, so
one that takes minutes is stuck: in a computation that does not end, or on a machine that swaps.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_SECONDS = 1.0


class StepWatch:
    """Calls `on_late`, from a thread of its own, once for each step that takes longer than `seconds`."""

    def __init__(
        self, seconds: float, on_late: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._on_late = on_late
        self._clock = clock
        self._began: float | None = None
        self._told: float | None = None  # the beginning of the step that was late
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="docent-engine-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    @contextmanager
    def step(self) -> Iterator[None]:
        """On the engine's thread, around each step."""
        self._began = self._clock()
        try:
            yield
        finally:
            self._began = None

    @property
    def seconds(self) -> float:
        """For how long the present step goes on; 0 where there is none. From any thread."""
        began = self._began
        return 0.0 if began is None else self._clock() - began

    def look(self) -> None:
        """Call `on_late` where the present step is late and that was not told."""
        began = self._began
        if began is not None and began != self._told and self._clock() - began > self._seconds:
            self._told = began
            self._on_late()

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look()
