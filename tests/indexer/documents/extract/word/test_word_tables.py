"""Tables of Word files: merged labels, heads, tables in tables, tables that only arrange a page."""

import pytest

from indexer.documents.extract.builder import MOST_REPEATED
from tests.indexer.documents.extract.word.words import cell_of, paragraph, read, row, run, seen, table, texts, word

SPAN = '<w:gridSpan w:val="{}"/>'
DOWN, ON = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
HEAD = "<w:tblHeader/>"
LOOK = '<w:tblLook w:val="{}"/>'


def bold(words: str) -> str:
    return cell_of(paragraph(f"<w:r><w:rPr><w:b/></w:rPr><w:t>{words}</w:t></w:r>"))


def test_labels_that_are_merged_over_rows_stand_in_each() -> None:
    body = table(
        row("Department", "Person", about=HEAD),
        row(cell_of("Sales", DOWN), "Olga"),
        row(cell_of("", ON), "Piet"),
        row("Legal", "Sven"),
    )
    assert seen(body) == [
        ("header", "Department | Person"), ("row", "Sales | Olga"), ("row", "Sales | Piet"), ("row", "Legal | Sven"),
    ]  # fmt: skip


def test_a_cell_that_goes_on_from_no_other_is_one_of_its_own() -> None:
    body = table(row("A", "B"), row(cell_of("kept", ON), "b"), row(cell_of("Sales", DOWN), "c"), row("plain", "d"))
    assert texts(body + table(row(cell_of("x", ON), "y"), row("z", "z"))) == [
        "A | B", "kept | b", "Sales | c", "plain | d", "x | y", "z | z",
    ]  # fmt: skip


def test_labels_over_columns_stand_in_each_and_make_a_head_of_two_lines() -> None:
    body = table(
        row(cell_of("Region", DOWN), cell_of("2025", SPAN.format(2)), cell_of("2026", SPAN.format(2))),
        row(cell_of("", ON), "Plan", "Actual", "Plan", "Actual"),
        row("North", "100", "90", "120", "130"),
        about=LOOK.format("04A0"),
    )
    assert seen(body) == [
        ("header", "Region | 2025 | 2025 | 2026 | 2026"),
        ("header", "Region | Plan | Actual | Plan | Actual"),
        ("row", "North | 100 | 90 | 120 | 130"),
    ]


def test_cells_merged_in_the_old_way() -> None:
    first = row(cell_of("Contact", '<w:hMerge w:val="restart"/>'), cell_of("", '<w:hMerge w:val="continue"/>'), "Room")
    assert texts(table(first, row("Olga", "5522", "B 12"), row("Piet", "5523", "B 14"))) == [
        "Contact | Contact | Room", "Olga | 5522 | B 12", "Piet | 5523 | B 14",
    ]  # fmt: skip


def test_a_title_over_all_columns_stands_above_the_table() -> None:
    body = table(row(cell_of("Prices of 2026", SPAN.format(2))), row("Article", "Price"), row("Lamp", "40"))
    assert seen(body) == [("paragraph", "Prices of 2026"), ("header", "Article | Price"), ("row", "Lamp | 40")]


def test_the_cells_of_a_form_stand_beside_each_other() -> None:
    form = table(
        row(cell_of("Name", SPAN.format(3)), cell_of("Olga Trent", SPAN.format(4))),
        row(
            cell_of("Born", SPAN.format(2)),
            cell_of("4 May", SPAN.format(2)),
            cell_of("In", ""),
            cell_of("Oslo", SPAN.format(2)),
        ),
        row(cell_of("", SPAN.format(1)), cell_of("Signed", SPAN.format(6))),
    )
    assert seen(form) == [("row", "Name | Olga Trent"), ("row", "Born | 4 May | In | Oslo"), ("row", "Signed")]


def test_columns_that_a_row_leaves_out_keep_their_places() -> None:
    body = table(row("A", "B", "C", about=HEAD), row("2", "3", about='<w:gridBefore w:val="1"/>'), row("1", "2", "3"))
    assert texts(body)[1:] == ["| 2 | 3", "1 | 2 | 3"]


