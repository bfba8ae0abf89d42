"""Which rows of a sheet are titles, headers and rows, and which labels merged cells lend them."""

import datetime
from collections.abc import Callable
from typing import Any

from openpyxl.styles import Font

from benchmarks.extraction.made_excel import written
from tests.indexer.documents.extract.sheets.workbooks import blocks, book, changed, read, rows_of


def merge(*areas: str) -> Callable[[Any], None]:
    def merge_all(sheet: Any) -> None:
        for area in areas:
            sheet.merge_cells(area)

    return merge_all


# Merged labels


def test_a_label_over_rows_stands_in_each() -> None:
    rows = [["Department", "Person"], ["Sales", "Olga"], [None, "Piet"], [None, "Rosa"], ["Legal", "Sven"]]
    assert rows_of(book(rows, merge("A2:A4")))[1:] == ["Sales | Olga", "Sales | Piet", "Sales | Rosa", "Legal | Sven"]


def test_a_label_over_columns_stands_in_each_but_a_title_once() -> None:
    rows = [["Shifts"], ["Person", "Mon", "Tue", "Wed"], ["Olga", "early", None, "late"], ["North"], ["Piet", 1, 2, 3]]
    assert blocks(book(rows, merge("A1:D1", "B3:C3", "A4:D4"))) == [
        ("paragraph", "Shifts"),
        ("header", "Person | Mon | Tue | Wed"),
        ("row", "Olga | early | early | late"),
        ("row", "North"),
        ("row", "Piet | 1 | 2 | 3"),
    ]


def test_a_label_over_rows_and_columns() -> None:
    rows = [["Site", "Room", "Seats", "Note"], ["Oslo", "A", None, "x"], [None, None, None, "y"], ["Rome", "B", 4, "z"]]
    assert rows_of(book(rows, merge("A2:A3", "B2:C3")))[1:3] == ["Oslo | A | A | x", "Oslo | A | A | y"]


def test_a_merge_over_the_whole_sheet_costs_nothing() -> None:
    data = changed(
        book([["Title"], ["Name", "Age"], ["Ann", 5]]),
        lambda name, content: content.replace(
            b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
        ),
    )
    assert "Ann" in read(data).text


def test_labels_repeat_no_more_than_a_share_of_the_sheet_and_that_is_said() -> None:
    rows = [["word " * 2_000, "a"], *([None, "b"] for _ in range(900))]
    document = read(book(rows, merge("A1:A901")))
    assert len(document.text) < 300_000
    assert document.remarks == (
        '1 table that does not repeat all of its merged labels on sheet "Plan": it is too much.',
    )


# Headers


def test_titles_above_a_table_are_no_header() -> None:
    table = [["Article", "Net price", "Days"], ["Lamp", 40, 3], ["Chair", 180, 12]]
    for titles in ([["Prices 2026", None, "from March"], []], [["Seestern", "Hamburg"], ["Prices of spring"]]):
        found = blocks(book([*titles, *table]))
        assert [text for kind, text in found if kind == "header"] == ["Article | Net price | Days"]
        assert found[0][0] == "paragraph"


def test_a_long_preamble_without_an_empty_row() -> None:
    preamble = [[f"Remark {'abcdefghijklmnopq'[n]} of the export"] for n in range(17)]
    found = blocks(book([*preamble, ["Article", "Net price"], ["Lamp", 40], ["Chair", 180]]))
    assert found[16:18] == [("paragraph", "Remark q of the export"), ("header", "Article | Net price")]


def test_titles_of_one_cell_each_are_no_list() -> None:
    table = [["Article", "Net price"], ["Lamp", 40], ["Chair", 180]]
    found = blocks(book([["Seestern"], ["Hamburg"], [], *table, [], ["Notes"], ["No guarantee."]]))
    assert [kind for kind, _ in found] == ["paragraph"] * 2 + ["header", "row", "row"] + ["paragraph"] * 2
    assert [kind for kind, _ in blocks(book([["Colours"], ["red"], ["blue"]]))] == ["header", "row", "row"]


