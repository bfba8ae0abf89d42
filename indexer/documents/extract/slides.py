"""PowerPoint files (.pptx) to blocks: a slide is a page, its title a heading; notes follow the slide."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER
from pptx.table import _Cell

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.office import core_title, open_office
from indexer.documents.extract.titles import choose_title

_FURNITURE = (PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.HEADER)
_BODIES = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY, PP_PLACEHOLDER.VERTICAL_OBJECT)
_DEEPEST_GROUP = 20


def extract(data: bytes, name: str) -> ExtractedDocument:
    archive = open_office(data, "PowerPoint", "ppt/presentation.xml")
    presentation = Presentation(BytesIO(data))
    builder = DocumentBuilder()
    slides = list(presentation.slides)
    hidden: list[int] = []
    for page, slide in enumerate(slides, start=1):
        if slide._element.get("show") in ("0", "false"):
            hidden.append(page)
        else:
            _add_slide(builder, slide, page)
    if hidden:
        builder.remarks.append(f"Hidden slides are not searched: {', '.join(map(str, hidden))}.")
    title = choose_title(name, core_title(archive), builder.first_heading())
    return builder.build(title, pages=len(slides))


def _add_slide(builder: DocumentBuilder, slide: Any, page: int) -> None:
    title = slide.shapes.title
    if title is not None:
        builder.add("heading", title.text_frame.text, level=1, page=page)
    for shape in _in_reading_order(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if getattr(shape, "has_table", False) and shape.has_table:
            _add_table(builder, shape.table, page)
        elif shape.has_text_frame:
            _add_text(builder, shape, page)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        for paragraph in slide.notes_slide.notes_text_frame.paragraphs:
            builder.add("paragraph", _text(paragraph), page=page)


def _in_reading_order(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """From top to bottom, then from left to right; the shapes of a group together."""
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            if depth < _DEEPEST_GROUP:
                yield from _in_reading_order(shape.shapes, depth + 1)
        elif not (shape.is_placeholder and shape.placeholder_format.type in _FURNITURE):
            yield shape


def _add_text(builder: DocumentBuilder, shape: Any, page: int) -> None:
    """The paragraphs of a body are list items, those of a text box are not."""
    paragraphs = [paragraph for paragraph in shape.text_frame.paragraphs if paragraph.text.strip()]
    is_list = shape.is_placeholder and shape.placeholder_format.type in _BODIES and len(paragraphs) > 1
    for paragraph in paragraphs:
        if is_list:
            builder.add("item", _text(paragraph), level=paragraph.level + 1, page=page)
        else:
            builder.add("paragraph", _text(paragraph), page=page)


def _add_table(builder: DocumentBuilder, table: Any, page: int) -> None:
    # Of the XML's own lists: `table.rows` goes through all rows anew for each of them.
    rows = [["" if cell.is_spanned else _Cell(cell, table).text for cell in row.tc_lst] for row in table._tbl.tr_lst]
    builder.add_table(rows, frozenset({0}) if table.first_row else frozenset(), page)


def _text(paragraph: Any) -> str:
    return str(paragraph.text).replace("\v", "\n")
