"""How long answers take, and from that when somebody who finds the queue full should come back (pure)."""

import math

LEAST, MOST = 10, 60
"""Seconds. OpenAI's client waits as long as it is told up to a minute; of more it takes no notice and asks again after
some seconds, in vain."""
NEWEST = 0.2
"""Weight of the newest answer: what people ask changes within some twenty answers."""


class Pace:
    """Of one language model, as it has been lately."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def note(self, seconds: float) -> None:
        """An answer took so long, without the time that it waited."""
        self._seconds = seconds if not self._seconds else (1 - NEWEST) * self._seconds + NEWEST * seconds

    def come_back(self, waiting: int, at_once: int) -> int:
        """Seconds until so many have been answered, `at_once` at a time; at least LEAST and at most MOST."""
        return max(LEAST, min(MOST, math.ceil(self._seconds * waiting / at_once)))
