"""A table of a slide to rows: merged labels repeated, and which rows name the columns (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.documents.extract.builder import MOST_REPEATED, REPEATED_SHARE
from indexer.documents.extract.office.package import Element, every, first, is_true, whole
from indexer.documents.extract.slides.text import paragraphs

_MOST_HEADERS = 3
_VALUE = re.compile(r"\d")
_YEAR = re.compile(r"\D{0,4}(?:19|20)\d\d(?:\D(?:19|20)?\d\d)?\D{0,4}|Q[1-4].*", re.DOTALL)


@dataclass(slots=True)
class _Cell:
    text: str
    columns: int = 1
    rows: int = 1
    from_left: bool = False
    from_above: bool = False
    look: tuple[bool, str] = (False, "")  # bold, colour of the words
    fill: str = ""


@dataclass
class SlideTable:
    """`caption` is a first row that is one cell; `all_repeated` is false where labels would be many times the table."""

    rows: list[list[str]]
    header_rows: frozenset[int]
    caption: str = ""
    all_repeated: bool = True


def read_table(element: Element) -> SlideTable:
    """`element` is the frame's `tbl`."""
    grid = [[_cell(found) for found in every(row, "tc")] for row in every(element, "tr")]
    if not grid:
        return SlideTable([], frozenset())
    caption = ""
    own = [cell for cell in grid[0] if not (cell.from_left or cell.from_above)]
    if len(grid) > 2 and len(own) == 1 < len(grid[0]) and own[0].rows == 1:
        caption = own[0].text
        grid = grid[1:]
    properties = first(element, "tblPr")
    is_named = properties is not None and is_true(properties.get("firstRow"))
    headers = _headers(grid) if is_named or _is_named_by_look(grid) else 0
    rows, all_repeated = _with_labels(grid)
    return SlideTable(rows, frozenset(range(headers)), caption, all_repeated)


def _cell(element: Element) -> _Cell:
    body = first(element, "txBody")
    found = [paragraph for paragraph in paragraphs(body) if paragraph.text] if body is not None else []
    return _Cell(
        text="\n".join(paragraph.text for paragraph in found),
        columns=whole(element.get("gridSpan"), 1),
        rows=whole(element.get("rowSpan"), 1),
        from_left=is_true(element.get("hMerge")),
        from_above=is_true(element.get("vMerge")),
        look=(bool(found) and all(paragraph.is_bold for paragraph in found), _colour(body, "p/r/rPr/solidFill")),
        fill=_colour(element, "tcPr/solidFill"),
    )


def _colour(element: Element | None, path: str) -> str:
    """The name or value of a colour, "" for the usual one."""
    found = first(element, path) if element is not None else None
    return next((colour.get("val", "") for colour in found), "") if found is not None else ""


def _with_labels(grid: Sequence[Sequence[_Cell]]) -> tuple[list[list[str]], bool]:
    """What a merged cell shows stands in each row and column that it covers; a line that is one cell stays one."""
    left = MOST_REPEATED + REPEATED_SHARE * sum(len(cell.text) for row in grid for cell in row)
    rows: list[list[str]] = []
    for line in grid:
        texts: list[str] = []
        is_one_cell = sum(1 for cell in line if not cell.from_left) == 1
        for column, cell in enumerate(line):
            text = cell.text
            if cell.from_left or cell.from_above:
                text = ""
                if cell.from_above and rows and column < len(rows[-1]):
                    text = rows[-1][column]
                elif cell.from_left and texts and not is_one_cell:
                    text = texts[-1]
                left -= len(text)
            texts.append(text if left >= 0 else "")
        rows.append(texts)
    return rows, left >= 0


def _headers(grid: Sequence[Sequence[_Cell]]) -> int:
    """Rows that name the columns, given that the first does: it may hold groups, or cells that reach down."""
    count = 1
    while count < min(_MOST_HEADERS, len(grid) - 1) and _goes_on(grid[count - 1], grid[count]):
        count += 1
    reaches = max((cell.rows for cell in grid[0] if not cell.from_left), default=1)
    return min(max(count, reaches), _MOST_HEADERS, max(len(grid) - 1, 1))


def _goes_on(above: Sequence[_Cell], line: Sequence[_Cell]) -> bool:
    """Whether a line names columns below groups, merged or not, that stand in the line above."""
    words = [cell.text for cell in line if cell.text]
    if not words or any(_VALUE.search(text) and not _YEAR.fullmatch(text.strip()) for text in words):
        return False
    if any(cell.columns > 1 for cell in above) and any(cell.text and not cell.from_left for cell in line):
        return True
    gaps = [place for place, cell in enumerate(above) if not (cell.text or cell.from_left or cell.from_above)]
    filled = [place for place, cell in enumerate(line) if cell.text]
    return len(gaps) > 1 and len(filled) == len(line) > len(above) - len(gaps)


def _is_named_by_look(grid: Sequence[Sequence[_Cell]]) -> bool:
    """Whether the first line alone is bold, or of a colour; other programs than PowerPoint say it by nothing else."""
    lines = [[cell for cell in line if cell.text] for line in grid]
    if len(lines) < 2 or len(lines[0]) < 2:
        return False
    return _differs([[cell.look for cell in line] for line in lines]) or _differs(
        [[cell.fill for cell in line] for line in lines]
    )


def _differs(looks: Sequence[Sequence[object]]) -> bool:
    """Whether the cells of the first line look alike, and no other looks like them."""
    own = set(looks[0])
    return len(own) == 1 and not any(look in own for line in looks[1:] for look in line)
