"""The parts of a Word file to units, in order: paragraphs with their numbers, tables, what hangs on them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from indexer.documents.extract.document import LONGEST_HEADING, Kind
from indexer.documents.extract.office.equations import equation
from indexer.documents.extract.office.package import Element, Package, attribute, first, local, whole
from indexer.documents.extract.word.drawings import Drawings
from indexer.documents.extract.word.fields import Fields
from indexer.documents.extract.word.numbering import Numbering
from indexer.documents.extract.word.styles import DEEPEST_HEADING, Numbered, Styles, is_on
from indexer.documents.extract.word.symbols import with_boxes
from indexer.documents.extract.word.text import Seen, TextReader, box_of, chosen
from indexer.documents.extract.word.units import Cell, Grid, Line, Row, SectionEnd, Table, Unit

MOST_COLUMNS = 100  # Word itself makes 63
DEEPEST_ITEM = 9
_FIRST_ROW = 0x20  # of what a table's look says in one number
_GONE = frozenset(("del", "moveFrom", "tblPr", "tblGrid", "tblPrEx", "trPr", "tcPr", "sdtPr", "sdtEndPr", "pPr", "rPr"))
_OUTLINE_END = 9


@dataclass
class File:
    """What all parts of a file share. `imported` reads the part of another format that an `altChunk` names."""

    package: Package
    styles: Styles
    numbering: Numbering
    imported: Callable[[str], list[Unit]]
    comments: Callable[[str], list[Unit]]
    seen: Seen


class Body:
    """Reads one part: the document itself, a header, the footnotes."""

    def __init__(self, file: File, part: str, root: Element, on_margin: bool = False) -> None:
        self._file = file
        self._relations = {relation.id: relation for relation in file.package.relations(part)}
        self._reader = TextReader(file.styles, Fields(root, on_margin, file.seen.meet), file.seen)
        self._drawings = Drawings(file.package, self._relations, file.seen)
        self._carried: list[str] = []  # text that goes on in the next paragraph
        self._strong = self._weak = 0
        self._tables = self._inside = 0  # tables that are open, and those with boxes

    def units(self, element: Element) -> list[Unit]:
        found: list[Unit] = []
        self._walk(element, found)
        self._end_line(found)
        return found

    def _end_line(self, found: list[Unit]) -> None:
        if self._carried:
            found.append(Line("paragraph", "".join(self._carried)))
            self._carried = []

    def _walk(self, element: Element, found: list[Unit]) -> None:
        for child in element:
            name = local(child)
            if name == "p":
                self._paragraph(child, found)
            elif name == "tbl":
                self._end_line(found)
                self._tables, self._inside = self._tables + 1, self._inside + 1
                found.append(self._table(child))
                self._tables, self._inside = self._tables - 1, self._inside - 1
                self._add_comments(found)
            elif name in _GONE:
                self._file.seen.has_changes |= name in ("del", "moveFrom")
            elif name == "sdt" and (box := box_of(child)):
                found.append(Line("paragraph", with_boxes(box)))
            elif name == "AlternateContent":
                self._walk(chosen(child), found)
            elif name == "altChunk":
                found += self._imported(attribute(child, "id"))
            elif name == "sectPr":
                found.append(SectionEnd(child))
            elif name in ("oMath", "oMathPara"):
                found.append(Line("paragraph", equation(child)))
            elif name == "subDoc":
                self._file.seen.meet("linked sub-document")
            elif name:
                self._walk(child, found)

    def _imported(self, relation_id: str) -> list[Unit]:
        relation = self._relations.get(relation_id)
        return self._file.imported(relation.part) if relation is not None and relation.part else []

    def _paragraph(self, paragraph: Element, found: list[Unit]) -> None:
        about = first(paragraph, "pPr")
        style = _value(about, "pStyle")
        text = self._reader.read(paragraph, style)
        self._strong += self._reader.strong
        self._weak += self._reader.weak
        hanging = self._reader.hanging
        if _goes_on(about):
            self._carried.append(text)
        else:
            text = "".join([*self._carried, text])
            self._carried = []
            if text.strip() or not is_on(first(about, "rPr/vanish") if about is not None else None):
                line = self._line(about, style or self._file.styles.ordinary, text)
                if line.kind == "heading" and text.strip():
                    self._file.seen.heading = line.shown
                line.is_bold = not self._inside and self._reader.strong > 0 and not self._reader.weak
                found.append(line)
        if hanging:
            self._hang(hanging, found)
        self._add_comments(found)
        section = first(about, "sectPr") if about is not None else None
        if section is not None:
            found.append(SectionEnd(section))

    def _line(self, about: Element | None, style: str, text: str) -> Line:
        styles = self._file.styles
        numbered = self._numbered(about, style)
        number = self._file.numbering.next(numbered) if numbered is not None else ""
        level = styles.level(style)
        if not level and about is not None and (outline := first(about, "outlineLvl")) is not None:
            at = whole(attribute(outline, "val"), _OUTLINE_END)
            level = min(at + 1, DEEPEST_HEADING) if at < _OUTLINE_END else 0
        kind: Kind = "paragraph"
        if level and len(text) <= LONGEST_HEADING:
            return Line("heading", text, level, number)
        if styles.is_code(style):
            kind = "code"
        elif numbered is not None:
            return Line("item", text, min(self._file.numbering.level(numbered) + 1, DEEPEST_ITEM), number)
        return Line(kind, text, 0, number)

    def _numbered(self, about: Element | None, style: str) -> Numbered | None:
        marks = first(about, "numPr") if about is not None else None
        of_style = self._file.styles.numbered(style)
        if marks is None:
            return of_style
        list_id, level = _value(marks, "numId"), first(marks, "ilvl")
        at = whole(attribute(level, "val")) if level is not None else None
        if not list_id and of_style is not None:
            return Numbered(of_style.list_id, at if at is not None else of_style.level, of_style.style)
        return Numbered(list_id, at or 0) if whole(list_id) else None

    def _hang(self, hanging: list[Element], found: list[Unit]) -> None:
        kept, self._carried = self._carried, []
        self._inside += 1
        for one in self._drawings.read(hanging):
            if isinstance(one, Line | Grid):
                found.append(one)
            else:  # a text box
                self._walk(one, found)
                self._end_line(found)
        self._carried = kept
        self._inside -= 1

    def _add_comments(self, found: list[Unit]) -> None:
        """Behind a table those in its cells, so that rows are what they are."""
        if self._tables:
            return
        pending, self._file.seen.comments = self._file.seen.comments, []
        for number in pending:
            found += self._file.comments(number)

    def _table(self, element: Element) -> Table:
        about = first(element, "tblPr")
        look = first(about, "tblLook") if about is not None else None
        table = Table([], _first_row_differs(look), self._file.styles.draws_head(_value(about, "tblStyle")))
        merged: set[int] = set()  # columns whose cell goes on below
        for row in _inside(element, "tr"):
            properties = first(row, "trPr")
            if properties is not None and first(properties, "del") is not None:
                self._file.seen.has_changes = True
            elif properties is not None and is_on(first(properties, "hidden")):
                words = sum(len((text.text or "").split()) for text in row.iter("{*}t"))
                self._file.seen.left_out["hidden"] += words
            else:
                table.rows.append(self._row(row, properties, merged))
        table.columns = max((row.cells[-1].column + row.cells[-1].span for row in table.rows if row.cells), default=0)
        return table

    def _row(self, element: Element, about: Element | None, merged: set[int]) -> Row:
        column = min(whole(_value(about, "gridBefore")), MOST_COLUMNS)
        row = Row([], is_on(first(about, "tblHeader")) if about is not None else False)
        for tc in _inside(element, "tc"):
            properties = first(tc, "tcPr")
            if properties is not None and first(properties, "cellDel") is not None:
                continue
            span = max(min(whole(_value(properties, "gridSpan"), 1), MOST_COLUMNS - column), 1)
            beside = first(properties, "hMerge") if properties is not None else None
            if beside is not None and attribute(beside, "val") != "restart" and row.cells:
                row.cells[-1].span += span
            elif column < MOST_COLUMNS or not row.cells:
                row.cells.append(self._cell(tc, properties, column, span, merged))
            else:  # beyond what any program draws: words are kept
                row.cells[-1].units += self._cell(tc, properties, column, span, merged).units
            column += span
        return row

    def _cell(self, element: Element, about: Element | None, column: int, span: int, merged: set[int]) -> Cell:
        """What a cell holds that goes on from above is not shown, nor are its numbers counted."""
        mark = first(about, "vMerge") if about is not None else None
        starts = mark is not None and attribute(mark, "val") == "restart"
        if mark is not None and not starts and column in merged:
            return Cell([], column, span, goes_on=True)
        (merged.add if starts else merged.discard)(column)
        before, self._strong, self._weak = (self._strong, self._weak), 0, 0
        units = self.units(element)
        content = element.getparent()  # of a content control around the cell, maybe
        if local(content) == "sdtContent" and (box := box_of(content.getparent())):
            units = [Line("paragraph", with_boxes(box))]
        is_strong = (self._strong > 0 and not self._weak) or _is_shaded(about)
        self._strong, self._weak = before
        return Cell(units, column, span, spans_rows=starts, is_strong=is_strong)


def _inside(element: Element, wanted: str) -> Iterator[Element]:
    """Rows of a table or cells of a row, whatever stands around them: content controls, tracked changes."""
    for child in element:
        name = local(child)
        if name == wanted:
            yield child
        elif name == "AlternateContent":
            yield from _inside(chosen(child), wanted)
        elif name and name not in _GONE and name not in ("p", "tbl", "tr", "tc"):
            yield from _inside(child, wanted)


def _value(element: Element | None, path: str) -> str:
    found = first(element, path) if element is not None else None
    return attribute(found, "val") if found is not None else ""


def _goes_on(about: Element | None) -> bool:
    """Whether the next paragraph stands on the same line: the mark between them is deleted, or this is a drop cap."""
    if about is None:
        return False
    frame = first(about, "framePr")
    if frame is not None and attribute(frame, "dropCap") in ("drop", "margin"):
        return True
    return first(about, "rPr/del") is not None or first(about, "rPr/moveFrom") is not None


def _first_row_differs(look: Element | None) -> bool:
    if look is None:
        return False
    said = attribute(look, "firstRow")
    if said:
        return said.lower() in ("1", "true", "on")
    try:
        return bool(int(attribute(look, "val")[:8] or "0", 16) & _FIRST_ROW)
    except ValueError:
        return False


def _is_shaded(about: Element | None) -> bool:
    shade = first(about, "shd") if about is not None else None
    return shade is not None and (
        attribute(shade, "fill").lower() not in ("", "auto", "ffffff") or bool(attribute(shade, "themeFill"))
    )
