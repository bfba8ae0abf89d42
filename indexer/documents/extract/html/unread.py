"""What a person sees on a page and Docent does not read: pictures, films, frames, words that a style sheet adds (pure).

Small pictures, those without a word about them on purpose, and those around the page are logos and ornaments: they are
said only where the page holds nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from indexer.documents.extract.html.flow import CONTENT
from indexer.documents.extract.places import below, counted
from indexer.text.shorten import shortened

STRUCK = frozenset({"del", "s", "strike"})
_KINDS = {"iframe": "embedded page", "frame": "embedded page", "canvas": "drawing made by a script"}
_KINDS |= {"object": "embedded file", "embed": "embedded file", "applet": "embedded file"}
_KINDS |= {"video": "film", "audio": "sound recording"}
_SMALL = 100 * 100  # square pixels of a picture
_SMALL_DRAWING = 200 * 200
"""Of a drawing, by the units of its own: icons are drawn in 24 by 24 or 100 by 100 of them."""
_STYLED = re.compile(r"(?<![\w-])(width|height)\s*:\s*(\d{1,5})(?:\.\d*)?px", re.IGNORECASE)
_NUMBER = re.compile(r"\s*(\d{1,5})(?:\.\d*)?(?:px)?\s*")
_ADDED = re.compile(r"(?<![\w-])content\s*:\s*([^;{}]{1,300})", re.IGNORECASE)
_STRING = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_ESCAPED = re.compile(r"\\[0-9a-f]{1,6}\s?", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]{3}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass
class Unread:
    """`heading` is the last one above. `is_page`: not Markdown, in which a picture without a word is no ornament."""

    is_page: bool = True
    heading: str = ""
    struck: int = 0  # words
    _things: dict[str, list[str]] = field(default_factory=dict)  # by kind, the headings above
    _small: int = 0
    _scripts: int = 0
    _is_added_to: bool = False
    _leads_to: str = ""

    def meet(self, tag: str, attributes: Mapping[str, str], region: int) -> None:
        """An element that is shown, or one whose contents are none for a reader (`script`)."""
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            self._leads_to = attributes.get("content", "").partition("=")[2].strip(" \"'")
        elif tag == "script":
            self._scripts += attributes.get("type", "") not in ("application/ld+json", "application/json")
        elif tag == "img" or (tag == "input" and attributes.get("type", "").lower() == "image"):
            self._picture(attributes, region)
        elif tag in _KINDS:
            if tag in ("object", "embed") and attributes.get("type", "").startswith("image/"):
                self._picture(attributes, region)
            elif _area(attributes, _SMALL) > 4:  # not a pixel that counts visitors
                self._add(_KINDS[tag])

    def drawing(self, attributes: Mapping[str, str], region: int) -> None:
        """A drawing without words: most are icons."""
        box = attributes.get("viewbox", "").replace(",", " ").split()
        own = [length for side in box[2:] if (length := _length(side)) is not None]
        area = _area(attributes, own[0] * own[1] if len(own) == 2 else 0)
        if region == CONTENT and area >= _SMALL_DRAWING:
            self._add("drawing without words")
        else:
            self._small += 1

    def style(self, sheet: str) -> None:
        for added in _ADDED.finditer(sheet):
            words = " ".join(double or single for double, single in _STRING.findall(added[1]))
            self._is_added_to |= "counter" in added[1] or bool(_LETTERS.search(_ESCAPED.sub(" ", words)))

    def remarks(self, is_empty: bool) -> list[str]:
        """`is_empty`: nothing was read of the page."""
        told = []
        if self.struck:
            told.append(f"Words that are struck out are not searched: {self.struck:,}.")
        if self._is_added_to:
            told.append("Words or numbers that its style sheet adds are not searched.")
        for kind, headings in sorted(self._things.items()):
            ending = "" if kind.endswith("without words") else "; words inside are not searched"
            told.append(f"It shows {counted(len(headings), kind)}{below(headings)}{ending}.")
        if is_empty and self._small:
            told.append(f"It shows {counted(self._small, 'small picture')}.")
        if is_empty and self._leads_to:
            told.append(f"It only leads on to another page: {shortened(self._leads_to, 200)}.")
        elif is_empty and self.is_page and self._scripts:
            told.append("Its words are made by scripts, which Docent does not run: print it to a PDF in a browser.")
        return told

    def _picture(self, attributes: Mapping[str, str], region: int) -> None:
        is_silent = self.is_page and not attributes.get("alt", "x").strip()
        is_ornament = is_silent or attributes.get("role", "") in ("presentation", "none")
        if is_ornament or region != CONTENT or _area(attributes, _SMALL) < _SMALL:
            self._small += 1
        else:
            self._add("picture")

    def _add(self, kind: str) -> None:
        self._things.setdefault(kind, []).append(self.heading)


def _area(attributes: Mapping[str, str], otherwise: int) -> int:
    """Square pixels that an element asks for; `otherwise` where it names no size, or one that is not small."""
    styled = dict(_STYLED.findall(attributes.get("style", "")[:1000].lower()))
    sides = [_length(styled.get(name) or attributes.get(name, "")) for name in ("width", "height")]
    known = [side for side in sides if side is not None]
    if len(known) == 2:
        return known[0] * known[1]
    return min(known[0] ** 2, otherwise) if known else otherwise


def _length(text: str) -> int | None:
    number = _NUMBER.fullmatch(text[:20])
    return int(number[1]) if number else None