def test_headers_of_two_rows_are_joined() -> None:
    rows = [[None, "2025", None, "2026", None], ["Region", "Plan", "Actual", "Plan", "Actual"], ["North", 1, 2, 3, 4]]
    joined = "Region | 2025 Plan | 2025 Actual | 2026 Plan | 2026 Actual"
    rows.append(["South", 5, 6, 7, 8])
    assert blocks(book(rows, merge("B1:C1", "D1:E1")))[0] == ("header", joined)
    assert blocks(book(rows))[0] == ("header", joined)  # written over, not merged
    rows[0][0], rows[1][0] = "Region", None
    assert blocks(book(rows, merge("A1:A2", "B1:C1", "D1:E1")))[0] == ("header", joined)


def test_a_header_of_three_rows_with_units() -> None:
    rows = [[None, "Tanks", None], ["Site", "Volume", "Pressure"], [None, "litres", "bar"], ["North", 4200, 2.5]]
    assert blocks(book([*rows, ["South", 3900, 2.7]], merge("B1:C1")))[:2] == [
        ("header", "Site | Tanks Volume litres | Tanks Pressure bar"),
        ("row", "North | 4200 | 2.5"),
    ]


def test_tables_below_each_other_have_their_own_headers() -> None:
    rows = [["Machine", "Serial", "Year"], ["Press", "SN-100", 2019], ["Lathe", "SN-200", 2021], []]
    rows += [["Supplier", "City", "Discount"], ["Northwind", "Oslo", "4%"], ["Contoso", "Lyon", "6%"], []]
    rows += [["Contacts"], ["Person", "Phone"], ["Ina", 5501], ["Tom", 5502]]
    assert blocks(book(rows)) == [
        ("header", "Machine | Serial | Year"),
        ("row", "Press | SN-100 | 2019"),
        ("row", "Lathe | SN-200 | 2021"),
        ("header", "Supplier | City | Discount"),
        ("row", "Northwind | Oslo | 4%"),
        ("row", "Contoso | Lyon | 6%"),
        ("paragraph", "Contacts"),
        ("header", "Person | Phone"),
        ("row", "Ina | 5501"),
        ("row", "Tom | 5502"),
    ]


def test_rows_behind_an_empty_row_belong_to_the_table_above() -> None:
    rows = [["Person", "Phone", "City"], ["Ina", 5501, "Oslo"], [], ["Tom", 5502, "Lyon"], ["Ann", 5503, "Rome"], []]
    assert blocks(book([*rows, ["Total", 3, None]])) == [
        ("header", "Person | Phone | City"),
        ("row", "Ina | 5501 | Oslo"),
        ("row", "Tom | 5502 | Lyon"),
        ("row", "Ann | 5503 | Rome"),
        ("row", "Total | 3"),
    ]


def test_a_header_may_stand_above_an_empty_row() -> None:
    rows = [["Person", "City"], [], ["Ina", "Oslo"], ["Tom", "Lyon"]]
    assert blocks(book(rows)) == [("header", "Person | City"), ("row", "Ina | Oslo"), ("row", "Tom | Lyon")]


def test_empty_rows_as_spacing_part_nothing() -> None:
    rows = [line for n in range(6) for line in ([f"Name {n}", n], [])]
    assert rows_of(book([["Person", "Number"], [], *rows])) == [
        "Person | Number",
        *(f"Name {n} | {n}" for n in range(6)),
    ]


def test_tables_side_by_side() -> None:
    rows = [["Machine", "Year", None, None, "Supplier", "City"], ["Press", 2019, None, None, "Northwind", "Oslo"]]
    assert rows_of(book([*rows, ["Lathe", 2021, None, None, "Contoso", "Lyon"]])) == [
        *("Machine | Year", "Press | 2019", "Lathe | 2021", "Supplier | City", "Northwind | Oslo", "Contoso | Lyon")
    ]


def test_tables_side_by_side_below_titles() -> None:
    rows = [["Machines", None, None, None, "Suppliers", None], ["Machine", "Year", None, None, "Name", "City"]]
    assert rows_of(book([*rows, ["Press", 2019, None, None, "Northwind", "Oslo"]])) == [
        *("Machines", "Machine | Year", "Press | 2019", "Suppliers", "Name | City", "Northwind | Oslo")
    ]


def test_an_empty_column_in_a_table_parts_nothing() -> None:
    rows = [["City", None, "Rate", "Share"], ["Oslo", None, 5, 1], ["Rome", None, 7, 2]]
    assert rows_of(book(rows)) == ["City | Rate | Share", "Oslo | 5 | 1", "Rome | 7 | 2"]