@pytest.mark.parametrize(
    ("lines", "about", "heads"),
    [
        ([("City", "Limit"), ("Oslo", "120"), ("Lyon", "95")], "", 1),  # a column of numbers under a name
        ([("Name", "Role", "Since"), ("Ann", "lead", "May"), ("Bo", "clerk", "June")], LOOK.format("04A0"), 1),
        ([("Name", "Role", "Since"), ("Ann", "lead", "May"), ("Bo", "clerk", "June")], LOOK.format("0480"), 0),
        ([("Monday", "late"), ("Tuesday", "early")], LOOK.format("04A0"), 0),
        ([("1", "2"), ("3", "4")], LOOK.format("04A0"), 0),
        (
            [("Term", "Meaning"), ("OLE", "a way to embed files in files"), ("XML", "a way to write trees")],
            LOOK.format("04A0"),
            1,
        ),
        ([("Feature", "Status"), ("Login", "Active"), ("Export", "Planned")], LOOK.format("04A0"), 1),
        ([("Title", "Travel policy"), ("Version", "3"), ("Owner", "Quality")], LOOK.format("04A0"), 0),
        ([("Title:", "Travel policy"), ("Status:", "Final"), ("Owner:", "Quality")], LOOK.format("04A0"), 0),
        ([("Owner", "Mara Voss of Quality"), ("Room", "B 12, second floor")], LOOK.format("04A0"), 0),
        ([("", "Measure", "Until"), ("1.", "2", "3"), ("a", "Watch the law", "March")], "", 1),
        ([("Year", "2025", "2026"), ("Plan", "100", "120")], LOOK.format("04A0"), 1),
    ],
)
def test_heads_are_told_by_what_stands_below(lines: list[tuple[str, ...]], about: str, heads: int) -> None:
    found = [kind for kind, _ in seen(table(*(row(*line) for line in lines), about=about))]
    assert found == ["header"] * heads + ["row"] * (len(lines) - heads)


def test_heads_are_told_by_their_bold_words_or_their_colour() -> None:
    plain = row("Monday", "late")
    shaded = row(*(cell_of(words, '<w:shd w:fill="D9D9D9"/>') for words in ("Day", "Shift")))
    for first in (row(bold("Day"), bold("Shift")), shaded):
        assert [kind for kind, _ in seen(table(first, plain, row("Tuesday", "early")))] == ["header", "row", "row"]


def test_bold_labels_at_the_left_are_no_heads() -> None:
    rows = [row(bold(label), value) for label, value in (("Phone", "none"), ("Room", "12"), ("Floor", "3"))]
    assert {kind for kind, _ in seen(table(*rows, about=LOOK.format("04A0")))} == {"row"}


def test_a_table_in_a_table_is_a_table() -> None:
    inner = table(row("Gate", "5501"), row("Office", "5502")) + "<w:p/>"
    body = table(
        row("Site", "Contacts"), row("Harbour", cell_of(inner)), row("Airport", "no desk"), row("Yard", "none")
    )
    assert texts(body) == [
        "Site | Contacts",
        "Harbour",
        "Gate | 5501",
        "Office | 5502",
        "Airport | no desk",
        "Yard | none",
    ]


def test_a_box_around_text_is_no_table() -> None:
    inside = paragraph("Mind this", "Heading1") + paragraph("First.") + paragraph("Second.")
    assert seen(table(row(cell_of(inside)))) == [
        ("heading1", "Mind this"),
        ("paragraph", "First."),
        ("paragraph", "Second."),
    ]


def test_a_table_that_arranges_a_page_is_read_column_by_column() -> None:
    left = "".join(paragraph(f"Left {n} " + "word " * 30) for n in range(8))
    found = texts(table(row(cell_of(left), "Right column")))
    assert [text.split()[0] for text in found] == ["Left"] * 8 + ["Right"]


def test_rows_and_cells_in_content_controls_and_tracked_changes() -> None:
    inner = f"<w:sdt><w:sdtContent>{cell_of('b')}</w:sdtContent></w:sdt>"
    controlled = f"<w:sdt><w:sdtPr/><w:sdtContent><w:tr>{cell_of('a')}{inner}</w:tr></w:sdtContent></w:sdt>"
    assert texts(table(row("A", "B"), controlled, f"<w:ins>{row('c', 'd')}</w:ins>")) == ["A | B", "a | b", "c | d"]


def test_hidden_rows_are_left_out_and_said() -> None:
    document = read(word(table(row("A", "B"), row("secret", "row", about="<w:hidden/>"), row("C", "D"))))
    assert document.text == "A | B\nC | D"
    assert document.remarks == ("Words that are hidden are not searched: 2.",)


def test_merged_labels_repeat_no_more_than_a_share_of_their_table() -> None:
    body = table(row(cell_of("word " * 2_000, DOWN), "a"), *(row(cell_of("", ON), "b") for _ in range(600)))
    document = read(word(body))
    assert len(document.text) < 20 * 10_000 + 2 * MOST_REPEATED
    assert len(document.blocks) == 601
    assert document.remarks == ("Not every row of a table repeats its merged labels: it is too much.",)


def test_a_text_before_a_table_does_not_run_into_it() -> None:
    cut = "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>Before</w:t></w:r></w:p>"
    assert texts(cut + table(row("A", "B"), row("C", "D"))) == ["Before", "A | B", "C | D"]


def test_words_beyond_the_last_column_are_kept() -> None:
    wide = row(*(run_of(n) for n in range(130)))
    assert all(f"w{n}" in texts(table(wide, wide))[0] for n in range(130))


def run_of(number: int) -> str:
    return cell_of(paragraph(run(f"w{number}")))
