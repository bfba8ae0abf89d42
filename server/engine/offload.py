"""Cached tokens that were offloaded: moved out of the KV cache into the machine's memory (pure).

A cell that no running request needs costs time in every batch: llama.cpp computes attention over all cells up to the
last one in use. With 4,096 of them one token of a 0.5B model took 150 ms instead of 35, a piece of 64 prompt tokens
3.9 s instead of 1.1. Offloaded they cost nothing until a prompt goes on with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.engine.prefixes import LEAST_SAVED, SEVERAL, common_prefix, priority


@dataclass(eq=False)
class OffloadedCells:
    """The end of a cached beginning, as it was read from the KV cache."""

    tokens: list[int]  # from position 0 on
    start: int  # the cells of what lies before are not in it
    data: Any  # of the cells at [start, len(tokens)), perhaps of more
    cells: int  # in the data
    generated: bool
    follows_answer: bool  # or is one
    starts: int
    used: int


class OffloadStore:
    def __init__(self, limit: int) -> None:
        """`limit` is in cells, for all together."""
        self.limit = limit
        self.cells = 0
        self._entries: list[OffloadedCells] = []

    def __len__(self) -> int:
        return len(self._entries)

    def covering(self, tokens: Sequence[int], start: int) -> OffloadedCells | None:
        """One that holds all cells of `tokens` from `start` on."""
        found = (s for s in self._entries if s.start <= start and s.tokens[: len(tokens)] == tokens)
        return next(found, None)

    def following(self, tokens: Sequence[int], length: int) -> tuple[OffloadedCells, int] | None:
        """One that goes on with `tokens` after their first `length`, and up to where: the farthest."""
        best: tuple[OffloadedCells, int] | None = None
        for offloaded in self._entries:
            if offloaded.start <= length < len(offloaded.tokens):
                end = common_prefix(offloaded.tokens, tokens)
                if end > (best[1] if best else length):
                    best = offloaded, end
        return best

    def common(self) -> list[OffloadedCells]:
        """What several prompts began with and no answer is part of."""
        common = [s for s in self._entries if s.starts >= SEVERAL and not s.follows_answer]
        return [s for s in common if len(s.tokens) >= LEAST_SAVED]

    def part(self, tokens: Sequence[int], length: int) -> bool:
        """Whether a prompt is among them that goes on otherwise than `tokens` after the first `length`."""
        parting = [
            s for s in self._entries if s.start <= length < len(s.tokens) and common_prefix(s.tokens, tokens) == length
        ]
        return bool(parting) and not any(s.generated for s in parting)

    def put(self, offloaded: OffloadedCells) -> None:
        """Keep it, and evict those of the lowest priority instead."""
        self._entries.append(offloaded)
        self.cells += offloaded.cells
        while self.cells > self.limit:
            self.remove(min(self._entries, key=lambda s: priority(s.used, s.starts)))

    def remove(self, offloaded: OffloadedCells) -> None:
        self._entries.remove(offloaded)
        self.cells -= offloaded.cells

    def clear(self) -> None:
        self._entries.clear()
        self.cells = 0
