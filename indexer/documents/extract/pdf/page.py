"""One page of a PDF: its lines, and what of it is seen but not read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.documents.extract.pdf.characters import Box
from indexer.documents.extract.pdf.drawings import Drawings, bounds
from indexer.documents.extract.pdf.forms import Entries
from indexer.documents.extract.pdf.layers import Looked, take_hidden_off
from indexer.documents.extract.pdf.lines import Line, page_lines
from indexer.documents.extract.pdf.margins import set_notes_apart, without_line_numbers
from indexer.documents.extract.pdf.spots import Sheet

_LETTER = (0, 0, 612, 792)
_EACH = 23  # of this many characters one is asked whether its letter is known
_UNKNOWN_SHARE = 0.1  # of the characters


@dataclass(frozen=True)
class Page:
    lines: Sequence[Line] = ()
    sheet: Sheet | None = None  # None of a page that cannot be read
    picture_share: float = 0.0  # of the page, that its largest picture covers
    is_blank: bool = True  # nothing is on it
    has_hidden: bool = False  # something was on a layer that is switched off
    has_unlooked: bool = False  # something may be on such a layer, and is read
    has_unknown: bool = False  # letters in a font that does not say which they are
    has_outlines: bool = False  # many small shapes, as of letters that are drawn
    has_numbers: bool = False  # of lines, in the margin
    marks: int = 0  # stamps, signatures and drawings without words that are laid over it


def read_page(document: pdfium.PdfDocument, number: int, entries: Entries, layers: bool) -> Page:
    """Raises PdfiumError. `layers`: the document may have some that are switched off."""
    page = document[number - 1]
    try:
        looked = take_hidden_off(page) if layers else Looked(False, False)
        textpage = page.get_textpage()
        left, bottom, right, top = box = page.get_bbox()
        sheet = Sheet(number, box, page.get_rotation())
        drawings, rotation = Drawings(page), page.get_rotation()
        marks, on_layers = entries.marks, entries.on_layers
        typed = list(entries.of(page)) + (drawings.tick_boxes(textpage) if rotation == 0 else [])
        every = page_lines(textpage, sheet, _seen(page, box), box, typed, rotation)
        lines = without_line_numbers(every)
        set_notes_apart(lines)
        area = max((right - left) * (top - bottom), 1.0)
        share = max((_area(image) for image in page.get_objects([raw.FPDF_PAGEOBJ_IMAGE])), default=0.0) / area
        return Page(
            lines,
            sheet,
            share,
            raw.FPDFPage_CountObjects(page) == 0,
            looked.found,
            looked.left or entries.on_layers > on_layers,
            _has_unknown_letters(textpage),
            drawings.has_outlines(),
            len(lines) < len(every),
            entries.marks - marks,
        )
    finally:
        page.close()


def _seen(page: pdfium.PdfPage, box: Box) -> Box:
    """The part of the page that is shown: `box`, which PDFium makes of what page and parents say.

    Where they say nothing that can be, PDFium gives US Letter or nothing at all: everything is read then.
    """
    empty = box[0] >= box[2] or box[1] >= box[3]
    made_up = box == _LETTER and not any(
        _is_size(own(fallback_ok=False)) for own in (page.get_mediabox, page.get_cropbox)
    )
    return (-math.inf, -math.inf, math.inf, math.inf) if empty or made_up else box


def _is_size(box: Box | None) -> bool:
    return box is not None and box[0] != box[2] and box[1] != box[3]


def _area(image: pdfium.PdfObject) -> float:
    box = bounds(image)
    return abs((box[2] - box[0]) * (box[3] - box[1])) if box else 0.0


def _has_unknown_letters(textpage: pdfium.PdfTextPage) -> bool:
    """Fonts without a table of their letters: what is read of them may be anything."""
    asked = range(0, raw.FPDFText_CountChars(textpage), _EACH)
    unknown = sum(raw.FPDFText_HasUnicodeMapError(textpage, index) == 1 for index in asked)
    return bool(unknown > _UNKNOWN_SHARE * len(asked))
