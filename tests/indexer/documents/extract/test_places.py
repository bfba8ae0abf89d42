"""How remarks name pages."""

import pytest

from indexer.documents.extract.places import below, counted, listed, named


@pytest.mark.parametrize(
    ("numbers", "named"),
    [([4], "4"), ([2, 1], "1-2"), ([9, 1, 4, 6, 7, 8, 4], "1, 4 and 6-9"), (range(1, 1001), "1-1000")],
)
def test_numbers_are_listed(numbers: list[int], named: str) -> None:
    assert listed(numbers) == named


@pytest.mark.parametrize(
    ("thing", "two"),
    [
        ("picture", "2 pictures"),
        ("chart without stored values", "2 charts without stored values"),
        ("set of icons that a rule draws", "2 sets of icons that a rule draws"),
        ("cell with a picture", "2 cells with a picture"),
        ("drawing made by a script", "2 drawings made by a script"),
        ("form control (ActiveX)", "2 form controls (ActiveX)"),
    ],
)
def test_how_things_are_counted(thing: str, two: str) -> None:
    assert (counted(1, thing), counted(2, thing)) == (f"1 {thing}", two)
    assert counted(1_200, "picture") == "1,200 pictures"


def test_names_are_told_once_and_not_all() -> None:
    assert named(["Rates", "Terms", "Rates"]) == '"Rates" and "Terms"'
    assert named("ABCDE") == '"A", "B", "C" and 2 more'
    assert named(["word " * 20]) == '"word word word word word word word…"'
    assert (below(["", "Scope"]), below([""])) == (' (below "Scope")', "")
