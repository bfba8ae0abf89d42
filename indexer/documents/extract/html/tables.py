"""Collect an HTML table's cells, with spans laid out, until the table ends."""

from bisect import bisect_right
from dataclasses import dataclass, field

from indexer.documents.extract.builder import MOST_REPEATED, REPEATED_SHARE
from indexer.documents.extract.html.flow import Flow, Part

WIDEST = 1000  # columns; a larger colspan or rowspan is a mistake or an attack
MOST_HEADERS = 3
_LONG = 300  # characters of a cell that holds part of a page
_Column = int


@dataclass
class TableReader:
    """Rows of cell texts. A cell that spans rows or columns stands in each: every row then says what it is about."""

    is_layout: bool = False  # a table that arranges a page; it is not data
    rows: list[list[str]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)  # of all cells, as they are read where the table is layout
    linked: int = 0  # letters inside links
    _row: list[str] = field(default_factory=list)
    _row_open: bool = False
    _heads: int = 0
    _cells: int = 0
    _bold: int = 0
    _span: tuple[int, int] = (1, 1)  # of the open cell: columns, rows
    _is_head: bool = False
    _from_above: dict[_Column, tuple[str, int, int]] = field(default_factory=dict)  # text, rows still covered, columns
    _in_head: bool = False
    _headers: int = 0
    _has_heads: bool = False
    _is_named: bool = False  # the open row
    _row_look: str = ""
    _look: str = ""  # of the open cell
    _row_looks: set[str] = field(default_factory=set)
    _looks: list[set[str]] = field(default_factory=list)  # of the cells of each row
    _bold_rows: list[bool] = field(default_factory=list)
    _wide: list[tuple[int, _Column, _Column]] = field(default_factory=list)  # row and columns of what spans columns
    _repeats_left: int = MOST_REPEATED
    _is_arranged: bool = False  # a cell holds part of a page: a title with words below it

    @property
    def names_columns(self) -> bool:
        """Whether a row or a cell names others: such a table is data, whatever stands in its cells."""
        return self._has_heads or self._in_head

    def open_section(self, tag: str) -> None:
        self.close_row()
        self._in_head = tag == "thead"
        self._from_above.clear()

    def open_row(self, look: str = "", is_header: bool = False) -> None:
        """`look` is the colour behind the row; `is_header` says that its name is that of a header."""
        self.close_row()
        self._row_look, self._is_named, self._row_looks = look, is_header, set()
        self._row, self._heads, self._cells, self._bold, self._row_open = [], 0, 0, 0, True

    def open_cell(self, tag: str, colspan: str, rowspan: str, look: str = "") -> None:
        if not self._row_open:
            self.open_row()
        self._span = (_count(colspan), _count(rowspan) if rowspan.strip() != "0" else WIDEST)  # 0: all that follow
        self._is_head = tag == "th"
        self._look = look or self._row_look

    def close_cell(self, flow: Flow) -> None:
        """`flow` is what stands in the cell."""
        text = flow.flat()
        self._fill_from_above()
        columns, rows = self._span
        self._repeats_left += REPEATED_SHARE * len(text)
        if rows > 1:
            self._from_above[len(self._row)] = (text, rows - 1, columns)
        self._append(text, columns)
        self.parts += flow.parts
        self.linked += sum(part.linked for part in flow.parts)
        if text:
            self._cells += 1
            self._heads += self._is_head
            self._bold += flow.is_bold
            self._has_heads |= self._is_head or self._is_named
            self._row_looks.add(self._look)
            kinds = [part.kind for part in flow.parts]
            self._is_arranged |= len(kinds) > 1 and ("heading" in kinds or len(text) > _LONG)

    def close_row(self) -> None:
        if not self._row_open:
            return
        self._fill_from_above()
        while self._row and not self._row[-1]:
            self._row.pop()
        self._row_open = False
        if self._is_header():
            self._headers += 1
        self._bold_rows.append(self._bold == self._cells > 0)
        self._looks.append(self._row_looks)
        self.rows.append(self._row)

    def finish(self) -> bool:
        """Whether the table is data; a page or a box around text is none."""
        self.close_row()
        widest = max((sum(map(bool, row)) for row in self.rows), default=0)
        if widest < 2 or (
            self._is_arranged and not self._has_heads and not (self._bold_headers() and len(self.rows) > 2)
        ):
            return False
        self._repeat_over_columns()
        return True

    def header_rows(self) -> frozenset[int]:
        """Indices of the rows that name the columns. Where every row claims to, as in some forms, the first does. Where
        no row claims to, the first ones do if they alone are bold or of a colour."""
        if not self._headers and not self._has_heads:
            return frozenset(range(self._bold_headers() or self._is_first_coloured()))
        return frozenset(range(self._headers if self._headers < len(self.rows) else min(self._headers, 1)))

    def _bold_headers(self) -> int:
        bold = next((place for place, is_bold in enumerate(self._bold_rows) if not is_bold), 0)
        is_wide = any(sum(map(bool, row)) > 1 for row in self.rows[:bold])
        return bold if bold <= MOST_HEADERS and is_wide and not all(self._bold_rows) else 0

    def _is_first_coloured(self) -> bool:
        """Whether one colour stands behind the first row, and behind no other; stripes come again."""
        own = self._looks[0] if len(self._looks) > 2 else set()
        is_wide = bool(self.rows) and sum(map(bool, self.rows[0])) > 1
        return is_wide and len(own) == 1 and "" not in own and not any(own & looks for looks in self._looks[1:])

    def _is_header(self) -> bool:
        """Further down, cells of kind th name one row or a group of rows, not the columns."""
        return (
            self._cells > 0
            and (self._heads == self._cells or self._in_head or self._is_named)
            and self._headers == len(self.rows) < MOST_HEADERS
            and (self._cells > 1 or not self.rows)
        )

    def _append(self, text: str, columns: int) -> None:
        start = len(self._row)
        self._row += [text] + [""] * min(columns - 1, max(WIDEST - start, 0))
        if text and len(self._row) - start > 1:
            self._wide.append((len(self.rows), start, len(self._row)))

    def _fill_from_above(self) -> None:
        while len(self._row) in self._from_above:
            column = len(self._row)
            text, left, columns = self._from_above.pop(column)
            self._repeats_left -= len(text) + columns
            if self._repeats_left < 0:
                self._from_above.clear()
                return
            self._append(text, columns)
            if left > 1:
                self._from_above[column] = (text, left - 1, columns)

    def _repeat_over_columns(self) -> None:
        """In columns that hold something themselves; a row that is one cell stays one."""
        used = sorted({column for row in self.rows for column, text in enumerate(row) if text})
        filled = [sum(map(bool, row)) for row in self.rows]
        for number, start, stop in self._wide:
            row = self.rows[number]
            text = row[start]
            for place in range(bisect_right(used, start), len(used)):
                column = used[place]
                if column >= stop or self._repeats_left < 0 or filled[number] < 2:
                    break
                self._repeats_left -= len(text) + 1
                row += [""] * (column + 1 - len(row))
                row[column] = text


def _count(attribute: str) -> int:
    digits = attribute.strip()
    return min(max(int(digits), 1), WIDEST) if digits.isdecimal() and len(digits) < 9 else 1
