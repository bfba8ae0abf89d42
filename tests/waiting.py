"""Waiting for what another process or thread does, with an end."""

import time
from collections.abc import Callable

WAIT = 120.0  # seconds until a test that waits gives up


def until(true: Callable[[], bool], seconds: float = WAIT) -> None:
    """Return when it is true. Fails after so many seconds, which no test is meant to take."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "this did not come true in time"
        time.sleep(0.02)
