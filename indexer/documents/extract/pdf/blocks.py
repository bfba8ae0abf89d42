"""Lines of a PDF to blocks (pure): running headers dropped, lines joined to paragraphs, headings, items, table rows."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.pdf.hyphens import Hyphens
from indexer.documents.extract.pdf.lines import Cell, Line
from indexer.documents.extract.pdf.rows import in_order
from indexer.documents.extract.pdf.running import HEADING_SIZE, body_size, without_running_lines
from indexer.documents.extract.pdf.tables import (
    LONGEST_NAME,
    aligned,
    are_names,
    continues,
    edges,
    header_rows,
    laid_out,
    nearest,
    with_labels,
)
from indexer.documents.extract.traced import chained, sliced, split_lines

LARGE_SIZE = 1.5  # of the body's size: whole sentences that are smaller are no headings
LONGEST_HEADING = 160  # code points
_MARK = re.compile(r"(?:[•◦▪●○■➢➤►▶❖✓✔‣∙·⁃\u2010-\u2015*-]|[\ue000-\uf8ff])\s*(?=\S)|o\s+(?=[A-Z])")
_TICKS = "✓✔"  # marks that say something
_TICK_BOX = re.compile(r"(\[[x ]\]|□)\s*(?=\S)")
_NUMBER = re.compile(r"\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s+(?=\S)")
_ROW_STEP = 2.5  # of the font size: how far a row may be from the one above it
_ALIGNED_STEP = 4  # the same where its cells stand below those
_APART = 1.6  # times the usual step: names that stand so far below a table begin another
_TIGHT = 1.35  # of the font size: lines of one cell that are drawn apart
_COUNTED = re.compile(r"\(?(\d{1,2})([.)])\s")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|pages|seite|página|pagina|pág\.|pag\.|p\.|s\.|sida|side|strona|str\.)?\s*\d+"
    r"(?:\s*(?:of|from|von|de|sur|di|van|av|z|/)\s*\d+)?\W*",
    re.IGNORECASE,
)
_PAGE_OF = re.compile(
    r"\b(?:page|seite|página|pagina|sida|side|strona)\s+\d+\s*(?:of|from|von|de|sur|di|van|av|z|/)\s*\d+\W*$",
    re.IGNORECASE,
)
"""At the end of a header or footer, which a short document has too seldom to be known by."""
_ENDS_SENTENCE = re.compile(r"[.:;!?][\"'”’)]*$")

_SMALL_WORDS = frozenset("a an and as at by for from in into is of on or the to vs with your you is are not &".split())


@dataclass
class _Group:
    """Neighbouring lines that make one block."""

    kind: str  # text | item | table
    lines: list[Line] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)


@dataclass(frozen=True)
class _Style:
    """What is usual in this document."""

    size: float  # of the body, in points
    is_bold: bool
    leading: float  # distance of two lines of one paragraph, of the font size
    heading_sizes: tuple[float, ...]  # from the largest, as many as there are levels


def add_pages(builder: DocumentBuilder, pages: Sequence[Sequence[Line]]) -> None:
    """Add the blocks of all pages, in the order of the file."""
    kept = without_running_lines(pages)
    every_line = [line for lines in kept for line in lines]
    if not every_line:
        return
    style = _style(every_line)
    hyphens = Hyphens(line.text for line in every_line)
    open_table: _Group | None = None  # at the end of the page before
    for lines in kept:
        ordered = _in_order(lines)
        groups = _groups(ordered, style)
        if lines and lines[0].page == 1 and _is_cover(groups, style):
            builder.add("heading", chained((line.text for line in ordered), " "), 1, 1)
            continue
        indents = sorted({round(group.lines[0].left) for group in groups if group.kind == "item"})
        for group, after in zip_longest(groups, groups[1:]):
            if group.kind == "table" and len(group.rows) > 1:
                _add_table(builder, group, hyphens, open_table if group is groups[0] else None)
            else:
                _add(builder, group, after, style, hyphens, indents)
        open_table = groups[-1] if groups and groups[-1].kind == "table" else None


def _in_order(lines: Sequence[Line]) -> list[Line]:
    """Direction by direction, that of most of the page first, and then the notes."""
    directions: dict[int, list[Line]] = {0: []}
    for line in lines:
        if not line.is_note:
            directions.setdefault(line.angle, []).append(line)
    return [line for one in directions.values() for line in in_order(one)] + [line for line in lines if line.is_note]


def _is_cover(groups: Sequence[_Group], style: _Style) -> bool:
    """A first page with nothing but large lines: they are one title."""
    return all(group.kind == "text" and _heading_level(group.lines, "Title", style) for group in groups)


def _style(lines: Sequence[Line]) -> _Style:
    size = body_size(lines)
    body = [line for line in lines if line.size == size]
    bold = sum(len(line.text) for line in body if line.is_bold)
    steps = Counter(
        round((above.baseline - below.baseline) / size, 1)
        for above, below in pairwise(body)
        if 0.8 * size < above.baseline - below.baseline < 2.5 * size
    )
    usual = steps.most_common(1)[0][0] if steps else 1.3
    large = sorted({line.size for line in lines if line.size >= HEADING_SIZE * size}, reverse=True)
    return _Style(size, bold * 2 > sum(len(line.text) for line in body), usual, tuple(large[:6]))


def _groups(lines: Sequence[Line], style: _Style) -> list[_Group]:
    groups: list[_Group] = []
    margin = _margins(lines)
    for line, after in zip_longest(lines, lines[1:]):
        last = groups[-1] if groups else None
        before = last.lines[-1] if last else None
        mark = None if line.size >= HEADING_SIZE * style.size else _mark(line, last, margin)
        if mark is None and last and before and _continues(last, before, line, style, margin):
            _append(last, line)
        elif mark is not None:
            groups.append(_Group("item", [line]))
        elif last and last.kind == "table" and (_is_row(last, line) or _is_label(last, line, after)):
            last.lines.append(line)
            last.rows.append(list(line.cells))
        elif len(line.cells) > 1:
            groups.append(_Group("table", [line], [list(line.cells)]))
        else:
            groups.append(_Group("text", [line]))
    return groups


def _is_row(table: _Group, line: Line) -> bool:
    """Whether a row goes on with the table above it. Column names that stand otherwise than its cells begin another."""
    if len(line.cells) < 2:
        return False
    is_aligned = aligned(table.rows[-1], line.cells)
    if len(line.cells) > 2 and are_names(line.cells) and not are_names(table.rows[-1]):
        step = table.lines[-1].baseline - line.top
        usual = table.lines[-2].baseline - table.lines[-1].top if len(table.lines) > 1 else step
        if not is_aligned or step > _APART * usual:
            return False
    return _is_below(table.lines[-1], line, (_ALIGNED_STEP if is_aligned else _ROW_STEP) * line.size)


def _is_label(table: _Group, line: Line, after: Line | None) -> bool:
    """A short line at the edge of a table whose rows go on below it, such as the name of a group of them."""
    return (
        after is not None
        and len(after.cells) > 1
        and len(line.text) <= LONGEST_NAME
        and abs(line.left - table.lines[-1].left) < 2 * line.size
        and line.size <= 1.05 * table.lines[-1].size
        and _is_below(table.lines[-1], line, _ROW_STEP * line.size)
        and _is_below(line, after, _ROW_STEP * line.size)
        and aligned(max(table.rows[0], table.rows[-1], key=len), after.cells)
        and (len(table.rows) == 1 or are_names(table.rows[-1]) or not are_names(after.cells))
        and (not after.is_bold or table.lines[-1].is_bold)
    )


def _margins(lines: Sequence[Line]) -> Callable[[Line], float]:
    """The right edge of the column that a line stands in: that of the widest line which begins at about its left."""
    columns: dict[int, list[tuple[float, float]]] = {}
    for line in lines:
        columns.setdefault(line.column, []).extend(
            [(left, right) for left, right, _ in line.cells] or [(line.left, line.right)]
        )
    margins = {column: _margin(sorted(edges)) for column, edges in columns.items()}
    return lambda line: margins[line.column](line)


def _margin(edges: list[tuple[float, float]]) -> Callable[[Line], float]:
    lefts = [left for left, _ in edges]
    # widest[k][i] is the largest of the 2**k right edges from the i-th on
    widest: list[list[float]] = [[right for _, right in edges]]
    while 2 ** len(widest) <= len(edges):
        half = 2 ** (len(widest) - 1)
        widest.append(list(map(max, widest[-1], widest[-1][half:])))

    def margin(line: Line) -> float:
        reach = 4 * line.size
        first, end = bisect_left(lefts, line.left - reach), bisect_right(lefts, line.left + reach)
        power = (end - first).bit_length() - 1
        return max(widest[power][first], widest[power][end - (1 << power)])

    return margin


def _mark(line: Line, last: _Group | None, margin: Callable[[Line], float]) -> re.Match[str] | None:
    """The bullet or number that a list item begins with. A number in running text is none, unless it counts on."""
    text = line.text
    before = last.lines[-1] if last else None
    box = _TICK_BOX.match(text)
    if box and len(line.cells) == 1:
        return box
    bullet = _MARK.match(text)
    if bullet:
        is_dash = bullet[0][0] in "-*" or "\u2010" <= bullet[0][0] <= "\u2015"
        return bullet if not is_dash or bullet[0][-1].isspace() else None
    number = _NUMBER.match(text)
    if (
        number
        and len(line.cells) == 1
        and (
            last is None
            or before is None
            or _ENDS_SENTENCE.search(before.text)
            or _is_short(before, line, margin)
            or _counts_on(last, line)
        )
    ):
        return number
    return None


def _counts_on(item: _Group, line: Line) -> bool:
    """Whether the item has the number before that of `line`, at the same place: a list whose items are as wide as all
    else on the page ends its lines nowhere early."""
    first = item.lines[0]
    before, number = _COUNTED.match(first.text), _COUNTED.match(line.text)
    if item.kind != "item" or before is None or number is None or abs(first.left - line.left) > line.size:
        return False
    return before[2] == number[2] and int(number[1]) == int(before[1]) + 1


def _continues(group: _Group, before: Line, line: Line, style: _Style, margin: Callable[[Line], float]) -> bool:
    """Whether `line` belongs to the block that `before` is the last line of."""
    step = (style.leading + 0.25) * line.size
    if not _is_below(before, line, step) or abs(before.size - line.size) > 0.1 * line.size:
        return False
    if group.kind == "table":
        return _fills_cells(group, line)
    if len(line.cells) > 1 or before.right < line.left or before.left > line.right:
        return False
    if group.kind == "item":
        hangs = line.left > group.lines[0].left + 0.3 * line.size
        return hangs or (abs(line.left - group.lines[0].left) < 0.3 * line.size and not _is_short(before, line, margin))
    if before.is_bold != line.is_bold and (before.is_bold or not group.lines[0].is_bold):
        return False
    if line.size >= HEADING_SIZE * style.size:
        return True
    return line.left < before.left + 1.5 * line.size and not _is_short(before, line, margin)


def _is_below(above: Line, line: Line, most: float) -> bool:
    return above.angle == line.angle and 0.3 * line.size < above.baseline - line.top <= most


def _is_short(before: Line, line: Line, margin: Callable[[Line], float]) -> bool:
    """The first word of `line` would have fitted behind `before`: someone ended the line on purpose."""
    return not before.text.endswith("-") and before.right + line.first_word + 0.5 * line.size < margin(before)


def _fills_cells(group: _Group, line: Line) -> bool:
    """Whether the row goes on in `line`: its stretches stand under cells of the row, the first of which has ended, and
    it is closer than rows are, or close and short."""
    row, before = group.rows[-1], group.lines[-1]
    lefts = edges(row)
    under = (abs(left - lefts[nearest(lefts, left)]) < line.size for left, _, _ in line.cells)
    if len(line.cells) >= len(row) or abs(line.cells[0][0] - lefts[0]) <= line.size or not all(under):
        return False
    step = before.baseline - line.top
    rows_apart = group.lines[-2].baseline - before.top if len(group.rows) > 1 else 0.0
    return step < 0.95 * rows_apart or (
        step <= _TIGHT * line.size and 2 * len(line.cells) < max(len(row), len(group.rows[0]))
    )


def _append(group: _Group, line: Line) -> None:
    group.lines.append(line)
    if group.kind != "table":
        return
    row = group.rows[-1]
    lefts = edges(row)
    for left, right, text in line.cells:
        column = nearest(lefts, left)
        row[column] = (row[column][0], max(row[column][1], right), chained((row[column][2], text), "\n"))


def _add(
    builder: DocumentBuilder,
    group: _Group,
    after: _Group | None,
    style: _Style,
    hyphens: Hyphens,
    indents: list[int],
) -> None:
    first = group.lines[0]
    text = hyphens.joined([line.text for line in group.lines])
    if group.kind == "table" and first.baseline != first.top:
        builder.add_table([[hyphens.joined(split_lines(cell)) for _, _, cell in first.cells]], page=first.page)
        return
    if group.kind == "item":
        mark, box = _MARK.match(text), _TICK_BOX.match(text)
        text = chained((sliced(text, 0, box.end(1)), sliced(text, box.end())), " ") if box else text
        level = 1 + bisect_left(indents, round(first.left) - 0.7 * first.size)
        text = text if mark is None or mark[0][0] in _TICKS else sliced(text, mark.end())
        builder.add("item", text, min(level, 6), first.page)
        return
    level = _heading_level(group.lines, text, style)
    if not level and after and _names_what_follows(group, text, after) and text.lower() != builder.last.lower():
        level = min(len(style.heading_sizes) + 2, 6)
    builder.add("heading" if level else "paragraph", text, level, first.page)


def _add_table(builder: DocumentBuilder, group: _Group, hyphens: Hyphens, before: _Group | None) -> None:
    """`before` is the table at the end of the page before, which this one may go on with, under its column names."""
    first = group.lines[0]
    rows = [
        [(left, right, hyphens.joined(split_lines(text)) if "\n" in text else text) for left, right, text in row]
        for row in group.rows
    ]
    table = laid_out(rows, first.size)
    is_bold = first.is_bold and not all(line.is_bold for line in group.lines)
    names = header_rows(table, is_bold, any(line.is_placed for line in group.lines[1:]))
    if before and not is_bold and continues(before.rows, rows, first.size) and before.lines[0].text != first.text:
        names = frozenset()
    else:
        before = None
    with_labels(table, names)
    builder.add_table(table, names, first.page, goes_on=before is not None)


def _heading_level(lines: Sequence[Line], text: str, style: _Style) -> int:
    """1 to 6, or 0 for a paragraph: headings are larger than the body, or bold in a body that is not."""
    first = lines[0]
    if len(text) > LONGEST_HEADING or len(lines) > 4 or not re.search(r"[^\W\d_]{2}", text):
        return 0
    if _PAGE_NUMBER.fullmatch(text) or _PAGE_OF.search(text):
        return 0
    is_sentence = text.endswith((".", ";", ",")) and len(text.split()) > 8 and first.size < LARGE_SIZE * style.size
    if first.size >= HEADING_SIZE * style.size and not is_sentence:
        return min(sum(size > first.size for size in style.heading_sizes) + 1, 6)
    stands_out = all(line.is_bold for line in lines) and not style.is_bold and first.size >= 0.95 * style.size
    if stands_out and len(lines) <= 2 and not text.endswith((".", ",", ";")):
        return min(len(style.heading_sizes) + 1, 6)
    return 0


def _names_what_follows(group: _Group, text: str, after: _Group) -> bool:
    """A short line by itself, Written Like This, above a longer paragraph: a heading without a style of its own."""
    if len(group.lines) > 1 or len(text) > 60 or after.kind == "table" or re.search(r"[.:;,!]", text):
        return False
    words = [word for word in text.split() if word.lower() not in _SMALL_WORDS]
    return (
        0 < len(words) <= 8
        and all(word[0].isupper() for word in words)
        and after.lines[0].size == group.lines[0].size
        and sum(len(line.text) for line in after.lines) > max(2 * len(text), 80)
    )
