"""Collect an HTML table's cells, with spans laid out, until the table ends."""

from dataclasses import dataclass, field

WIDEST = 1000  # columns; a larger colspan or rowspan is a mistake or an attack
MOST_HEADERS = 3
MOST_REPEATED, REPEATED_SHARE = 20_000, 10
"""Characters that cells which span rows may repeat in one table, and how many more for each that the table has itself;
then they stand in their first row alone. A kilobyte that spans a thousand rows made a megabyte."""
_Column = int


@dataclass
class TableReader:
    """Rows of cell texts. A cell that spans rows is repeated in each: every row then says what it is about."""

    rows: list[list[str]] = field(default_factory=list)
    is_layout: bool = False  # a table around tables arranges a page; it is not data
    cell: list[str] | None = None  # text of the open cell
    _row: list[str] = field(default_factory=list)
    _row_open: bool = False
    _heads: int = 0
    _cells: int = 0
    _span: tuple[int, int] = (1, 1)  # of the open cell: columns, rows
    _is_head: bool = False
    _from_above: dict[_Column, tuple[str, int]] = field(default_factory=dict)  # text, rows that it still covers
    _in_head: bool = False
    _headers: int = 0
    _repeats_left: int = MOST_REPEATED

    def open_section(self, tag: str) -> None:
        self.close_row()
        self._in_head = tag == "thead"
        self._from_above.clear()

    def open_row(self) -> None:
        self.close_row()
        self._row, self._heads, self._cells, self._row_open = [], 0, 0, True

    def open_cell(self, tag: str, colspan: str, rowspan: str) -> None:
        self.close_cell()
        if not self._row_open:
            self.open_row()
        self.cell = []
        self._span = (_count(colspan), _count(rowspan))
        self._is_head = tag == "th"

    def close_cell(self) -> str:
        """The text of the cell that ends here."""
        if self.cell is None:
            return ""
        text = "".join(self.cell).strip()
        self.cell = None
        self._fill_from_above()
        columns, rows = self._span
        self._repeats_left += REPEATED_SHARE * len(text)
        if rows > 1:
            self._from_above[len(self._row)] = (text, rows - 1)
        self._row += [text] + [""] * min(columns - 1, max(WIDEST - len(self._row), 0))
        if text:
            self._cells += 1
            self._heads += self._is_head
        return text

    def close_row(self) -> None:
        self.close_cell()
        if not self._row_open:
            return
        self._fill_from_above()
        while self._row and not self._row[-1]:
            self._row.pop()  # what spans columns at the end of a row has nothing below it
        self._row_open = False
        if self._is_header():
            self._headers += 1
        self.rows.append(self._row)

    def header_rows(self) -> frozenset[int]:
        """Indices of the rows that name the columns. Where every row claims to, as in some forms, the first does."""
        return frozenset(range(self._headers if self._headers < len(self.rows) else min(self._headers, 1)))

    def _is_header(self) -> bool:
        """Further down, cells of kind th name one row or a group of rows, not the columns."""
        return (
            self._cells > 0
            and (self._heads == self._cells or self._in_head)
            and self._headers == len(self.rows) < MOST_HEADERS
            and (self._cells > 1 or not self.rows)
        )

    def _fill_from_above(self) -> None:
        while len(self._row) in self._from_above:
            column = len(self._row)
            text, left = self._from_above.pop(column)
            self._repeats_left -= len(text) + 1
            if self._repeats_left < 0:
                self._from_above.clear()
                return
            self._row.append(text)
            if left > 1:
                self._from_above[column] = (text, left - 1)


def _count(attribute: str) -> int:
    digits = attribute.strip()
    return min(max(int(digits), 1), WIDEST) if digits.isdecimal() and len(digits) < 9 else 1
