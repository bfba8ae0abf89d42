"""Where words stand on their pages, kept and looked up."""

import contextlib
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents.extract.boxes import Run, areas, decode, encode

many = settings(max_examples=100, deadline=None)
coordinate = st.integers(-10_000, 200_000)


@st.composite
def run_lists(draw: st.DrawFn) -> list[Run]:
    runs, end = [], 0
    for _ in range(draw(st.integers(0, 12))):
        start, length = end + draw(st.integers(0, 300)), draw(st.integers(1, 40))
        count = draw(st.sampled_from([1, length]))
        sign = draw(st.sampled_from([1, -1]))
        advances = draw(st.lists(st.integers(0, 300), min_size=count, max_size=count))
        edges = tuple(accumulate((sign * one for one in advances), initial=draw(coordinate)))
        low = draw(coordinate)
        high = low + draw(st.integers(0, 500))
        runs.append(Run(start, length, draw(st.integers(1, 12_000)), draw(st.booleans()), low, high, edges))
        end = start + length
    return runs


@many
@given(run_lists())
def test_what_is_kept_is_found_again(runs: list[Run]) -> None:
    assert list(decode(encode(runs))) == runs


@many
@given(run_lists(), st.integers(0, 3000), st.integers(0, 200))
def test_a_stretch_is_looked_up_alone(runs: list[Run], start: int, length: int) -> None:
    wanted = [run for run in runs if run.start < start + length and run.start + run.length > start]
    assert list(decode(encode(runs), start, start + length)) == wanted


def test_many_parts() -> None:
    runs = [Run(60 * n, 50, 1 + n // 40, False, 8 * n, 8 * n + 80, tuple(range(0, 51 * 40, 40))) for n in range(3000)]
    kept = encode(runs)
    assert list(decode(kept)) == runs
    assert len(kept) < 0.2 * 150_000
    assert [run.start for run in decode(kept, 120_010, 120_130)] == [120_000, 120_060, 120_120]


@many
@given(st.binary(max_size=200), run_lists(), st.data())
def test_what_is_damaged_is_refused_or_read_and_nothing_worse(
    junk: bytes, runs: list[Run], data: st.DataObject
) -> None:
    kept = bytearray(encode(runs))
    if kept:
        kept[data.draw(st.integers(0, len(kept) - 1))] ^= data.draw(st.integers(1, 255))
    for damaged in (junk, bytes(kept), encode(runs)[:-1]):
        with contextlib.suppress(ValueError):
            areas(damaged, 0, 1000)


def test_words_of_one_line_have_one_box_and_cells_their_own() -> None:
    runs = [
        Run(0, 4, 3, False, 80, 160, (0, 40, 80, 120, 160)),
        Run(5, 2, 3, False, 82, 158, (200, 240, 280)),  # another font of the same line
        Run(10, 2, 3, False, 80, 160, (1600, 1640, 1680)),  # a cell to the right
        Run(13, 2, 3, False, 180, 260, (80, 40, 0)),  # the next line, from right to left
        Run(16, 3, 4, False, 0, 80, (8, 32)),  # "[x]", one sign
        Run(20, 2, 4, True, 0, 80, (800, 760, 720)),  # runs up the page
    ]
    kept = encode(runs)
    assert areas(kept, 0, 15) == [(3, 0, 10, 35, 20), (3, 200, 10, 210, 20), (3, 0, 22.5, 10, 32.5)]
    assert areas(kept, 1, 3) == [(3, 5, 10, 15, 20)]
    assert areas(kept, 17, 18) == [(4, 1, 0, 4, 10)]
    assert areas(kept, 20, 21) == [(4, 0, 95, 10, 100)]
    assert areas(kept, 7, 10) == []
    assert areas(b"", 0, 10) == []
