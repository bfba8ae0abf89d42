"""Rows of a PDF's table to columns, and which of them name the columns (pure)."""

import math
import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import pairwise

from indexer.documents.extract.pdf.lines import Cell
from indexer.documents.extract.traced import chained

LONGEST_NAME = 60  # code points of a column's name
_NAMED = 0.7  # of the columns have a name in the row that names them
_MOST_SPANNED = 40  # columns among which those under one name are looked for
_NAME = re.compile(r"[^\d]*|(?:(?:Q|H|T|FY|KW|CW) ?\d{1,2}\W{0,3})?(?:(?:19|20)\d\d)?")
"""The name of a column has no digits but those of a quarter (Q1) or a year."""
_DIGIT, _UNIT = re.compile(r"\d"), re.compile(r"[\d.,:/ -]+")
_NUMBER = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*[A-Za-z%€$£]{0,3}\.?")


def laid_out(rows: Sequence[Sequence[Cell]], size: float) -> list[list[str]]:
    """Cells in the columns of the widest rows; a name over several columns stands over each of them."""
    count = max(map(len, rows))
    columns = _columns([row for row in rows if len(row) == count])
    lefts = [left for left, _ in columns]
    table = []
    for number, row in enumerate(rows):
        cells = [""] * count
        below = next((other for other in rows[number + 1 : number + 2]), ())
        spans = number == 0 and 1 < len(row) < count <= _MOST_SPANNED and len(below) >= count - 1 and are_names(below)
        if len(row) == count:
            cells = [text for _, _, text in row]
        elif spans and are_names(row):
            for (first, end), (_, _, text) in zip(_spans(row, columns, size), row, strict=True):
                cells[first:end] = [text] * (end - first)
        else:
            for left, right, text in row:
                column = _column(lefts, columns, left, right)
                cells[column] = chained((cells[column], text), " ") if cells[column] else text
        table.append(cells)
    return table


def header_rows(table: Sequence[Sequence[str]], is_bold: bool, is_form: bool) -> frozenset[int]:
    """Rows at the top that name the columns. `is_bold`: the first row is, and others are not; `is_form`: cells hold
    what was typed into a form, so that most rows name themselves."""
    for number in range(min(2, len(table) - 1)):
        row, body = table[number], table[number + 1 :]
        if not _are_all_names(row):
            return frozenset({0}) if is_bold or (number == 0 and _is_above_numbers(row, body)) else frozenset()
        if sum(map(bool, row[1:])) < _NAMED * (len(row) - 1) or (
            not row[0] and len(body) > 1 and _are_all_names(body[0])
        ):
            continue
        values = [cell for other in body for cell in other[1:] if cell]
        numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in values)
        wordy = len(row) > 2 and (len(body) > 1 or any(re.search(r"\d", cell) for cell in values))
        alike = numbers == len(values) > 0 or len({_UNIT.sub("", cell) for cell in values}) == 1
        if is_bold or (not is_form and (wordy or (len(body) > 1 and alike and all(map(_DIGIT.search, values))))):
            more = number + 2 < len(table) and not body[0][0] and _are_all_names(body[0])  # the names below a name
            return frozenset(range(number + 1 + more))
        return frozenset()
    return frozenset({0}) if is_bold else frozenset()


