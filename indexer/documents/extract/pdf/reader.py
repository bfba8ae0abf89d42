"""PDF files to blocks, with PDFium: text as it stands on the pages, and a remark where words are only in pictures."""

import contextlib
import ctypes
import logging
import math
from collections.abc import Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.pdf.blocks import add_pages
from indexer.documents.extract.pdf.characters import Box
from indexer.documents.extract.pdf.forms import MOST_FIELDS, Entries
from indexer.documents.extract.pdf.lines import Line, page_lines
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


def extract(data: bytes, name: str) -> ExtractedDocument:
    document = _open(data)
    entries = Entries(document)
    pages: list[list[Line]] = []
    pictures: list[int] = []
    bare: list[int] = []
    broken: list[int] = []
    for number in range(1, len(document) + 1):
        try:
            lines, share, is_blank = _read_page(document, number, entries)
        except pdfium.PdfiumError:
            broken.append(number)
            lines, share, is_blank = [], 0.0, True
        pages.append(lines)
        if not lines and not is_blank:
            bare.append(number)
        elif share >= PICTURE_SHARE:
            pictures.append(number)
    _check(pages, bare, broken)
    builder = DocumentBuilder()
    add_pages(builder, pages)
    cover = builder.page_of_headings(1)
    if document.get_formtype() == raw.FORMTYPE_XFA_FULL:
        builder.remarks.append(
            "The form is of a kind (XFA) that only Adobe's programs show; its fields are not searched."
        )
    elif document.get_formtype() != raw.FORMTYPE_NONE and document.formenv is None:
        builder.remarks.append("Its form is damaged; what is typed into it is not searched.")
    if entries.fields > MOST_FIELDS:
        builder.remarks.append(f"Of {entries.fields} fields of its form, {MOST_FIELDS} are read.")
    builder.remarks += _remarks([page for page in pictures if page > 1 or not cover], bare, broken)
    title = choose_title(name, document.get_metadata_value("Title"), cover, builder.first_heading())
    return builder.build(title, pages=len(document))


def _open(data: bytes) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(data)
        with contextlib.suppress(pdfium.PdfiumError):  # then it has no `formenv`, which is remarked
            document.init_forms()  # before any page is opened
        return document
    except pdfium.PdfiumError as error:
        what, advice = _REASONS.get(
            _failure(data),
            ("The file is not a PDF, or it is damaged or incomplete.", "Open it and save it again, or fetch it anew."),
        )
        raise UnreadableFile(what, advice) from error


def _failure(data: bytes) -> int:
    """PDFium's code for why it does not open the file. What it opens and finds no page in has none of its own: there it
    still says that of an earlier file."""
    document = raw.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        return int(raw.FPDF_GetLastError())
    raw.FPDF_CloseDocument(document)
    return int(raw.FPDF_ERR_SUCCESS)


def _read_page(document: pdfium.PdfDocument, number: int, entries: Entries) -> tuple[list[Line], float, bool]:
    """Lines, the share of the page that its largest picture covers, and whether nothing is on it."""
    page = document[number - 1]
    try:
        textpage = page.get_textpage()
        left, bottom, right, top = box = page.get_bbox()
        lines = page_lines(textpage, number, _seen(page, box), box, list(entries.of(page)), page.get_rotation())
        area = max((right - left) * (top - bottom), 1.0)
        share = max((_area(image) for image in page.get_objects([raw.FPDF_PAGEOBJ_IMAGE])), default=0.0) / area
        return lines, share, raw.FPDFPage_CountObjects(page) == 0
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


def _remarks(pictures: list[int], bare: list[int], broken: list[int]) -> list[str]:
    remarks = []
    if bare:
        remarks.append(f"{_named(bare, 'is a picture', 'are pictures')} without text; words there are not searched.")
    if pictures:
        remarks.append(f"{_named(pictures, 'holds a picture', 'hold pictures')}; words inside are not searched.")
    if broken:
        remarks.append(f"{_named(broken, 'is damaged', 'are damaged')} and could not be read.")
    return remarks


def _named(pages: list[int], one: str, many: str) -> str:
    """`Page 4 holds a picture`, `Pages 1, 4 and 6-9 hold pictures`."""
    return f"Page {listed(pages)} {one}" if len(pages) == 1 else f"Pages {listed(pages)} {many}"


def _count(pages: int) -> str:
    return "its only page" if pages == 1 else f"any of its {pages} pages"
