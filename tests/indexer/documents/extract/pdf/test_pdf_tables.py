"""Tables of PDF pages: rows, columns and their names, wherever and in whatever order they are drawn."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf
from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.pdf.hyphens import Hyphens
from indexer.documents.extract.pdf.lines import Line
from indexer.documents.extract.pdf.rows import in_order
from indexer.documents.extract.pdf.tables import header_rows, laid_out
from tests.indexer.documents.extract.invariants import check, outline

PLACES = (72, 200, 300, 400)
ROWS = [("Article", "Price", "Stock"), ("Lamp", "40", "9"), ("Chair", "180", "12"), ("Shelf", "95", "7")]


def read(*pages: str) -> ExtractedDocument:
    document = extract_bytes(pdf([Page(page, box(A4)) for page in pages]), "prices.pdf")
    check(document)
    return document


def cells(rows: Sequence[Sequence[str]], top: float = 700, step: float = 18) -> list[str]:
    return [
        at(x, top - step * n, cell) for n, row in enumerate(rows) for x, cell in zip(PLACES, row, strict=False) if cell
    ]


def seen(rows: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    return [("row" if n else "header", " | ".join(row)) for n, row in enumerate(rows)]


@pytest.mark.parametrize("order", ["by row", "by column", "from the bottom", "columns apart"])
@pytest.mark.parametrize("step", [13, 18])
def test_rows_are_whole_in_whatever_order_they_are_drawn(order: str, step: float) -> None:
    drawn = cells(ROWS, step=step)
    if order == "by column":
        drawn = [drawn[3 * row + column] for column in range(3) for row in range(4)]
    elif order == "from the bottom":
        drawn.reverse()
    elif order == "columns apart":
        drawn = [drawn[3 * row + column] for column in (2, 0, 1) for row in (3, 0, 2, 1)]
    assert outline(read("".join(drawn))) == seen(ROWS)


def test_a_long_table_that_is_drawn_column_by_column_is_no_text_in_columns() -> None:
    rows = [("Notice", "Received", "Company", "City")]
    rows += [(f"06/{n:02}/2015", f"07/{n:02}/2015", f"Firm {n}", "San Jose") for n in range(1, 25)]
    drawn = cells(rows)
    document = read("".join(drawn[4 * row + column] for column in range(4) for row in range(25)))
    assert outline(document) == seen(rows)


def test_names_of_groups_within_a_table_are_rows_of_it() -> None:
    rows = [("System", "Adults", "Children"), ("Blood disorders",), ("Anaemia", "Common", "Rare")]
    rows += [("Immune disorders",), ("Pruritus", "Uncommon", "Common"), ("Rash", "Rare", "Rare")]
    assert outline(read("".join(cells(rows)))) == seen(rows)


def test_two_tables_below_each_other_keep_their_own_names() -> None:
    other = [("Supplier", "City", "Rebate"), ("Northwind", "Oslo", "4%"), ("Contoso", "Lyon", "6%")]
    drawn = [*cells(ROWS), at(72, 612, "Suppliers"), *cells(other, top=590)]
    assert [one for one in outline(read("".join(drawn))) if "|" in one[1]] == seen(ROWS) + seen(other)


def test_a_table_goes_on_under_its_names_on_the_next_page() -> None:
    more = [("Table", "210", "3"), ("Bench", "75", "1")]
    words = [("Carpet", "wool", "red"), ("Curtain", "linen", "blue")]
    document = read("".join(cells(ROWS)), "".join(cells(more)), "".join(cells(words)))
    assert outline(document) == seen(ROWS) + [("row", " | ".join(row)) for row in more + words]
    assert [block.page for block in document.blocks] == [1] * 4 + [2] * 2 + [3] * 2


def test_names_that_stand_again_on_the_next_page_are_names() -> None:
    assert outline(read("".join(cells(ROWS)), "".join(cells(ROWS)))) == seen(ROWS) * 2


def test_lines_of_a_cell_are_joined_as_lines_of_text_are() -> None:
    drawn = [*cells(ROWS[:1]), at(72, 670, "The venti-"), at(72, 658, "lation shaft")]
    drawn += [at(200, 670, "40"), at(300, 670, "9")]
    drawn += cells([("ventilation", "95", "7"), ("Chair", "180", "12")], top=630)
    assert outline(read("".join(drawn)))[1] == ("row", "The ventilation shaft | 40 | 9")


def test_values_in_the_middle_of_a_label_of_two_lines_are_in_its_row() -> None:
    drawn = [*cells(ROWS), at(72, 620, "Profit without what is"), at(72, 604, "extraordinary")]
    drawn += [at(200, 612, "77"), at(300, 612, "5"), *cells([("Sum", "392", "33")], top=580)]
    assert outline(read("".join(drawn)))[4] == ("row", "Profit without what is extraordinary | 77 | 5")


def test_numbers_that_stand_close_are_cells() -> None:
    rows = [("Month", "Seats", "Change"), ("April", "2,958,643", "108.7"), ("May", "3,201,403", "110.0")]
    drawn = [
        at(x, 700 - 14 * n, cell) for n, row in enumerate(rows) for x, cell in zip((72, 130, 191), row, strict=True)
    ]
    assert outline(read("".join(drawn))) == seen(rows)


def test_thousands_that_are_set_apart_are_one_number() -> None:
    rows = [("Year", "Ships", "Tons"), ("2024", "2 958 643", "12 400"), ("2025", "3 201 403", "9 100")]
    assert outline(read("".join(cells(rows)))) == seen(rows)


def test_a_label_that_is_written_once_stands_in_each_of_its_rows_and_a_sum_has_none() -> None:
    rows = [("Team", "Person", "Hours"), ("Red", "Anna", "7"), ("", "Bo", "8"), ("Blue", "Cleo", "5"), ("", "20", "20")]
    assert [text for _, text in outline(read("".join(cells(rows))))] == [
        "Team | Person | Hours",
        "Red | Anna | 7",
        "Red | Bo | 8",
        "Blue | Cleo | 5",
        "| 20 | 20",
    ]


def test_a_label_that_stands_at_the_foot_of_its_rows_is_no_label_of_the_rows_below() -> None:
    rows = [
        ("Team", "Person", "Room"),
        ("", "Anna", "B1"),
        ("Red", "Bo", "B2"),
        ("", "Cleo", "C1"),
        ("Blue", "Dan", "C2"),
    ]
    assert [text for _, text in outline(read("".join(cells(rows))))] == [
        "Team | Person | Room",
        "Red | Anna | B1",
        "Red | Bo | B2",
        "Blue | Cleo | C1",
        "Blue | Dan | C2",
    ]


def test_labels_in_the_middle_of_their_rows_are_not_guessed_at() -> None:
    rows = [("Team", "Person", "Room"), ("", "Anna", "B1"), ("Red", "Bo", "B2"), ("", "Cleo", "C1")]
    assert [text for _, text in outline(read("".join(cells(rows))))][1:] == [
        "| Anna | B1",
        "Red | Bo | B2",
        "| Cleo | C1",
    ]


def test_names_that_stand_apart_below_a_table_begin_another() -> None:
    other = [("Supplier", "City", "Rebate"), ("Northwind", "Oslo", "4%"), ("Contoso", "Lyon", "6%")]
    assert outline(read("".join(cells(ROWS, step=15) + cells(other, top=625, step=15)))) == seen(ROWS) + seen(other)


def test_blocks_side_by_side_in_any_order_are_rows_unless_each_is_drawn_at_once() -> None:
    drawn = [at(181, 758, "2025"), at(55, 743, "Region"), at(181, 743, "Plan"), at(307, 743, "Actual")]
    drawn += [at(55, 728, "North"), at(284, 728, "100"), at(417, 728, "90")]
    drawn += [at(55, 713, "South"), at(284, 713, "200"), at(410, 713, "210")]
    assert [text for _, text in outline(read("".join(drawn)))] == [
        "2025",
        "Region | Plan | Actual",
        "North | 100 | 90",
        "South | 200 | 210",
    ]


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ([["Article", "Price"], ["Lamp", "40"], ["Chair", "180"]], {0}),
        ([["Customer", "Seestern"], ["Date", "14 March"], ["Number", "5521"]], set()),
        ([["Lamp", "40", "9"], ["Chair", "180", "12"]], set()),
        ([["", "2025", "2026"], ["North", "100", "90"]], {0}),
        ([["Pax", "RPK (000's)", "L/F"], ["653,278", "2,958,643", "74.9"], ["1", "2", "3"]], {0}),
        ([["", "2025", "2025"], ["Region", "Plan", "Actual"], ["North", "100", "90"]], {0, 1}),
        ([["Region", "2025", "2025"], ["", "Plan", "Actual"], ["North", "100", "90"], ["South", "7", "9"]], {0, 1}),
        ([["Plan", "Cost"], ["Gold", "10 euros"], ["Silver", "7 euros"]], {0}),
        ([["A long sentence " * 6, "Price", "Stock"], ["Lamp", "40", "9"]], set()),
        ([["Article", "Price", "Stock"]], set()),
    ],
)
def test_which_rows_name_the_columns(table: list[list[str]], names: set[int]) -> None:
    assert header_rows(table, is_bold=False, is_form=False) == names


def test_a_bold_row_names_the_columns_and_fields_of_a_form_do_not() -> None:
    table = [["Gold 1", "none"], ["Tin", "two"]]
    assert header_rows(table, is_bold=True, is_form=False) == {0}
    assert header_rows([["Person", "Sum"], ["Greta", "1"], ["Olaf", "2"]], is_bold=False, is_form=True) == set()


def test_a_name_over_several_columns_stands_over_each_of_them() -> None:
    below = [(0.0, 30.0, "Region"), *((60.0 * n, 60.0 * n + 30, name) for n, name in enumerate("abcd", start=1))]
    body = [(left, right, "7") for left, right, _ in below]
    centred = [(95.0, 115.0, "2025"), (215.0, 235.0, "2026")]
    assert laid_out([centred, below, body], 10)[0] == ["", "2025", "2025", "2026", "2026"]
    at_the_left = [(60.0, 80.0, "2025"), (180.0, 200.0, "2026")]
    assert laid_out([at_the_left, below, body], 10)[0] == ["", "2025", "2025", "2026", "2026"]


def test_lines_of_chinese_are_joined_without_a_space() -> None:
    assert Hyphens([]).joined(["管理人员保证季度报告内容的真", "实、准确。See", "page 4"]) == (
        "管理人员保证季度报告内容的真实、准确。See page 4"
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(1, 120), st.sampled_from([6.0, 10.0, 18.0])),
        max_size=40,
    )
)
def test_no_line_is_lost_or_read_twice_wherever_lines_stand(places: list[tuple[int, int, int, float]]) -> None:
    lines = [
        Line(1, [(float(x), float(x + w), f"w{n}")], float(x), float(x + w), float(y), float(y), size=size, order=n)
        for n, (x, y, w, size) in enumerate(places)
    ]
    found = " ".join(line.text for line in in_order(lines)).replace("\n", " ").split()
    glued = "".join(found)
    assert len(glued) == sum(len(line.text) for line in lines)
    assert all(line.text in glued for line in lines)
