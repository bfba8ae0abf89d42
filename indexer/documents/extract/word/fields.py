"""Fields of a Word file: what they show is read, their codes are not. Boxes and lists of old forms are fields too."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from indexer.documents.extract.office.package import Element, attribute, every, first, whole
from indexer.documents.extract.word.styles import is_on
from indexer.documents.extract.word.symbols import EMPTY, TICKED, sign

PAGE_NUMBER = "\ue000"
"""Stands for the number of a page until the line is whole."""
LONGEST_CODE = 1_000
_OF_PAGES = ("PAGE", "NUMPAGES", "SECTIONPAGES")
_COUNTED = frozenset(("AUTONUM", "AUTONUMLGL", "AUTONUMOUT", "LISTNUM"))
"""Fields that never have a result in the file: Word counts them when it draws the page."""
_COMPUTED = frozenset(
    "SEQ REF PAGEREF NOTEREF STYLEREF DATE TIME CREATEDATE SAVEDATE PRINTDATE DOCPROPERTY DOCVARIABLE MERGEFIELD IF TOC"
    " INCLUDETEXT INCLUDEPICTURE INDEX TOA BIBLIOGRAPHY CITATION TITLE SUBJECT AUTHOR KEYWORDS COMMENTS INFO FILENAME"
    " LASTSAVEDBY QUOTE FILLIN LINK DDE DDEAUTO EMBED NUMWORDS NUMCHARS NUMPAGES SECTION REVNUM EDITTIME AUTOTEXT"
    " AUTOTEXTLIST DATABASE COMPARE USERNAME USERADDRESS USERINITIALS ADDRESSBLOCK GREETINGLINE".split()
)
"""Fields that show something where Word has computed them."""
_RESULTS = ("{*}t", "{*}sym", "{*}drawing", "{*}pict", "{*}object", "{*}fldChar")
_SYMBOL = re.compile(r"^\s*SYMBOL\s+(0x[0-9a-f]{1,4}|\d{1,5})\b(?:.*?\\f\s*\"?([^\"\\]{1,60}))?", re.IGNORECASE)
_BUTTONS = ("MACROBUTTON", "GOTOBUTTON")
_WORDS = r"(?:page|seite|pagina|página|pàgina|pág|pag|side|sida|sivu|strona|str|стр|страница|p|pg|s)\b\.?"
_NUMBERED = re.compile(
    rf"(?:\b{_WORDS}\s*|[-–—|(\[第]\s*)?{PAGE_NUMBER}(?:\s*[^\W\d]{{0,5}}[/|]?\s*{PAGE_NUMBER})*\s*[-–—)\]页頁]?",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"^\s*EQ\s+\\f\s*\(([^(),;]*)[,;]([^(),;]*)\)\s*$", re.IGNORECASE)
_SWITCH = re.compile(r"\\\*\s*(\"[^\"]*\"|\w+)|\\[a-z]+\s?-?\d*|[(),;]", re.IGNORECASE)
_PHONETIC = re.compile(r"\\s\\up\s*-?\d*\s*\(([^()]*)\)\s*[,;]\s*([^()]*)\)", re.IGNORECASE)


@dataclass(slots=True)
class _Open:
    code: list[str] = field(default_factory=list)
    length: int = 0
    in_code: bool = True
    is_silent: bool = False  # what it shows is not read
    form: Element | None = None

    @property
    def name(self) -> str:
        return next(iter("".join(self.code).split()), "").upper()


class Fields:
    """Those of one part of the file, in its order. A field without an end is none, so that it hides nothing."""

    def __init__(
        self, root: Element, on_margin: bool = False, on_lost: Callable[[str], None] = lambda kind: None
    ) -> None:
        """`on_lost` is told what kind of field shows something that the file does not hold."""
        self._on_lost = on_lost
        self._on_margin = on_margin
        self._whole = _with_an_end(root)  # holds the elements, so that they stay the same objects
        self._open: list[_Open | None] = []
        self._hiding = 0

    @property
    def hides(self) -> bool:
        """Whether what stands here is the code of a field, or a result that is not read."""
        return self._hiding > 0

    def add_code(self, text: str) -> None:
        if self._open and (last := self._open[-1]) is not None and last.in_code and last.length < LONGEST_CODE:
            last.code.append(text)
            last.length += len(text)

    def mark(self, element: Element) -> str:
        """What a mark of a field shows by itself."""
        kind = attribute(element, "fldCharType")
        if kind == "begin":
            is_whole = element in self._whole
            self._open.append(_Open(form=first(element, "ffData")) if is_whole else None)
            self._hiding += is_whole
            return ""
        if not self._open:
            return ""
        last = self._open[-1]
        if kind == "separate" and last is not None and last.in_code:
            last.in_code = False
            last.is_silent = last.form is not None and first(last.form, "textInput") is None
            last.is_silent |= self._on_margin and last.name in _OF_PAGES
            self._hiding -= not last.is_silent
        if kind != "end":
            return ""
        self._open.pop()
        if last is None:
            return ""
        self._hiding -= last.in_code or last.is_silent
        return "" if self._hiding else self._shown(last)

    def simple(self, code: str, element: Element) -> str:
        """What to read in place of the result of a field in one piece; "" to read the result."""
        if self._on_margin and next(iter(code.split()), "").upper() in _OF_PAGES:
            return PAGE_NUMBER
        return "" if next(element.iter(*_RESULTS), None) is not None else self._computed(code)

    def _shown(self, ended: _Open) -> str:
        if ended.form is not None and (shown := _form(ended.form)):
            return shown
        if ended.name in _OF_PAGES and self._on_margin:
            return PAGE_NUMBER
        return self._computed("".join(ended.code)) if ended.in_code else ""

    def _computed(self, code: str) -> str:
        """What a field without a stored result shows, as far as its code tells."""
        text = _without_result(code)
        name = next(iter(code.split()), "").upper()
        if not text and not self._hiding:
            if name in _COUNTED:
                self._on_lost("number that Word counts by itself")
            elif name in _COMPUTED or name.startswith("="):
                self._on_lost("field without a stored result")
        return text


def without_page_numbers(text: str) -> str:
    """The line of a header or footer without "Page 3 of 8"."""
    return _NUMBERED.sub("", text) if PAGE_NUMBER in text else text


def _with_an_end(root: Element) -> set[Element]:
    whole_ones, pending = set(), []
    for mark in root.iter("{*}fldChar"):
        if next(mark.iterancestors("{*}del", "{*}moveFrom", "{*}Fallback"), None) is not None:
            continue
        kind = attribute(mark, "fldCharType")
        if kind == "begin":
            pending.append(mark)
        elif kind == "end" and pending:
            whole_ones.add(pending.pop())
    return whole_ones


def _form(data: Element) -> str:
    box, choices = first(data, "checkBox"), first(data, "ddList")
    if box is not None:
        checked = first(box, "checked")
        return TICKED if is_on(checked if checked is not None else first(box, "default")) else EMPTY
    if choices is not None:
        entries = [attribute(one, "val") for one in every(choices, "listEntry")]
        chosen = first(choices, "result")
        chosen = chosen if chosen is not None else first(choices, "default")
        place = whole(attribute(chosen, "val")) if chosen is not None else 0
        return entries[place] if place < len(entries) else ""
    return ""


def _without_result(code: str) -> str:
    """Buttons show the words of their code, equations of the old kind are drawn from it."""
    words = code.split()
    if words and words[0].upper() in _BUTTONS:
        return " ".join(words[2:])
    if words and words[0].upper() == "EQ":
        if fraction := _FRACTION.match(code):
            return f"{fraction[1].strip()}/{fraction[2].strip()}"
        if phonetic := _PHONETIC.search(code):
            return f"{phonetic[2].strip()}({phonetic[1].strip()})"
        return " ".join(_SWITCH.sub(" ", code.strip()[2:]).split())
    if symbol := _SYMBOL.match(code):
        number = int(symbol[1], 16 if symbol[1][:2].lower() == "0x" else 10)
        return sign(f"{number:X}", (symbol[2] or "Symbol").strip())
    return ""
