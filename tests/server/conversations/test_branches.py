"""Branches of a conversation: every turn is on one, and asking on never loses another."""

from hypothesis import given
from hypothesis import strategies as st

from server.conversations.branches import branch, versions


@st.composite
def trees(draw: st.DrawFn) -> dict[int, int | None]:
    size = draw(st.integers(1, 12))
    return {n: draw(st.one_of(st.none(), st.integers(1, n - 1))) if n > 1 else None for n in range(1, size + 1)}


@given(trees())
def test_every_turn_can_be_reached_with_what_came_before_it(parents: dict[int, int | None]) -> None:
    for turn in parents:
        path = branch(parents, turn)
        assert turn in path
        assert [parents[id_] for id_ in path] == [None, *path[:-1]]
        assert path[-1] not in parents.values()  # nothing comes after the end of a branch
        assert versions(parents)[turn] == tuple(one for one in sorted(parents) if parents[one] == parents[turn])
    assert branch(parents)[-1] == max(parents)
    assert branch(parents, 99) == branch(parents)


def test_nothing_has_no_branch() -> None:
    assert branch({}) == []
