"""The parts of an Office file and how they refer to each other, in both of the standard's dialects.

Names are compared without their namespaces: files saved as "Strict Open XML" have others throughout, and nothing else.
"""

import posixpath
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from indexer.documents.extract.office.check import DAMAGE
from indexer.errors import SAVE_AGAIN, UnreadableFile

Element = Any  # of lxml, which has no types


@dataclass(frozen=True, slots=True)
class Relation:
    """What one part says of another; `kind` is the end of the type's address: "worksheet", "drawing"."""

    id: str
    kind: str
    part: str  # "" for what lies outside the file


class Package:
    """Reads parts by their names, which some programs write with other slashes or in other case."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """`damaged` fills with the parts that are there and cannot be read."""
        self.damaged: list[str] = []
        self._archive = archive
        self._names = {_plain(name): name for name in archive.namelist()}

    @property
    def names(self) -> list[str]:
        return list(self._names)

    def has(self, part: str) -> bool:
        return _plain(part) in self._names

    def read(self, part: str) -> bytes:
        """A part that is there. Raises UnreadableFile where it cannot be unpacked."""
        try:
            return self._archive.read(self._names[_plain(part)])
        except DAMAGE as error:
            raise _damaged() from error

    def parse(self, part: str, is_sloppy: bool = False) -> Element | None:
        """The part's root; None where it is missing or damaged. Drawings in VML are no XML by right."""
        if not self.has(part):
            return None
        try:
            data = self.read(part)
            return etree.fromstring(data.replace(b"<br>", b"<br/>") if is_sloppy else data, _parser(is_sloppy))
        except (etree.XMLSyntaxError, UnreadableFile):
            self.damaged.append(part)
            return None

    def stream(self, part: str, *names: str) -> Iterator[Element]:
        """The elements of these local names, as they end. Raises XMLSyntaxError."""
        if not self.has(part):
            return
        tags = [f"{{*}}{name}" for name in names]
        try:
            with self._archive.open(self._names[_plain(part)]) as source:
                parsed = etree.iterparse(
                    source, tag=tags, resolve_entities=False, no_network=True, remove_comments=True
                )
                yield from (element for _, element in parsed)
        except DAMAGE as error:
            raise _damaged() from error

    def relations(self, part: str) -> list[Relation]:
        folder, name = posixpath.split(part)
        root = self.parse(f"{folder}/_rels/{name}.rels".lstrip("/"))
        found = []
        for element in root if root is not None else ():
            target = element.get("Target", "")
            is_inside = element.get("TargetMode") != "External"
            path = posixpath.normpath(posixpath.join("/", folder, target.replace("\\", "/"))).lstrip("/")
            found.append(Relation(element.get("Id", ""), element.get("Type", "").rpartition("/")[2], path * is_inside))
        return found


def damage(parts: Iterable[str]) -> list[str]:
    """A remark on the parts that could not be read, by what people call them; none where there are none."""
    found = Counter(_called(part) for part in dict.fromkeys(parts))
    told = [f"{name} ({number})" if number > 1 else name for name, number in sorted(found.items())]
    return [f"Damaged in the file and not read: {', '.join(told)}."] if told else []


def _called(part: str) -> str:
    name = posixpath.basename(part).lower()
    return next((called for start, called in _CALLED.items() if name.startswith(start)), "a part of it")


_CALLED = {
    "comment": "comments", "threadedcomment": "comments", "footnote": "footnotes", "endnote": "endnotes",
    "header": "a header", "footer": "a footer", "chart": "a chart", "data": "a diagram", "drawing": "drawings",
    "vmldrawing": "drawings", "style": "the styles", "settings": "settings",
    "numbering": "the numbers of lists", "slidelayout": "a layout", "slidemaster": "the slide master",
    "table": "a table", "notes": "notes", "theme": "colours",
}  # fmt: skip
"""Parts by what their names begin with, and what people call them."""


def local(element: Element) -> str:
    """The name without its namespace; "" for comments and the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """An attribute by its local name, whichever namespace it has: `r:id` is "id"."""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def first(element: Element, path: str) -> Element | None:
    """The first element below at a path of local names: "title/tx"."""
    return element.find("/".join(f"{{*}}{name}" for name in path.split("/")))


def every(element: Element, path: str) -> list[Element]:
    return list(element.iterfind("/".join(f"{{*}}{name}" for name in path.split("/"))))


def is_true(value: str | None) -> bool:
    return value in ("1", "true", "on")


def whole(text: str | None, otherwise: int = 0) -> int:
    """A number that a file counts or points with."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _damaged() -> UnreadableFile:
    return UnreadableFile("The file is damaged: a part of it cannot be unpacked.", SAVE_AGAIN)


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _parser(is_sloppy: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, recover=is_sloppy
    )
