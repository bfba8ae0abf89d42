"""Which sequence of the KV cache holds which tokens, and which of them a new prompt can reuse.

Cells are counted sequence by sequence, so a shared prefix counts for each that shares it: never too few are free.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class SlotState(Enum):
    IDLE = "idle"  # no request; what it holds can be reused or dropped
    PREFILL = "prefill"
    DECODE = "decode"


class Cache(Protocol):
    def truncate(self, sequence: int, length: int) -> bool:
        """Keep the first `length` tokens. False: the sequence is now empty."""

    def share(self, source: int, target: int, length: int) -> bool:
        """Give the empty `target` the first `length` tokens of `source`. False: not possible with this model."""


@dataclass
class Slot:
    sequence: int
    state: SlotState = SlotState.IDLE
    tokens: list[int] = field(default_factory=list)  # in the cache, from position 0 on
    reserved: int = 0  # cells promised to its request
    used: int = 0  # when it was taken last, as a count

    @property
    def cells(self) -> int:
        return max(self.reserved, len(self.tokens))


class Slots:
    def __init__(self, cache: Cache, count: int, cells: int) -> None:
        self._cache = cache
        self._slots = [Slot(sequence) for sequence in range(count)]
        self._cells = cells
        self._clock = 0

    def __getitem__(self, sequence: int) -> Slot:
        return self._slots[sequence]

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots)

    def in_state(self, state: SlotState) -> list[Slot]:
        return [slot for slot in self._slots if slot.state is state]

    def has_room(self, needed: int) -> bool:
        """Whether a slot and `needed` cells are to be had, at the cost of idle caches."""
        promised = sum(slot.reserved for slot in self._slots)
        return bool(self.in_state(SlotState.IDLE)) and promised + needed <= self._cells

    def take(self, prompt: Sequence[int], needed: int) -> Slot:
        """A slot in PREFILL that holds the longest cached beginning of `prompt`, short of its last token."""
        source = max(self._slots, key=lambda slot: (common_prefix(slot.tokens, prompt), slot.used))
        shared = min(common_prefix(source.tokens, prompt), len(prompt) - 1)
        if source.state is SlotState.IDLE and shared * 2 >= len(source.tokens):
            slot = source  # its own beginning: nothing worth keeping is lost
            self._keep(slot, shared)
        else:
            slot = min(self.in_state(SlotState.IDLE), key=lambda slot: (bool(slot.tokens), slot.used))
            if slot is source:
                self._keep(slot, shared)
            else:
                self._keep(slot, 0)
                if shared and self._cache.share(source.sequence, slot.sequence, shared):
                    slot.tokens = list(prompt[:shared])
        self._clock += 1
        slot.used, slot.reserved, slot.state = self._clock, needed, SlotState.PREFILL
        self._make_room(slot)
        return slot

    def release(self, sequence: int) -> None:
        slot = self._slots[sequence]
        slot.state, slot.reserved = SlotState.IDLE, 0

    def clear(self) -> None:
        for slot in self._slots:
            self._keep(slot, 0)

    def _make_room(self, taken: Slot) -> None:
        """Drop idle caches, the longest unused first, until all that is promised fits."""
        idle = sorted((slot for slot in self.in_state(SlotState.IDLE) if slot.tokens), key=lambda slot: slot.used)
        for slot in idle:
            if sum(each.cells for each in self._slots) <= self._cells:
                return
            self._keep(slot, 0)

    def _keep(self, slot: Slot, length: int) -> None:
        if length < len(slot.tokens):
            kept = self._cache.truncate(slot.sequence, length)
            slot.tokens = slot.tokens[: length if kept else 0]


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens the two have in common from their beginning."""
    count = min(len(left), len(right))
    low = 0
    while low < count and left[low] == right[low]:
        low += 1
    return low
