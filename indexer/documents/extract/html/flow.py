"""Stretches of a page between the tags, before menus are told from content and what is left goes to the builder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import Kind

CONTENT, AROUND, MENU = 0, 1, 2
"""Where a part stands: in the page itself, in its header or footer, in a menu."""
_BETWEEN = re.compile(r"\W+")
_BOXES = re.compile(r"(?:\s*\[[ x]\]\s*)+")

_BOX_ABOVE = re.compile(r"\A(\s*\[[ x]\])\s*\n\s*")


def letters(text: str) -> int:
    """How many letters and digits, so that what stands between links does not count."""
    return len(_BETWEEN.sub("", text))


@dataclass(slots=True)
class Part:
    """A block, or a table as a whole. `linked` counts letters inside links, `languages` links to other languages."""

    kind: Kind
    text: str
    level: int = 0
    linked: int = 0
    languages: int = 0
    region: int = CONTENT
    rows: Sequence[Sequence[str]] = ()
    header_rows: frozenset[int] = frozenset()

    def add_to(self, builder: DocumentBuilder) -> None:
        if self.rows:
            builder.add_table(self.rows, self.header_rows)
        else:
            builder.add(self.kind, self.text, self.level)


@dataclass(slots=True)
class Flow:
    """Finished parts, and the text of the one that is open: of the page, or of one cell of a table."""

    parts: list[Part] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    is_bold: bool = True  # all words so far
    _linked: int = 0
    _languages: int = 0
    _region: int = CONTENT
    _box: str = ""  # a box to tick that stands in a block of its own: it belongs to the next one

    def put(self, text: str, region: int, is_linked: bool, is_bold: bool) -> None:
        if text and not text.isspace():
            self._region = region
            self._linked += letters(text) if is_linked else 0
            self.is_bold = self.is_bold and is_bold
        self.text.append(text)

    def add_language(self) -> None:
        """The open part holds a link to the page in another language."""
        self._languages += 1

    def end(self, kind: Kind, level: int) -> None:
        """Ends the open part."""
        text = "".join(self.text)
        self.text = []
        if not text or text.isspace():
            return
        if _BOXES.fullmatch(text):
            self._box += text.strip() + " "
            return
        text = _BOX_ABOVE.sub(r"\1 ", text)
        box = self._box if kind != "heading" else ""
        self.parts.append(Part(kind, box + text, level, self._linked, self._languages, self._region))
        self._linked = self._languages = 0
        self._box = ""

    def flat(self) -> str:
        """All of it on one line, as in a row of a table."""
        return " ".join([*(part.text.strip() for part in self.parts), self._box]).strip()
