"""Which sequence serves which request, what a new prompt can reuse, and whether there is room for it.

A request runs in a slot; a slot is one of the KV cache's sequences. When it is done its sequence stays as it is, a
cached sequence, and the slot is free: what it holds can be reused until its cells or its number are needed. A prompt
goes on in the cached sequence whose every token it begins with, or shares the cells of the longest beginning that any
sequence holds.

While requests run, what only cached sequences hold is offloaded into the machine's memory, as far as there is room for
it (offload.py), and restored when a prompt goes on with it.

A cell is counted once, however many sequences share it. A request is let in only if the cells that running requests
hold, those that they may still need and those that it may need fit together: cells that only cached sequences hold are
not in that sum, since they are evicted, lowest priority first, when a batch needs the room.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from server.engine.kv_cache import Cache
from server.engine.offload import OffloadedCells, OffloadStore
from server.engine.prefixes import LEAST_SAVED, Node, Prefixes
from server.engine.public_beginnings import PublicBeginnings

CACHED_SEQUENCES = 48  # beside the slots' own, for what earlier requests computed; a batch has no fewer rows than all
IDLE_CELLS = 256  # cells that may lie idle beside running requests: llama.cpp looks at cells in steps of so many
LEAST_EVICTED = 32  # cells evicted at a time, so that not every batch has to ask for room


Place = tuple[Node, int]  # the end of what is cached, and the token that follows


class SlotState(Enum):
    PREFILL = "prefill"
    DECODE = "decode"


@dataclass(eq=False)
class Slot:
    sequence: int
    prompt: Sequence[int]
    tokens: list[int]  # in the cache, from position 0 on
    needed: int  # cells of the prompt and the longest answer
    booked: int  # of its tokens, those that the tree knows
    state: SlotState = SlotState.PREFILL


@dataclass(frozen=True)
class ReadPassage:
    """A part of a prompt whose cells were computed elsewhere."""

    start: int  # positions of the prompt
    end: int  # before the prompt's last token
    place: Callable[[], Any]  # the cells, as `write_state` takes them; None: there are none after all

    def __len__(self) -> int:
        return self.end - self.start


class Slots:
    """The sequences of one KV cache. `tree` holds what they hold, but for the newest tokens of running requests."""

    def __init__(self, cache: Cache, count: int, cells: int, offload_cells: int = 0) -> None:
        """`offload_cells` are the cells for which there is memory beside the cache."""
        self._cache = cache
        self._count = count
        self._cells = cells
        self._running: dict[int, Slot] = {}  # by sequence
        self.cached_sequences: set[int] = set()  # each the only one at a leaf
        self._free: list[int] = []
        self.tree = Prefixes(joins=cache.can_share)
        self.offloaded = OffloadStore(offload_cells if cache.can_share else 0)
        self._public = PublicBeginnings()
        self.clear()

    def __getitem__(self, sequence: int) -> Slot:
        return self._running[sequence]

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._running.values())

    def __len__(self) -> int:
        return len(self._running)

    @property
    def used(self) -> int:
        """Cells that hold something."""
        return self.tree.cells + sum(len(slot.tokens) - slot.booked for slot in self)

    @property
    def promised(self) -> int:
        """Cells that running requests hold and may still need."""
        held = self.tree.held_by(self.tree.end_of(sequence) for sequence in self._running)
        return held + sum(slot.needed - slot.booked for slot in self)

    def in_state(self, state: SlotState) -> list[Slot]:
        return [slot for slot in self if slot.state is state]

    def has_room(self, prompt: Sequence[int], needed: int) -> bool:
        """Whether a slot and the cells for a request are to be had, at the cost of cached sequences.

        `needed` are the cells of the prompt and its longest answer. Nothing is evicted yet. Takes time that grows with
        the tokens of the prompt and with the nodes on the running requests' ways through the tree, not with the cache.
        """
        if len(self._running) >= self._count:
            return False
        self.book()
        node = self._reusable(prompt)
        ends = [node, *(self.tree.end_of(sequence) for sequence in self._running)]
        awaited = sum(slot.needed - slot.booked for slot in self)
        return self.tree.held_by(ends) + awaited + needed - node.end <= self._cells

    def take(self, prompt: Sequence[int], needed: int, public: int = 0) -> Slot:
        """A slot in PREFILL that holds the longest cached beginning of `prompt`, short of its last token.

        The first `public` tokens are nobody's own words.
        """
        self._public.note(tuple(prompt[:public]))
        self.book()
        self._restore(prompt[:-1])
        node = self._reusable(prompt)
        self.tree.use(node, parts=self.offloaded.part(prompt[:-1], node.end))
        sequence = self._sequence_at(node)
        slot = self._running[sequence] = Slot(sequence, prompt, list(prompt[: node.end]), needed, node.end)
        return slot

    def catch_up(self, slot: Slot) -> int:
        """Take over what others have computed of the slot's prompt since it was taken; how many tokens."""
        if len(self._running) < 2 or not self.tree.joins:
            return 0
        self.book()
        node, length = self._reusable(slot.prompt), len(slot.tokens)
        if node.end <= length:
            return 0
        self._cache.share(self.tree.holder(node), slot.sequence, length, node.end)
        self.tree.attach(slot.sequence, node)
        self.tree.use(node)
        slot.tokens += slot.prompt[length : node.end]
        slot.booked = node.end
        self._free_covered(node)
        return node.end - length

    def stitch(self, slot: Slot, passage: ReadPassage) -> int:
        """Fill the slot up to the passage's end; how many cells. None where there is no room for the copy, or none."""
        end, cells = passage.end, len(passage)
        self._evict_for(cells)
        while not self._free and self.cached_sequences:
            self._evict(self._cells)
        if not self.tree.joins or not self._free or self.used + cells > self._cells:
            return 0
        data, reader = passage.place(), self._free[-1]
        if data is None or not self._cache.write_state(reader, data):
            return 0
        done = len(slot.tokens)
        self._cache.share(reader, slot.sequence, done, end)
        self._cache.truncate(reader, 0)
        slot.tokens += slot.prompt[done:end]
        return end - done

    def drop(self, tokens: Sequence[int]) -> None:
        """Free the end of the cached sequence that holds just `tokens`, if there is one: what no other one holds."""
        node = self.tree.find(tokens)
        for sequence in node.sequences & self.cached_sequences if node.end == len(tokens) else ():
            self._shorten(sequence, len(node.tokens))

    def place(self, slot: Slot) -> Place | None:
        """Where the slot's prompt goes on, right after `catch_up`. None where nothing can be taken over."""
        if not self.tree.joins:
            return None
        return self.tree.end_of(slot.sequence), slot.prompt[len(slot.tokens)]

    def make_room(self, rows: int) -> None:
        """Evict cells until a batch of `rows` fits and does not have to look at many of them."""
        self._evict_for(rows)
        while self.cached_sequences and self.offloaded.limit and self._idle > IDLE_CELLS:
            movable = {
                each for each in self.cached_sequences if len(self.tree.end_of(each).tokens) <= self.offloaded.limit
            }
            if not movable:
                return
            self._evict(self._cells, movable)

    def release(self, sequence: int) -> None:
        """End a request. Its sequence stays cached unless others hold all of it."""
        self._book(self._running[sequence])
        del self._running[sequence]
        self._keep(sequence)

    def hottest(self) -> dict[tuple[int, ...], int]:
        """The beginnings that several prompts had, as far as they are nobody's own words; the hottest first.

        Each with when it was used last.
        """
        self.book()
        nodes = [(node.starts, node.used, self.tree.tokens_to(node)) for node in self.tree.hottest()]
        offloaded = [(each.starts, each.used, each.tokens) for each in self.offloaded.common()]
        found: dict[tuple[int, ...], int] = {}
        for _, used, tokens in sorted([*nodes, *offloaded], key=lambda each: each[0] * len(each[2]), reverse=True):
            public = self._public.part(tokens)
            if len(public) >= LEAST_SAVED:
                found.setdefault(public, used)
        return found

    @contextmanager
    def lend(self, tokens: Sequence[int]) -> Iterator[int | None]:
        """A sequence that holds just `tokens`, to be read. None: they are not cached, or no sequence is to be had."""
        self.book()
        self._restore(tokens)
        while not self._free and self.cached_sequences:
            self._evict(self._cells)
        node = self.tree.find(tokens)
        if not self.tree.joins or node.end < len(tokens) or not self._free:
            yield None
            return
        sequence = self._free[-1]
        self._cache.share(self.tree.holder(node), sequence, 0, node.end)
        try:
            yield sequence
        finally:
            self._cache.truncate(sequence, 0)

    def load(self, tokens: Sequence[int], fill: Callable[[int], bool]) -> bool:
        """Have `fill` put `tokens` into an empty sequence, and keep it. False: there is no room, or it failed."""
        if not self.tree.joins or not self._free or self.used + len(tokens) > self._cells:
            return False
        sequence = self._free.pop()
        if not fill(sequence):
            self._cache.truncate(sequence, 0)
            self._free.append(sequence)
            return False
        self.tree.attach(sequence, self.tree.root)
        for duplicate in self.tree.grow(sequence, tokens):
            self._cache.share(duplicate.source, sequence, duplicate.start, duplicate.end)
        self._free_covered(self.tree.end_of(sequence))
        self._keep(sequence)
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
        self.tree = Prefixes(joins=self._cache.can_share)
        self.offloaded.clear()
        self.cached_sequences.clear()
        self._free = list(reversed(range(self._cache.sequences)))

    def _reusable(self, prompt: Sequence[int]) -> Node:
        """Where the longest beginning of `prompt` ends that a request can go on from; its last token is computed."""
        node = self.tree.find(prompt[:-1])
        reusable = self.tree.joins or node.sequences & self.cached_sequences
        return node if reusable else self.tree.root

    @property
    def _idle(self) -> int:
        """Cells that only cached sequences hold."""
        return self.tree.cells - self.tree.held_by(self.tree.end_of(sequence) for sequence in self._running)

    def _evict_for(self, count: int) -> None:
        if self.used + count > self._cells:
            self.book()
        while (missing := self.used + count - self._cells) > 0 and self.cached_sequences:
            self._evict(max(missing, LEAST_EVICTED))

    def _restore(self, tokens: Sequence[int]) -> None:
        """Restore what was offloaded and `tokens` go on with."""
        while True:
            node = self.tree.find(tokens)
            found = self.offloaded.following(tokens, node.end)
            if found is None:
                return
            self.tree.touch(node)
            self._evict_for(found[0].cells)
            if not self._free and self.cached_sequences:
                self._evict(self._cells)
            node = self.tree.find(tokens)  # not all of it may be left
            if not self._free or self.used + found[0].cells > self._cells or node.end < found[0].start:
                return
            self._restore_cells(found[0], node, found[1])

    def _restore_cells(self, offloaded: OffloadedCells, node: Node, end: int) -> None:
        """Its cells up to position `end`, as a cached sequence that goes on from `node`."""
        sequence = self._free.pop()
        if not self._cache.write_state(sequence, offloaded.data):
            self.offloaded.remove(offloaded)
            self._free.append(sequence)
            return
        self._cache.truncate(sequence, end)
        if node.end:
            self._cache.share(self.tree.holder(node), sequence, 0, node.end)
        self.tree.attach(sequence, node)
        self.tree.grow(sequence, offloaded.tokens[node.end : end], generated=offloaded.generated)
        offloaded.used = self.tree.inherit(sequence, offloaded.starts)
        self._free_covered(self.tree.end_of(sequence))
        self._keep(sequence)

    def _offload(self, sequence: int, node: Node) -> None:
        """Copy the cells of a cached leaf into the machine's memory."""
        if len(node.tokens) > self.offloaded.limit or not self._free:
            return
        tokens = self.tree.tokens_to(node)
        known = self.offloaded.covering(tokens, node.start)
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
        self.offloaded.put(OffloadedCells(tokens, start, data, cells, node.generated, answered, node.starts, node.used))

    def _book(self, slot: Slot) -> None:
        """What two sequences have both computed is kept once."""
        for generated, end in ((False, len(slot.prompt)), (True, len(slot.tokens))):
            tokens = slot.tokens[slot.booked : end]
            if not tokens:
                continue
            for duplicate in self.tree.grow(slot.sequence, tokens, generated=generated):
                self._cache.share(duplicate.source, slot.sequence, duplicate.start, duplicate.end)
            slot.booked += len(tokens)
            self._free_covered(self.tree.end_of(slot.sequence))

    def _keep(self, sequence: int) -> None:
        """Make a cached sequence of one that no request runs in, unless others hold all of it."""
        self.tree.close(sequence)
        node = self.tree.end_of(sequence)
        if node.start == node.end or node.children or len(node.sequences) > 1:
            self._free_sequence(sequence)
        else:
            self.cached_sequences.add(sequence)

    def _free_covered(self, node: Node) -> None:
        """Free cached sequences that another one now goes beyond, or holds as well."""
        for each in node.path():
            if each.children or len(each.sequences) > 1:
                for sequence in each.sequences & self.cached_sequences:
                    self._free_sequence(sequence)

    def _sequence_at(self, node: Node) -> int:
        """A sequence that holds just what ends at `node`."""
        while True:
            for sequence in node.sequences & self.cached_sequences:
                self.cached_sequences.discard(sequence)
                return sequence
            if self._free:
                sequence = self._free.pop()
                if node.end:
                    self._cache.share(self.tree.holder(node), sequence, 0, node.end)
                self.tree.attach(sequence, node)
                return sequence
            self._evict(self._cells)

    def _evict(self, count: int, among: set[int] | None = None) -> None:
        """Evict at most `count` cells of the cached leaf of the lowest priority."""
        sequence = min(among or self.cached_sequences, key=lambda sequence: self.tree.end_of(sequence).priority)
        node = self.tree.end_of(sequence)
        if self.offloaded.limit:
            count = len(node.tokens)
            self._offload(sequence, node)
        self._shorten(sequence, count)

    def _shorten(self, sequence: int, count: int) -> None:
        """Take at most `count` cells off the cached leaf at which it ends."""
        node = self.tree.end_of(sequence)
        keep = max(node.end - count, node.start) if self.tree.joins else 0
        if not keep or not self._cache.truncate(sequence, keep):
            self._free_sequence(sequence)
            return
        self.tree.cut(sequence, keep)
        node = self.tree.end_of(sequence)
        if node.children or len(node.sequences) > 1:
            self._free_sequence(sequence)

    def _free_sequence(self, sequence: int) -> None:
        self.cached_sequences.discard(sequence)
        self._cache.truncate(sequence, 0)
        self.tree.detach(sequence)
        self._free.append(sequence)
