"""A sheet of an Excel file to rows: what each cell shows, what is merged and what is hidden.

Cells are read as they come; of a sheet only what they show is kept.
"""

import datetime
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from indexer.documents.extract.office.cells import number, shown
from indexer.documents.extract.office.number_format import GENERAL
from indexer.documents.extract.office.package import Element, attribute, every, is_true, local, whole
from indexer.documents.extract.sheets.rows import Area, Line

MOST_COLUMNS = 16_384
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_LETTERS = re.compile(r"[A-Z]+")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_FIRST_DAY = datetime.datetime(1899, 12, 30)


@dataclass
class SheetContent:
    lines: list[Line] = field(default_factory=list)
    merged: list[Area] = field(default_factory=list)
    header_rows: set[int] = field(default_factory=set)  # of tables and filters that the file knows
    unread: Counter[str] = field(default_factory=Counter)  # what is seen and not read, or the other way round, by kind
    controls: dict[str, str] = field(default_factory=dict)  # shapes of a form: number, relation
    page_texts: list[str] = field(default_factory=list)  # headers and footers of the printed page


@dataclass(frozen=True, slots=True)
class Style:
    code: str = GENERAL
    is_bold: bool = False
    has_box: bool = False  # a truth is shown as a box to tick


_PAGE_TEXTS = ("oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter")
_PAGE_CODES = re.compile(r'&(?:"[^"]*"|K[0-9A-F]{6}|K\d\d[+-]\d{3}|\d+|[PNDTFAZGBIUESXYOH])', re.IGNORECASE)
_PICTURE = re.compile(r"=?(?:_xlfn\.)?DISPIMG\(")
"""What WPS stores of a picture in a cell."""
ELEMENTS = ("row", "c", "mergeCell", "col", "autoFilter", "cfRule", "control", *_PAGE_TEXTS)
"""What is read of a sheet; columns come before the rows."""
_COUNTED = re.compile("&[PNDTFAZ]", re.IGNORECASE)  # numbers of pages, the date, names of the file and the sheet


class CellReader:
    """Takes the elements of a sheet in turn and fills its content."""

    def __init__(
        self,
        strings: list[str],
        styles: list[Style],
        since_1904: bool,
        content: SheetContent,
        has_cards: bool = False,
        rules: frozenset[int] = frozenset(),
    ) -> None:
        """`has_cards`: cells may show pictures; `rules` are the looks of rules that write numbers in another way."""
        self._strings = strings
        self._styles = styles
        self._since_1904 = since_1904
        self._content = content
        self._row: Element = None
        self._number = 0
        self._next_column = 0
        self._columns: dict[int, str] = {}
        self._numbers = 0
        self._is_bold = True
        self._has_cards = has_cards
        self._rules = rules
        self._hidden: list[tuple[int, int]] = []  # first and last column

    def _begin_row(self, element: Element) -> None:
        self._row = element
        self._number = whole(element.get("r"), self._number + 1)
        self._next_column, self._columns, self._numbers, self._is_bold = 0, {}, 0, True

    def end(self, element: Element) -> int:
        """Characters that the element shows."""
        name = local(element)
        if name == "c":
            return self._end_cell(element)
        content = self._content
        if name == "row":
            if element is not self._row:  # it has no cells
                self._begin_row(element)
            self._end_row(element)
        elif name == "mergeCell" and (area := area_of(element.get("ref", ""))):
            content.merged.append(area)
        elif name == "autoFilter" and (area := area_of(element.get("ref", ""))):
            content.header_rows.add(area.top)
        elif name == "col" and (is_true(element.get("hidden")) or _is_nothing(element.get("width"))):
            self._hidden.append((whole(element.get("min")) - 1, whole(element.get("max")) - 1))
        elif name == "cfRule":
            content.unread["set of icons that a rule draws"] += element.get("type") == "iconSet"
            content.unread["number format of a rule"] += whole(element.get("dxfId"), -1) in self._rules
        elif name == "control":
            content.controls[element.get("shapeId", "")] = attribute(element, "id")
        elif name in _PAGE_TEXTS and element.text:
            content.page_texts += [words for words in _page_texts(element.text) if words not in content.page_texts]
        element.clear()
        parent = element.getparent()
        while element.getprevious() is not None:
            del parent[0]
        return 0

    def count_hidden_columns(self) -> None:
        """Of those that show something."""
        hidden, last = sorted(self._hidden, reverse=True), -1
        for column in sorted({column for line in self._content.lines for column in line.cells}):
            while hidden and hidden[-1][0] <= column:
                last = max(last, hidden.pop()[1])
            self._content.unread["hidden column"] += column <= last

    def _end_row(self, element: Element) -> None:
        if not self._columns:
            return
        self._content.lines.append(Line(self._number, self._columns, self._numbers, self._is_bold))
        self._content.unread["hidden row"] += is_true(element.get("hidden")) or _is_nothing(element.get("ht"))

    def _end_cell(self, element: Element) -> int:
        row = element.getparent()
        if row is None:
            return 0
        if row is not self._row:
            self._begin_row(row)
        column = self._column(element.get("r", ""))
        place = whole(element.get("s"))
        style = self._styles[place] if place < len(self._styles) else Style()
        text, is_number = self._shown(element, style)
        element.clear()
        while element.getprevious() is not None:  # a row of a million cells is not kept as elements
            del row[0]
        if not text.strip() or not 0 <= column < MOST_COLUMNS:
            return 0
        self._columns[column] = text
        if is_number:
            self._numbers |= 1 << column
        self._is_bold = self._is_bold and style.is_bold
        return len(text)

    def _column(self, reference: str) -> int:
        column = column_number(reference.rstrip("0123456789"))
        column = self._next_column if column < 0 else column
        self._next_column = column + 1
        return column

    def _shown(self, element: Element, style: Style) -> tuple[str, bool]:
        """What a cell shows, and whether it is a number."""
        code, kind = style.code, element.get("t", "n")
        value, has_formula = "", False
        for child in element:
            name = local(child)
            if name == "v":
                value = child.text or ""
            elif name == "f":
                has_formula = True
            elif name == "is":
                return shown(string_of(child), code), False
        if not value:
            self._content.unread["formula without a stored value"] += has_formula and kind != "str"
            return "", False
        if kind == "s":
            place = whole(value, len(self._strings))
            return shown(self._strings[place], code) if place < len(self._strings) else "", False
        if kind == "b":
            truth = is_true(value.strip())
            return ("[x]" if truth else "[ ]") if style.has_box else shown(truth), False
        is_card = kind == "e" and self._has_cards and element.get("vm") is not None
        if is_card or (kind == "str" and _PICTURE.match(value)):
            self._content.unread["cell with a picture or a data card"] += 1
            return "", False
        if kind in ("str", "e", "inlineStr"):
            return shown(unescaped(value), code if kind != "e" else GENERAL), False
        amount = _days(value) if kind == "d" else number(value)
        return (shown(amount, code, self._since_1904 and kind != "d"), True) if amount is not None else (value, False)


