"""Numbers that Word counts by itself: of lists, clauses and headings ("1.1.2", "(a)", "Article IV")."""

import re
from dataclasses import dataclass

from indexer.documents.extract.office.package import Element, attribute, every, first, whole
from indexer.documents.extract.word.number_formats import CUSTOM, formatted
from indexer.documents.extract.word.styles import Numbered, Styles, is_on
from indexer.documents.extract.word.symbols import EMPTY, TICKED, with_boxes, written

LEVELS = 9
LONGEST = 100
"""Characters of a level's form: Word itself lets people type 80."""
_PLACE = re.compile(r"%([1-9])")


@dataclass(slots=True)
class _Level:
    """`restarts_after` is the number of levels above whose counting starts this one over: 0 for none."""

    start: int = 1
    form: str = "decimal"
    text: str = ""
    is_legal: bool = False
    restarts_after: int | None = None


@dataclass(slots=True)
class _List:
    """How one list counts. Lists of the same kind go on counting where the last one stopped, unless one starts over."""

    kind: str
    levels: dict[int, _Level]
    starts: dict[int, int]


class Numbering:
    def __init__(self, root: Element | None, styles: Styles) -> None:
        self._styles = styles
        self._kinds = {attribute(one, "abstractNumId"): one for one in (_all(root, "abstractNum"))}
        self._nums = {attribute(one, "numId"): one for one in _all(root, "num")}
        self._lists: dict[str, _List | None] = {}
        self._counts: dict[str, dict[int, int]] = {}  # by kind of list: the last number of each level
        self._begun: set[tuple[str, int]] = set()  # lists and levels that started over already
        self._of_styles: dict[tuple[str, str], int] = {}

    def level(self, numbered: Numbered) -> int:
        """From 0."""
        if numbered.level is None and numbered.style:
            self._list(numbered.list_id)
            return self._of_styles.get((numbered.list_id, numbered.style), 0)
        return min(numbered.level or 0, LEVELS - 1)

    def next(self, numbered: Numbered) -> str:
        """The number of the next paragraph of this list; "" for bullets and unknown lists."""
        found = self._list(numbered.list_id)
        level = self.level(numbered)
        if found is None or level not in found.levels:
            return ""
        counts = self._counts.setdefault(found.kind, {})
        about = found.levels[level]
        key = (numbered.list_id, level)
        if level in found.starts and key not in self._begun:
            counts[level] = found.starts[level]
        else:
            counts[level] = counts[level] + 1 if level in counts else about.start
        self._begun.add(key)
        for deeper in [one for one in counts if one > level]:
            limit = found.levels[deeper].restarts_after if deeper in found.levels else None
            if limit is None or level < limit:
                del counts[deeper]
        for higher in range(level):
            if higher in found.levels:
                counts.setdefault(higher, found.starts.get(higher, found.levels[higher].start))
        return _written(about, found.levels, counts)

    def _list(self, list_id: str) -> _List | None:
        if list_id not in self._lists:
            self._lists[list_id] = self._read(list_id)
        return self._lists[list_id]

    def _read(self, list_id: str) -> _List | None:
        num = self._nums.get(list_id)
        if num is None:
            return None
        kind = _value(num, "abstractNumId")
        for _ in range(LEVELS):  # a kind may be that of a style of lists
            link = _value(self._kinds[kind], "numStyleLink") if kind in self._kinds else ""
            other = self._styles.numbered(link) if link else None
            if other is None or other.list_id not in self._nums:
                break
            kind = _value(self._nums[other.list_id], "abstractNumId")
        if kind not in self._kinds:
            return None
        levels, starts = {}, {}
        for one in every(self._kinds[kind], "lvl"):
            levels[whole(attribute(one, "ilvl"))] = self._level(one, list_id)
        for over in every(num, "lvlOverride"):
            at, own, start = whole(attribute(over, "ilvl")), first(over, "lvl"), first(over, "startOverride")
            if own is not None:
                levels[at] = self._level(own, list_id)
            if start is not None:
                starts[at] = whole(attribute(start, "val"))
        return _List(kind, levels, starts)

    def _level(self, element: Element, list_id: str) -> _Level:
        style = _value(element, "pStyle")
        if style:
            self._of_styles[list_id, style] = whole(attribute(element, "ilvl"))
        restart = first(element, "lvlRestart")
        return _Level(
            whole(_value(element, "start")),
            _form(element),
            _text(element),
            is_on(first(element, "isLgl")),
            whole(attribute(restart, "val")) if restart is not None else None,
        )


def _written(about: _Level, levels: dict[int, _Level], counts: dict[int, int]) -> str:
    if about.form == "bullet":
        return with_boxes(about.text) if about.text in (TICKED, EMPTY) else ""

    def number(place: re.Match[str]) -> str:
        level = int(place[1]) - 1
        form = levels[level].form if level in levels else "decimal"
        if about.is_legal and form != "none":
            form = "decimal"
        return formatted(counts.get(level, 1), form)

    return _PLACE.sub(number, about.text).strip()


def _text(level: Element) -> str:
    """A bullet as its font draws it: it may be a box to tick."""
    text = _value(level, "lvlText")[:LONGEST]
    fonts = first(level, "rPr/rFonts")
    return written(text, attribute(fonts, "ascii") if fonts is not None else "") if _form(level) == "bullet" else text


def _form(level: Element) -> str:
    """A newer form may stand in an alternative, with an old one for programs that do not know it: "001, 002, ..."."""
    newer = first(level, "AlternateContent/Choice/numFmt")
    if newer is not None and attribute(newer, "val") == "custom":
        return CUSTOM + attribute(newer, "format").partition(",")[0].strip()
    form = first(level, "numFmt")
    if form is None:
        form = first(level, "AlternateContent/Fallback/numFmt")
    return (attribute(form, "val") or "decimal") if form is not None else "decimal"


def _value(element: Element, path: str) -> str:
    found = first(element, path)
    return attribute(found, "val") if found is not None else ""


def _all(root: Element | None, name: str) -> list[Element]:
    return every(root, name) if root is not None else []
