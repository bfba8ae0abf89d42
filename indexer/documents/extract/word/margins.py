"""What stands at the top and at the bottom of the pages of a Word file: each line once, without page numbers."""

import re
from collections.abc import Callable

from indexer.documents.extract import clean
from indexer.documents.extract.office.package import Element, attribute, every, first
from indexer.documents.extract.word.blocks import lines_of
from indexer.documents.extract.word.fields import without_page_numbers
from indexer.documents.extract.word.styles import is_on
from indexer.documents.extract.word.units import Unit

_KINDS = ("first", "default", "even")
_SAYS_SOMETHING = re.compile(r"\w")


class Margins:
    """`read` gives the units of the header or footer that a relation of the document names."""

    def __init__(self, settings: Element | None, read: Callable[[str], list[Unit]]) -> None:
        self._read = read
        self._even_differ = settings is not None and is_on(first(settings, "evenAndOddHeaders"))
        self._seen: set[str] = set()
        self._parts: set[str] = set()
        self._named: dict[tuple[str, str], str] = {}  # what a section takes over from the one before

    def lines(self, section: Element, where: str) -> list[str]:
        """`where` is "header" or "footer"; what an earlier section had is not said again."""
        for one in every(section, f"{where}Reference"):
            self._named[where, attribute(one, "type") or "default"] = attribute(one, "id")
        shown = {
            "default": True,
            "first": is_on(first(section, "titlePg")),
            "even": self._even_differ,
        }
        found = []
        for kind in _KINDS:
            relation = self._named.get((where, kind), "") if shown[kind] else ""
            if relation and relation not in self._parts:
                self._parts.add(relation)
                found += [line for text in lines_of(self._read(relation)) if (line := self._fresh(text))]
        return found

    def _fresh(self, text: str) -> str:
        line = clean.one_line(without_page_numbers(" ".join(text.split()))).strip(" |")
        if not _SAYS_SOMETHING.search(line) or line in self._seen:
            return ""
        self._seen.add(line)
        return line
