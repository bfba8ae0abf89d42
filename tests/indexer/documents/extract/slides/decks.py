"""Decks that python-pptx makes, and parts of them changed by hand as other programs write them."""

import zipfile
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import pptx
from pptx.util import Inches

from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.formats import extract_bytes
from tests.indexer.documents.extract.invariants import check, outline

TITLE_AND_BODY, TITLE_ONLY, BLANK = 1, 5, 6


def deck_of(*fills: Callable[[Any], object], layout: int = TITLE_ONLY) -> bytes:
    """A slide for each function, which gets the slide."""
    deck = pptx.Presentation()
    for fill in fills:
        fill(deck.slides.add_slide(deck.slide_layouts[layout]))
    return saved(deck)


def saved(deck: Any) -> bytes:
    stream = BytesIO()
    deck.save(stream)
    return stream.getvalue()


def changed(data: bytes, part: str, *changes: tuple[str, str]) -> bytes:
    """The file with words of one part replaced."""
    stream = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            for before, after in changes if name == part else ():
                assert before.encode() in content, before
                content = content.replace(before.encode(), after.encode())
            new.writestr(name, content)
    return stream.getvalue()


def box(slide: Any, text: str, x: float = 1, y: float = 2) -> Any:
    made = slide.shapes.add_textbox(Inches(x), Inches(y), Inches(3), Inches(1))
    made.text_frame.text = text
    return made


def table(slide: Any, rows: Sequence[Sequence[str]]) -> Any:
    made = slide.shapes.add_table(len(rows), len(rows[0]), Inches(1), Inches(3), Inches(6), Inches(2)).table
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            made.cell(number, column).text = text
    return made


def read(data: bytes) -> ExtractedDocument:
    document = extract_bytes(data, "deck.pptx")
    check(document)
    return document


def words(data: bytes) -> list[tuple[str, str]]:
    return outline(read(data))
