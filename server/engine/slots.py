"""Which sequence serves which request, what a new prompt can reuse, and whether there is room for it.

A request runs in a slot; a slot is one of the KV cache's sequences. When it is done the sequence is parked as it is
and the slot is free: what it holds stays reusable until its cells or its number are needed. A prompt goes on in the
parked sequence whose every token it begins with, or shares the cells of the longest beginning that any sequence holds.

While requests run, what only parked sequences hold is moved into the machine's memory, as far as there is room for it
(stretches.py), and brought back when a prompt goes on with it.

A cell is counted once, however many sequences share it. A request is let in only if the cells that running requests
hold, those that they may still need and those that it may need fit together: parked cells are not in that sum, since
they are given up, least worth first, when a batch needs the room.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from server.engine.offload import Stretch, Stretches
from server.engine.prefixes import Node, Prefixes

PARKED = 48  # sequences beside the slots' own, for what earlier requests computed; a batch has no fewer rows than all
IDLE_CELLS = 256  # cells that may lie idle beside running requests: llama.cpp looks at cells in steps of so many
LEAST_DROPPED = 32  # cells given up at a time, so that not every batch has to ask for room


Place = tuple[Node, int]  # the end of what is cached, and the token that follows


class SlotState(Enum):
    PREFILL = "prefill"
    DECODE = "decode"


class Cache(Protocol):
    @property
    def sequences(self) -> int:
        """How many sequences there are, numbered from 0 on. Not fewer than slots."""

    @property
    def can_share(self) -> bool:
        """Whether `share` and a `truncate` to more than nothing are possible."""

    def read_state(self, sequence: int) -> Any:
        """A copy of what the sequence holds, with the positions."""

    def write_state(self, sequence: int, data: Any) -> bool:
        """Fill the empty `sequence` with what was read. False: it is empty still."""

    def truncate(self, sequence: int, length: int) -> bool:
        """Keep the first `length` tokens. False: the sequence is now empty."""

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """Make the cells of `source` at positions [start, end) those of `target`, in place of its own."""


@dataclass(eq=False)
class Slot:
    sequence: int
    prompt: Sequence[int]
    tokens: list[int]  # in the cache, from position 0 on
    needed: int  # cells of the prompt and the longest answer
    booked: int  # of its tokens, those that the tree knows
    state: SlotState = SlotState.PREFILL


class Slots:
    def __init__(self, cache: Cache, count: int, cells: int, kept: int = 0) -> None:
        """`kept` are the cells for which there is memory beside the cache."""
        self._cache = cache
        self._count = count
        self._cells = cells
        self._running: dict[int, Slot] = {}  # by sequence
        self._parked: set[int] = set()  # each the only one at a leaf
        self._free: list[int] = []
        self._tree = Prefixes(joins=cache.can_share)
        self._away = Stretches(kept if cache.can_share else 0)
        self.clear()

    def __getitem__(self, sequence: int) -> Slot:
        return self._running[sequence]

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._running.values())

    def __len__(self) -> int:
        return len(self._running)

    @property
    def tree(self) -> Prefixes:
        """What the cache holds, but for the newest tokens of running requests."""
        return self._tree

    @property
    def parked(self) -> frozenset[int]:
        return frozenset(self._parked)

    @property
    def used(self) -> int:
        """Cells that hold something."""
        return self._tree.cells + sum(len(slot.tokens) - slot.booked for slot in self)

    @property
    def away(self) -> int:
        """Cells' worth of tokens in the machine's memory."""
        return self._away.cells

    @property
    def promised(self) -> int:
        """Cells that running requests hold and may still need."""
        held = self._tree.held_by(self._tree.end_of(sequence) for sequence in self._running)
        return held + sum(slot.needed - slot.booked for slot in self)

    def in_state(self, state: SlotState) -> list[Slot]:
        return [slot for slot in self if slot.state is state]

    def has_room(self, prompt: Sequence[int], needed: int) -> bool:
        """Whether a slot and the cells for a request are to be had, at the cost of parked sequences."""
        if len(self._running) >= self._count:
            return False
        self.book()
        node = self._cached(prompt)
        ends = [node, *(self._tree.end_of(sequence) for sequence in self._running)]
        awaited = sum(slot.needed - slot.booked for slot in self)
        return self._tree.held_by(ends) + awaited + needed - node.end <= self._cells

    def take(self, prompt: Sequence[int], needed: int) -> Slot:
        """A slot in PREFILL that holds the longest cached beginning of `prompt`, short of its last token."""
        self.book()
        self._fetch(prompt[:-1])
        node = self._cached(prompt)
        self._tree.use(node, parts=self._away.part(prompt[:-1], node.end))
        sequence = self._sequence_at(node)
        slot = self._running[sequence] = Slot(sequence, prompt, list(prompt[: node.end]), needed, node.end)
        return slot

    def catch_up(self, slot: Slot) -> int:
        """Take over what others have computed of the slot's prompt since it was taken; how many tokens."""
        if len(self._running) < 2 or not self._tree.joins:
            return 0
        self.book()
        node, length = self._cached(slot.prompt), len(slot.tokens)
        if node.end <= length:
            return 0
        self._cache.share(self._tree.holder(node), slot.sequence, length, node.end)
        self._tree.attach(slot.sequence, node)
        self._tree.use(node)
        slot.tokens += slot.prompt[length : node.end]
        slot.booked = node.end
        self._drop_covered(node)
        return node.end - length

    def place(self, slot: Slot) -> Place | None:
        """Where the slot's prompt goes on, right after `catch_up`. None where nothing can be taken over."""
        if not self._tree.joins:
            return None
        return self._tree.end_of(slot.sequence), slot.prompt[len(slot.tokens)]

    def make_room(self, rows: int) -> None:
        """Give up parked cells until a batch of `rows` fits and does not have to look at many of them."""
        self._free_cells(rows)
        while self._parked and self._away.limit and self._idle > IDLE_CELLS:
            movable = {each for each in self._parked if len(self._tree.end_of(each).tokens) <= self._away.limit}
            if not movable:
                return
            self._drop(self._cells, movable)

    def release(self, sequence: int) -> None:
        """End a request. Its sequence is parked unless others hold all of it."""
        self._book(self._running[sequence])
        del self._running[sequence]
        self._park(sequence)

    def hottest(self) -> dict[tuple[int, ...], int]:
        """The beginnings that several prompts had, each with when it was used last; the hottest first."""
        self.book()
        nodes = [(node.starts, node.used, self._tree.tokens_to(node)) for node in self._tree.hottest()]
        stretches = [(each.starts, each.used, each.tokens) for each in self._away.common()]
        found: dict[tuple[int, ...], int] = {}
        for _, used, tokens in sorted([*nodes, *stretches], key=lambda each: each[0] * len(each[2]), reverse=True):
            found.setdefault(tuple(tokens), used)
        return found

    @contextmanager
    def lend(self, tokens: Sequence[int]) -> Iterator[int | None]:
        """A sequence that holds just `tokens`, to be read. None: they are not cached, or no sequence is to be had."""
        self.book()
        self._fetch(tokens)
        while not self._free and self._parked:
            self._drop(self._cells)
        node = self._tree.find(tokens)
        if not self._tree.joins or node.end < len(tokens) or not self._free:
            yield None
            return
        sequence = self._free[-1]
        self._cache.share(self._tree.holder(node), sequence, 0, node.end)
        try:
            yield sequence
        finally:
            self._cache.truncate(sequence, 0)

    def restore(self, tokens: Sequence[int], load: Callable[[int], bool]) -> bool:
        """Have `load` fill an empty sequence with `tokens`, and park it. False: there is no room, or it failed."""
        if not self._tree.joins or not self._free or self.used + len(tokens) > self._cells:
            return False
        sequence = self._free.pop()
        if not load(sequence):
            self._cache.truncate(sequence, 0)
            self._free.append(sequence)
            return False
        self._tree.attach(sequence, self._tree.root)
        for twin in self._tree.grow(sequence, tokens):
            self._cache.share(twin.source, sequence, twin.start, twin.end)
        self._drop_covered(self._tree.end_of(sequence))
        self._park(sequence)
        return True

    def book(self) -> None:
        """Put the running requests' newest tokens into the tree."""
        for slot in self:
            self._book(slot)

    def take_back(self, sequence: int, count: int) -> None:
        """Forget the last `count` tokens, which nobody has booked."""
        slot = self._running[sequence]
        length = len(slot.tokens) - count
        if count and not self._cache.truncate(sequence, length):
            raise RuntimeError("the KV cache lost the tokens of a running request")
        del slot.tokens[length:]

    def clear(self) -> None:
        """Forget everything that is cached. No request runs."""
        for sequence in range(self._cache.sequences):
            self._cache.truncate(sequence, 0)
        self._tree = Prefixes(joins=self._cache.can_share)
        self._away.clear()
        self._parked.clear()
        self._free = list(reversed(range(self._cache.sequences)))

    def _cached(self, prompt: Sequence[int]) -> Node:
        """Where the longest beginning of `prompt` ends that a request can go on from; its last token is computed."""
        node = self._tree.find(prompt[:-1])
        reusable = self._tree.joins or node.sequences & self._parked
        return node if reusable else self._tree.root

    @property
    def _idle(self) -> int:
        """Cells that only parked sequences hold."""
        return self._tree.cells - self._tree.held_by(self._tree.end_of(sequence) for sequence in self._running)

    def _free_cells(self, count: int) -> None:
        if self.used + count > self._cells:
            self.book()
        while (missing := self.used + count - self._cells) > 0 and self._parked:
            self._drop(max(missing, LEAST_DROPPED))

    def _fetch(self, tokens: Sequence[int]) -> None:
        """Bring back what `tokens` go on with."""
        while True:
            node = self._tree.find(tokens)
            found = self._away.following(tokens, node.end)
            if found is None:
                return
            self._tree.touch(node)
            self._free_cells(found[0].cells)
            if not self._free and self._parked:
                self._drop(self._cells)
            node = self._tree.find(tokens)  # not all of it may be left
            if not self._free or self.used + found[0].cells > self._cells or node.end < found[0].start:
                return
            self._bring_back(found[0], node, found[1])

    def _bring_back(self, stretch: Stretch, node: Node, end: int) -> None:
        """Its cells up to position `end`, as a parked sequence that goes on from `node`."""
        sequence = self._free.pop()
        if not self._cache.write_state(sequence, stretch.data):
            self._away.remove(stretch)
            self._free.append(sequence)
            return
        self._cache.truncate(sequence, end)
        if node.end:
            self._cache.share(self._tree.holder(node), sequence, 0, node.end)
        self._tree.attach(sequence, node)
        self._tree.grow(sequence, stretch.tokens[node.end : end], generated=stretch.generated)
        stretch.used = self._tree.inherit(sequence, stretch.starts)
        self._drop_covered(self._tree.end_of(sequence))
        self._park(sequence)

    def _move_away(self, sequence: int, node: Node) -> None:
        """Keep the cells of a parked leaf in memory."""
        if len(node.tokens) > self._away.limit or not self._free:
            return
        tokens = self._tree.tokens_to(node)
        known = self._away.covering(tokens, node.start)
        if known is not None and len(known.tokens) == len(tokens):
            known.used, known.starts = node.used, max(known.starts, node.starts)
            return
        if known is not None:
            start, data, cells = known.start, known.data, known.cells
        else:
            start, cells, reader = node.start, len(node.tokens), self._free[-1]
            self._cache.share(sequence, reader, node.start, node.end)
            data = self._cache.read_state(reader)
            self._cache.truncate(reader, 0)
        answered = any(each.generated for each in node.path())
        self._away.put(Stretch(tokens, start, data, cells, node.generated, answered, node.starts, node.used))

    def _book(self, slot: Slot) -> None:
        """What two sequences have both computed is kept once."""
        for generated, end in ((False, len(slot.prompt)), (True, len(slot.tokens))):
            tokens = slot.tokens[slot.booked : end]
            if not tokens:
                continue
            for twin in self._tree.grow(slot.sequence, tokens, generated=generated):
                self._cache.share(twin.source, slot.sequence, twin.start, twin.end)
            slot.booked += len(tokens)
            self._drop_covered(self._tree.end_of(slot.sequence))

    def _park(self, sequence: int) -> None:
        self._tree.close(sequence)
        node = self._tree.end_of(sequence)
        if node.start == node.end or node.children or len(node.sequences) > 1:
            self._give_back(sequence)
        else:
            self._parked.add(sequence)

    def _drop_covered(self, node: Node) -> None:
        """Give back parked sequences that a running one now goes beyond, or holds as well."""
        for each in node.path():
            if each.children or len(each.sequences) > 1:
                for sequence in each.sequences & self._parked:
                    self._give_back(sequence)

    def _sequence_at(self, node: Node) -> int:
        """A sequence that holds just what ends at `node`."""
        while True:
            for sequence in node.sequences & self._parked:
                self._parked.discard(sequence)
                return sequence
            if self._free:
                sequence = self._free.pop()
                if node.end:
                    self._cache.share(self._tree.holder(node), sequence, 0, node.end)
                self._tree.attach(sequence, node)
                return sequence
            self._drop(self._cells)

    def _drop(self, count: int, among: set[int] | None = None) -> None:
        """Give up at most `count` cells of the parked leaf that is worth least."""
        sequence = min(among or self._parked, key=lambda sequence: self._tree.end_of(sequence).worth)
        node = self._tree.end_of(sequence)
        if self._away.limit:
            count = len(node.tokens)
            self._move_away(sequence, node)
        keep = max(node.end - count, node.start) if self._tree.joins else 0
        if not keep or not self._cache.truncate(sequence, keep):
            self._give_back(sequence)
            return
        self._tree.cut(sequence, keep)
        node = self._tree.end_of(sequence)
        if node.children or len(node.sequences) > 1:
            self._give_back(sequence)

    def _give_back(self, sequence: int) -> None:
        self._parked.discard(sequence)
        self._cache.truncate(sequence, 0)
        self._tree.detach(sequence)
        self._free.append(sequence)
