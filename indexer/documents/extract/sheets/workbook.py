"""An Excel file to sheets of rows: what each cell shows, which cells are merged, what else hangs on a sheet.

Cells are read as they come; of a sheet only what they show is kept. openpyxl keeps either merged cells or a bounded
memory, either formulas or their values, and neither reads Strict files nor says what is hidden.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lxml import etree

from indexer.documents.extract import clean
from indexer.documents.extract.office.check import not_of
from indexer.documents.extract.office.number_format import BUILT_IN, GENERAL
from indexer.documents.extract.office.package import (
    Element,
    Package,
    Relation,
    attribute,
    every,
    first,
    is_true,
    local,
    whole,
)
from indexer.documents.extract.sheets.content import ELEMENTS, CellReader, SheetContent, Style, area_of, string_of
from indexer.errors import UnreadableFile

_SHEETS = ("worksheet", "chartsheet", "xlMacrosheet")
MOST_CHARACTERS = 1 << 26
"""Of all cells together: a file may name one long string in a million cells."""
_ADVICE = "Open it in Excel and save it again."


@dataclass(frozen=True, slots=True)
class Sheet:
    name: str
    part: str
    is_hidden: bool
    is_chart: bool  # a chart in place of cells
    relations: tuple[Relation, ...]


class Workbook:
    """Sheets in their order, and their contents one after another."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.package = Package(archive)
        self._left = MOST_CHARACTERS
        main = next((r.part for r in self.package.relations("") if r.kind == "officeDocument"), "xl/workbook.xml")
        root = self.package.parse(main)
        if root is None or local(root) != "workbook":
            if not self.package.has(main) or root is not None:
                raise not_of("Excel", self.package.names)
            raise UnreadableFile("The file is damaged: Docent cannot read its list of sheets.", _ADVICE)
        properties = first(root, "workbookPr")
        self._since_1904 = properties is not None and is_true(properties.get("date1904"))
        relations = {relation.id: relation for relation in self.package.relations(main)}
        self.lost_sheets: list[str] = []
        self.sheets = [sheet for found in every(root, "sheets/sheet") if (sheet := self._sheet(found, relations))]
        self.sheets = list(_each_once(self.sheets))
        parts = {relation.kind: relation.part for relation in relations.values()}
        styles = self.package.parse(parts.get("styles", ""))
        self._styles = _styles(styles)
        self._rules = _rules_for_numbers(styles)
        self._has_cards = self._shows_cards()
        try:
            self._strings = list(_shared_strings(self.package, parts.get("sharedStrings", "")))
        except etree.XMLSyntaxError as error:
            raise UnreadableFile("The file is damaged: its words cannot be read.", _ADVICE) from error

    def _sheet(self, element: Element, relations: dict[str, Relation]) -> Sheet | None:
        relation = relations.get(attribute(element, "id"))
        is_hidden = element.get("state", "visible") != "visible"
        if relation is None or not self.package.has(relation.part) or relation.kind not in _SHEETS:
            self.lost_sheets += [] if is_hidden else [clean.one_line(element.get("name", ""))]
            return None
        about = tuple(self.package.relations(relation.part))
        return Sheet(
            clean.one_line(element.get("name", "")), relation.part, is_hidden, relation.kind == "chartsheet", about
        )

    def content(self, sheet: Sheet) -> SheetContent:
        """Raises UnreadableFile where the sheet is damaged, or names more text than a file holds."""
        content = SheetContent()
        reader = CellReader(self._strings, self._styles, self._since_1904, content, self._has_cards, self._rules)
        try:
            for element in self.package.stream(sheet.part, *ELEMENTS):
                self._left -= reader.end(element)
                if self._left < 0:
                    raise UnreadableFile(f"Its cells show more than {MOST_CHARACTERS:,} characters: it was left out.")
        except etree.XMLSyntaxError as error:
            raise UnreadableFile(f'The file is damaged: the sheet "{sheet.name}" cannot be read.', _ADVICE) from error
        content.lines.sort(key=lambda line: line.number)
        for relation in sheet.relations:
            root = self.package.parse(relation.part) if relation.kind == "table" else None
            if root is not None and (area := area_of(root.get("ref", ""))) and root.get("headerRowCount", "1") != "0":
                content.header_rows.add(area.top)
        reader.count_hidden_columns()
        for line in content.lines:
            line.is_named = line.number in content.header_rows
        return content

    def _shows_cards(self) -> bool:
        """Whether cells may show pictures or data cards, which are stored as errors; some errors are told so too."""
        kinds = self.package.parse("xl/richData/rdrichvaluestructure.xml")
        return kinds is not None and any(kind.get("t") != "_error" for kind in kinds)


def _shared_strings(package: Package, part: str) -> Iterator[str]:
    for element in package.stream(part, "si"):
        yield string_of(element)
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _styles(root: Element | None) -> list[Style]:
    if root is None:
        return []
    codes = BUILT_IN | {
        whole(found.get("numFmtId")): found.get("formatCode", GENERAL) for found in every(root, "numFmts/numFmt")
    }
    bold = [
        any(local(part) == "b" and part.get("val", "1") not in ("0", "false") for part in font)
        for font in every(root, "fonts/font")
    ]
    styles = []
    for found in every(root, "cellXfs/xf"):
        code, font = whole(found.get("numFmtId")), whole(found.get("fontId"))
        has_box = next(found.iter("{*}xfComplement"), None) is not None
        styles.append(Style(codes.get(code, GENERAL), font < len(bold) and bold[font], has_box))
    return styles


def _rules_for_numbers(styles: Element | None) -> frozenset[int]:
    """The looks of rules (conditional formats) that have a number format of their own."""
    looks = every(styles, "dxfs/dxf") if styles is not None else []
    return frozenset(place for place, look in enumerate(looks) if first(look, "numFmt") is not None)


_WORDS_BESIDE = ("drawing", "vmlDrawing", "comments", "threadedComment")


def _each_once(sheets: list[Sheet]) -> Iterator[Sheet]:
    """No part is read twice, as a sheet or beside one: no program shares them, and a small file could grow by them."""
    named: set[str] = set()
    for sheet in sheets:
        if sheet.part.lower() in named:
            continue
        named.add(sheet.part.lower())
        relations = []
        for relation in sheet.relations:
            if relation.kind not in _WORDS_BESIDE or relation.part.lower() not in named:
                relations.append(relation)
                named.add(relation.part.lower())
        yield replace(sheet, relations=tuple(relations))
