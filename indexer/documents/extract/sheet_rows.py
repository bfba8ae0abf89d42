"""Rows of a sheet with the labels that merged cells lend to each row and column that they span (pure)."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from indexer.documents.extract.tables import MOST_REPEATED, REPEATED_SHARE


@dataclass(slots=True)
class Row:
    """The cells of a row that show something. `numbers` are the columns whose cell is a number or a date."""

    number: int  # from 1
    columns: list[int]  # from 0, rising
    texts: list[str]
    numbers: frozenset[int] = frozenset()
    is_bold: bool = False  # every cell


@dataclass(frozen=True, slots=True)
class Area:
    """Cells from one corner to another, both inside; rows from 1, columns from 0."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Line:
    """A row with what merged cells lend it: `repeated` are those columns, `spans` the first and last column of each
    cell that is merged over columns."""

    number: int
    cells: dict[int, str]
    numbers: frozenset[int] = frozenset()
    is_bold: bool = False
    is_named: bool = False  # the file says that it is a header
    repeated: set[int] = field(default_factory=set)
    spans: list[tuple[int, int]] = field(default_factory=list)

    @property
    def fill(self) -> int:
        """Cells of its own."""
        return len(self.cells) - len(self.repeated)


def lines_of(
    rows: Sequence[Row], merged: Iterable[Area] = (), header_rows: Iterable[int] = ()
) -> tuple[list[Line], bool]:
    """The rows, in order, and whether every label is repeated: as in HTML, no more than a share of the sheet's text."""
    named = set(header_rows)
    lines = [
        Line(row.number, dict(zip(row.columns, row.texts, strict=True)), row.numbers, row.is_bold, row.number in named)
        for row in rows
    ]
    lender = _Lender(lines)
    several = (area for area in merged if area.bottom > area.top or area.right > area.left)
    waiting = sorted(several, key=_top, reverse=True)
    active: list[tuple[Area, str]] = []
    for line in lines:
        while waiting and waiting[-1].top <= line.number:
            area = waiting.pop()
            text = line.cells.get(area.left, "") if area.top == line.number else ""
            if text:
                active.append((area, text))
        active = [(area, text) for area, text in active if area.bottom >= line.number]
        own = len(line.cells)
        for area, text in active:
            if area.top == line.number and area.right > area.left:
                line.spans.append((area.left, area.right))
            if area.top < line.number or own > 1:
                lender.lend(line, area, text)
        if lender.left < 0:
            return lines, False
    return lines, True


class _Lender:
    """Repeats labels until that would make many times of the sheet."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._used = sorted({column for line in lines for column in line.cells})
        self.left = MOST_REPEATED + REPEATED_SHARE * sum(len(text) for line in lines for text in line.cells.values())

    def lend(self, line: Line, area: Area, text: str) -> None:
        for place in range(bisect_left(self._used, area.left), len(self._used)):
            column = self._used[place]
            if column > area.right or self.left < 0:
                return
            self.left -= len(text) + 1
            if column not in line.cells and self.left >= 0:
                line.cells[column] = text
                line.repeated.add(column)


def _top(area: Area) -> int:
    return area.top
