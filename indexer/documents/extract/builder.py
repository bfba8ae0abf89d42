"""Put blocks together into one text: the only place that knows how blocks are separated."""

from collections.abc import Sequence

from indexer.documents.extract import clean
from indexer.documents.extract.document import Block, ExtractedDocument, Kind
from indexer.documents.extract.traced import Traced, chained, kept

MOST_REPEATED, REPEATED_SHARE = 20_000, 10
"""Characters that cells which span rows or columns may repeat in one table, and how many more for each that the table
has itself; then they stand in their first place alone. A kilobyte that spans a thousand rows made a megabyte."""

_TABLE = ("header", "row")


class DocumentBuilder:
    """Blocks are added in reading order; what holds no visible character is left out."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self.remarks: list[str] = []
        self.traces: list[tuple[int, int | None, str]] = []
        """(start in the text, page, numbers of the characters there) of blocks that were given as traced text."""

    def add(self, kind: Kind, text: str, level: int = 0, page: int | None = None) -> None:
        """One block. Code keeps its indentation, rows and headings become one line, the rest keeps line breaks."""
        if kind == "code":
            body = clean.code(text)
        elif kind in ("heading", *_TABLE):
            body = clean.one_line(text)
        else:
            body = clean.lines(text)
        if not body:
            return
        gap = self._gap(kind, page)
        start = self._length + len(gap)
        self._parts += [gap, body]
        self._length = start + len(body)
        placed = kept(text, body)
        if isinstance(placed, Traced):
            self.traces.append((start, page, placed.at))
        self._blocks.append(Block(kind, start, self._length, level, page))

    def add_table(
        self,
        rows: Sequence[Sequence[str]],
        header_rows: frozenset[int] = frozenset(),
        page: int | None = None,
        goes_on: bool = False,
    ) -> None:
        """A table, row by row; `header_rows` are indices into `rows`, `goes_on`: it continues the one before it.

        A table without a header that directly follows another would pass for its continuation, under the wrong header:
        its first row is then a paragraph.
        """
        follows_table = bool(self._blocks) and self._blocks[-1].kind in _TABLE
        for index, text in enumerate(row_texts(rows)):
            if index in header_rows:
                self.add("header", text, page=page)
            elif follows_table and index == 0 and not goes_on:
                self.add("paragraph", text, page=page)
            else:
                self.add("row", text, page=page)

    def build(self, title: str, pages: int | None = None, boxes: bytes = b"") -> ExtractedDocument:
        text = "".join(self._parts)
        return ExtractedDocument(clean.one_line(title), text, tuple(self._blocks), pages, tuple(self.remarks), boxes)

    @property
    def is_empty(self) -> bool:
        return not self._blocks

    @property
    def last(self) -> str:
        """The text of the last block, or ""."""
        return self._parts[-1] if self._parts else ""

    def page_of_headings(self, page: int) -> str:
        """The text of a page that holds headings and nothing else, as a title page does; else ""."""
        kinds = {block.kind for block in self._blocks if block.page == page}
        text = "".join(self._parts)
        return " ".join(text[b.start : b.end] for b in self._blocks if b.page == page) if kinds == {"heading"} else ""

    def first_heading(self, level: int | None = None) -> str:
        """The text of the first heading (of that level), or ""."""
        found = (b for b in self._blocks if b.kind == "heading" and level in (None, b.level))
        block = next(found, None)
        return "".join(self._parts)[block.start : block.end] if block else ""

    def _gap(self, kind: Kind, page: int | None) -> str:
        if not self._blocks:
            return ""
        last = self._blocks[-1]
        of_one_list = last.kind == kind == "item" or (last.kind in _TABLE and kind in _TABLE)
        return "\n" if of_one_list and last.page == page else "\n\n"


def row_texts(rows: Sequence[Sequence[str]]) -> list[str]:
    """Each row on one line, cells joined by " | ". Columns that are empty all the way down are left out, and so are
    empty cells at the end of a row; an empty cell between others keeps its place, or its neighbours would seem to stand
    under another header."""
    clean_rows = [[kept(cell, clean.one_line(cell)) if cell else "" for cell in row] for row in rows]
    used = {column for row in clean_rows for column, cell in enumerate(row) if cell}
    texts = []
    for row in clean_rows:
        cells = [cell for column, cell in enumerate(row) if column in used]
        while cells and not cells[-1]:
            cells.pop()
        text = chained(cells, " | ")
        texts.append(kept(text, text.replace("|  |", "| |").replace("|  |", "| |").strip()))
    return texts
