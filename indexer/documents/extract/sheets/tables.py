"""Rows of a sheet to captions and tables, each with its own header (pure).

What a sheet holds stands in blocks between empty rows: titles, facts, tables one below the other or side by side. The
header of a table is the row that is full, has words where numbers stand below it, is bold, or is named by the file;
what stands above it is a caption, or a second line of it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.sheets.rows import Line

FIRST_ROWS = 25  # of a block, in which its header is looked for
_BELOW = 20  # rows that tell what a column holds
_ACROSS = 200  # columns of a wide sheet in which numbers are looked for
_MOST_HEADERS = 3
_LONGEST_NAME = 120  # characters of a cell that names a column
_MOSTLY, _ALMOST = 0.6, 0.8
_NEXT_TO, _MOST_BESIDE = 2, 20  # empty columns between tables that stand side by side, and how many may stand so
LONGEST_NOTE = 500  # characters of a note in its row
_SPARSE = 40
"""Places for each filled cell from which a table is a few cells far apart: empty ones are then left out."""
_FEW_PLACES = 100_000

Notes = dict[int, dict[int, list[str]]]
"""What is noted on cells, by the number of their row and by column."""
_NUMBER = re.compile(
    r"""[^\w\s(]{0,2}\s?[(+-]?\s?[^\w\s(]?\s?\d[\d.,'’\s]*(?:[eE][+-]?\d+)?\s?\)?   # a currency before it
            \s?(?:%|‰|[^\w\s]|[A-Za-z]{1,3}\.?|°[CF])?-?                       # or a unit behind
      | \d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:[ T]\d\d?:\d\d(?::\d\d)?(?:\.\d+)?)?(?:\s?[AaPp][Mm]|Z)?
      | -?\d{1,3}:\d\d(?::\d\d)? | [-–—] | \#?N/A | n/a""",
    re.VERBOSE,
)
_YEAR = re.compile(r"(?:19|20)\d\d(?:[/–-](?:19|20)?\d\d)?")
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}(?:[./-]\d{1,4})?|(?:\d{1,2}[. -]+)?[A-Z][a-z]{2,8}\.?[ -]\d{2,4}")
_UNIT = re.compile(
    r"[\[(][^\])\d]{1,15}[\])]|%|‰|[€$£¥]|[°º][CF]|(?:EUR|USD|GBP|CHF|JPY|k?EUR|T€|[kmcµ]?[gm]|to?|mm|m?l|litres?|liters?"
    r"|[mck]?m[²³23]|ha|bar|m?bar|k?Pa|MPa|k?N|Nm|[kMG]?W|[kMG]?Wh|k?V|m?A|Hz|kHz|m?s|sec|min|hrs?|h|days?|pcs?\.?|Stk\.?"
    r"|St\.|Tage|Std\.?)",
)
"""What stands below a name to say in what its numbers are counted."""
_VALUE = re.compile(r"[\d@]|://")


@dataclass(slots=True)
class Table:
    """`header` has a text for each of `columns`, or is None; a caption is one of neither columns nor header."""

    columns: list[int] = field(default_factory=list)
    header: list[str] | None = None
    lines: list[Line] = field(default_factory=list)
    caption: str = ""
    places: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        self.places = frozenset(self.columns)

    def rows(self) -> list[list[str]]:
        places = len(self.columns) * (len(self.lines) + 1)
        if places > _FEW_PLACES + _SPARSE * sum(len(line.cells) for line in self.lines):
            rows = [[line.cells[column] for column in sorted(line.cells)] for line in self.lines]
        else:
            rows = [[line.cells.get(column, "") for column in self.columns] for line in self.lines]
        return rows if self.header is None else [self.header, *rows]


def add_tables(
    builder: DocumentBuilder, lines: Sequence[Line], page: int | None = None, notes: Notes | None = None
) -> list[str]:
    """Adds what the lines hold. A note stands in the cell that it is on; those on names of columns and other words,
    which would be repeated in every row, and long ones are given back, each with the words that it is about."""
    notes = {row: dict(of_row) for row, of_row in notes.items()} if notes else {}
    labels = {line.number: dict(line.cells) for line in lines if line.number in notes}
    in_rows: set[int] = set()
    for table in find_tables(lines):
        if notes and not table.caption:
            in_rows.update(line.number for line in table.lines)
            _put_notes(table, notes)
        rows = table.rows()
        if table.caption or sum(1 for row in rows for cell in row if cell) == 1:
            builder.add("paragraph", table.caption or "".join(cell for row in rows for cell in row), page=page)
        else:
            builder.add_table(rows, frozenset() if table.header is None else frozenset({0}), page)

    return list(_told(notes, labels, in_rows))


def _put_notes(table: Table, notes: Notes) -> None:
    for line in table.lines:
        of_row = notes.get(line.number, {})
        for column in [column for column in of_row if column in table.places]:
            text = "; ".join(of_row[column])
            if len(text) <= LONGEST_NOTE:
                line.cells[column] = f"{line.cells.get(column, '')} (note: {text})".strip()
                del of_row[column]


def _told(notes: Notes, labels: Mapping[int, Mapping[int, str]], in_rows: set[int]) -> Iterator[str]:
    for row in sorted(notes):
        cells = labels.get(row, {})
        first = cells[min(cells)] if cells else ""
        for column in sorted(notes[row]):
            about = first if row in in_rows else cells.get(column, first)
            for text in notes[row][column]:
                yield f"{about}: {text}" if about else f"Note: {text}"


def find_tables(lines: Sequence[Line]) -> list[Table]:
    """Captions and tables in reading order. No cell is lost, and none stands twice."""
    finder = _Finder()
    blocks = [part for block in _blocks(lines) for part in _side_by_side(block)]
    widths = [max(line.fill for line in block) for block in blocks]
    widest_after = 0
    wider: list[bool] = []
    for width in reversed(widths):
        wider.append(widest_after > (width if width == 1 else max(width, 2)))
        widest_after = max(widest_after, width)
    for block, is_before_a_wider in zip(blocks, reversed(wider), strict=True):
        finder.feed(block, is_before_a_wider)
    return finder.tables


def _blocks(lines: Sequence[Line]) -> list[list[Line]]:
    """Rows between empty rows; where most rows stand alone, the empty ones are only spacing."""
    blocks: list[list[Line]] = []
    for place, line in enumerate(lines):
        goes_on = bool(blocks) and line.number <= blocks[-1][-1].number + 1
        if goes_on and not _begins_anew(lines, place, len(blocks[-1])):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    alone = sum(1 for block in blocks if len(block) == 1 and block[0].fill > 1)
    return [list(lines)] if alone > 3 and alone > len(blocks) / 2 else blocks


def _begins_anew(lines: Sequence[Line], place: int, above: int) -> bool:
    """Whether a table begins without an empty row above it: with bold words among rows that are not, above numbers."""
    if above < 2 or place + 1 >= len(lines) or not (lines[place].is_bold or lines[place].is_named):
        return False
    if lines[place].is_named:
        return lines[place - 1].fill > 1
    near = lines[place : place + 2]
    is_alone = not lines[place - 1].is_bold and not near[1].is_bold
    return is_alone and _is_header_like(near, 0) and _shift(lines[place : place + 1 + _BELOW], 0) >= 1


def _side_by_side(block: list[Line]) -> list[list[Line]]:
    """A block, or the tables in it that empty columns keep apart: each needs columns and a header of its own."""
    used = sorted({column for line in block for column in line.cells})
    starts = [used[0], *(b for a, b in pairwise(used) if b - a > _NEXT_TO)]
    if not 1 < len(starts) <= _MOST_BESIDE or len(block) < 2:
        return [block]
    parts: list[list[Line]] = []
    for left, right in zip(starts, [*starts[1:], used[-1] + 1], strict=True):
        part = [cut for line in block if (cut := _cut(line, left, right)).cells]
        head = 1 if len(part) > 2 and part[0].fill == 1 else 0  # below a title
        if len({column for line in part for column in line.cells}) < 2 or not _is_header_like(part, head):
            return [block]
        parts.append(part)
    return parts


def _cut(line: Line, left: int, right: int) -> Line:
    cells = {column: text for column, text in line.cells.items() if left <= column < right}
    repeated = line.repeated & cells.keys()
    spans = tuple(span for span in line.spans if left <= span[0] < right)
    return Line(line.number, cells, line.numbers, line.is_bold, line.is_named, repeated, spans)


class _Finder:
    """Goes from block to block and knows the table that stands above."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self._alone: Line | None = None  # a row that may be the header of what comes after an empty row

    def feed(self, block: list[Line], is_before_a_wider: bool) -> None:
        alone, self._alone = self._alone, None
        table = self.tables[-1] if self.tables and self.tables[-1].columns else None
        width = max(line.fill for line in block)
        if width == 1:
            self._one_column(block, is_before_a_wider or table is not None)
            return
        at = _header_at(block, width)
        if len(block) == 1 and not block[0].is_named:
            if table is not None and not _is_header_like(block, 0) and _fits(block, table):
                table.lines += block
            else:
                self._caption(block[0])
                self._alone = block[0] if _is_header_like(block, 0) else None
            return
        if table is not None and table.header == [block[0].cells.get(column, "") for column in table.columns]:
            self._table(block, 0)  # the same names again
            return
        sure = at is not None and (_is_sure(block, at) or (at > 0 and width > 2))
        if not sure and alone is not None and _covers(alone, block, width):
            self.tables.pop()
            self._table([alone, *block], 0)
        elif not sure and table is not None and _fits(block, table):
            table.lines += block
        elif at is None or (is_before_a_wider and width == 2 and not _is_marked(block, at)):
            self._table(block, None)
        else:
            self._table(block, at)

    def _one_column(self, block: list[Line], has_tables: bool) -> None:
        """A list under its name where the sheet holds nothing else; beside tables they are titles and notes."""
        texts = [_joined(line) for line in block]
        if len(block) > 1 and (_is_marked(block, 0) or (not has_tables and _is_name(texts[0]))):
            self._table(block, 0)
        else:
            self.tables += [Table(caption=text) for text in texts]

    def _caption(self, line: Line) -> None:
        self.tables.append(Table(caption=_joined(line)))

    def _table(self, block: list[Line], at: int | None) -> None:
        if at is None:
            columns = sorted({column for line in block for column in line.cells})
            self.tables.append(Table(columns, None, list(block)))
            return
        first, last = _header_lines(block, at)
        for line in block[:first]:
            self._caption(line)
        columns = sorted({column for line in block[first:] for column in line.cells})
        header = _header(block[first : last + 1], columns)
        self.tables.append(Table(columns, header, block[last + 1 :]))


def _is_number(line: Line, column: int) -> bool:
    text = line.cells.get(column, "").strip()
    return bool(line.numbers >> column & 1) or (len(text) < 40 and _NUMBER.fullmatch(text) is not None)


def _joined(line: Line) -> str:
    return " | ".join(line.cells[column] for column in sorted(line.cells) if column not in line.repeated)


def _is_name(text: str) -> bool:
    """Whether a text names a column rather than being a sentence or a value."""
    text = text.strip()
    return len(text) <= 40 and text[-1:] not in ".!?;" and not _NUMBER.fullmatch(text) and "@" not in text


def _fits(block: Sequence[Line], table: Table) -> bool:
    return all(column in table.places for line in block for column in line.cells)


def _covers(alone: Line, block: Sequence[Line], width: int) -> bool:
    used = {column for line in block[:_BELOW] for column in line.cells}
    return len(used & set(alone.cells)) >= _MOSTLY * width and set(alone.cells) <= used


def _header_at(block: Sequence[Line], width: int) -> int | None:
    """The row that names the columns: full, with words above numbers, bold among others, or named so by the file."""
    best, found = 0.0, None
    for at in range(min(FIRST_ROWS, len(block) - 1)):
        line = block[at]
        if line.is_named or _goes_down(block, at):
            return at
        if not _is_header_like(block, at):
            continue
        bold = 0.5 if _is_marked(block, at) else 0
        score = line.fill / width + _shift(block, at) / min(width, _ACROSS) + bold
        if found is not None and not bold and block[found].fill >= _ALMOST * line.fill:
            continue  # the first full row, unless another stands out
        if score > best + 0.01:
            best, found = score, at
    return found


def _goes_down(block: Sequence[Line], at: int) -> bool:
    """Whether the first row that is no title has names merged over columns and others merged over it and the next."""
    line, below = block[at], block[at + 1]
    if not line.spans or any(above.fill > 1 for above in block[:at]) or not _is_header_like(block, at):
        return False
    lent = [column for column in below.repeated if line.cells.get(column) == below.cells[column]]
    return any(column not in line.repeated for column in lent)


def _is_sure(block: Sequence[Line], at: int) -> bool:
    return _is_marked(block, at) or _shift(block, at) >= 1


def _is_marked(block: Sequence[Line], at: int) -> bool:
    return block[at].is_named or (block[at].is_bold and not block[at + 1].is_bold)


def _is_header_like(block: Sequence[Line], at: int) -> bool:
    """Words in two columns or more; numbers among them only where they are years, dates or count on."""
    line = block[at]
    if line.fill < 2 or any(len(text) > _LONGEST_NAME for text in line.cells.values()):
        return False
    numbers = [column for column in sorted(line.cells) if _is_number(line, column)]
    if not numbers:
        return True
    texts = [line.cells[column].strip() for column in numbers]
    if len(numbers) == len(line.cells) or at + 1 >= len(block):
        return False
    for kind in (_YEAR, _DATE):
        if all(kind.fullmatch(text) for text in texts):
            below = block[at + 1].cells.get(numbers[0], "").strip()
            return not kind.fullmatch(below)
    counted = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 4]
    return len(counted) == len(texts) > 2 and counted == list(range(counted[0], counted[0] + len(counted)))


def _shift(block: Sequence[Line], at: int) -> float:
    """Columns in which numbers stand below words; those with codes, as in SN-100, count half."""
    found = 0.0
    for column in islice(block[at].cells, _ACROSS):
        if _is_number(block[at], column) and not _YEAR.fullmatch(block[at].cells[column].strip()):
            continue
        below = [line for line in block[at + 1 : at + 1 + _BELOW] if column in line.cells]
        numbers = sum(1 for line in below if _is_number(line, column))
        values = sum(1 for line in below if _VALUE.search(line.cells[column]))
        if below and numbers >= _MOSTLY * len(below):
            found += 1
        elif below and values >= _MOSTLY * len(below) and not _VALUE.search(block[at].cells[column]):
            found += 0.5
    return found


def _header_lines(block: Sequence[Line], at: int) -> tuple[int, int]:
    """First and last row of a header that has the row `at`: groups of columns stand above, units or names below it."""
    first = last = at
    while first > 0 and last - first + 1 < _MOST_HEADERS and _is_group_row(block[first - 1], block[first], block[at]):
        first -= 1
    while last + 2 < len(block) and last - first + 1 < _MOST_HEADERS and _is_second_row(block, last + 1):
        last += 1
    return first, last


def _is_group_row(line: Line, below: Line, header: Line) -> bool:
    if any(_is_number(line, column) and not _YEAR.fullmatch(line.cells[column].strip()) for column in line.cells):
        return False
    starts_right = min(line.cells) > min(header.cells)
    if line.is_bold and below.is_bold and line.cells.keys() == below.cells.keys():
        return line.fill > 2 and all(map(_is_name, line.cells.values()))
    if line.spans:
        return line.fill > 1 or starts_right
    return starts_right and line.fill < below.fill and max(line.cells) <= max(below.cells)


def _is_second_row(block: Sequence[Line], at: int) -> bool:
    line, above = block[at], block[at - 1]
    own = [column for column in line.cells if column not in line.repeated]
    units = [column for column in own if _UNIT.fullmatch(line.cells[column].strip())]
    dashes = [column for column in own if line.cells[column].strip() in "-–—"]
    if not own or any(_is_number(line, column) for column in own if column not in dashes and column not in units):
        return False
    if _goes_down(block, at - 1):
        return all(len(line.cells[column]) <= _LONGEST_NAME for column in own)
    if not set(line.cells) <= set(above.cells) | set(own) or any(len(line.cells[column]) > 40 for column in own):
        return False
    below = block[at + 1 : at + 1 + _BELOW]
    over = [column for column in own if _is_over_numbers(below, column)]
    if units and len(units) + len(dashes) >= len(own) / 2 and set(units) <= set(over):
        return True
    over_numbers = len(over)
    if min(above.cells) in own and not above.spans and not (line.is_bold and not block[at + 1].is_bold):
        return over_numbers == len(own) == above.fill  # units of every column
    return over_numbers >= _MOSTLY * len(own)


def _is_over_numbers(below: Sequence[Line], column: int) -> bool:
    cells = [row for row in below if column in row.cells]
    return bool(cells) and sum(_is_number(row, column) for row in cells) >= _MOSTLY * len(cells)


def _header(lines: Sequence[Line], columns: Sequence[int]) -> list[str]:
    """The names of the columns, those of several rows joined: "2025 Plan". A group that is not merged reaches to the
    next one."""
    named = [dict(line.cells) for line in lines]
    for line, names in zip(lines[:-1], named, strict=False):
        for left, right in line.spans:
            names |= {column: line.cells[left] for column in columns if left <= column <= right and left in line.cells}
        if line.spans or min(line.cells) == min(columns):
            continue
        group = ""
        for column in columns:
            group = names.get(column, group)
            if group and any(column in below.cells for below in lines[lines.index(line) + 1 :]):
                names[column] = group
    header = []
    for column in columns:
        parts: list[str] = []
        for names in named:
            text = names.get(column, "")
            if text and text not in parts:
                parts.append(text)
        header.append(" ".join(parts))
    return header
