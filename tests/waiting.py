"""Waiting for what another process or thread does, with an end."""

import threading
import time
from collections.abc import Callable
from typing import IO

WAIT = 120.0  # seconds until a test that waits gives up


def until(true: Callable[[], bool], seconds: float = WAIT, pause: float = 0.02) -> None:
    """Return when it is true. Fails after so many seconds, which no test is meant to take.

    `pause` is between two looks, in seconds: longer where a look costs the one that is waited for.
    """
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "this did not come true in time"
        time.sleep(pause)


class Said:
    """The lines of a process's output, read as they come: a test that waits for one that never comes fails in time."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None
        self.lines: list[str] = []
        self._stream = stream
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self.lines.extend(self._stream)

    @property
    def text(self) -> str:
        """So far."""
        return "".join(self.lines)

    def line(self, number: int) -> str:
        """The line of this number, from 0 on, when it is there."""
        until(lambda: len(self.lines) > number)
        return self.lines[number]

    def rest(self) -> str:
        """All of it, when the process has closed it."""
        self._reader.join(WAIT)
        assert not self._reader.is_alive(), f"the output has no end: {self.text}"
        return self.text
