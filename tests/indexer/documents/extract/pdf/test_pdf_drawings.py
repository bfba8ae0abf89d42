"""Boxes to tick that are drawn with lines are read with their labels; grids, bullets and frames are none."""

import pytest

from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf
from indexer.documents.extract.formats import extract_bytes

LEAD = at(72, 720, "Cover of the policy, as agreed in May.")
LETTER = "0 0 m 2 8 l 4 8 l 5 3 l 4 1 l 3 0 l 0 0 l f"
CROSS = "72 640 m 82 650 l S 72 650 m 82 640 l S\n"


def ring(x: float, y: float, radius: float, how: str = "S") -> str:
    """Around a center."""
    k = 0.5523 * radius
    return (
        f"{x + radius} {y} m {x + radius} {y + k} {x + k} {y + radius} {x} {y + radius} c"
        f" {x - k} {y + radius} {x - radius} {y + k} {x - radius} {y} c"
        f" {x - radius} {y - k} {x - k} {y - radius} {x} {y - radius} c"
        f" {x + k} {y - radius} {x + radius} {y - k} {x + radius} {y} c h {how}\n"
    )


ROUNDED = (
    "74 640 m 80 640 l 81 640 82 641 82 642 c 82 648 l 82 649 81 650 80 650 c"
    " 74 650 l 73 650 72 649 72 648 c 72 642 l 72 641 73 640 74 640 c h S\n"
)


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
        ("0.9 0.9 1 rg 72 640 10 10 re B 0 g\n" + CROSS, "[x]"),
        (ROUNDED, "[ ]"),
        (ROUNDED + CROSS, "[x]"),
        (ring(77, 645, 5) + ring(77, 645, 2.5, "f"), "[x]"),
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
        *(
            mark + at(90, 641, "Theft is included")
            for mark in (
                "72 640 8 8 re B\n",
                "0.2 0.4 0.8 rg 72 640 6 6 re B 0 g\n",
                "0.2 0.4 0.8 rg 72 640 9 9 re f 0 g 72 640 9 9 re S\n",
                "72 640 9 9 re S 72.5 640.5 8 8 re f\n",
                ring(77, 645, 5),
                ring(77, 645, 5, "B"),
                "72 650 m 80 645 l 72 640 l S\n",  # the end of an arrow
                "77 640 m 82 645 l 77 650 l 72 645 l h S\n",
                "72 640 m 82 640 l 77 650 l h S\n",
            )
        ),
    ],
)
def test_what_is_no_box(drawing: str) -> None:
    assert read(drawing) == ["Theft is included"]


def rows(*drawings: str) -> list[str]:
    """The sign that each of some drawings is read as, all on one page, each with its words."""
    names = ["Germany", "France", "Norway", "Chile"]
    page = "".join(
        f"q 1 0 0 1 0 {-40 * number} cm {drawing} Q\n" + at(90, 641 - 40 * number, names[number])
        for number, drawing in enumerate(drawings)
    )
    found = "\n".join(read(page)).splitlines()
    assert [one.split()[-1] for one in found] == names[: len(drawings)]
    return [one.removesuffix(name).strip() for one, name in zip(found, names, strict=False)]


EMPTY, BLACK, CROSSED = "72 640 10 10 re S", "0 g 72 640 10 10 re B", f"72 640 10 10 re S {CROSS}"
TINTED, TINTED_CROSSED = "0.9 0.9 1 rg 72 640 10 10 re B", f"0.9 0.9 1 rg 72 640 10 10 re B {CROSS}"


def test_filled_squares_are_bullets_and_colors_of_a_legend() -> None:
    assert rows("1 0 0 rg 72 640 8 8 re B", "0 0.6 0 rg 72 640 8 8 re B", "0 g 72 640 8 8 re B") == ["", "", ""]
    assert rows(BLACK, BLACK, BLACK) == ["", "", ""]


def test_a_box_is_filled_to_tick_it_where_others_are_empty() -> None:
    assert rows(EMPTY, BLACK, EMPTY) == ["[ ]", "[x]", "[ ]"]
    assert rows(EMPTY, "0 g 72 640 6 6 re B") == ["[ ]", ""]  # a bullet


def test_boxes_and_rings_are_to_tick_where_one_of_their_kind_is_ticked() -> None:
    assert rows(TINTED, TINTED_CROSSED, TINTED) == ["[ ]", "[x]", "[ ]"]
    assert rows(TINTED, CROSSED.replace("10 10", "16 16")) == ["", "[x]"]
    chosen = ring(77, 645, 5) + ring(77, 645, 2.5, "f")
    assert rows(ring(77, 645, 5), chosen) == ["[ ]", "[x]"]
    assert rows(ring(77, 645, 5), ring(77, 645, 5, "B")) == ["", ""]


def test_words_that_are_drawn_as_shapes_are_remarked() -> None:
    shapes = "".join(f"q 1 0 0 1 {72 + 6 * (n % 60)} {600 - 14 * (n // 60)} cm {LETTER} Q\n" for n in range(120))
    found = extract_bytes(pdf([Page(LEAD, box(A4)), Page(LEAD + shapes, box(A4))]), "a.pdf")
    assert found.remarks == ("Page 2 holds drawings of many small shapes; words that are drawn so are not searched.",)


def test_bars_and_lines_are_no_letters() -> None:
    bars = "".join(f"{72 + 4 * n} 500 3 {5 + n % 30} re f\n" for n in range(120))
    assert extract_bytes(pdf([Page(LEAD + bars, box(A4))]), "a.pdf").remarks == ()
