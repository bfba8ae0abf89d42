"""Which tokens the KV cache holds, as a radix tree of prefixes (pure).

A node is a run of tokens that follows its parent's. A sequence ends at a node and holds the cells of all nodes from
the root to there; a cell that several sequences hold is counted once. Every leaf but the root has a sequence that ends
at it, so nothing is in the tree that is not in the cache.

    tree.find(prompt)             where the longest cached beginning of a prompt ends
    tree.attach(sequence, node)   a sequence that holds everything down to `node`
    tree.grow(sequence, tokens)   it goes on with these; says which of them others hold already
    tree.cut(sequence, length)    it keeps its first `length` tokens

Where memory is one state for a sequence (recurrent models), prefixes cannot be joined: each sequence is then a branch
of its own, and only a whole branch can be found.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

STRIDE = 64  # tokens compared at once
LASTING = 16
"""Uses of others that a beginning outlasts, for each doubling of the prompts that began with it.

Every cell costs as much to compute again as it takes, so length does not count, only how soon it is used again. Tokens
computed over 26 made-up traces (docs/decisions.md), 0 being least recently used: 4 .985, 8 .974, 16 .961 and at most
1.03 on any of them, 32 .951, 64 .943 and up to 1.06.
"""
SEVERAL = 2  # starts that make a beginning a common one
LEAST_SAVED = 32  # tokens; what is shorter is soon computed again


@dataclass(eq=False)
class Node:
    parent: "Node | None"
    start: int  # position of its first token
    tokens: list[int]
    children: dict[int, "Node"] = field(default_factory=dict)  # by first token; by sequence where nothing is joined
    sequences: set[int] = field(default_factory=set)  # those that end here
    generated: bool = False  # an answer, not part of a prompt
    starts: int = 1  # prompts that ran through it and were not the next turn after an earlier one
    used: int = 0  # when it was last, as a count of uses

    @property
    def end(self) -> int:
        return self.start + len(self.tokens)

    @property
    def priority(self) -> float:
        """What has the lowest is evicted first."""
        return priority(self.used, self.starts)

    @property
    def is_held(self) -> bool:
        """Whether a sequence holds its cells."""
        return bool(self.sequences or self.children)

    def path(self) -> Iterator["Node"]:
        """From here up to the root's child."""
        node = self
        while node.parent is not None:
            yield node
            node = node.parent


@dataclass(frozen=True)
class Duplicate:
    """Tokens [start, end) that two sequences computed: `source` holds them too, so one copy can go."""

    source: int
    start: int
    end: int


