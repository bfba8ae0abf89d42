"""PowerPoint files (.pptx) to blocks: a slide is a page, its title a heading; notes and comments follow the slide.

Each part is read by itself, and each shape: what cannot be read is a remark, and the rest of the deck is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.office.check import core_title, not_of, open_office
from indexer.documents.extract.office.package import Element, Package, Relation, every, first, local
from indexer.documents.extract.slides.objects import SlideReader
from indexer.documents.extract.slides.remarks import Unread, check, remarks
from indexer.documents.extract.slides.shapes import Places, Shape, places_of, shapes_of
from indexer.documents.extract.slides.text import plain_text
from indexer.documents.extract.titles import choose_title
from indexer.errors import UnreadableFile

_LEFT_OUT = frozenset({"sldNum", "sldImg", "dt", "ftr", "hdr"})
"""Placeholders that repeat on every slide. What they say is read once."""


@dataclass
class _Layout:
    """Where placeholders stand, and the words of what stands on every slide that has this layout."""

    places: Places = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def extract(data: bytes, name: str) -> ExtractedDocument:
    archive = open_office(data, "PowerPoint")
    package = Package(archive)
    slides = _slides(package)
    deck = _Deck(package)
    for page, part in enumerate(slides, start=1):
        deck.add(part, page)
    check(deck.builder, deck.unread, len(slides))
    deck.builder.remarks += remarks(deck.unread, deck.damaged())
    title = choose_title(name, core_title(archive), deck.builder.first_heading())
    return deck.builder.build(title, pages=len(slides))


def _slides(package: Package) -> list[str]:
    """The parts of the slides in their order; "" for one that is missing. Raises UnreadableFile."""
    main = next((r.part for r in package.relations("") if r.kind == "officeDocument"), "ppt/presentation.xml")
    root = package.parse(main)
    if root is None or local(root) != "presentation":
        if not package.has(main) or root is not None:
            raise not_of("PowerPoint", package.names)
        raise UnreadableFile(
            "The file is damaged: Docent cannot read its list of slides.", "Open it in PowerPoint and save it again."
        )
    parts = {relation.id: relation.part for relation in package.relations(main)}
    references = [_reference(slide) for slide in every(root, "sldIdLst/sldId")]
    return list({parts.get(name) or name: parts.get(name, "") for name in references}.values())  # none twice


def _reference(element: Element) -> str:
    """`r:id`, beside which a slide has an `id` of its own."""
    return next((str(value) for key, value in element.attrib.items() if str(key).endswith("}id")), "")


class _Deck:
    def __init__(self, package: Package) -> None:
        self.builder = DocumentBuilder()
        self.unread = Unread()
        self._package = package
        self._layouts: dict[str, _Layout] = {}
        self._repeated: set[str] = set()  # words of every slide that are read already
        self._read: set[str] = set()
        """Charts and the like that are read: many slides may name one, but no program makes them so."""

    def damaged(self) -> list[str]:
        """Parts that could not be read and are not said with their slide."""
        said = ("/slides/slide", "/notesslides/", "/charts/", "/diagrams/")
        return [part for part in self._package.damaged if not any(place in f"/{part.lower()}" for place in said)]

    def add(self, part: str, page: int) -> None:
        root = self._parse(part)
        if root is None:
            self.unread.damaged.append(page)
        elif root.get("show") in ("0", "false"):
            self.unread.hidden.append(page)
        else:
            self._add_slide(root, part, page)

    def _add_slide(self, root: Element, part: str, page: int) -> None:
        relations = self._relations(part)
        if first(root, "cSld/bg/bgPr/blipFill") is not None:
            self.unread.pictures.append(page)  # programs that make decks of pictures put them there
        layout = self._layout(_of_kind(relations, "slideLayout"))
        shapes = shapes_of(root, layout.places)
        reader = SlideReader(self._package, relations, self._read, self.builder, self.unread, page)
        title = next((shape for shape in shapes if shape.is_title and not shape.is_hidden and _text(shape)), None)
        if title is not None:
            self.builder.add("heading", _text(title), level=1, page=page)
        for shape in shapes:
            if shape is not title and shape.place not in _LEFT_OUT:
                reader.add(shape)
        self._add_notes(_of_kind(relations, "notesSlide"), page)
        self._add_comments(relations, page)
        shown = layout.words if root.get("showMasterSp") not in ("0", "false") else []
        self._add_repeated([_said(shape) for shape in shapes if shape.place in _LEFT_OUT] + shown, page)

    def _add_notes(self, part: str, page: int) -> None:
        if not part or part in self._read:
            return
        self._read.add(part)
        root = self._parse(part)
        if root is None:
            self.unread.notes.append(page)
        for shape in shapes_of(root, {}) if root is not None else ():
            if shape.place not in _LEFT_OUT:
                for line in _text(shape).split("\n"):
                    self.builder.add("paragraph", line, page=page)

    def _add_comments(self, relations: Sequence[Relation], page: int) -> None:
        """Both kinds: those of PowerPoint 2021 have answers below them."""
        for relation in relations:
            if relation.kind != "comments" or relation.part in self._read:
                continue
            self._read.add(relation.part)
            root = self._parse(relation.part)
            for comment in root.iter("{*}cm", "{*}reply") if root is not None else ():
                words = first(comment, "text")
                text = words.text if words is not None else plain_text(first(comment, "txBody"))
                if text and text.strip():
                    self.builder.add("paragraph", f"Comment: {text.strip()}", page=page)

    def _add_repeated(self, texts: Sequence[str], page: int) -> None:
        """Words of footers and layouts, on the first slide that shows them."""
        for text in texts:
            if text and text not in self._repeated:
                self._repeated.add(text)
                self.builder.add("paragraph", text, page=page)

    def _layout(self, part: str) -> _Layout:
        """Of a layout or, where `part` is one, of a master."""
        if part not in self._layouts:
            self._layouts[part] = _Layout()  # for a layout that leads back to itself
            root = self._parse(part) if part else None
            if root is not None:
                master = self._layout(_of_kind(self._relations(part), "slideMaster"))
                places = places_of(root, master.places)
                own = [_said(shape) for shape in shapes_of(root, places) if not shape.place]
                inherited = master.words if root.get("showMasterSp") not in ("0", "false") else []
                self._layouts[part] = _Layout(places, [*filter(None, own), *inherited])
        return self._layouts[part]

    def _parse(self, part: str) -> Element | None:
        """None where the part is missing or damaged."""
        try:
            return self._package.parse(part)
        except UnreadableFile:
            return None

    def _relations(self, part: str) -> list[Relation]:
        try:
            return self._package.relations(part)
        except UnreadableFile:
            return []


def _of_kind(relations: Sequence[Relation], kind: str) -> str:
    """The part of the first relation of a kind, or ""."""
    return next((relation.part for relation in relations if relation.kind == kind), "")


def _text(shape: Shape) -> str:
    return plain_text(first(shape.element, "txBody"))


def _said(shape: Shape) -> str:
    """Words that somebody wrote into a footer or a date; numbers of slides and dates of today are none."""
    has_field = next(shape.element.iter("{*}fld"), None) is not None
    if shape.is_hidden or shape.place == "sldNum" or has_field:
        return ""
    return _text(shape)
