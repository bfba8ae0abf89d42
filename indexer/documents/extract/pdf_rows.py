"""Find table rows among the lines of a PDF page (pure).

A PDF has no tables, only stretches of text. Stretches that stand side by side make a row, also where cells hold several
lines and are drawn one cell after the other. Several lines side by side may as well be two columns of text, so a row of
such cells counts only with another row next to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.documents.extract.pdf_lines import Line

MOST_CELL_LINES = 6
_STEP = 1.6  # of the font size: most that two lines of a cell are apart

_Run = list[Line]  # the lines of one cell


@dataclass
class _Row:
    """Cells side by side, and the baselines of their highest and lowest line."""

    cells: list[_Run]
    top: float
    bottom: float


def assembled(lines: Sequence[Line]) -> list[Line]:
    """The lines in their order, those of a row merged into one line with several cells."""
    rows = [row.cells for row in _rows(_runs(lines))]
    merged: list[Line] = []
    for index, row in enumerate(rows):
        beside = [len(other) > 1 for other in (*rows[max(index - 1, 0) : index], *rows[index + 1 : index + 2])]
        if len(row) > 1 and (any(beside) or max(map(len, row)) == 1):
            merged.append(_merged(row))
        else:
            merged += [line for run in row for line in run]
    return merged


def _runs(lines: Sequence[Line]) -> list[_Run]:
    runs: list[_Run] = []
    for line in lines:
        if runs and _is_stacked(runs[-1][-1], line):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _rows(runs: Sequence[_Run]) -> list[_Row]:
    rows: list[_Row] = []
    for run in runs:
        top, bottom = max(line.baseline for line in run), min(line.baseline for line in run)
        if rows and _is_beside(rows[-1], run):
            last = rows[-1]
            last.cells.append(run)
            last.top, last.bottom = max(last.top, top), min(last.bottom, bottom)
        else:
            rows.append(_Row([run], top, bottom))
    return rows


def _is_stacked(above: Line, line: Line) -> bool:
    if above.angle != line.angle or abs(above.size - line.size) > 0.1 * line.size:
        return False
    aligned = abs(above.left - line.left) < 0.6 * line.size
    centred = abs(above.left + above.right - line.left - line.right) < 1.2 * line.size
    return 0.3 * line.size < above.baseline - line.baseline <= _STEP * line.size and (aligned or centred)


def _is_beside(row: _Row, run: _Run) -> bool:
    """Whether the run stands to the right of the row's last cell, at the height of the row."""
    last, line = row.cells[-1], run[0]
    if last[0].angle != line.angle or max(len(last), len(run)) > MOST_CELL_LINES:
        return False
    reach = 0.3 * line.size
    return (
        line.left > max(line.right for line in last) + reach
        and run[-1].baseline < row.top + reach
        and line.baseline > row.bottom - reach
    )


def _merged(row: Sequence[_Run]) -> Line:
    lines = [line for run in row for line in run]
    return Line(
        page=lines[0].page,
        cells=[(run[0].left, " ".join(line.text for line in run)) for run in row],
        left=row[0][0].left,
        right=max(line.right for line in row[-1]),
        baseline=min(line.baseline for line in lines),
        top=max(line.baseline for line in lines),
        height=lines[0].height,
        size=max(line.size for line in lines),
        is_bold=all(line.is_bold for line in lines),
        first_word=lines[0].first_word,
        angle=lines[0].angle,
    )
