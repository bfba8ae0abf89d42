"""The order in which the lines of a PDF page are read, and which of them are the cells of a table row (pure).

A file draws its text in any order. The page is cut into bands from top to bottom, each as far down as one gutter stays
free of text. The sides of a gutter are columns, read one after the other, where both hold running text or were drawn
one after the other; else what stands side by side makes rows. The lines of one cell are those that the file draws one
below the other.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, zip_longest

from indexer.documents.extract.pdf.lines import Line, joined
from indexer.documents.extract.traced import chained

MOST_CELL_LINES = 30
_DEEPEST = 8  # columns within columns
_ONE_ROW = 0.3  # of the font size: baselines that close are one row
_STEP = 1.9  # of the font size: most that two lines of a cell are apart
_AS_FAR = 0.99  # of the step to the next row: lines that far apart are rows themselves
_LOOSER = 1.2  # times the step before or after it: a step between cells, not between the lines of one
_GUTTER = 0.8  # of the font size
_EDGE = 0.3  # the same behind a field or a sideways column head, whose edge is no word's
_MOST_COLUMNS = 3  # of text; more side by side are a table
_MOST_STACKED = 5  # lines at one height that two blocks of addresses may have
_FEW_CHANGES = 0.02  # of the lines: how often a file goes to and fro between columns, for headers and the like
_LARGER = 1.1  # times the size of the lines below: a title
_LEAST_ROWS = 3  # that a narrow gutter passes through
_WORDY = 15  # characters of a line of running text, on average
_FULL = 0.5  # of the lines of running text reach the column's last quarter
_FULL_UNCASED = 0.75  # where nothing but this tells running text
_RUNS_ON = 0.4  # of the lines of running text begin with a small letter, in scripts that have them
_FIRST_LETTER = re.compile(r"\W*[^\W\d_]")

_Row = list[Line]  # what stands at one height, from left to right
_Side = Sequence[tuple[int, Line]]  # with the number of the row that each line stands in
_Interval = tuple[float, float]


def in_order(lines: Sequence[Line]) -> list[Line]:
    """The lines of one direction as they are read, those of a table row merged into one line with several cells."""
    return _ordered(_rows(lines), _stacks(lines), 0, 0)


def _stacks(lines: Sequence[Line]) -> dict[int, int]:
    """Which lines the file draws closely one below the other, as those of a cell, by their place in the file."""
    steps = [math.inf, math.inf, *(_stacked(above, line) for above, line in pairwise(lines)), math.inf]
    stacks: dict[int, int] = {}
    for index, line in enumerate(lines):
        before, step, after = steps[index : index + 3]
        goes_on = step < math.inf and step <= _LOOSER * min(before, after, step)
        stacks[line.order] = stacks[lines[index - 1].order] if goes_on else line.order
    return stacks


def _stacked(above: Line, line: Line) -> float:
    """How far a line stands below the one before it in the file; infinite where it does not stand below it."""
    if line.is_placed or above.is_placed or abs(above.size - line.size) > 0.1 * line.size:
        return math.inf
    aligned = abs(above.left - line.left) < 0.6 * line.size
    centred = abs(above.left + above.right - line.left - line.right) < 0.4 * line.size
    step = above.baseline - line.baseline
    return step if 0.3 * line.size < step <= _STEP * line.size and (aligned or centred) else math.inf


def _rows(lines: Sequence[Line]) -> list[_Row]:
    """From top to bottom; what a gap of a word's width or less parts is one line."""
    rows: list[_Row] = []
    for line in sorted(lines, key=lambda line: -line.baseline):
        first = rows[-1][0] if rows else line
        if rows and first.baseline - line.baseline < _ONE_ROW * min(first.size, line.size):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [joined(sorted(row, key=lambda line: (line.left, line.order)), range(len(row))) for row in rows]


def _ordered(rows: Sequence[_Row], stacks: dict[int, int], column: int, depth: int) -> list[Line]:
    found: list[Line] = []
    for pieces, covered in _bands(rows):
        band = _without_narrow_gaps(pieces, covered)
        columns = _columns(band, covered) if depth < _DEEPEST else [band]
        if len(columns) > 1:
            for part in columns:
                found += _ordered(part, stacks, part[0][0].order + 1, depth + 1)
        else:
            found += [replace(line, column=column) for line in _table_rows(band, stacks)]
    return found


