"""PDF files with tables as report programs draw them, with ReportLab: with and without lines, over pages, merged."""

from reportlab.lib import colors
from reportlab.platypus import Table

from benchmarks.extraction.cases import Family
from benchmarks.extraction.made_pdf import text, typeset

PDF = Family("pdf")
_GRID = [("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("VALIGN", (0, 0), (-1, -1), "TOP")]
PRICES = [
    ["Article", "Price", "Delivery"],
    ["Desk lamp", "40.00", "3 days"],
    ["Chair Nova", "180.00", "12 days"],
    ["Shelf Ida", "95.50", "7 days"],
]
PRICES_SEEN = "|= Article | Price | Delivery\n| Desk lamp | 40.00 | 3 days\n| Chair Nova | 180.00 | 12 days\n" + (
    "| Shelf Ida | 95.50 | 7 days"
)


@PDF.case("ruled-table.pdf", f"# Price list\nValid from the first of March.\n{PRICES_SEEN}\nPrices are net.")
def ruled_table() -> bytes:
    story = [text("Price list", "Heading1"), text("Valid from the first of March."), Table(PRICES, style=_GRID)]
    return typeset(*story, text("Prices are net."))


@PDF.case("bare-table.pdf", f"# Price list\n{PRICES_SEEN}")
def bare_table() -> bytes:
    return typeset(text("Price list", "Heading1"), Table(PRICES, colWidths=[150, 90, 90], hAlign="LEFT"))


@PDF.case(
    "wrapped-cells.pdf",
    "# Duties\n|= Role | Duty | Deputy\n"
    "| Fire warden | Checks the escape routes every Monday and keeps the list of persons | Ina Falk\n"
    "| First aider | Fills the cabinets in spring and autumn and reports what was used | Tom Reuter",
)
def wrapped_cells() -> bytes:
    duties = [
        ["Role", "Duty", "Deputy"],
        ["Fire warden", text("Checks the escape routes every Monday and keeps the list of persons"), "Ina Falk"],
        ["First aider", text("Fills the cabinets in spring and autumn and reports what was used"), "Tom Reuter"],
    ]
    return typeset(text("Duties", "Heading1"), Table(duties, colWidths=[90, 170, 90], style=_GRID))


_STOCK = [[f"SN-{number}", f"Pump type {number % 7}", f"{number * 3} pieces"] for number in range(100, 160)]


@PDF.case(
    "table-over-pages.pdf",
    "# Stock\n|= Serial | Part | Stock\n"
    + "\n".join(f"| {' | '.join(row)}" for row in _STOCK[:30])
    + "\n|= {Serial} | {Part} | {Stock}\n"
    + "\n".join(f"| {' | '.join(row)}" for row in _STOCK[30:]),
)
def table_over_pages() -> bytes:
    table = Table([["Serial", "Part", "Stock"], *_STOCK], colWidths=[90, 150, 90], style=_GRID, repeatRows=1)
    return typeset(text("Stock", "Heading1"), table)


@PDF.case(
    "merged-labels.pdf",
    "# Staff\n|= Department | Person | Room\n| Sales | Olga Trent | B12\n| ^Sales | Piet Haan | B14\n"
    "| ^Sales | Rosa Lind | B16\n| Legal | Sven Ost | C01\n| ^Legal | Tara Unwin | C02",
)
def merged_labels() -> bytes:
    rows = [["Department", "Person", "Room"], ["Sales", "Olga Trent", "B12"], ["", "Piet Haan", "B14"]]
    rows += [["", "Rosa Lind", "B16"], ["Legal", "Sven Ost", "C01"], ["", "Tara Unwin", "C02"]]
    style = [*_GRID, ("SPAN", (0, 1), (0, 3)), ("SPAN", (0, 4), (0, 5))]
    return typeset(text("Staff", "Heading1"), Table(rows, colWidths=[120, 120, 80], style=style))


@PDF.case(
    "two-line-header.pdf",
    "# Budget\n|= | 2025 | <2025 | 2026 | <2026\n|= Region | Plan | Actual | Plan | Actual\n"
    "| North | 100 | 90 | 120 | 130\n| South | 200 | 210 | 220 | 190",
)
def two_line_header() -> bytes:
    rows = [["", "2025", "", "2026", ""], ["Region", "Plan", "Actual", "Plan", "Actual"]]
    rows += [["North", "100", "90", "120", "130"], ["South", "200", "210", "220", "190"]]
    style = [*_GRID, ("SPAN", (1, 0), (2, 0)), ("SPAN", (3, 0), (4, 0))]
    return typeset(text("Budget", "Heading1"), Table(rows, colWidths=[80] + [60] * 4, style=style))


@PDF.case(
    "wide-table.pdf",
    "# Working hours\n|= Person | Mon | Tue | Wed | Thu | Fri | Sat | Hours | Over\n"
    + "\n".join(f"| Worker {n} | {n} | {n + 1} | 8 | 7.5 | | {n % 3} | {30 + n} | -{n}" for n in range(2, 9)),
)
def wide_table() -> bytes:
    """Many narrow columns, an empty cell in each row, no lines."""
    rows = [["Person", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Hours", "Over"]]
    rows += [[f"Worker {n}", str(n), str(n + 1), "8", "7.5", "", str(n % 3), str(30 + n), f"-{n}"] for n in range(2, 9)]
    return typeset(text("Working hours", "Heading1"), Table(rows, colWidths=[90] + [45] * 8, hAlign="LEFT"))


@PDF.case(
    "two-tables.pdf",
    "# Stock\n|= Machine | Serial | Year\n| Press P7 | SN-100 | 2019\n| Lathe L2 | SN-200 | 2021\n# Suppliers\n"
    "|= Supplier | City | Discount\n| Northwind | Oslo | 4%\n| Contoso | Lyon | 6%\nDiscounts end in May.",
)
def two_tables() -> bytes:
    machines = [["Machine", "Serial", "Year"], ["Press P7", "SN-100", "2019"], ["Lathe L2", "SN-200", "2021"]]
    suppliers = [["Supplier", "City", "Discount"], ["Northwind", "Oslo", "4%"], ["Contoso", "Lyon", "6%"]]
    tables = [Table(rows, colWidths=[120, 90, 90], style=_GRID) for rows in (machines, suppliers)]
    heads = [text(head, "Heading2") for head in ("Stock", "Suppliers")]
    return typeset(heads[0], tables[0], heads[1], tables[1], text("Discounts end in May."))
