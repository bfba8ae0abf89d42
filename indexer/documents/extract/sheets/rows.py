"""Rows of a sheet with the labels that merged cells lend to each row and column that they span (pure)."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexer.documents.extract.builder import MOST_REPEATED, REPEATED_SHARE


@dataclass(frozen=True, slots=True)
class Area:
    """Cells from one corner to another, both inside; rows from 1, columns from 0."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Line:
    """A row: what its cells show, by column from 0. `numbers` has a bit for each column with a number or a date,
    `repeated` are the columns whose cells a merged one lends, `spans` the first and last column of each cell that is
    merged over columns."""

    number: int  # from 1
    cells: dict[int, str]
    numbers: int = 0
    is_bold: bool = False  # every cell
    is_named: bool = False  # the file says that it is a header
    repeated: frozenset[int] = frozenset()
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def fill(self) -> int:
        """Cells of its own."""
        return len(self.cells) - len(self.repeated)


def repeat_labels(lines: Sequence[Line], merged: Iterable[Area]) -> bool:
    """Repeats what merged cells show in each row and column that they span; the lines are in order. False where that
    would be too much: as in HTML, labels take no more than a share of the sheet's text."""
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
        line.spans = tuple((a.left, a.right) for a, _ in active if a.top == line.number and a.right > a.left)
        lent: list[int] = []
        for area, text in active:
            if area.top < line.number or own > 1:
                lent += lender.lend(line, area, text)
        line.repeated = frozenset(lent)
        if lender.left < 0:
            return False
    return True


class _Lender:
    """Repeats labels until that would make many times of the sheet."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._used = sorted({column for line in lines for column in line.cells})
        self.left = MOST_REPEATED + REPEATED_SHARE * sum(len(text) for line in lines for text in line.cells.values())

    def lend(self, line: Line, area: Area, text: str) -> list[int]:
        """The columns that were empty and show the label now."""
        lent = []
        for place in range(bisect_left(self._used, area.left), len(self._used)):
            column = self._used[place]
            if column > area.right or self.left < 0:
                break
            self.left -= len(text) + 1
            if column not in line.cells and self.left >= 0:
                line.cells[column] = text
                lent.append(column)
        return lent


def _top(area: Area) -> int:
    return area.top