def _bands(rows: Sequence[_Row]) -> Iterator[tuple[list[_Row], list[_Interval]]]:
    """Rows that share a gutter, with the gutters that they share."""
    band: list[_Row] = []
    covered: list[_Interval] = []
    for row in rows:
        spans = [(line.left, line.right + (_EDGE if line.is_placed else _GUTTER) * line.size) for line in row]
        closed = sum(max(_touched(covered, span)[1] - _touched(covered, span)[0] - 1, 0) for span in spans)
        hides = len(covered) == 1 and len(row) > 1 and spans[-1][0] < covered[0][1]
        if hides or (len(covered) > 1 and closed >= len(covered) - 1):
            yield band, covered
            band, covered = [], []
        band.append(row)
        for span in spans:
            first, end = _touched(covered, span)
            if first < end:
                span = (min(span[0], covered[first][0]), max(span[1], covered[end - 1][1]))
            covered[first:end] = [span]
    if band:
        yield band, covered


def _touched(covered: Sequence[_Interval], span: _Interval) -> tuple[int, int]:
    """Which of the disjoint intervals, in order, a span touches."""
    first = bisect_left(covered, span[0], key=lambda one: one[1])
    return first, max(first, bisect_right(covered, span[1], key=lambda one: one[0]))


def _without_narrow_gaps(band: Sequence[_Row], covered: Sequence[_Interval]) -> list[_Row]:
    """A gap hardly wider than that between words parts cells only where it is free in several rows."""
    lefts = [left for left, _ in covered]
    sides = [[bisect_right(lefts, line.left) for line in row] for row in band]
    if sum(len(set(one)) > 1 for one in sides) < _LEAST_ROWS:
        sides = [[0] * len(row) for row in band]
    return [joined(row, side) for row, side in zip(band, sides, strict=True)]


def _columns(band: Sequence[_Row], covered: Sequence[_Interval]) -> list[list[_Row]]:
    """The band cut at those of its gutters that part columns of text."""
    if len(covered) == 1:
        return [list(band)]
    lefts = [left for left, _ in covered]
    parts: list[list[tuple[int, Line]]] = [[] for _ in covered]
    for number, row in enumerate(band):
        for line in row:
            parts[bisect_right(lefts, line.left) - 1].append((number, line))
    parts = [part for part in parts if part]  # a mark has gone to its item
    drawn = sorted((line.order, index) for index, part in enumerate(parts) for _, line in part)
    stretches = Counter(one[1] for one, after in zip_longest(drawn, drawn[1:]) if after is None or one[1] != after[1])
    groups = [[0]]
    for index, (left, right) in enumerate(pairwise(parts), start=1):
        if _are_columns(left, right, len(parts), stretches[index - 1] + stretches[index] - 2):
            groups.append([])
        groups[-1].append(index)
    columns = []
    for group in groups:
        rows: dict[int, _Row] = {}
        for number, line in sorted((one for index in group for one in parts[index]), key=lambda one: one[0]):
            rows.setdefault(number, []).append(line)
        columns.append(list(rows.values()))
    return columns


def _are_columns(left: _Side, right: _Side, count: int, breaks: int) -> bool:
    """Whether two neighbours of `count` are read one after the other, not row by row. `breaks`: how often the file
    leaves them and comes back."""
    sides = sorted([(line.order, 0) for _, line in left] + [(line.order, 1) for _, line in right])
    changes = sum(one[1] != other[1] for one, other in pairwise(sides))
    one_by_one = breaks <= 2 * _FEW_CHANGES * len(sides)
    if any(line.is_placed for _, line in (*left, *right)) or not (_is_among(left, right) and _is_among(right, left)):
        return False
    if _runs_on(left) and _runs_on(right):
        return one_by_one or changes > len(sides) / 2
    left, right = _without_titles(left, right), _without_titles(right, left)
    level = len({number for number, _ in left} & {number for number, _ in right})
    least, most = sorted((len(left), len(right)))
    like_table = count > _MOST_COLUMNS or _are_values(left) or _are_values(right)
    is_table = level >= 0.9 * most or (like_table and level >= max(0.7 * least, _MOST_STACKED))
    return not is_table and one_by_one and least > 1


def _is_among(lines: _Side, others: _Side) -> bool:
    """Whether any of the lines stands at the height of the others."""
    return any(others[0][0] <= number <= others[-1][0] for number, _ in lines)