def _is_nothing(size: str | None) -> bool:
    """Whether a row is no point high, or a column has no width."""
    return size is not None and size.strip("0. ") == "" and "0" in size


def _page_texts(code: str) -> Iterator[str]:
    """The words at the left, in the middle and at the right of a page's edge; not those around a page's number."""
    for part in re.split("&[LCR]", code.replace("&&", "\0"), flags=re.IGNORECASE):
        words = _PAGE_CODES.sub(" ", part).replace("\0", "&").split()
        if any(map(str.isalpha, "".join(words))) and (len(words) > 2 or not _COUNTED.search(part)):
            yield " ".join(words)


def string_of(element: Element) -> str:
    """The words of a string, which may have runs in several fonts; how they are pronounced is left out."""
    texts = []
    for child in element:
        name = local(child)
        if name == "t":
            texts.append(child.text or "")
        elif name == "r":
            texts += [run.text or "" for run in every(child, "t")]
    return unescaped("".join(texts))


def unescaped(text: str) -> str:
    """`_x000D_` stands for a character that XML has no place for."""
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text) if "_x" in text else text


def area_of(reference: str) -> Area | None:
    """`A1:C3` or `A1`; None for what is no area of a sheet."""
    start, _, end = reference.partition(":")
    corners = [_REFERENCE.fullmatch(corner) for corner in (start, end or start)]
    if corners[0] is None or corners[1] is None:
        return None
    rows, columns = zip(*((int(c[2]), column_number(c[1])) for c in corners if c), strict=True)
    return Area(min(rows), min(columns), max(rows), min(max(columns), MOST_COLUMNS - 1))


@lru_cache(maxsize=MOST_COLUMNS)
def column_number(letters: str) -> int:
    """From 0; -1 for what names no column."""
    if len(letters) > 3 or not _LETTERS.fullmatch(letters):
        return -1
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _days(text: str) -> Decimal | None:
    """A date that the file spells out, as in Strict files, in days as any other."""
    try:
        moment = datetime.datetime.fromisoformat(text.strip().removesuffix("Z")).replace(tzinfo=None)
    except ValueError:
        return None
    return Decimal(round((moment - _FIRST_DAY).total_seconds() * 1000)) / 86_400_000
