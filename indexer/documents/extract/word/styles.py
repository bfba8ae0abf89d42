"""The styles of a Word file: which paragraphs are headings, code, numbered or hidden by their style."""

import re
from dataclasses import dataclass

from indexer.documents.extract.office.package import Element, attribute, every, first, whole

DEEPEST_CHAIN = 50
"""Styles that are based on each other. Word nests some ten at the most."""
DEEPEST_HEADING = 6
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_CODE = re.compile(r"(source )?code( block)?|html preformatted|preformatted text|plain code", re.IGNORECASE)
_NO_LEVEL = 9  # of an outline: the text itself


@dataclass(frozen=True, slots=True)
class Numbered:
    """The list that a paragraph belongs to; `style` is the one that says so, "" where the paragraph itself does."""

    list_id: str
    level: int | None
    style: str = ""


class Styles:
    def __init__(self, root: Element | None) -> None:
        styles = every(root, "style") if root is not None else []
        self._styles = {attribute(style, "styleId"): style for style in styles}
        self._chains: dict[str, list[Element]] = {}
        self._levels: dict[str, int] = {}
        self._code: dict[str, bool] = {}
        self._heads: dict[str, bool] = {}
        self._set: dict[tuple[str, str], bool] = {}
        self._numbered: dict[str, Numbered | None] = {}
        defaults = first(root, "docDefaults/rPrDefault/rPr") if root is not None else None
        self.hides_all = is_on(first(defaults, "vanish")) if defaults is not None else False
        self.ordinary = next((name for name, style in self._styles.items() if _is_ordinary(style)), "")

    def level(self, style: str) -> int:
        """Of a heading, 1 to 6; 0 for other paragraphs. A style that is based on one of a heading is one too."""
        if style not in self._levels:
            self._levels[style] = self._level(style)
        return self._levels[style]

    def is_title(self, style: str) -> bool:
        return any(name.lower() == "title" for name in self._names(style)[:1])

    def is_code(self, style: str) -> bool:
        if style not in self._code:
            self._code[style] = any(_CODE.fullmatch(name) for name in self._names(style))
        return self._code[style]

    def is_hidden(self, style: str) -> bool:
        return self._is_set(style, "vanish")

    def is_bold(self, style: str) -> bool:
        return self._is_set(style, "b")

    def is_struck(self, style: str) -> bool:
        return self._is_set(style, "strike") or self._is_set(style, "dstrike")

    def numbered(self, style: str) -> Numbered | None:
        """The list and level that a style gives to its paragraphs."""
        if style not in self._numbered:
            self._numbered[style] = self._find_numbered(style)
        return self._numbered[style]

    def draws_head(self, style: str) -> bool:
        """Whether a style of tables sets the first row apart."""
        if style not in self._heads:
            parts = (part for one in self._chain(style) for part in every(one, "tblStylePr"))
            self._heads[style] = any(attribute(part, "type") == "firstRow" for part in parts)
        return self._heads[style]

    def _is_set(self, style: str, mark: str) -> bool:
        if (style, mark) not in self._set:
            marks = (first(one, f"rPr/{mark}") for one in self._chain(style))
            self._set[style, mark] = next((is_on(one) for one in marks if one is not None), False)
        return self._set[style, mark]

    def _level(self, style: str) -> int:
        if self.is_title(style):
            return 1
        for one in self._chain(style):
            found = _HEADING.fullmatch(_name(one))
            if found:
                return min(int(found[1]), DEEPEST_HEADING)
            outline = first(one, "pPr/outlineLvl")
            if outline is not None and whole(attribute(outline, "val"), _NO_LEVEL) < _NO_LEVEL:
                return min(whole(attribute(outline, "val")) + 1, DEEPEST_HEADING)
        return 0

    def _find_numbered(self, style: str) -> Numbered | None:
        list_id, level = "", None
        for one in self._chain(style):
            marks = first(one, "pPr/numPr")
            if marks is None:
                continue
            at, named = first(marks, "ilvl"), first(marks, "numId")
            if level is None and at is not None:
                level = whole(attribute(at, "val"))
            if named is not None:
                list_id = attribute(named, "val")
                return Numbered(list_id, level, attribute(one, "styleId")) if whole(list_id) else None
        return None

    def _names(self, style: str) -> list[str]:
        return [_name(one) for one in self._chain(style)]

    def _chain(self, style: str) -> list[Element]:
        """The style, the one that it is based on, and so on."""
        if style not in self._chains:
            chain: list[Element] = []
            name, seen = style, set[str]()
            while name in self._styles and name not in seen and len(chain) < DEEPEST_CHAIN:
                seen.add(name)
                chain.append(self._styles[name])
                base = first(self._styles[name], "basedOn")
                name = attribute(base, "val") if base is not None else ""
            self._chains[style] = chain
        return self._chains[style]


def is_on(mark: Element | None) -> bool:
    """Of marks such as `<w:vanish/>`, which may say no."""
    return mark is not None and attribute(mark, "val").lower() not in ("0", "false", "off", "none")


def _name(style: Element) -> str:
    name = first(style, "name")
    return attribute(name, "val") if name is not None else ""


def _is_ordinary(style: Element) -> bool:
    return attribute(style, "type") == "paragraph" and attribute(style, "default") in ("1", "true", "on")