def _without_titles(side: _Side, other: _Side) -> _Side:
    """A side without the larger lines above the other one: they name both."""
    number, line = other[0]
    return [one for one in side if one[0] >= number or one[1].size <= _LARGER * line.size] or side


def _are_values(side: _Side) -> bool:
    return sum(line.text[:1].isdigit() for _, line in side) > len(side) / 2


def _runs_on(side: _Side) -> bool:
    """Running text: most lines are long, fill their column and go on in the middle of a sentence."""
    lines = [line for _, line in side]
    low, high = min(line.left for line in lines), max(line.right for line in lines)
    full = sum(line.right > low + 0.75 * (high - low) for line in lines)
    first = [match[0][-1] for match in (_FIRST_LETTER.match(line.text) for line in lines) if match]
    cased = [letter for letter in first if letter.upper() != letter.lower()]
    small = sum(map(str.islower, cased))
    needed = _FULL if cased else _FULL_UNCASED
    long = sum(len(line.text) for line in lines) >= _WORDY * len(lines)
    return len(lines) > 2 and long and full >= needed * len(lines) and small >= _RUNS_ON * len(cased)


def _table_rows(band: Sequence[_Row], stacks: dict[int, int]) -> list[Line]:
    """The band from top to bottom, what stands side by side as one line; cells may have several lines."""
    ends = {stacks.get(line.order, line.order): number for number, row in enumerate(band) for line in row}
    found: list[Line] = []
    first = end = 0
    for number, row in enumerate(band):
        end = max(end, *(ends[stacks.get(line.order, line.order)] for line in row))
        if number == end:
            found += _table_row(band, first, number + 1)
            first = end = number + 1
    return found


def _table_row(band: Sequence[_Row], first: int, end: int) -> list[Line]:
    """Rows `[first, end)` of the band, in which some lines stand below one another as in cells."""
    rows = band[first:end]
    if len(rows) == 1:
        return [_merged([[line] for line in rows[0]])] if len(rows[0]) > 1 else list(rows[0])
    cells = _cells(rows)
    if len(cells) == 1:
        return [line for row in rows for line in row]
    steps = [_step(above, below) for above, below in pairwise(rows)]
    around = [_step(*band[at : at + 2]) for at in (first - 1, end - 1) if at >= 0 and at + 1 < len(band)]
    even = all(len(row) == len(cells) for row in rows) and len(rows) > 2
    if even or (around and max(steps) > _AS_FAR * min(around)):
        return [line for number in range(first, end) for line in _table_row(band, number, number + 1)]
    if len(rows) > MOST_CELL_LINES and 2 * sum(len(row) > 1 for row in rows) > len(rows):
        return [line for number in range(first, end) for line in _table_row(band, number, number + 1)]
    if not around or len(rows) > MOST_CELL_LINES:
        return [line for cell in cells for line in cell]
    return [_merged(cells)]


def _step(above: _Row, below: _Row) -> float:
    return above[0].baseline - below[0].baseline


def _cells(rows: Sequence[_Row]) -> list[list[Line]]:
    """Lines that overlap from side to side stand in one cell."""
    cells: list[list[Line]] = []
    right = 0.0
    for line in sorted((line for row in rows for line in row), key=lambda line: line.left):
        if cells and line.left < right:
            cells[-1].append(line)
        else:
            cells.append([line])
            right = line.right
        right = max(right, line.right)
    return [sorted(cell, key=lambda line: (-line.baseline, line.left)) for cell in cells]


def _text(cell: Sequence[Line]) -> str:
    """Of a cell, line by line."""
    parts = [cell[0].text]
    for above, line in pairwise(cell):
        parts += ["\n" if above.baseline - line.baseline > _ONE_ROW * line.size else " ", line.text]
    return chained(parts)


def _merged(cells: Sequence[Sequence[Line]]) -> Line:
    lines = [line for cell in cells for line in cell]
    return replace(
        lines[0],
        cells=[(min(line.left for line in cell), max(line.right for line in cell), _text(cell)) for cell in cells],
        right=max(line.right for line in lines),
        baseline=min(line.baseline for line in lines),
        top=max(line.baseline for line in lines),
        size=max(line.size for line in lines),
        is_bold=all(line.is_bold for line in lines),
        is_placed=any(line.is_placed for line in lines),
    )
