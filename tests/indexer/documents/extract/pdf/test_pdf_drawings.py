"""Boxes to tick that are drawn with lines are read with their labels; grids, bullets and frames are none."""

import pytest

from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf
from indexer.documents.extract.formats import extract_bytes

LEAD = at(72, 720, "Cover of the policy, as agreed in May.")
LETTER = "0 0 m 2 8 l 4 8 l 5 3 l 4 1 l 3 0 l 0 0 l f"
CROSS = "72 640 m 82 650 l S 72 650 m 82 640 l S\n"


def read(drawing: str) -> list[str]:
    return extract_bytes(pdf([Page(LEAD + drawing, box(A4))]), "a.pdf").text.split("\n\n")[1:]


@pytest.mark.parametrize(
    ("drawing", "sign"),
    [
        ("72 640 10 10 re S\n", "[ ]"),
        ("72 640 m 82 640 l 82 650 l 72 650 l h S\n", "[ ]"),
        ("1 1 1 rg 72 640 10 10 re B 0 0 0 rg\n", "[ ]"),
        ("1 1 1 rg 72 640 10 10 re f 0 0 0 rg 72 640 10 10 re S\n", "[ ]"),
        ("72 640 10 10 re S 73 641 8 8 re S\n", "[ ]"),
        ("72 640 10 10 re 73 641 8 8 re S\n", "[ ]"),
        ("72 640 10 10 re S\n" + CROSS, "[x]"),
        ("72 640 10 10 re S 72 640 m 82 650 l 72 650 m 82 640 l S\n", "[x]"),
        ("72 640 10 10 re 72 640 m 82 650 l 72 650 m 82 640 l S\n", "[x]"),
        ("72 640 10 10 re S 73 645 m 76 641 l 83 652 l S\n", "[x]"),
        ("72 640 10 10 re S 74 642 6 6 re f\n", "[x]"),
        (CROSS + "72 640 10 10 re S\n", "[x]"),
    ],
)
def test_a_box_with_its_label(drawing: str, sign: str) -> None:
    assert read(drawing + at(90, 641, "Theft is included")) == [f"{sign} Theft is included"]


@pytest.mark.parametrize(
    "drawing",
    [
        "72 640 10 10 re S 82 640 10 10 re S\n" + at(96, 641, "Theft is included"),  # cells of a grid
        "72 640 10 10 re f\n" + at(90, 641, "Theft is included"),  # a bullet
        "72 640 10 10 re S\n" + at(190, 641, "Theft is included"),  # nobody's label
        "72 640 10 60 re S\n" + at(90, 641, "Theft is included"),
    ],
)
def test_what_is_no_box(drawing: str) -> None:
    assert read(drawing) == ["Theft is included"]


def test_words_that_are_drawn_as_shapes_are_remarked() -> None:
    shapes = "".join(f"q 1 0 0 1 {72 + 6 * (n % 60)} {600 - 14 * (n // 60)} cm {LETTER} Q\n" for n in range(120))
    found = extract_bytes(pdf([Page(LEAD, box(A4)), Page(LEAD + shapes, box(A4))]), "a.pdf")
    assert found.remarks == ("Page 2 holds drawings of many small shapes; words that are drawn so are not searched.",)


def test_bars_and_lines_are_no_letters() -> None:
    bars = "".join(f"{72 + 4 * n} 500 3 {5 + n % 30} re f\n" for n in range(120))
    assert extract_bytes(pdf([Page(LEAD + bars, box(A4))]), "a.pdf").remarks == ()
