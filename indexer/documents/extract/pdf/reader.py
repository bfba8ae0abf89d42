"""PDF files to blocks, with PDFium: text as it stands on the pages, and a remark where words are only in pictures."""

import contextlib
import ctypes
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.documents.extract.boxes import Run, encode
from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.pdf.blocks import add_pages
from indexer.documents.extract.pdf.characters import Box
from indexer.documents.extract.pdf.forms import MOST_FIELDS, Entries
from indexer.documents.extract.pdf.layers import may_have_layers, take_hidden_off
from indexer.documents.extract.pdf.lines import Line, page_lines
from indexer.documents.extract.pdf.sheets import Sheet
from indexer.documents.extract.places import listed
from indexer.documents.extract.titles import choose_title
from indexer.errors import NeedsOcr, UnreadableFile, UnsupportedFile

logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it warns of forms that we remark

PICTURE_SHARE = 0.04
"""Share of a page from which a picture may hold words. Logos and rules are smaller."""
_LETTER = (0, 0, 612, 792)
_REASONS = {
    raw.FPDF_ERR_PASSWORD: ("The PDF is protected with a password.", "Save it without the password."),
    raw.FPDF_ERR_SECURITY: ("The PDF uses a protection that cannot be read.", "Save it without protection."),
}


@dataclass(frozen=True)
class _Page:
    lines: list[Line]
    sheet: Sheet | None = None  # None of a page that cannot be read
    picture_share: float = 0.0  # of the page, that its largest picture covers
    is_blank: bool = True  # nothing is on it
    has_hidden: bool = False  # something was on a layer that is switched off


def extract(data: bytes, name: str) -> ExtractedDocument:
    document = _open(data)
    entries, layers = Entries(document), may_have_layers(data)
    pages: list[_Page] = []
    for number in range(1, len(document) + 1):
        try:
            pages.append(_read_page(document, number, entries, layers))
        except pdfium.PdfiumError:
            pages.append(_Page([]))
    numbered = list(enumerate(pages, start=1))
    broken = [number for number, page in numbered if page.sheet is None]
    bare = [number for number, page in numbered if not page.lines and not page.is_blank]
    pictures = [n for n, page in numbered if page.picture_share >= PICTURE_SHARE and n not in bare]
    lines = [page.lines for page in pages]
    _check(lines, bare, broken)
    builder = DocumentBuilder()
    add_pages(builder, lines)
    cover = builder.page_of_headings(1)
    if document.get_formtype() == raw.FORMTYPE_XFA_FULL:
        builder.remarks.append(
            "The form is of a kind (XFA) that only Adobe's programs show; its fields are not searched."
        )
    elif document.get_formtype() != raw.FORMTYPE_NONE and document.formenv is None:
        builder.remarks.append("Its form is damaged; what is typed into it is not searched.")
    if entries.fields > MOST_FIELDS:
        builder.remarks.append(f"Of {entries.fields} fields of its form, {MOST_FIELDS} are read.")
    hidden = [number for number, page in numbered if page.has_hidden]
    builder.remarks += _remarks([page for page in pictures if page > 1 or not cover], bare, broken, hidden)
    title = choose_title(name, document.get_metadata_value("Title"), cover, builder.first_heading())
    return builder.build(title, pages=len(document), boxes=encode(_runs(builder, pages)))


def _runs(builder: DocumentBuilder, pages: Sequence[_Page]) -> Iterator[Run]:
    for start, number, at in builder.traces:
        sheet = pages[number - 1].sheet if number else None
        if sheet is not None:
            yield from sheet.runs(start, at)


def _open(data: bytes) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(data)
        with contextlib.suppress(pdfium.PdfiumError):  # then it has no `formenv`, which is remarked
            document.init_forms()  # before any page is opened
        return document
    except pdfium.PdfiumError as error:
        what, advice = _REASONS.get(
            getattr(error, "err_code", 0),
            ("The file is not a PDF, or it is damaged or incomplete.", "Open it and save it again, or fetch it anew."),
        )
        raise UnreadableFile(what, advice) from error


def _read_page(document: pdfium.PdfDocument, number: int, entries: Entries, layers: bool) -> _Page:
    page = document[number - 1]
    try:
        has_hidden = layers and take_hidden_off(page)
        textpage = page.get_textpage()
        left, bottom, right, top = box = page.get_bbox()
        sheet = Sheet(number, box, page.get_rotation())
        lines = page_lines(textpage, sheet, _seen(page, box), box, list(entries.of(page)), page.get_rotation())
        area = max((right - left) * (top - bottom), 1.0)
        share = max((_area(image) for image in page.get_objects([raw.FPDF_PAGEOBJ_IMAGE])), default=0.0) / area
        return _Page(lines, sheet, share, raw.FPDFPage_CountObjects(page) == 0, has_hidden)
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
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not raw.FPDFPageObj_GetBounds(image, left, bottom, right, top):
        return 0.0
    return abs((right.value - left.value) * (top.value - bottom.value))


def _check(pages: Sequence[Sequence[Line]], bare: list[int], broken: list[int]) -> None:
    """Raise what is true of a document without any text."""
    if any(pages):
        return
    if broken:
        raise UnreadableFile("No page of the PDF can be read: it is damaged.", "Open it and save it again.")
    if bare:
        raise NeedsOcr(
            f"No text on {_count(len(pages))}: the words are pictures, as in a scan.",
            "Run text recognition (OCR) on it and save it as a searchable PDF.",
        )
    raise UnsupportedFile("The PDF is blank: it holds no text.")


def _remarks(pictures: list[int], bare: list[int], broken: list[int], hidden: list[int]) -> list[str]:
    remarks = []
    if bare:
        remarks.append(f"{_named(bare, 'is a picture', 'are pictures')} without text; words there are not searched.")
    if pictures:
        remarks.append(f"{_named(pictures, 'holds a picture', 'hold pictures')}; words inside are not searched.")
    if hidden:
        remarks.append(
            f"{_named(hidden, 'has', 'have')} words or pictures on layers that are switched off, so that no viewer"
            " shows them; they are not searched."
        )
    if broken:
        remarks.append(f"{_named(broken, 'is damaged', 'are damaged')} and could not be read.")
    return remarks


def _named(pages: list[int], one: str, many: str) -> str:
    """`Page 4 holds a picture`, `Pages 1, 4 and 6-9 hold pictures`."""
    return f"Page {listed(pages)} {one}" if len(pages) == 1 else f"Pages {listed(pages)} {many}"


def _count(pages: int) -> str:
    return "its only page" if pages == 1 else f"any of its {pages} pages"
