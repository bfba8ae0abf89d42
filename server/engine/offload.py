"""Stretches of cached tokens that were moved out of the KV cache into the machine's memory (pure).

A cell that no running request needs costs time in every batch: llama.cpp computes attention over all cells up to the
last one in use. With 4,096 of them one token of a 0.5B model took 150 ms instead of 35, a piece of 64 prompt tokens
3.9 s instead of 1.1. Moved away they cost nothing until a prompt goes on with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.engine.prefixes import LEAST_SAVED, SEVERAL, common_prefix, worth


@dataclass(eq=False)
class Stretch:
    tokens: list[int]  # from position 0 on
    start: int  # the cells of what lies before are not in it
    data: Any  # of the cells at [start, len(tokens)), perhaps of more
    cells: int  # in the data
    generated: bool
    follows_answer: bool  # or is one
    starts: int
    used: int


class Stretches:
    def __init__(self, limit: int) -> None:
        """`limit` is in cells, for all together."""
        self.limit = limit
        self.cells = 0
        self._kept: list[Stretch] = []

    def __len__(self) -> int:
        return len(self._kept)

    def covering(self, tokens: Sequence[int], start: int) -> Stretch | None:
        """One that holds all cells of `tokens` from `start` on."""
        found = (s for s in self._kept if s.start <= start and s.tokens[: len(tokens)] == tokens)
        return next(found, None)

    def following(self, tokens: Sequence[int], length: int) -> tuple[Stretch, int] | None:
        """One that goes on with `tokens` after their first `length`, and up to where: the farthest."""
        best: tuple[Stretch, int] | None = None
        for stretch in self._kept:
            if stretch.start <= length < len(stretch.tokens):
                end = common_prefix(stretch.tokens, tokens)
                if end > (best[1] if best else length):
                    best = stretch, end
        return best

    def common(self) -> list[Stretch]:
        """What several prompts began with and no answer is part of."""
        common = [s for s in self._kept if s.starts >= SEVERAL and not s.follows_answer]
        return [s for s in common if len(s.tokens) >= LEAST_SAVED]

    def part(self, tokens: Sequence[int], length: int) -> bool:
        """Whether a prompt is among them that goes on otherwise than `tokens` after the first `length`."""
        parting = [
            s for s in self._kept if s.start <= length < len(s.tokens) and common_prefix(s.tokens, tokens) == length
        ]
        return bool(parting) and not any(s.generated for s in parting)

    def put(self, stretch: Stretch) -> None:
        """Keep it, and forget those that are worth least instead."""
        self._kept.append(stretch)
        self.cells += stretch.cells
        while self.cells > self.limit:
            self.remove(min(self._kept, key=lambda s: worth(s.used, s.starts)))

    def remove(self, stretch: Stretch) -> None:
        self._kept.remove(stretch)
        self.cells -= stretch.cells

    def clear(self) -> None:
        self._kept.clear()
        self.cells = 0
