"""How long batches take, and how many prompt rows fit beside running streams."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.batch_cost import GAP, PAUSE, REMEMBERED, ROWS, BatchCost, piece_beside

TWO_CORES = {1: 21.8, 3: 34.8, 4: 39.5, 8: 64.6, 16: 92.6, 32: 175.2, 64: 334.5}  # milliseconds, a 0.5B model


def measured(times: dict[int, float]) -> BatchCost:
    cost = BatchCost()
    for rows, milliseconds in times.items():
        cost.note(rows, milliseconds / 1000)
    return cost


def test_nothing_is_known_at_first() -> None:
    assert BatchCost().seconds(4) is None
    assert BatchCost().added(1, 1, 3) == math.inf
    assert piece_beside(BatchCost(), 3, 64) == ROWS - 3
    assert piece_beside(BatchCost(), 3, 4) == 4


def test_between_what_was_seen_and_beyond_it() -> None:
    cost = measured({4: 40, 8: 60})
    assert cost.seconds(6) == pytest.approx(0.05)
    assert cost.seconds(16) == pytest.approx(0.12)
    assert cost.seconds(2) == pytest.approx(0.02)


def test_a_batch_that_was_disturbed_counts_little() -> None:
    cost = measured({1: 20, 4: 40})
    cost.note(4, 40.0)
    first, second = cost.seconds(1), cost.seconds(4)
    assert first
    assert second
    assert second / first < 2.6


def test_a_machine_that_gets_slower_is_slower_for_every_size() -> None:
    """Prompt pieces keep their size, though the streams' rows alone are not seen meanwhile."""
    cost = measured({rows: milliseconds / 20 for rows, milliseconds in TWO_CORES.items()})
    before = piece_beside(cost, 3, 64)
    cost.note(before + 3, 0.01)
    for _ in range(100):
        cost.note(before + 3, 0.1)
    assert piece_beside(cost, 3, 64) == pytest.approx(before, abs=16)
    assert cost.seconds(3) == pytest.approx(10 * TWO_CORES[3] / 20 / 1000, rel=0.3)


def test_a_wrong_first_time_is_mended() -> None:
    cost = measured({1: 20, 64: 340, 4: 4000})
    for _ in range(20):
        cost.note(4, 0.04)
        cost.note(1, 0.02)
    assert cost.seconds(4) == pytest.approx(0.04, rel=0.2)


def test_what_was_not_seen_for_long_is_forgotten() -> None:
    cost = measured({1: 20, 4: 4000, 64: 300})
    for _ in range(REMEMBERED):
        cost.note(1, 0.02)
        cost.note(64, 0.3)
    assert cost.seconds(4) == pytest.approx(0.02 + 0.28 * 3 / 63, rel=0.05)


def test_more_rows_are_counted_in_the_tokens_that_they_delay() -> None:
    cost = measured({1: 20, 2: 30, 4: 40, 8: 60})
    assert cost.added(1, 1, 3) == pytest.approx(1.0)
    assert cost.added(2, 4, 4) == pytest.approx(20 / 15)
    assert measured({1: 20, 4: 19}).added(1, 1, 3) == 0


@pytest.mark.parametrize(
    ("streams", "share"),
    [(1, 0.65), (3, 0.65), (8, 0.65)],
)
def test_on_two_cores_a_prompt_gets_its_share_and_the_streams_wait_no_longer_than_told(
    streams: int, share: float
) -> None:
    cost = measured(TWO_CORES)
    rows = piece_beside(cost, streams, 64)
    together, alone, piece = (cost.seconds(n) for n in (streams + rows, streams, 64))
    assert together
    assert alone
    assert piece
    assert together <= min(GAP * alone, PAUSE)
    assert rows / together >= share * 64 / piece
    assert (rows + streams) % ROWS == 0


def test_a_larger_piece_is_taken_where_it_is_read_quicker_with_what_streams_get_behind_it() -> None:
    slow_in_small = measured({1: 40, 16: 200, 32: 215, 48: 900})
    assert piece_beside(slow_in_small, 1, 64) == 31
    fast_in_small = measured({1: 40, 16: 110, 32: 239, 48: 900})
    assert piece_beside(fast_in_small, 1, 64) == 15


def test_where_rows_cost_nothing_a_prompt_is_read_as_fast_as_alone() -> None:
    assert piece_beside(measured({1: 10, 64: 12}), 1, 63) == 63


@given(st.dictionaries(st.integers(1, 80), st.floats(1e-4, 100), max_size=8), st.integers(1, 8), st.integers(1, 64))
def test_a_prompt_always_goes_on(times: dict[int, float], streams: int, most: int) -> None:
    assert 1 <= piece_beside(measured(times), streams, most) <= most
