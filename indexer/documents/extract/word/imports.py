"""Whole files inside a Word file (`altChunk`), which Word shows as if they stood in it: HTML, text, Word files."""

import email
from collections.abc import Callable
from pathlib import PurePath

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.html.reader import read_html
from indexer.documents.extract.office.package import Package
from indexer.documents.extract.text.decoding import decode
from indexer.documents.extract.word.text import Seen
from indexer.documents.extract.word.units import Line, Unit
from indexer.errors import UnreadableFile

_HTML, _TEXT, _WORD = (".html", ".htm", ".xhtml", ".xht"), (".txt", ".text"), (".docx", ".docm", ".dotx", ".dotm")
_MAIL = (".mht", ".mhtml", ".eml")  # a web page with its pictures, in the form of a mail


class Imports:
    """Each part is read once: a file that names one a thousand times would grow by it. What is in no format that is
    read here (.rtf) is counted."""

    def __init__(self, package: Package, read_word: Callable[[bytes], list[Unit]] | None) -> None:
        self._package = package
        self._read: set[str] = set()
        self._read_word = read_word
        self.seen = Seen()

    def read(self, part: str) -> list[Unit]:
        if part.lower() in self._read or not self._package.has(part):
            return []
        self._read.add(part.lower())
        ending = PurePath(part).suffix.lower()
        try:
            if ending in _HTML:
                return self._html(decode(self._package.read(part)))
            if ending in _MAIL and (page := _page(self._package.read(part))):
                return self._html(page)
            if ending in _TEXT:
                return [Line("paragraph", line) for line in decode(self._package.read(part)).split("\n")]
            if ending in _WORD and self._read_word is not None:
                return self._read_word(self._package.read(part))
        except UnreadableFile:
            pass  # said below, as of kinds that are not read
        self.seen.meet(f"imported file ({ending or 'of an unknown kind'})")
        return []

    def _html(self, source: str) -> list[Unit]:
        builder = DocumentBuilder()
        read_html(source, builder)
        read = builder.build("")
        self.seen.said += read.remarks
        return [Line(block.kind, read.text[block.start : block.end], block.level) for block in read.blocks]


def _page(data: bytes) -> str:
    """The first part of a mail that is HTML; "" where there is none."""
    for part in email.message_from_bytes(data).walk():
        if part.get_content_type() == "text/html":
            content = part.get_payload(decode=True)
            return decode(content, part.get_content_charset() or "") if isinstance(content, bytes) else ""
    return ""
