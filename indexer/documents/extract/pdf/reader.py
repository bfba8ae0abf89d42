"""PDF files to blocks, with PDFium: text as it stands on the pages, and a remark where words are only in pictures."""

from collections.abc import Iterator, Sequence

import pypdfium2 as pdfium

from indexer.documents.extract.boxes import Run, encode
from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.pdf.blocks import add_pages
from indexer.documents.extract.pdf.forms import Entries
from indexer.documents.extract.pdf.layers import may_have_layers
from indexer.documents.extract.pdf.opening import open_pdf
from indexer.documents.extract.pdf.page import Page, read_page
from indexer.documents.extract.pdf.remarks import check, remarks
from indexer.documents.extract.titles import choose_title


def extract(data: bytes, name: str) -> ExtractedDocument:
    document = open_pdf(data)
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
