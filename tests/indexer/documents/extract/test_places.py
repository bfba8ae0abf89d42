"""How remarks name pages."""

import pytest

from indexer.documents.extract.places import listed


@pytest.mark.parametrize(
    ("numbers", "named"),
    [([4], "4"), ([2, 1], "1-2"), ([9, 1, 4, 6, 7, 8, 4], "1, 4 and 6-9"), (range(1, 1001), "1-1000")],
)
def test_numbers_are_listed(numbers: list[int], named: str) -> None:
    assert listed(numbers) == named
