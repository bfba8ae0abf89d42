"""Whose prompt is read first, and which batches answers have to themselves while prompts are read.

Prompts are read one after the other, so that the first answers begin while the last prompts still wait: the shortest
rest first, less half of what was read of others meanwhile, so that no prompt waits for ever.

Each batch has a token of every running answer. Where one with a piece of a prompt takes longer than their pace allows,
batches without one follow it. Pure: seconds and numbers of tokens go in.
"""

PACE = 4.2  # tokens a second that each answer keeps while prompts are read: four, whatever the last batch takes
MOST = 1.0  # times as long as a piece takes, at most, that answers have the batches after it to themselves
LONGEST = 2.0  # seconds of the same: a machine that stood still for a minute owes nobody a minute
AGING = 0.5


def rank(rest: int, passed_over: int, number: int) -> tuple[float, int, int]:
    """What prompts are sorted by: the lowest is read first.

    `rest`: its tokens that are not read; `passed_over`: tokens of others that were read while it could have been. What
    comes when that is `rest / AGING` or more is read behind it, however short.
    """
    return rest - AGING * passed_over, rest, number


def between(piece: float, alone: float) -> float:
    """Seconds that answers have for themselves on average behind a batch with a piece, which takes `piece` seconds.

    `alone`: seconds of a batch without one.
    """
    spare = 1 - PACE * alone  # share of the time that is left where answers keep their pace by themselves
    most = MOST * piece
    return min(max(alone * (PACE * piece - 1) / spare, 0.0), most) if spare > 0 else most


class Pace:
    """Says before each batch whether it reads. `piece_done` and `written` tell it how long batches took."""

    def __init__(self) -> None:
        self._owed = 0.0  # seconds that answers have for themselves before the next piece

    def reads(self) -> bool:
        return self._owed <= 0

    def piece_done(self, seconds: float, alone: float | None) -> None:
        """A batch with a piece took `seconds`, where a token of each answer takes `alone`: None if none is written."""
        had = max(self._owed, -alone) if alone else 0.0  # the last batch for answers was longer than what was owed
        self._owed = had + between(seconds, alone) if alone else 0.0

    def written(self, seconds: float) -> None:
        """A batch of the answers' next tokens took `seconds`."""
        self._owed -= seconds
