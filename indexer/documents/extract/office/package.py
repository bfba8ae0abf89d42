"""The parts of an Office file and how they refer to each other, in both of the standard's dialects.

Names are compared without their namespaces: files saved as "Strict Open XML" have others throughout, and nothing else.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from indexer.documents.extract.office.check import DAMAGE
from indexer.errors import UnreadableFile

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
        self._archive = archive
        self._names = {_plain(name): name for name in archive.namelist()}

    def has(self, part: str) -> bool:
        return _plain(part) in self._names

    def read(self, part: str) -> bytes:
        """A part that is there. Raises UnreadableFile where it cannot be unpacked."""
        try:
            return self._archive.read(self._names[_plain(part)])
        except DAMAGE as error:
            raise _damaged(part) from error

    def parse(self, part: str, is_sloppy: bool = False) -> Element | None:
        """The part's root; None where it is missing or no XML. Drawings in VML are no XML by right."""
        if not self.has(part):
            return None
        data = self.read(part)
        try:
            return etree.fromstring(data.replace(b"<br>", b"<br/>") if is_sloppy else data, _parser(is_sloppy))
        except etree.XMLSyntaxError:
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
            raise _damaged(part) from error

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


def _damaged(part: str) -> UnreadableFile:
    return UnreadableFile(f"The file is damaged: its part {part} cannot be unpacked.", "Open and save it again.")


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _parser(is_sloppy: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, recover=is_sloppy
    )