def _is_above_numbers(row: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Words above numbers: they name the columns though there are digits among them."""
    values = [cell for other in body for cell in other[1:] if cell]
    numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in values)
    words = all(row[1:]) and not any(_NUMBER.fullmatch(cell) or len(cell) > LONGEST_NAME for cell in row)
    return len(row) > 2 and words and numbers >= 0.7 * len(values)


def are_names(row: Sequence[Cell]) -> bool:
    return _are_all_names([text for _, _, text in row])


def aligned(row: Sequence[Cell], below: Sequence[Cell]) -> bool:
    """Whether at least half of the cells of a row stand below cells of another; both are in order."""
    found, at = 0, 0
    for left, right, _ in below:
        while at < len(row) and row[at][1] <= left:
            at += 1
        found += at < len(row) and row[at][0] < right
    return 2 * found >= min(len(row), len(below)) and found > 0


def continues(table: Sequence[Sequence[Cell]], below: Sequence[Sequence[Cell]], size: float) -> bool:
    """Whether a table at the top of a page has the columns of the one at the bottom of the page before."""
    one, other = edges(max(table, key=len)), edges(max(below, key=len))
    return len(one) == len(other) and all(abs(a - b) < size for a, b in zip(one, other, strict=True))


def edges(row: Sequence[Cell]) -> list[float]:
    return [left for left, _, _ in row]


def nearest(lefts: Sequence[float], left: float) -> int:
    """Index of the cell that begins next to `left`; cells stand in order."""
    after = bisect_left(lefts, left)
    if after == len(lefts) or (after > 0 and left - lefts[after - 1] <= lefts[after] - left):
        return after - 1
    return after


def _columns(rows: Sequence[Sequence[Cell]]) -> list[tuple[float, float]]:
    """How far each column reaches."""
    return [
        (min(left for left, _, _ in cells), max(right for _, right, _ in cells)) for cells in zip(*rows, strict=True)
    ]


def _column(lefts: Sequence[float], columns: Sequence[tuple[float, float]], left: float, right: float) -> int:
    """The column that a cell stands in: the one it covers most of, else the one that begins next to it."""
    at = nearest(lefts, left)
    around = range(max(at - 1, 0), min(at + 2, len(columns)))
    cover = {index: min(right, columns[index][1]) - max(left, columns[index][0]) for index in around}
    best = max(cover, key=lambda index: cover[index])
    return best if cover[best] > 0 else at


def _are_all_names(row: Sequence[str]) -> bool:
    return all(len(text) <= LONGEST_NAME and _NAME.fullmatch(text) for text in row)


def _spans(row: Sequence[Cell], columns: Sequence[tuple[float, float]], size: float) -> list[tuple[int, int]]:
    """Which columns `[first, end)` each name of a row stands over: it begins where the first begins, or is in their
    middle."""
    spans: list[tuple[int, int]] = []
    for number, (left, right, _) in enumerate(row):
        start = spans[-1][1] if spans else 0
        stop = len(columns) - (len(row) - number - 1)
        after = row[number + 1][:2] if number + 1 < len(row) else (math.inf, math.inf)
        starts = [at for at in range(start, stop) if abs(columns[at][0] - left) < 0.5 * size]
        if starts:
            ends = [end for end in range(starts[0] + 1, stop + 1) if columns[end - 1][0] < after[0] - 0.5 * size]
            spans.append((starts[0], max(ends, default=starts[0] + 1)))
            continue
        border = (left + right + sum(after)) / 4
        fits = [end for end in range(start + 1, stop + 1) if end == start + 1 or sum(columns[end - 1]) / 2 < border]
        middle = (left + right) / 2
        ranges = [(first, end) for first in range(start, stop) for end in fits if end > first]
        off = {one: abs((columns[one[0]][0] + columns[one[1] - 1][1]) / 2 - middle) for one in ranges}
        spans.append(
            min(ranges, key=lambda one: (round(off[one] / size), one[0] - one[1])) if ranges else (start, start + 1)
        )
    return spans


def with_labels(table: Sequence[list[str]], header: Collection[int]) -> None:
    """A label that stands once for several rows is repeated in each: rows that are whole but for their first cell.

    It stands in the first of its rows or in the last one, as the first row tells. A last row of nothing but numbers is
    a sum.
    """
    body = [row for number, row in enumerate(table) if number not in header and len(row) > 2]
    if body and not any(re.search(r"[^\W\d_]{2}", cell) for cell in body[-1]):
        body.pop()
    if body and not body[0][0]:
        body.reverse()
    if not body or not body[0][0]:
        return
    for other, row in pairwise(body):
        if not row[0] and all(row[1:]) and all(other):
            row[0] = other[0]
