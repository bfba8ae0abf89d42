"""What stands in the margin of a page beside its text (pure): numbers of lines, as transcripts and contracts have them,
are no part of it, and notes are read behind it."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from indexer.documents.extract.pdf.lines import Line

_LEAST = 5  # numbers one below the other
_ALIGNED = 1.0  # of the font size
_LEVEL = 0.3  # of the font size: a number and its line
_MEANT = 0.8  # of the numbers that count each line stand beside one
_RUNS_ON = 0.4  # of the lines of running text begin with a small letter: rows of a table do not
_NOTE_SIZE = 0.85  # of the body's size
_LONG, _LEAST_LONG = (
    25,
    3,
)  # characters of a line that runs through its column, and how many such lines tell where it is


def set_notes_apart(lines: Sequence[Line]) -> None:
    """Small lines beside the column of text are notes, which would cut through its sentences."""
    upright = [line for line in lines if line.angle == 0 and not line.is_placed]
    sizes: Counter[float] = Counter()
    for line in upright:
        sizes[line.size] += len(line.text)
    body = max(sizes, key=lambda size: sizes[size], default=0.0)
    long = [line for line in upright if line.size >= body and len(line.text) >= _LONG]
    if len(long) < _LEAST_LONG:
        return
    left, right = min(line.left for line in long), max(line.right for line in long)
    low, high = min(line.baseline for line in long), max(line.baseline for line in long)
    for line in upright:
        is_beside = line.right < left or line.left > right
        if line.size <= _NOTE_SIZE * body and is_beside and low - body <= line.baseline <= high + body:
            line.is_note = True


def without_line_numbers(lines: Sequence[Line]) -> list[Line]:
    """The lines of a page without a column of numbers that count them, or every fifth of them."""
    upright = [line for line in lines if line.angle == 0 and not line.is_placed]
    numbers = sorted((line for line in upright if line.text.isdecimal()), key=lambda line: -line.baseline)
    if len(numbers) < _LEAST:
        return list(lines)
    column = [line for line in numbers if abs(line.right - numbers[0].right) < _ALIGNED * line.size]
    steps = {int(below.text) - int(above.text) for above, below in pairwise(column) if len(below.text) < 6}
    if len(column) < _LEAST or len(steps) != 1 or not steps & {1, 2, 5, 10}:
        return list(lines)
    chosen = {id(line) for line in column}
    others = [line for line in upright if id(line) not in chosen]
    if not _stand_outside(column, others) or not _count_text(column, others, steps == {1}):
        return list(lines)
    return [line for line in lines if id(line) not in chosen]


def _stand_outside(column: Sequence[Line], others: Sequence[Line]) -> bool:
    low, high = column[-1].baseline, column[0].baseline
    beside = [line for line in others if low - line.size < line.baseline < high + line.size]
    left, right = max(line.right for line in column), min(line.left for line in column)
    return bool(beside) and (all(line.left > left for line in beside) or all(line.right < right for line in beside))


def _count_text(column: Sequence[Line], others: Sequence[Line], count_all: bool) -> bool:
    """Whether each number has one line of running text beside it."""
    level: dict[int, list[Line]] = {}
    for line in others:
        level.setdefault(round(line.baseline), []).append(line)
    counted = []
    for number in column:
        around = [line for at in (-1, 0, 1) for line in level.get(round(number.baseline) + at, ())]
        beside = [line for line in around if abs(line.baseline - number.baseline) < _LEVEL * number.size]
        if len(beside) > 1:
            return False
        counted += beside
    small = sum(line.text[:1].islower() for line in counted)
    return len(counted) >= _MEANT * len(column) * count_all and small >= _RUNS_ON * len(counted) > 0
