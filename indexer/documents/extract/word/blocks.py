"""Units of a Word file to blocks: a table to rows under their heads, a table that only arranges a page to its text."""

import re
from collections.abc import Iterator, Sequence

from indexer.documents.extract.builder import MOST_REPEATED, REPEATED_SHARE, DocumentBuilder
from indexer.documents.extract.word.units import Cell, Grid, Line, Row, SectionEnd, Table, Unit

MOST_HEADS = 3
LONGEST_HEAD = 120  # characters of a cell that names a column
LONGEST_LABEL = 80  # of one that is repeated over columns
_PAGE_LIKE = (3, 6, 800)
"""A table of at most so many rows with a cell of so many lines and characters arranges a page."""
_LONGER, _WORDS_OF_A_NAME = 3, 3
_YEAR = re.compile(r"(19|20)\d\d")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")


class BlockWriter:
    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self.repeats_all = True
        self.heading = ""  # the first one of the first level, without its number
        self.first_heading = ""

    def write(self, units: Sequence[Unit]) -> None:
        code: list[str] = []
        for unit in units:
            if isinstance(unit, Line) and unit.kind == "code":
                code.append(unit.text)
                continue
            if code:
                self._builder.add("code", "\n".join(code))
                code = []
            if isinstance(unit, Line):
                self._line(unit)
            elif isinstance(unit, Table):
                self._table(unit)
            elif isinstance(unit, Grid):
                self._builder.add_table(unit.rows, frozenset({0}))
        if code:
            self._builder.add("code", "\n".join(code))

    def _line(self, line: Line) -> None:
        if not line.text.strip():
            return
        if line.kind == "heading" and not line.is_guess:
            self.first_heading = self.first_heading or line.text
            self.heading = self.heading or line.text * (line.level == 1)
        self._builder.add(line.kind, line.shown, line.level)

    def _table(self, table: Table) -> None:
        rows = [row for row in table.rows if any(_has_text(cell) for cell in row.cells) or _goes_on(row)]
        if all(len(row.cells) < 2 for row in rows) or _arranges_a_page(rows):
            for row in rows:
                for cell in row.cells:
                    self.write(cell.units)
            return
        while len(rows) > 1 and (title := _title(rows[0])) is not None:
            self.write(title.units)
            rows = rows[1:]
        is_regular = _is_regular(table, rows)
        texts = self._texts(rows, is_regular)
        heads = heads_of(table, rows, texts) if is_regular else 0
        pending: list[list[str]] = []
        for place, row in enumerate(rows):
            if any(isinstance(unit, Table | Grid) for cell in row.cells for unit in cell.units):
                self._builder.add_table(pending, frozenset(range(heads)))
                pending, heads = [], 0
                for cell in row.cells:
                    self.write(cell.units)
            else:
                pending.append(texts[place])
        self._builder.add_table(pending, frozenset(range(heads)))

    def _texts(self, rows: Sequence[Row], is_regular: bool) -> list[list[str]]:
        """The cells of each row; a label that is merged over rows stands in each, over columns in each if short. In a
        form, whose cells have widths and no columns, cells stand beside each other."""
        left = MOST_REPEATED
        above: dict[int, str] = {}
        made = []
        for row in rows:
            texts: list[str] = []
            filled = sum(1 for cell in row.cells if cell.goes_on or _has_text(cell))
            for cell in row.cells:
                text = above.get(cell.column, "") if cell.goes_on else flat(cell.units)
                if cell.goes_on and len(text) > left:
                    self.repeats_all, text = False, ""
                left += -len(text) if cell.goes_on else REPEATED_SHARE * len(text)
                if cell.spans_rows or not cell.goes_on:
                    above[cell.column] = text if cell.spans_rows else ""
                if not is_regular:
                    texts += [text] if text.strip() else []
                    continue
                texts += [""] * (cell.column - len(texts))
                is_label = filled > 1 and len(text) <= LONGEST_LABEL and len(text) * cell.span < left
                again = text if is_label else ""
                left -= len(again) * (cell.span - 1)
                texts += [text, *[again] * (cell.span - 1)]
            made.append(texts)
        return made


def flat(units: Sequence[Unit]) -> str:
    """The words of a cell, a line a paragraph; a number that stands alone, as in a column of numbers, is one too."""
    return "\n".join(_flat(units))


def _flat(units: Sequence[Unit]) -> Iterator[str]:
    for unit in units:
        if isinstance(unit, Line):
            yield f"{unit.number} {unit.text}".strip()
        elif isinstance(unit, Grid):
            yield from (" ".join(row) for row in unit.rows)
        elif isinstance(unit, Table):
            for row in unit.rows:
                yield " | ".join(filter(None, (flat(cell.units) for cell in row.cells)))


