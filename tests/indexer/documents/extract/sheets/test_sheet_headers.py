"""Headers of several lines: groups above, merged names, units below, titles around them."""

from collections.abc import Callable
from typing import Any

import pytest
from openpyxl.styles import Font

from tests.indexer.documents.extract.sheets.workbooks import blocks, book


def look(*merged: str, bold: tuple[int, ...] = ()) -> Callable[[Any], None]:
    def change(sheet: Any) -> None:
        for area in merged:
            sheet.merge_cells(area)
        for row in bold:
            for cell in sheet[row]:
                cell.font = Font(bold=True)

    return change


HALVES = [[None, "2025", None, None, None], [None, "H1", None, "H2", None], ["Region", "Plan", "Done", "Plan", "Done"]]
UNITS = [["Item", "Weight", "Length", "Colour"], ["name", "kg", "cm", "text"]]
UNITS += [["Pump", 4, 5, "red"], ["Valve", 3, 6, "blue"]]
PEOPLE = [["Person", "Address", None], [None, "Street", "City"], ["Ann", "Low 1", "Oslo"], ["Bo", "High 2", "Rome"]]
TANKS = [["North", 4200, 2.5], ["South", 3900, 2.7]]


@pytest.mark.parametrize(
    ("rows", "change", "header"),
    [
        (
            [*HALVES, ["North", 1, 2, 3, 4], ["South", 5, 6, 7, 8]],
            look("B1:E1", "B2:C2", "D2:E2"),
            "Region | 2025 H1 Plan | 2025 H1 Done | 2025 H2 Plan | 2025 H2 Done",
        ),
        (
            [[None, "2025", None], ["Region", "Plan", "Done"], [None, "EUR", "EUR"], ["North", 1, 2], ["South", 5, 6]],
            look("B1:C1"),
            "Region | 2025 Plan EUR | 2025 Done EUR",
        ),
        (
            [["Tank", "Volume", "Pressure"], [None, "(l)", "(bar)"], *TANKS],
            look(),
            "Tank | Volume (l) | Pressure (bar)",
        ),
        (
            [["Tank", "Volume", "Pressure"], ["-", "[l]", "[bar]"], *TANKS],
            look(),
            "Tank - | Volume [l] | Pressure [bar]",
        ),
        (
            [["Tanks"], [], ["Tank", "Volume", "Pressure"], [None, "litres", "bar"], *TANKS],
            look(),
            "Tank | Volume litres | Pressure bar",
        ),
        (UNITS, look(), "Item name | Weight kg | Length cm | Colour text"),
        (UNITS, look(bold=(1, 2)), "Item name | Weight kg | Length cm | Colour text"),
        (PEOPLE, look("A1:A2", "B1:C1"), "Person | Address Street | Address City"),
    ],
)
def test_headers_of_several_lines(rows: list[list[Any]], change: Callable[[Any], None], header: str) -> None:
    found = [(kind, text) for kind, text in blocks(book(rows, change)) if text != "Tanks"]
    assert [kind for kind, _ in found] == ["header", "row", "row"]
    assert found[0][1] == header


@pytest.mark.parametrize(
    ("rows", "change"),
    [
        ([["Part", "Size"], ["Bolt", "m"], ["Nut", "l"], ["Pin", "m"]], look()),
        (
            [["Dept", "Person"], ["Sales", "Ann"], [None, "Bo"], ["Legal", "Cy"]],
            look("A2:A3"),
        ),
        ([["Item", "Unit", "Price"], ["Sand", "t", 5], ["Cable", "m", 6], ["Work", "h", 7]], look()),
    ],
)
def test_rows_that_are_no_second_line(rows: list[list[Any]], change: Callable[[Any], None]) -> None:
    assert [kind for kind, _ in blocks(book(rows, change))] == ["header", "row", "row", "row"]
