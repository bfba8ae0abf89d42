"""How long a batch takes by its number of rows, learned while batches run, and what that allows beside streams.

On a processor a batch of four rows takes nearly twice as long as one of a single row, on a graphics card hardly longer:
nothing here is fixed to a machine. Pure: seconds come in, numbers of rows go out.
"""

import math

from server.engine.pace import between

REMEMBERED = 256  # batches; what was seen longer ago is forgotten, since contexts grow
LOAD = 0.5  # share of a surprise that is put down to the machine: then batches of every size take longer, or less long
NEW = 0.1  # share of the rest in what is known of its number of rows
DISTURBED = 2.0  # a batch counts as at most this many times slower or faster than was expected
ROWS = 16
"""llama.cpp's repacked kernels work on rows in fours and, with AVX-512, in sixteens: a batch of 12 took 392 ms of one
thread, of 16 336, of 17 416, of 32 578, of 36 679 (1.5B)."""
GAP = 6
"""A batch with a piece of a prompt takes at most this many times as long as the running streams' rows alone.

Of eight that were allowed at the 95th percentile; the rest is for noise.
"""
PAUSE = 0.5  # seconds that such a batch takes at most, so that words come often enough to read on


class BatchCost:
    """The cost model: seconds of a batch by its number of rows."""

    def __init__(self) -> None:
        self._seconds: dict[int, tuple[float, int]] = {}  # by rows, with the batch that it was seen at
        self._batches = 0

    def note(self, rows: int, seconds: float) -> None:
        """A batch of `rows` took `seconds`."""
        self._batches += 1
        expected = self.seconds(rows)
        if expected and min(self._seconds) <= rows <= max(self._seconds):
            surprise = min(max(seconds / expected, 1 / DISTURBED), DISTURBED)
            seconds = expected * surprise
            if rows in self._seconds:
                load = surprise**LOAD
                self._seconds = {known: (time * load, seen) for known, (time, seen) in self._seconds.items()}
                seconds = expected * (load + NEW * (surprise - load))
        self._seconds[rows] = (seconds, self._batches)
        oldest = self._batches - REMEMBERED
        if any(seen <= oldest for _, seen in self._seconds.values()):
            self._seconds = {known: time for known, time in self._seconds.items() if time[1] > oldest}

    def seconds(self, rows: int) -> float | None:
        """What a batch of `rows` would take: as measured, or between and beyond what was measured. None: no idea."""
        if rows in self._seconds:
            return self._seconds[rows][0]
        below = max((known for known in self._seconds if known < rows), default=None)
        above = min((known for known in self._seconds if known > rows), default=None)
        if below is None and above is None:
            return None
        if below is None or above is None:
            nearest = below or above
            assert nearest is not None  # noqa: S101 (one of them is known)
            return self._seconds[nearest][0] * rows / nearest
        start, end = self._seconds[below][0], self._seconds[above][0]
        return start + (end - start) * (rows - below) / (above - below)

    def added(self, streams: int, rows: int, more: int) -> float:
        """The time that `more` rows add to a batch of `rows`, as tokens that `streams` alone get in that time."""
        alone, without, together = self.seconds(streams), self.seconds(rows), self.seconds(rows + more)
        if not alone or without is None or together is None:
            return math.inf
        return max(0.0, together - without) * streams / alone


def piece_beside(cost: BatchCost, streams: int, most: int) -> int:
    """Prompt rows for a batch that `streams` rows of running streams wait for: at least 1, at most `most`.

    Together with the streams' rows they are a multiple of ROWS: as many as are read quickest, counting the batches that
    streams have to themselves behind such a piece.
    """
    alone = cost.seconds(streams)
    best, quickest = streams + ROWS - streams % ROWS, 0.0
    for rows in range(best, streams + most + 1, ROWS):
        together = cost.seconds(rows)
        if not alone or together is None or (quickest and together > min(GAP * alone, PAUSE)):
            break
        rate = (rows - streams) / max(together + between(together, alone), 1e-9)
        if rate > quickest:
            best, quickest = rows, rate
    return min(best - streams, most)