def test_years_and_months_may_name_columns() -> None:
    assert blocks(book([["Region", 2024, 2025], ["North", 10, 20], ["South", 30, 40]]))[0] == (
        "header",
        "Region | 2024 | 2025",
    )
    months = [datetime.date(2026, month, 1) for month in (1, 2)]
    found = blocks(book([["Region", *months], ["North", 10, 20], ["South", 30, 40]]))
    assert found[0] == ("header", "Region | 2026-01-01 | 2026-02-01")


def test_rows_of_values_have_no_header() -> None:
    assert [kind for kind, _ in blocks(book([["a", 4.2, "ok"], ["b", 4.4, "ok"], ["c", 4.1, "low"]]))] == ["row"] * 3


def test_facts_above_a_table_are_rows_without_a_header() -> None:
    rows = [["Customer", "Nordlicht AG"], ["Number", "2026-14"], ["Date", datetime.date(2026, 3, 5)], []]
    assert blocks(book([*rows, ["Position", "Article", "Amount"], [1, "Drum", 140], [2, "Mounting", 180]])) == [
        ("row", "Customer | Nordlicht AG"),
        ("row", "Number | 2026-14"),
        ("row", "Date | 2026-03-05"),
        ("header", "Position | Article | Amount"),
        ("row", "1 | Drum | 140"),
        ("row", "2 | Mounting | 180"),
    ]


def test_a_bold_row_names_the_columns() -> None:
    def embolden(sheet: Any) -> None:
        for cell in sheet[5]:
            cell.font = Font(bold=True)

    rows = [["Name", "City"], ["Ann", "Oslo"], ["Bo", "Rome"], [], ["Name", "Site"], ["Cy", "Bern"], ["Di", "Bonn"]]
    assert [kind for kind, _ in blocks(book(rows, embolden))] == ["header", "row", "row", "header", "row", "row"]
    assert [kind for kind, _ in blocks(book(rows))] == ["header", *["row"] * 5]  # words among words: it goes on


def test_a_bold_row_begins_a_table_without_an_empty_row() -> None:
    def embolden(sheet: Any) -> None:
        for cell in (*sheet[1], *sheet[4], *sheet[6]):
            cell.font = Font(bold=True)

    rows = [["Machine", "Year"], ["Press", 2019], ["Lathe", 2021], ["Supplier", "Rate"], ["Northwind", 4], ["Sum", 4]]
    assert [kind for kind, _ in blocks(book(rows, embolden))] == ["header", "row", "row", "header", "row", "row"]


def test_names_that_are_repeated_are_no_row() -> None:
    rows = [["Name", "City"], ["Ann", "Oslo"], [], ["Name", "City"], ["Bo", "Rome"]]
    assert [kind for kind, _ in blocks(book(rows))] == ["header", "row", "header", "row"]


def test_units_of_every_column() -> None:
    rows = [["Time", "Temperature"], ["s", "°C"], [0, 20.1], [1, 20.3]]
    assert rows_of(book(rows)) == ["Time s | Temperature °C", "0 | 20.1", "1 | 20.3"]


def test_the_file_itself_names_a_header() -> None:
    def write(made: Any) -> None:
        sheet = made.add_worksheet("Prices")
        sheet.write_row(0, 0, ["Prices", "of", "spring"])
        columns = [{"header": name} for name in ("Article", "Made in", "Colour")]
        rows = [["Lamp", "Oslo", "red"], ["Chair", "Rome", "blue"]]
        sheet.add_table(1, 0, 3, 2, {"data": rows, "columns": columns})

    assert blocks(written(write))[:2] == [
        ("paragraph", "Prices | of | spring"),
        ("header", "Article | Made in | Colour"),
    ]


def test_sheets_of_prose_are_paragraphs() -> None:
    assert blocks(book([["The counters were changed in February."], ["Nobody noticed."]])) == [
        ("paragraph", "The counters were changed in February."),
        ("paragraph", "Nobody noticed."),
    ]


def test_a_wide_table() -> None:
    rows = [[f"Name {column}" for column in range(400)], *([n * column for column in range(400)] for n in (1, 2))]
    found = rows_of(book(rows))
    assert found == [" | ".join(map(str, row)) for row in rows]


def test_few_cells_far_apart() -> None:
    def scatter(sheet: Any) -> None:
        for place in range(1, 700):
            sheet.cell(place, 20 * place, f"w{place}")

    document = read(book([], scatter))
    assert len(document.text) < 20_000
    assert "w699" in document.text
