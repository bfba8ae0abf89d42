"""What a person sees in the made set of documents is read: floors for each family, and the files not yet right.

Both may only get better. Where a file comes out right, its line in NOT_YET goes; where a family gains, its floors rise.
`python benchmarks/extract.py --worst 40` shows the figures, `--show NAME` what is expected of a file and what is read.
"""

from functools import cache

import pytest

from benchmarks.extraction.cases import Case, Part
from benchmarks.extraction.expected import parse
from benchmarks.extraction.made import cases
from benchmarks.extraction.score import Score, score, total
from indexer.documents.extract.formats import extract_bytes

FLOORS: dict[str, tuple[float, float, float, float | None, float | None, float | None]] = {
    # words found, of the words read those that are there, order, rows whole, rows under their names, headings
    "pdf": (1.000, 1.000, 0.999, 1.000, 1.000, 1.000),
    "word": (1.000, 1.000, 1.000, 1.000, 1.000, 1.000),
    "excel": (1.000, 1.000, 1.000, 1.000, 1.000, 1.000),
    "slides": (1.000, 1.000, 1.000, 1.000, 1.000, 1.000),
    "html": (1.000, 1.000, 1.000, 1.000, 1.000, 1.000),
    "markdown": (1.000, 1.000, 1.000, 1.000, 1.000, 1.000),
    "csv": (1.000, 1.000, 1.000, 1.000, 1.000, None),
    "text": (1.000, 1.000, 1.000, None, None, 1.000),
}

NOT_YET: set[str] = set()


def read(case: Case) -> list[Part]:
    """Nothing where the file cannot be read."""
    try:
        document = extract_bytes(case.make(), case.name)
    except Exception:  # whatever a library raises, as in the reading process
        return []
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


@cache
def scores() -> dict[str, tuple[Case, Score]]:
    return {case.name: (case, score(parse(case.expected), read(case))) for case in cases()}


def is_right(one: Score) -> bool:
    counts_are_whole = all(found == wanted for found, wanted in (one.rows, one.headed, one.headings))
    return min(one.found, one.clean) == 1 and one.order >= 0.98 and counts_are_whole and not one.false_headings


def test_the_set_is_large_and_its_names_are_its_own() -> None:
    names = [case.name for case in cases()]
    assert len(names) == len(set(names)) >= 150
    assert set(FLOORS) == {case.family for case in cases()}
    assert set(names) >= NOT_YET


@pytest.mark.parametrize("family", FLOORS)
def test_a_family_is_read_at_least_as_well_as_before(family: str) -> None:
    sums = total([one for case, one in scores().values() if case.family == family])
    reached = (sums.found, sums.clean, sums.order, sums.rows, sums.headed, sums.headings)
    for name, floor, share in zip(
        ("found", "clean", "order", "rows", "headed", "headings"), FLOORS[family], reached, strict=True
    ):
        assert floor is None or (share is not None and share >= floor), f"{name} {share} < {floor}"


def test_every_other_file_is_read_as_a_person_sees_it() -> None:
    wrong = {name: one for name, (_, one) in scores().items() if name not in NOT_YET and not is_right(one)}
    assert wrong == {}


def test_files_that_come_out_right_are_held_to_it() -> None:
    assert [name for name in sorted(NOT_YET) if is_right(scores()[name][1])] == [], "take them out of NOT_YET"


def test_files_are_made_alike_each_time_but_for_their_dates() -> None:
    """So that a figure means the same set."""
    for case in cases():
        if case.family in ("pdf", "html", "markdown", "csv", "text"):
            assert case.make() == case.make(), case.name
