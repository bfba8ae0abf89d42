"""Cells are cut and moved as llama.cpp would have laid them out, and nothing damaged passes for cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.cell_state import CellState, Rotation, UnknownState
from tests.server.engine.cell_states import HEAD, HEADS, cell_state

rotations = st.builds(
    Rotation,
    dims=st.sampled_from([HEAD, HEAD // 2]),
    head=st.just(HEAD),
    base=st.sampled_from([10000.0, 1000000.0]),
    scale=st.sampled_from([1.0, 0.25]),
    halves=st.booleans(),
)
distances = st.integers(-4000, 4000)
kinds = st.booleans()


def near(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.allclose(a, b, atol=0.01) for a, b in zip(left, right, strict=True))


@given(st.integers(0, 5000), st.integers(1, 9), kinds, rotations)
def test_what_stands_in_its_place_stays_the_same_to_the_last_bit(
    first: int, count: int, by_element: bool, rotation: Rotation
) -> None:
    data = cell_state(first, count, by_element=by_element)
    assert np.array_equal(CellState(data).moved(rotation, start=0, to=first), data)
    assert np.array_equal(CellState(data).alone(0), data)


@given(st.integers(0, 5000), st.integers(1, 9), distances, distances, kinds, rotations)
def test_two_moves_are_one(first: int, count: int, one: int, other: int, by_element: bool, rotation: Rotation) -> None:
    state = CellState(cell_state(first, count, by_element=by_element))
    once = CellState(state.moved(rotation, start=0, to=first + one + other))
    twice = CellState(
        CellState(state.moved(rotation, start=0, to=first + one)).moved(rotation, start=0, to=first + one + other)
    )
    assert near(once.keys, twice.keys)
    assert once.positions == twice.positions == [first + one + other + i for i in range(count)]
    back = CellState(twice.moved(rotation, start=0, to=first))
    assert near(back.keys, state.keys)


@given(st.integers(1, 9), st.data(), kinds)
def test_the_end_of_a_sequence_is_what_its_cells_are_alone(count: int, data: st.DataObject, by_element: bool) -> None:
    start = data.draw(st.integers(0, count - 1))
    whole = CellState(cell_state(10, count, by_element=by_element))
    end = CellState(whole.alone(start))
    assert end.positions == whole.positions[start:]
    assert all(np.array_equal(a, b[start:]) for a, b in zip(end.keys, whole.keys, strict=True))
    again = CellState(whole.alone(0))
    assert np.array_equal(again.alone(start), whole.alone(start))


@given(st.integers(1, 9), st.data(), kinds, rotations)
def test_cells_in_the_order_of_their_places_are_those_in_the_order_of_their_positions(
    count: int, data: st.DataObject, by_element: bool, rotation: Rotation
) -> None:
    order = data.draw(st.permutations(range(count)))
    sorted_ = CellState(cell_state(10, count, by_element=by_element))
    shuffled = CellState(cell_state(10, count, by_element=by_element, order=order))
    start = data.draw(st.integers(0, count - 1))
    assert np.array_equal(shuffled.alone(start), sorted_.alone(start))
    moved = [each.moved(rotation, start=start, to=99) for each in (shuffled, sorted_)]
    assert np.array_equal(moved[0], moved[1])
    shuffled.check(10, 10 + count)


@pytest.mark.parametrize(("start", "end"), [(4, 7), (4, 9), (3, 8), (5, 8), (5, 9)])
def test_cells_of_other_positions_are_found_out(start: int, end: int) -> None:
    state = CellState(cell_state(4, 4))
    state.check(4, 8)
    with pytest.raises(UnknownState):
        state.check(start, end)


def test_a_position_that_is_missing_or_stands_twice_is_found_out() -> None:
    for order in ([0, 2, 3, 3], [0, 1, 3]):
        with pytest.raises(UnknownState):
            CellState(cell_state(4, 4, order=order)).check(4, 8)


def test_a_rotation_keeps_the_products_of_keys_that_are_as_far_apart() -> None:
    """That is what attention sees of positions."""
    rotation = Rotation(HEAD, HEAD, 10000.0, halves=True)
    keys = np.random.default_rng(1).normal(size=(2, HEADS * HEAD)).astype(np.float16)
    here = rotation.turned(keys[:1], 5).astype(np.float64) @ rotation.turned(keys[1:], 8).astype(np.float64).T
    there = rotation.turned(keys[:1], 705).astype(np.float64) @ rotation.turned(keys[1:], 708).astype(np.float64).T
    assert np.allclose(here, there, atol=0.05)
    assert np.array_equal(rotation.turned(keys, 0), keys)


def test_only_what_is_rotated_of_a_head_is_turned() -> None:
    keys = np.random.default_rng(1).normal(size=(3, HEADS * HEAD)).astype(np.float16)
    turned = Rotation(4, HEAD, 10000.0).turned(keys, 3).reshape(3, HEADS, HEAD)
    assert np.array_equal(turned[..., 4:], keys.reshape(3, HEADS, HEAD)[..., 4:])
    assert not np.array_equal(turned[..., :4], keys.reshape(3, HEADS, HEAD)[..., :4])


@given(st.integers(1, 9), kinds, st.data())
def test_what_is_cut_short_or_has_more_is_no_state(count: int, by_element: bool, data: st.DataObject) -> None:
    whole = cell_state(4, count, by_element=by_element)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(UnknownState):
        CellState(whole[:cut])
    with pytest.raises(UnknownState):
        CellState(np.concatenate([whole, whole[:1]]))


@pytest.mark.parametrize("kind", [0, 8])
def test_cells_of_another_type_are_not_taken_for_float16(kind: int) -> None:
    with pytest.raises(UnknownState):
        CellState(cell_state(4, 2, kind=kind))


def test_several_streams_are_not_one() -> None:
    data = cell_state(4, 2)
    data.view(np.uint32)[2] = 2
    with pytest.raises(UnknownState):
        CellState(data)
