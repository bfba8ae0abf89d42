"""PDF files to blocks, with PDFium: text as it stands on the pages, and a remark where words are only in pictures."""

import contextlib
import logging
from collections.abc import Iterator, Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.documents.extract.boxes import Run, encode
from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.pdf.blocks import add_pages
from indexer.documents.extract.pdf.forms import Entries
from indexer.documents.extract.pdf.layers import may_have_layers
from indexer.documents.extract.pdf.page import Page, read_page
from indexer.documents.extract.pdf.remarks import check, remarks
from indexer.documents.extract.titles import choose_title
from indexer.errors import SAVE_AGAIN, UnreadableFile

logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it warns of forms that we remark

_REASONS = {
    raw.FPDF_ERR_PASSWORD: ("The PDF is protected with a password.", "Save it without the password."),
    raw.FPDF_ERR_SECURITY: ("The PDF uses a protection that cannot be read.", "Save it without protection."),
}


def extract(data: bytes, name: str) -> ExtractedDocument:
    document = _open(data)
    entries, layers = Entries(document), may_have_layers(data)
    pages: list[Page] = []
    for number in range(1, len(document) + 1):
        try:
            pages.append(read_page(document, number, entries, layers))
        except pdfium.PdfiumError:
            pages.append(Page())
    check(document, pages, entries, data)
    builder = DocumentBuilder()
    add_pages(builder, [page.lines for page in pages])
    cover = builder.page_of_headings(1)
    builder.remarks += remarks(document, pages, entries, cover)
    title = choose_title(name, document.get_metadata_value("Title"), cover, builder.first_heading())
    return builder.build(title, pages=len(document), boxes=_boxes(builder, pages))


def _boxes(builder: DocumentBuilder, pages: Sequence[Page]) -> bytes:
    """Where the words stand; nothing where fonts and pages say what cannot be: the words are worth more."""
    try:
        return encode(_runs(builder, pages))
    except (ArithmeticError, ValueError):
        return b""


def _runs(builder: DocumentBuilder, pages: Sequence[Page]) -> Iterator[Run]:
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
            _failure(data), ("The file is not a PDF, or it is damaged or incomplete.", SAVE_AGAIN)
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