class Prefixes:
    def __init__(self, *, joins: bool = True) -> None:
        self.joins = joins
        self.root = Node(None, 0, [])
        self.cells = 0
        self._ends: dict[int, Node] = {}
        self._open: dict[int, Node] = {}  # by sequence: the leaf that it alone has made and still grows
        self._clock = 0

    def end_of(self, sequence: int) -> Node:
        return self._ends[sequence]

    def nodes(self) -> Iterator[Node]:
        """Every node but the root, parents first."""
        waiting = list(self.root.children.values())
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.children.values()

    def tokens_to(self, node: Node) -> list[int]:
        """Everything from position 0 to the node's end."""
        parts = [part.tokens for part in node.path()]
        return [token for part in reversed(parts) for token in part]

    def holder(self, node: Node) -> int:
        """A sequence that holds everything down to `node`."""
        while not node.sequences:
            node = next(iter(node.children.values()))
        return next(iter(node.sequences))

    def held_by(self, ends: Iterable[Node]) -> int:
        """Cells on the ways from the root to these nodes, each counted once."""
        return sum({id(node): len(node.tokens) for end in ends for node in end.path()}.values())

    def find(self, tokens: Sequence[int]) -> Node:
        """The node at which the longest cached beginning of `tokens` ends; splits one that goes on differently."""
        if not self.joins:
            return self._find_whole(tokens)
        node = self.root
        while node.end < len(tokens):
            child = node.children.get(tokens[node.end])
            if child is None:
                return node
            common = common_prefix(child.tokens, tokens[child.start : child.end])
            if common < len(child.tokens):
                return self._split(child, common)
            node = child
        return node

    def use(self, node: Node, *, parts: bool = False) -> None:
        """A request begins with what ends at `node`; `parts` says that an earlier one, not here, went on otherwise."""
        answered = node.generated or any(each.generated for each in node.children.values())
        for each in node.path():
            each.starts += not answered and (parts or bool(node.children))
        self.touch(node)

    def touch(self, node: Node) -> None:
        """It is used just now."""
        self._clock += 1
        for each in node.path():
            each.used = self._clock

    def inherit(self, sequence: int, starts: int) -> int:
        """What ends with the sequence was begun with so often before. When it was used last."""
        node = self._ends[sequence]
        node.starts = max(node.starts, starts)
        node.used = self._clock
        return self._clock

    def attach(self, sequence: int, node: Node) -> None:
        self.detach(sequence)
        self._ends[sequence] = node
        node.sequences.add(sequence)

    def detach(self, sequence: int) -> None:
        """Forget a sequence and all that only it held."""
        node = self._ends.pop(sequence, None)
        self._open.pop(sequence, None)
        if node is not None:
            node.sequences.discard(sequence)
            self._prune(node)

    def hottest(self) -> list[Node]:
        """Where the beginnings end that several prompts had, the longest of each branch; none goes past an answer."""
        found, waiting = [], [self.root]
        while waiting:
            node = waiting.pop()
            common = [each for each in node.children.values() if each.starts >= SEVERAL and not each.generated]
            waiting += common
            if not common and node.end >= LEAST_SAVED:
                found.append(node)
        return sorted(found, key=lambda node: node.starts * node.end, reverse=True)

    def close(self, sequence: int) -> None:
        """Whoever goes on from the sequence's end makes a node of its own."""
        self._open.pop(sequence, None)

    def grow(self, sequence: int, tokens: Sequence[int], *, generated: bool = False) -> list[Duplicate]:
        """Put `tokens` after the sequence's end."""
        duplicates = []
        node, done = self._ends[sequence], 0
        while done < len(tokens):
            child = node.children.get(tokens[done]) if self.joins else None
            if child is None:
                self._append(sequence, node, tokens[done:], generated)
                break
            common = common_prefix(child.tokens, tokens[done : done + len(child.tokens)])
            if common < len(child.tokens):
                child = self._split(child, common)
            duplicates.append(Duplicate(self.holder(child), child.start, child.end))
            self._move(sequence, child)
            node, done = child, done + common
        return duplicates

    def cut(self, sequence: int, length: int) -> None:
        """The sequence keeps its first `length` tokens; what nobody else holds of the rest is gone."""
        node = self._ends.pop(sequence)
        self._open.pop(sequence, None)
        node.sequences.discard(sequence)
        while node.parent is not None and node.start >= length:
            parent = node.parent
            if not node.is_held:
                self._remove(node)
            node = parent
        if node.end > length:
            keep = length - node.start
            if node.is_held:
                node = self._split(node, keep)
            else:
                self.cells -= len(node.tokens) - keep
                del node.tokens[keep:]
        self._ends[sequence] = node
        node.sequences.add(sequence)

    def _find_whole(self, tokens: Sequence[int]) -> Node:
        found = self.root
        for node in self.root.children.values():
            if found.end < node.end <= len(tokens) and node.tokens == list(tokens[: node.end]):
                found = node
        return found

    def _append(self, sequence: int, node: Node, tokens: Sequence[int], generated: bool) -> None:
        """As a leaf of its own, or at the end of the one that it grows."""
        self.cells += len(tokens)
        alone = not node.children and node.sequences == {sequence} and node is not self.root
        grown = self._open.get(sequence) is node and node.generated is generated
        if alone and (grown or not self.joins):
            node.tokens += tokens
            return
        leaf = Node(node, node.end, list(tokens), generated=generated, used=self._clock)
        node.children[tokens[0] if self.joins else sequence] = leaf
        self._move(sequence, leaf)
        self._open[sequence] = leaf

    def _move(self, sequence: int, node: Node) -> None:
        """Further down."""
        self._ends[sequence].sequences.discard(sequence)
        self._ends[sequence] = node
        node.sequences.add(sequence)

    def _split(self, node: Node, length: int) -> Node:
        """Cut a node in two; the first `length` tokens are the new parent of the rest, and returned."""
        parent = node.parent
        assert parent is not None  # noqa: S101 (the root has no tokens)
        upper = replace(node, tokens=node.tokens[:length], children={}, sequences=set())
        parent.children[upper.tokens[0]] = upper
        node.parent, node.start, node.tokens = upper, node.start + length, node.tokens[length:]
        upper.children[node.tokens[0]] = node
        return upper

    def _prune(self, node: Node) -> None:
        while node.parent is not None and not node.is_held:
            parent = node.parent
            self._remove(node)
            node = parent

    def _remove(self, node: Node) -> None:
        self.cells -= len(node.tokens)
        assert node.parent is not None  # noqa: S101
        for key, child in node.parent.children.items():
            if child is node:
                del node.parent.children[key]
                return


def priority(used: int, starts: int) -> float:
    """Of tokens that were last used at `used` and began `starts` prompts: in uses, the higher the longer they stay."""
    return used + LASTING * math.log2(starts)


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens the two have in common from their beginning."""
    count = min(len(left), len(right))
    low = 0
    while low + STRIDE <= count and list(left[low : low + STRIDE]) == list(right[low : low + STRIDE]):
        low += STRIDE
    while low < count and left[low] == right[low]:
        low += 1
    return low
