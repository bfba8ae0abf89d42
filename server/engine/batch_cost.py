"""How long a batch takes by its number of rows, learned while batches run, and what that allows beside streams.

On a processor a batch of four rows takes nearly twice as long as one of a single row, on a graphics card hardly longer:
nothing here is fixed to a machine. Pure: seconds come in, numbers of rows go out.
"""

import math

REMEMBERED = 256  # batches; what was seen longer ago is forgotten, since contexts grow
LOAD = 0.5  # share of a surprise that is put down to the machine: then batches of every size take longer, or less long
NEW = 0.1  # share of the rest in what is known of its number of rows
DISTURBED = 2.0  # a batch counts as at most this many times slower or faster than was expected
ROWS = 4  # llama.cpp's repacked kernels work on rows in fours
LEAST = 16  # rows of a batch with a piece of a prompt, whatever it costs: 16 took 5.8 ms a row, 64 took 5.2 (0.5B)
GAP = 6
"""A batch with a piece of a prompt takes at most this many times as long as the running streams' rows alone.

Of eight that were allowed at the 95th percentile; the rest is for noise. Where time grows with the rows, the prompt
gets 5 of 6 parts of the machine.
"""
CROWDED = 2
"""Of eight prompts that come at once, each waits for those before it and for the streams beside them. Mean time to the
first token against llama_cpp.server's, with 1 .533, with 2 .507 (`benchmarks/peers.py`, a round each)."""


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


def piece_beside(cost: BatchCost, streams: int, most: int, waiting: int = 1) -> int:
    """Prompt rows for a batch that `streams` rows of running streams wait for: at least 1, at most `most`.

    Together with the streams' rows they are a multiple of four. Where more requests wait for their first token than
    for their next one, batches may take up to `CROWDED` times as long.
    """
    alone = cost.seconds(streams)
    gap = GAP * min(CROWDED, max(1.0, waiting / streams))
    least = max(LEAST, streams + ROWS - streams % ROWS)
    best = least
    for rows in range(least, streams + most + 1, ROWS):
        together = cost.seconds(rows)
        if alone is not None and together is not None and together <= gap * alone:
            best = rows
    return min(best - streams, most)