def lines_of(units: Sequence[Unit]) -> Iterator[str]:
    """Units where tables are not told apart, as at the top of a page: a line a paragraph or row."""
    for unit in units:
        if isinstance(unit, Table):
            for row in unit.rows:
                yield " | ".join(filter(None, (" ".join(flat(cell.units).split()) for cell in row.cells)))
        elif not isinstance(unit, SectionEnd):
            yield from _flat([unit])


def heads_of(table: Table, rows: Sequence[Row], texts: Sequence[Sequence[str]]) -> int:
    """How many rows at the top name the columns: as the file says, or else as it looks."""
    marked = 0
    while marked < min(len(rows), MOST_HEADS) and rows[marked].is_head:
        marked += 1
    if marked:
        return marked if marked < len(rows) else 1
    if len(rows) < 2 or not _looks_like_head(table, rows, texts):
        return 0
    merged = any(cell.spans_rows or cell.span > 1 for cell in rows[0].cells)
    return 2 if merged and len(rows) > 2 and not any(map(_is_number, texts[1])) and _is_short(texts[1]) else 1


def _looks_like_head(table: Table, rows: Sequence[Row], texts: Sequence[Sequence[str]]) -> bool:
    names = [text.strip() for text in texts[0]]
    if sum(map(bool, names)) < 2 or not _is_short(names) or any(_is_number(name) for name in names):
        return False
    strong = [all(cell.is_strong for cell in row.cells if _has_text(cell)) for row in rows[:3]]
    if strong[0] and not all(strong[1:]):
        return True
    labels = [row.cells[0].is_strong for row in rows if row.cells]
    if len(labels) > 1 and all(labels) and not strong[0]:  # the labels are those of the rows
        return False
    if table.has_head and table.styled_head:
        return True
    if any(_is_column_of_numbers(column, names, texts) for column in range(len(names))):
        return True
    if _counts_columns(texts[1]) or (table.has_head and table.columns == 2 and _names_two(names, texts)):
        return True
    distinct = len(set(names)) == len(names) or any(cell.span > 1 for cell in rows[0].cells)
    return table.has_head and table.columns > 2 and all(names[1:]) and distinct


def _counts_columns(texts: Sequence[str]) -> bool:
    """Whether the second row counts the columns, as forms in some countries do."""
    return len(texts) > 2 and [text.strip().rstrip(".)") for text in texts] == [str(n + 1) for n in range(len(texts))]


def _names_two(names: Sequence[str], texts: Sequence[Sequence[str]]) -> bool:
    """Of two columns without numbers: whether their names are short, and below the second one stands something in every
    row. Where numbers and words mix there, or few rows are, each row is rather a label and its value, the first too."""
    below = [row[1].strip() if len(row) > 1 else "" for row in texts[1:]]
    if not all(below) or any(map(_is_number, below)):
        return False
    is_name = all(name and not name.endswith(":") and len(name.split()) <= _WORDS_OF_A_NAME for name in names)
    return is_name and (len(below) > 1 or len(below[0]) >= _LONGER * len(names[1]))


def _is_regular(table: Table, rows: Sequence[Row]) -> bool:
    """Whether the cells of most rows are the columns of the table."""
    full = sum(1 for row in rows if len(row.cells) == table.columns)
    return 2 * full >= len(rows) or any(row.is_head for row in rows[:MOST_HEADS])


def _is_column_of_numbers(column: int, names: Sequence[str], texts: Sequence[Sequence[str]]) -> bool:
    below = [row[column].strip() for row in texts[1:] if column < len(row) and row[column].strip()]
    return bool(below) and bool(names[column]) and all(map(_is_number, below))


def _is_number(text: str) -> bool:
    """Amounts, dates, times; years may name a column as well."""
    text = text.strip()
    if len(text) > LONGEST_HEAD or _YEAR.fullmatch(text):
        return False
    digits = len(_DIGIT.findall(text))
    return digits > 0 and digits >= len(_LETTER.findall(text))


def _is_short(texts: Sequence[str]) -> bool:
    return all(len(text) <= LONGEST_HEAD for text in texts)


def _has_text(cell: Cell) -> bool:
    return any(not isinstance(unit, Line) or unit.text.strip() or unit.number for unit in cell.units)


def _goes_on(row: Row) -> bool:
    return any(cell.goes_on for cell in row.cells)


def _title(row: Row) -> Cell | None:
    """The one cell over all columns that stands above a table's heads."""
    filled = [cell for cell in row.cells if _has_text(cell)]
    is_title = len(row.cells) == 1 and len(filled) == 1 and filled[0].span > 1 and not row.is_head
    return filled[0] if is_title else None


def _arranges_a_page(rows: Sequence[Row]) -> bool:
    most_rows, least_lines, least_characters = _PAGE_LIKE
    if len(rows) > most_rows:
        return False
    for row in rows:
        for cell in row.cells:
            lines = [unit.text for unit in cell.units if isinstance(unit, Line) and unit.text.strip()]
            if len(lines) >= least_lines and sum(map(len, lines)) >= least_characters:
                return True
    return False
