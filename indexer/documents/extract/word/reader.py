"""Word files (.docx and the like) to blocks: a walk over their parts, in the order in which a person sees them.

Headers first, each line once; then the text; then footnotes and endnotes, and the footers. Comments stand behind the
paragraph that they are about. Tracked changes are read as accepted. What is left out is said in a remark.
"""

import zipfile
from collections.abc import Sequence

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.office.check import core_title, not_of, open_office
from indexer.documents.extract.office.package import Element, Package, attribute, every
from indexer.documents.extract.titles import choose_title
from indexer.documents.extract.word.blocks import BlockWriter, flat
from indexer.documents.extract.word.body import Body, File
from indexer.documents.extract.word.headings import with_headings
from indexer.documents.extract.word.imports import Imports
from indexer.documents.extract.word.margins import Margins
from indexer.documents.extract.word.numbering import Numbering
from indexer.documents.extract.word.remarks import check, remarks
from indexer.documents.extract.word.styles import Styles
from indexer.documents.extract.word.text import Seen
from indexer.documents.extract.word.units import Line, SectionEnd, Unit
from indexer.errors import UnreadableFile

_MAIN = "word/document.xml"
_NOTES = ("footnotes", "endnotes")
_ADVICE = "Open it in Word and save it again."


def extract(data: bytes, name: str) -> ExtractedDocument:
    archive = open_office(data, "Word")
    document = _Document(archive)
    builder = DocumentBuilder()
    writer = BlockWriter(builder)
    document.write(builder, writer)
    check(builder, document.seen)
    builder.remarks += remarks(document.seen)
    if not writer.repeats_all:
        builder.remarks.append("Not every row of a table repeats its merged labels: it is too much.")
    return builder.build(choose_title(name, writer.heading, core_title(archive), writer.first_heading))


class _Document:
    """The parts of one file and what they say of each other."""

    def __init__(self, archive: zipfile.ZipFile, seen: Seen | None = None) -> None:
        package = self._package = Package(archive)
        part = next((one.part for one in package.relations("") if one.kind == "officeDocument"), _MAIN)
        if not package.has(part):
            raise not_of("Word", package.names)
        root = package.parse(part)
        if root is None:
            raise UnreadableFile("The file is damaged, or what is in it is nested too deeply to be read.", _ADVICE)
        bodies = every(root, "body")
        if not bodies:
            raise not_of("Word", package.names)
        self._relations = package.relations(part)
        self.seen = seen or Seen()
        self.seen.damaged = package.damaged
        styles = Styles(self._root("styles"))
        imports = Imports(package, self._read_inner if seen is None else None)
        imports.seen = self.seen
        numbering = Numbering(self._root("numbering"), styles)
        self._file = File(package, styles, numbering, imports.read, self._comment, self.seen)
        self._notes: dict[str, tuple[Body | None, dict[str, Element]]] = {}
        self._read: set[tuple[str, str]] = set()
        self._in_comment = False
        self._margins = Margins(self._root("settings"), self._margin)
        reader = Body(self._file, part, root)
        self._sections = _sections(with_headings([unit for body in bodies for unit in reader.units(body)]))

    def write(self, builder: DocumentBuilder, writer: BlockWriter) -> None:
        for place, (section, units) in enumerate(self._sections, start=1):
            for line in self._margins.lines(section, "header") if section is not None else ():
                builder.add("paragraph", line)
            writer.write(units)
            if place == len(self._sections):
                writer.write(self.notes())
            for line in self._margins.lines(section, "footer") if section is not None else ():
                builder.add("paragraph", line)

    def notes(self) -> list[Unit]:
        """In the order of their marks; marks in notes themselves add further ones."""
        found: list[Unit] = []
        for kind in _NOTES:
            pending = self.seen.notes.get(kind, {})
            while pending:
                self.seen.notes[kind] = {}
                for number in pending:
                    if (kind, number) not in self._read:
                        self._read.add((kind, number))
                        found += self._note(kind, number)
                pending = self.seen.notes[kind]
        return found

    def _read_inner(self, data: bytes) -> list[Unit]:
        """The text of a Word file that stands in this one; its headers are not shown there."""
        inner = _Document(open_office(data, "Word"), Seen())
        units = [unit for _, part in inner._sections for unit in part] + inner.notes()
        self.seen.take(inner.seen)
        return units

    def _comment(self, number: str) -> list[Unit]:
        """A comment holds no other one in Word; a file could nest them without end."""
        if self._in_comment:
            return []
        self._in_comment = True
        text = flat(self._note("comments", number)).strip()
        self._in_comment = False
        element = self._noted("comments")[1].get(number)
        author = attribute(element, "author") if element is not None else ""
        return [Line("paragraph", f"Comment by {author}: {text}" if author else f"Comment: {text}")] if text else []

    def _note(self, kind: str, number: str) -> list[Unit]:
        body, notes = self._noted(kind)
        return body.units(notes[number]) if body is not None and number in notes else []

    def _noted(self, kind: str) -> tuple[Body | None, dict[str, Element]]:
        if kind not in self._notes:
            part = next((one.part for one in self._relations if one.kind == kind), "")
            root = self._package.parse(part)
            found = every(root, kind[:-1]) if root is not None else []
            body = Body(self._file, part, root) if root is not None else None
            self._notes[kind] = (body, {attribute(one, "id"): one for one in found})
        return self._notes[kind]

    def _margin(self, relation_id: str) -> list[Unit]:
        relation = next((one for one in self._relations if one.id == relation_id), None)
        root = self._package.parse(relation.part) if relation is not None else None
        if relation is None or root is None:
            return []
        self.seen.heading = ""
        return Body(self._file, relation.part, root, on_margin=True).units(root)

    def _root(self, kind: str) -> Element | None:
        relation = next((one for one in self._relations if one.kind == kind), None)
        return self._package.parse(relation.part) if relation is not None else None


def _sections(units: Sequence[Unit]) -> list[tuple[Element | None, list[Unit]]]:
    sections: list[tuple[Element | None, list[Unit]]] = []
    open_units: list[Unit] = []
    for unit in units:
        if isinstance(unit, SectionEnd):
            sections.append((unit.properties, open_units))
            open_units = []
        else:
            open_units.append(unit)
    if open_units or not sections:
        sections.append((None, open_units))
    return sections
