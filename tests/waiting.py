"""Waiting for what another process or thread does, with an end."""

import time
from collections.abc import Callable

WAIT = 120.0  # seconds until a test that waits gives up


def until(true: Callable[[], bool], seconds: float = WAIT, pause: float = 0.02) -> None:
    """Return when it is true. Fails after so many seconds, which no test is meant to take.

    `pause` is between two looks, in seconds: longer where a look costs the one that is waited for.
    """
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "this did not come true in time"
        time.sleep(pause)
