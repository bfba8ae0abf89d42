"""Excel files, with openpyxl and XlsxWriter: where tables begin, labels over several rows, what formats show."""

import datetime
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import openpyxl
import xlsxwriter
from openpyxl.chart import BarChart, Reference

from benchmarks.extraction.cases import Family

EXCEL = Family("excel")


def book(sheets: dict[str, Sequence[Sequence[Any]]], change: Callable[[Any], None] = lambda _book: None) -> bytes:
    """Sheets of rows from A1 on; `change` works on the finished book."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        for column in "ABCDEF":
            sheet.column_dimensions[column].width = 18  # a name that is cut off on paper is not seen
    change(made)
    stream = BytesIO()
    made.save(stream)
    return stream.getvalue()


def written(write: Callable[[Any], None]) -> bytes:
    stream = BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as made:
        write(made)
    return stream.getvalue()


PRICES = [["Article", "Net price", "Gross price", "Delivery days"], ["Desk lamp", 40, 47.6, 3]]
PRICES += [["Chair Nova", 180, 214.2, 12], ["Shelf Ida", 95, 113.05, 7]]
PRICES_SEEN = "|= Article | Net price | Gross price | Delivery days\n| Desk lamp | 40 | 47.6 | 3\n" + (
    "| Chair Nova | 180 | 214.2 | 12\n| Shelf Ida | 95 | 113.05 | 7"
)


@EXCEL.case("prices.xlsx", f"# Prices\n{PRICES_SEEN}")
def prices() -> bytes:
    return book({"Prices": PRICES})


@EXCEL.case("title-of-two-cells.xlsx", f"# Prices\nPrice list 2026 valid from 1 March\n{PRICES_SEEN}")
def title_of_two_cells() -> bytes:
    return book({"Prices": [["Price list 2026", None, None, "valid from 1 March"], [], *PRICES]})


@EXCEL.case("title-at-once-above.xlsx", f"# Prices\nSeestern GmbH Hamburg\nPrices of spring\n{PRICES_SEEN}")
def title_at_once_above() -> bytes:
    """No empty row between the titles and the table."""
    return book({"Prices": [["Seestern GmbH", "Hamburg"], ["Prices of spring"], *PRICES]})


@EXCEL.case(
    "facts-above.xlsx",
    "# Offer\nCustomer Nordlicht AG\nNumber 2026-14\nDate 2026-03-05\n|= Position | Article | Amount\n"
    "| 1 | Cable drum | 140\n| 2 | Mounting | 180",
)
def facts_above() -> bytes:
    facts = [["Customer", "Nordlicht AG"], ["Number", "2026-14"], ["Date", datetime.date(2026, 3, 5)], []]
    return book({"Offer": [*facts, ["Position", "Article", "Amount"], [1, "Cable drum", 140], [2, "Mounting", 180]]})


@EXCEL.case(
    "two-row-header.xlsx",
    "# Budget\n|= | 2025 | <2025 | 2026 | <2026\n|= Region | Plan | Actual | Plan | Actual\n"
    "| North | 100 | 90 | 120 | 130\n| South | 200 | 210 | 220 | 190",
)
def two_row_header() -> bytes:
    def merge(made: Any) -> None:
        for cells in ("B1:C1", "D1:E1"):
            made["Budget"].merge_cells(cells)

    rows = [[None, "2025", None, "2026", None], ["Region", "Plan", "Actual", "Plan", "Actual"]]
    return book({"Budget": [*rows, ["North", 100, 90, 120, 130], ["South", 200, 210, 220, 190]]}, merge)


@EXCEL.case(
    "units-below-header.xlsx",
    "# Tanks\n|= Tank | Volume | Pressure\n|= | litres | bar\n| North | 4200 | 2.5\n| South | 3900 | 2.7",
)
def units_below_header() -> bytes:
    return book(
        {"Tanks": [["Tank", "Volume", "Pressure"], [None, "litres", "bar"], ["North", 4200, 2.5], ["South", 3900, 2.7]]}
    )


@EXCEL.case(
    "stacked-tables.xlsx",
    "# Overview\n|= Machine | Serial | Year\n| Press P7 | SN-100 | 2019\n| Lathe L2 | SN-200 | 2021\n\n"
    "|= Supplier | City | Discount\n| Northwind | Oslo | 4%\n| Contoso | Lyon | 6%\n\nContacts\n"
    "|= Person | Phone\n| Ina Falk | 5501\n| Tom Reuter | 5502",
)
def stacked_tables() -> bytes:
    rows = [["Machine", "Serial", "Year"], ["Press P7", "SN-100", 2019], ["Lathe L2", "SN-200", 2021], []]
    rows += [["Supplier", "City", "Discount"], ["Northwind", "Oslo", "4%"], ["Contoso", "Lyon", "6%"], []]
    return book({"Overview": [*rows, ["Contacts"], ["Person", "Phone"], ["Ina Falk", 5501], ["Tom Reuter", 5502]]})


@EXCEL.case(
    "tables-side-by-side.xlsx",
    "# Teams\n|= Machine | Year\n| Press P7 | 2019\n| Lathe L2 | 2021\n\n|= Supplier | City\n| Northwind | Oslo\n"
    "| Contoso | Lyon",
)
def tables_side_by_side() -> bytes:
    rows = [["Machine", "Year", None, None, "Supplier", "City"], ["Press P7", 2019, None, None, "Northwind", "Oslo"]]
    return book({"Teams": [*rows, ["Lathe L2", 2021, None, None, "Contoso", "Lyon"]]})


@EXCEL.case(
    "merged-labels.xlsx",
    "# Staff\n|= Department | Person | Room\n| Sales | Olga Trent | B12\n| ^Sales | Piet Haan | B14\n"
    "| ^Sales | Rosa Lind | B16\n| Legal | Sven Ost | C01\n| ^Legal | Tara Unwin | C02",
)
def merged_labels() -> bytes:
    def merge(made: Any) -> None:
        for cells in ("A2:A4", "A5:A6"):
            made["Staff"].merge_cells(cells)

    rows = [["Department", "Person", "Room"], ["Sales", "Olga Trent", "B12"], [None, "Piet Haan", "B14"]]
    rows += [[None, "Rosa Lind", "B16"], ["Legal", "Sven Ost", "C01"], [None, "Tara Unwin", "C02"]]
    return book({"Staff": rows}, merge)


_FORMATS: list[tuple[str, Any, str, str]] = [
    ("duration", datetime.timedelta(days=1, seconds=22500), "[h]:mm", "30:15"),
    ("money in brackets", -1234.5, "#,##0.00_);(#,##0.00)", "(1,234.50)"),
    ("thousands", 1234567, '#,##0,"k"', "1,235k"),
    ("share", 0.0825, "0.00%", "8.25%"),
    ("postcode", 1234, "00000", "01234"),
    ("nothing", 0, '#,##0;-#,##0;"none"', "none"),
    ("agreed", 1, '"Yes";"Yes";"No"', "Yes"),
    ("refused", 0, '"Yes";"Yes";"No"', "No"),
    ("phone", 5551234567, "(000) 000-0000", "(555) 123-4567"),
    ("half", 0.5, "# ?/?", "1/2"),
    ("large", 12345678, "0.00E+00", "1.23E+07"),
    ("euros", 1234.5, "#,##0.00 [$€-407]", "1,234.50 €"),
    ("long number", 123456789012345, "0", "123456789012345"),
    ("truth", True, "General", "TRUE"),
    ("clock", datetime.time(7, 5), "hh:mm", "07:05"),
    ("day", datetime.date(2026, 3, 5), "DD.MM.YYYY", "05.03.2026"),
    ("typed as text", "007", "@", "007"),
    ("millions", 4200000, '0.0,," M"', "4.2 M"),
    ("with a unit", 12, '0 "pieces"', "12 pieces"),
]


@EXCEL.case(
    "number-formats.xlsx",
    "# Formats\n|= Kind | Value\n" + "\n".join(f"| {kind} | {seen}" for kind, _, _, seen in _FORMATS),
)
def number_formats() -> bytes:
    def change(made: Any) -> None:
        for row, (_, _, code, _) in enumerate(_FORMATS, start=2):
            made["Formats"].cell(row, 2).number_format = code

    return book({"Formats": [["Kind", "Value"], *([kind, value] for kind, value, _, _ in _FORMATS)]}, change)


@EXCEL.case(
    "hidden-parts.xlsx",
    "# Rates\n|= City | Rate | <Margin\n| Oslo | 120 | <31\n| <Paris | <140 | <42\n| Lyon | 95 | <17",
)
def hidden_parts() -> bytes:
    """A hidden sheet, row and column. Rows and columns may be read, since what a person looks for may lie behind a
    filter or a fold; a sheet may not."""

    def hide(made: Any) -> None:
        made["Secret"].sheet_state = "hidden"
        made["Rates"].row_dimensions[3].hidden = True
        made["Rates"].column_dimensions["C"].hidden = True

    rows = [["City", "Rate", "Margin"], ["Oslo", 120, 31], ["Paris", 140, 42], ["Lyon", 95, 17]]
    return book({"Rates": rows, "Secret": [["Do not show"]]}, hide)


@EXCEL.case(
    "several-sheets.xlsx",
    "# North\n|= Month | Visitors\n| January | 412\n| February | 377\n\n# South\n|= Month | Visitors\n"
    "| January | 905\n\n# Notes\nThe counters were changed in February.",
)
def several_sheets() -> bytes:
    north = [["Month", "Visitors"], ["January", 412], ["February", 377]]
    note = [["The counters were changed in February."]]
    return book({"North": north, "South": [["Month", "Visitors"], ["January", 905]], "Notes": note})


@EXCEL.case(
    "formulas.xlsx", "# Sums\n|= Part | Net | Gross\n| Pump | 100 | 119\n| Valve | 20 | 23.8\n| Total | 120 | 142.8"
)
def formulas() -> bytes:
    """With stored values, as Excel writes them."""

    def write(made: Any) -> None:
        sheet = made.add_worksheet("Sums")
        sheet.write_row(0, 0, ["Part", "Net", "Gross"])
        for row, (part, net, gross) in enumerate((("Pump", 100, 119), ("Valve", 20, 23.8)), start=1):
            sheet.write_row(row, 0, [part, net])
            sheet.write_formula(row, 2, f"=B{row + 1}*1.19", None, gross)
        sheet.write(3, 0, "Total")
        sheet.write_formula(3, 1, "=SUM(B2:B3)", None, 120)
        sheet.write_formula(3, 2, "=SUM(C2:C3)", None, 142.8)

    return written(write)


@EXCEL.case("text-box.xlsx", "# Plan\n|= Week | Work\n| 14 | Roof\n| 15 | Windows\nThe crane is booked until Friday.")
def text_box() -> bytes:
    def write(made: Any) -> None:
        sheet = made.add_worksheet("Plan")
        for row, cells in enumerate((["Week", "Work"], [14, "Roof"], [15, "Windows"])):
            sheet.write_row(row, 0, cells)
        sheet.insert_textbox(6, 1, "The crane is booked until Friday.")

    return written(write)


@EXCEL.case(
    "chart.xlsx",
    "# Sales\n|= Region | Units\n| Norway | 412\n| Portugal | 377\nUnits sold in 2025{Units Norway 412 Portugal 377}",
)
def chart() -> bytes:
    def draw(made: Any) -> None:
        made_chart = BarChart()
        made_chart.title = "Units sold in 2025"
        made_chart.add_data(Reference(made["Sales"], min_col=2, min_row=1, max_row=3), titles_from_data=True)
        made_chart.set_categories(Reference(made["Sales"], min_col=1, min_row=2, max_row=3))
        made["Sales"].add_chart(made_chart, "E2")

    return book({"Sales": [["Region", "Units"], ["Norway", 412], ["Portugal", 377]]}, draw)


@EXCEL.case(
    "cells-of-several-lines.xlsx",
    "# Duties\n|= Role | Duty\n| Fire warden | Checks the routes. Keeps the list.\n| First aider | Fills the cabinets.",
)
def cells_of_several_lines() -> bytes:
    rows = [
        ["Role", "Duty"],
        ["Fire warden", "Checks the routes.\nKeeps the list."],
        ["First aider", "Fills the cabinets."],
    ]
    return book({"Duties": rows})


@EXCEL.case(
    "gaps-and-errors.xlsx",
    "# Tests\n|= Sample | First | Second | Remark\n| A-1 | 4.2 | | broken\n| A-2 | | 4.4\n| A-3 | #N/A | 4.1 | see log",
)
def gaps_and_errors() -> bytes:
    rows = [["Sample", "First", "Second", "Remark"], ["A-1", 4.2, None, "broken"], ["A-2", None, 4.4, None]]
    return book({"Tests": [*rows, ["A-3", "#N/A", 4.1, "see log"]]})


@EXCEL.case("table-object.xlsx", f"# Prices\nSpring\n{PRICES_SEEN}")
def table_object() -> bytes:
    """A table that Excel knows as one, with a title right above it."""

    def write(made: Any) -> None:
        sheet = made.add_worksheet("Prices")
        sheet.write(0, 0, "Spring")
        columns = [{"header": name} for name in PRICES[0]]
        sheet.add_table(1, 0, 4, 3, {"data": PRICES[1:], "columns": columns})

    return written(write)


@EXCEL.case(
    "comment.xlsx",
    "# Rates\n|= City | Rate\n| Oslo | 120 | <note: Agreed with the union.\n| Lyon | 95\n"
    "{Oslo: Agreed with the union.}",
)
def comment() -> bytes:
    """A note is seen beside its row: it may stand there, or at the end with a word on what it is about."""

    def note(made: Any) -> None:
        made["Rates"]["B2"].comment = openpyxl.comments.Comment("Agreed with the union.", "A")

    return book({"Rates": [["City", "Rate"], ["Oslo", 120], ["Lyon", 95]]}, note)


@EXCEL.case("merged-title.xlsx", f"# Prices\nPrice list of the spring\n{PRICES_SEEN}")
def merged_title() -> bytes:
    """A title over all columns is said once, not in each."""
    rows = [["Price list of the spring"], *PRICES]
    return book({"Prices": rows}, lambda made: made["Prices"].merge_cells("A1:D1"))


@EXCEL.case(
    "groups-of-rows.xlsx",
    "# Stock\n|= Part | Place | Pieces\n| Pumps\n| P-1 | Hall 2 | 14\n| P-2 | Hall 2 | 9\n| Valves\n"
    "| V-1 | Hall 3 | 40\n| Total | | 63",
)
def groups_of_rows() -> bytes:
    """Lines between the rows that name the group below them, and a last row with the sum."""
    rows = [["Part", "Place", "Pieces"], ["Pumps"], ["P-1", "Hall 2", 14], ["P-2", "Hall 2", 9], ["Valves"]]
    return book({"Stock": [*rows, ["V-1", "Hall 3", 40], ["Total", None, 63]]})


@EXCEL.case("counted-from-1904.xlsx", "# Dates\n|= Event | Day\n| Opening | 2026-03-05\n| Closing | 2026-11-30")
def counted_from_1904() -> bytes:
    """Dates as Excel for the Mac counted them."""

    def write(made: Any) -> None:
        sheet = made.add_worksheet("Dates")
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["Event", "Day"])
        for row, (event, date) in enumerate((("Opening", (2026, 3, 5)), ("Closing", (2026, 11, 30))), start=1):
            sheet.write(row, 0, event)
            sheet.write_datetime(row, 1, datetime.datetime(*date), day)

    stream = BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "date_1904": True}) as made:
        write(made)
    return stream.getvalue()


@EXCEL.case("ways-of-writing.xlsx", "# Notes\n|= Topic | Text\n| Door | Close it at ten o'clock\n| Web | Handbook")
def ways_of_writing() -> bytes:
    """A cell in several fonts, and a link."""

    def write(made: Any) -> None:
        sheet = made.add_worksheet("Notes")
        bold = made.add_format({"bold": True})
        sheet.write_row(0, 0, ["Topic", "Text"])
        sheet.write(1, 0, "Door")
        sheet.write_rich_string(1, 1, "Close it ", bold, "at ten", " o'clock")
        sheet.write(2, 0, "Web")
        sheet.write_url(2, 1, "https://example.com/handbook", string="Handbook")

    return written(write)
