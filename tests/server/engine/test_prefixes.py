"""The tree of prefixes against a plain model: for each sequence its tokens and the cells that it holds."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.engine.prefixes import LASTING, Prefixes, common_prefix

TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=12)


@given(st.lists(st.integers(0, 3), max_size=200), st.lists(st.integers(0, 3), max_size=200), st.integers(0, 150))
def test_common_prefix(left: list[int], right: list[int], same: int) -> None:
    left, right = [1] * same + left, [1] * same + right
    count = common_prefix(left, tuple(right))
    assert left[:count] == right[:count]
    assert count == min(len(left), len(right)) or left[count] != right[count]


def grown(*sequences: list[int]) -> Prefixes:
    tree = Prefixes()
    for sequence, tokens in enumerate(sequences):
        tree.attach(sequence, tree.root)
        tree.grow(sequence, tokens)
        tree.close(sequence)
    return tree


def test_a_repeated_prompt_is_another_start_and_a_next_turn_is_not() -> None:
    tree = grown([1, 2, 3, 4])
    tree.grow(0, [5, 6], generated=True)
    for turn in ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 9], [1, 2, 3, 4, 8]):
        tree.use(tree.find(turn))  # the next turn, the answer's text cut into the same tokens or others
    assert [node.starts for node in tree.nodes()] == [1, 1, 1]
    node = tree.find([1, 2, 3])
    tree.use(node)  # the same prompt again, short of its last token
    assert [each.starts for each in node.path()] == [2]
    assert tree.find([1, 2, 3, 4]).starts == 1


def test_what_was_used_later_or_by_more_prompts_is_worth_more() -> None:
    tree = grown([1, 1], [2, 2], [3, 3])
    for prompt in ([3], [3], [3], [2], [1]):
        tree.use(tree.find(prompt))
    assert tree.find([3]).priority > tree.find([1]).priority > tree.find([2]).priority
    for _ in range(2 * LASTING):
        tree.use(tree.find([1]))
    assert tree.find([1]).priority > tree.find([3]).priority > tree.find([2]).priority


def test_where_memory_cannot_be_shared_only_a_whole_sequence_is_found() -> None:
    tree = Prefixes(joins=False)
    for sequence, tokens in enumerate(([1, 2], [1, 2, 3, 4], [1, 2])):
        tree.attach(sequence, tree.root)
        assert tree.grow(sequence, tokens) == []
    assert tree.cells == 8
    assert tree.find([1]) is tree.root
    assert tree.find([1, 2, 3]).end == 2
    assert tree.find([1, 2, 3, 4, 5]).sequences == {1}


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.tree = Prefixes()
        self.tokens: dict[int, list[int]] = {}
        self.cells: dict[int, list[int]] = {}
        self.ids = itertools.count()
        self.fresh = itertools.count()

    @rule(prompt=TOKENS)
    def begin(self, prompt: list[int]) -> None:
        node = self.tree.find(prompt)
        cached = max((common_prefix(prompt, tokens) for tokens in self.tokens.values()), default=0)
        assert self.tree.tokens_to(node) == prompt[:cached]
        sequence = next(self.ids)
        self.cells[sequence] = self.cells[self.tree.holder(node)][:cached] if cached else []
        self.tokens[sequence] = prompt[:cached]
        self.tree.attach(sequence, node)
        self.tree.use(node)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), more=TOKENS, generated=st.booleans())
    def grow(self, data: st.DataObject, more: list[int], generated: bool) -> None:
        sequence = data.draw(st.sampled_from(sorted(self.tokens)))
        self.tokens[sequence] += more
        self.cells[sequence] += [next(self.fresh) for _ in more]
        for duplicate in self.tree.grow(sequence, more, generated=generated):
            assert self.tokens[duplicate.source][: duplicate.end] == self.tokens[sequence][: duplicate.end]
            self.cells[sequence][duplicate.start : duplicate.end] = self.cells[duplicate.source][
                duplicate.start : duplicate.end
            ]

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def cut(self, data: st.DataObject) -> None:
        sequence = data.draw(st.sampled_from(sorted(self.tokens)))
        length = data.draw(st.integers(0, len(self.tokens[sequence])))
        self.tree.cut(sequence, length)
        del self.tokens[sequence][length:]
        del self.cells[sequence][length:]

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), forget=st.booleans())
    def end(self, data: st.DataObject, forget: bool) -> None:
        sequence = data.draw(st.sampled_from(sorted(self.tokens)))
        if forget:
            self.tree.detach(sequence)
            del self.tokens[sequence], self.cells[sequence]
        else:
            self.tree.close(sequence)

    @invariant()
    def each_cell_is_counted_once(self) -> None:
        ends = {sequence: self.tree.end_of(sequence) for sequence in self.tokens}
        assert self.tree.cells == len({cell for cells in self.cells.values() for cell in cells})
        assert self.tree.cells == sum(len(node.tokens) for node in self.tree.nodes())
        assert self.tree.held_by(ends.values()) == self.tree.cells
        for sequence, node in ends.items():
            assert self.tree.tokens_to(node) == self.tokens[sequence]
        for node in self.tree.nodes():
            assert node.tokens
            assert node.is_held
            assert all(child.parent is node and child.start == node.end for child in node.children.values())


TestPrefixes = Machine.TestCase
