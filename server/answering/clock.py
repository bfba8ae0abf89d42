"""How long the parts of an answer took."""

import time

from server.answering.events import Timing


class Clock:
    """Milliseconds since the question came."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._retrieve = 0
        self._first: int | None = None

    def retrieved(self) -> None:
        self._retrieve = self._now()

    def wrote(self) -> None:
        """A word of the answer; only the first counts."""
        self._first = self._now() if self._first is None else self._first

    def timing(self) -> Timing:
        now = self._now()
        return Timing(self._retrieve, now if self._first is None else self._first, now)

    def _now(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
