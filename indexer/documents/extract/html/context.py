"""The elements that are open around a place of a page, and what they mean for the words there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from indexer.documents.extract.html.flow import CONTENT
from indexer.documents.extract.html.menus import is_language, region_of

_PAGES = frozenset({"main", "article"})
_CONTENT = _PAGES | {"section", "td"}
"""A header or footer inside of these is no page's."""
_BOLD = frozenset({"b", "strong", "th"})
_BOLD_STYLE = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.IGNORECASE)
_ROLES = {"table": "table", "grid": "table", "treegrid": "table", "row": "tr", "cell": "td", "gridcell": "td"}
_ROLES |= {
    "columnheader": "th",
    "rowheader": "th",
    "listitem": "li",
    "list": "ul",
    "article": "article",
    "main": "main",
}
_NOT_LINKS = ("mailto:", "tel:", "data:", "javascript:")


@dataclass(slots=True)
class _Element:
    tag: str
    region: int
    is_silent: bool
    is_content: bool
    is_bold: bool
    is_link: bool
    names_language: bool


@dataclass
class Context:
    """`region` as in `html_flow`; `is_silent` where text is none, as between the shapes of a drawing."""

    links: int = 0  # links that are open, and so on
    bold: int = 0
    superscripts: int = 0
    content: int = 0
    drawings: int = 0
    titles: int = 0
    _open: list[_Element] = field(default_factory=list)

    @property
    def current(self) -> str:
        return self._open[-1].tag if self._open else ""

    @property
    def region(self) -> int:
        return self._open[-1].region if self._open else CONTENT

    @property
    def is_silent(self) -> bool:
        return bool(self._open) and self._open[-1].is_silent

    @property
    def is_drawing(self) -> bool:
        return self.drawings > 0

    def open(self, tag: str, attributes: Mapping[str, str]) -> str:
        """The tag of an element, or the one that its role makes of it."""
        role = attributes.get("role", "")
        if tag in ("div", "span"):
            tag = _heading(attributes.get("aria-level", "")) if role == "heading" else _ROLES.get(role, tag)
        href = attributes.get("href", "").strip()
        element = _Element(
            tag,
            CONTENT if tag in _PAGES else max(self.region, region_of(tag, attributes, self.content > 0)),
            tag == "svg" or (self.is_silent and not (self.is_drawing and tag in ("text", "foreignobject"))),
            tag in _CONTENT,
            tag in _BOLD or bool(_BOLD_STYLE.search(attributes.get("style", ""))),
            tag == "a" and bool(href) and not href.lower().startswith(_NOT_LINKS),
            tag == "a" and bool(attributes.get("hreflang")),
        )
        self._open.append(element)
        self._count(element, 1)
        return tag

    def close(self) -> None:
        """The element that was opened last ends."""
        if self._open:
            self._count(self._open.pop(), -1)

    def names_language(self, text: str) -> bool:
        """Whether the open link leads to the page in another language."""
        return bool(self._open) and self._open[-1].is_link and (self._open[-1].names_language or is_language(text))

    def _count(self, element: _Element, by: int) -> None:
        self.links += by * element.is_link
        self.bold += by * element.is_bold
        self.content += by * element.is_content
        self.superscripts += by * (element.tag == "sup")
        self.titles += by * (element.tag == "title")
        self.drawings += by * (element.tag == "svg")


def _heading(level: str) -> str:
    return f"h{level}" if level in ("1", "2", "3", "4", "5", "6") else "h2"
