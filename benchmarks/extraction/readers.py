"""Readers of documents behind one shape: bytes and a name to parts. Docent's own, and libraries to compare it with.

A library is imported when its reader is opened, and its reader is skipped where it is not installed: the repository
needs none of them. What they give as Markdown or HTML is read by `markup.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import Any

from benchmarks.extraction.cases import Part
from benchmarks.extraction.markup import html_parts, markdown_parts

Read = Callable[[bytes, str], list[Part]]
OWN = "docent"
ALL = ("pdf", "word", "excel", "slides", "html", "markdown", "csv", "text")
_OFFICE = "application/vnd.openxmlformats-officedocument"
_MEDIA = {
    ".pdf": "application/pdf",
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".html": "text/html",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
}


@dataclass(frozen=True)
class Reader:
    """`boxes` says of what a PDF reader tells page and place: "character", "word", "line", "" for nothing."""

    open: Callable[[], Read]
    package: str
    families: tuple[str, ...]
    licence: str
    boxes: str = ""


def _docent() -> Read:
    from indexer.documents.extract.formats import extract_bytes

    def read(data: bytes, name: str) -> list[Part]:
        document = extract_bytes(data, name)
        return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]

    return read


def _pypdfium2() -> Read:
    import pypdfium2

    def read(data: bytes, _name: str) -> list[Part]:
        document = pypdfium2.PdfDocument(data)
        return [("paragraph", page.get_textpage().get_text_range().replace("\r\n", "\n")) for page in document]

    return read


def _pdfplumber() -> Read:
    import pdfplumber

    def read(data: bytes, _name: str) -> list[Part]:
        parts: list[Part] = []
        with pdfplumber.open(BytesIO(data)) as document:
            for page in document.pages:
                parts += _plumbed(page)
        return parts

    return read


def _plumbed(page: Any) -> list[Part]:
    """Lines outside of tables and the rows of tables, from top to bottom; the first row names the columns."""
    tables = page.find_tables()
    rest = page
    for table in tables:
        rest = rest.outside_bbox(table.bbox)
    placed: list[tuple[float, list[Part]]] = [
        (line["top"], [("paragraph", line["text"])]) for line in rest.extract_text_lines()
    ]
    for table in tables:
        rows = [" | ".join(" ".join((cell or "").split()) for cell in row) for row in table.extract()]
        placed.append((table.bbox[1], [("row" if number else "header", row) for number, row in enumerate(rows)]))
    return [part for _, parts in sorted(placed, key=lambda one: one[0]) for part in parts]


def _docling_parse() -> Read:
    from docling_core.types.doc.page import TextCellUnit
    from docling_parse.pdf_parser import DoclingPdfParser

    parser = DoclingPdfParser(loglevel="fatal")

    def read(data: bytes, _name: str) -> list[Part]:
        document = parser.load(path_or_stream=BytesIO(data))
        parts: list[Part] = []
        for _, page in document.iterate_pages():
            height = -1.0
            for cell in page.iterate_cells(unit_type=TextCellUnit.LINE):
                if abs(cell.rect.r_y0 - height) < 2 and parts:  # it gives stretches between gaps, one behind the other
                    parts[-1] = ("paragraph", f"{parts[-1][1]} | {cell.text}")
                else:
                    parts.append(("paragraph", cell.text))
                height = cell.rect.r_y0
        return parts

    return read


def _pdf_oxide() -> Read:
    import pdf_oxide

    def read(data: bytes, _name: str) -> list[Part]:
        document = pdf_oxide.PdfDocument.from_bytes(data)
        pages = [document.to_markdown(number, embed_images=False) for number in range(document.page_count())]
        return [part for page in pages for part in markdown_parts(page)]

    return read


def _pdf_inspector() -> Read:
    import pdf_inspector

    return lambda data, _name: markdown_parts(pdf_inspector.process_pdf_bytes(data).markdown or "")


def _liteparse() -> Read:
    from liteparse import LiteParse

    options = {"keep_headers_footers": True, "preserve_very_small_text": True, "extract_form_fields": True}
    parser = LiteParse(ocr_enabled=False, output_format="markdown", quiet=True, **options)
    return lambda data, _name: markdown_parts(parser.parse(data).text)


def _kreuzberg() -> Read:
    import kreuzberg

    config = kreuzberg.ExtractionConfig(output_format="markdown", use_cache=False)

    def read(data: bytes, name: str) -> list[Part]:
        result = kreuzberg.extract_bytes_sync(data, _MEDIA[PurePath(name).suffix], config)
        return markdown_parts(result.content)

    return read


def _markitdown() -> Read:
    from markitdown import MarkItDown, StreamInfo

    converter = MarkItDown(enable_plugins=False)

    def read(data: bytes, name: str) -> list[Part]:
        info = StreamInfo(extension=PurePath(name).suffix, filename=name)
        return markdown_parts(converter.convert_stream(BytesIO(data), stream_info=info).markdown)

    return read


def _calamine() -> Read:
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    def read(data: bytes, _name: str) -> list[Part]:
        book = CalamineWorkbook.from_filelike(BytesIO(data))
        parts: list[Part] = []
        for about in book.sheets_metadata:
            if about.visible == SheetVisibleEnum.Visible:
                parts.append(("heading", about.name))
                rows = [[str(cell) for cell in row] for row in book.get_sheet_by_name(about.name).to_python()]
                full = [" | ".join(row) for row in rows if any(row)]
                parts += [("row" if number else "header", row) for number, row in enumerate(full)]
        return parts

    return read


def _docx2python() -> Read:
    from docx2python import docx2python

    def read(data: bytes, _name: str) -> list[Part]:
        parts: list[Part] = []
        with docx2python(BytesIO(data), html=True) as document:
            for table in document.document:
                for row in table:
                    cells = ["\n".join(cell) for cell in row]
                    if len(row) > 1:
                        parts.append(("row", " | ".join(" ".join(cell.split()) for cell in cells)))
                    else:
                        parts += html_parts("\n".join(f"<p>{one}</p>" for one in cells[0].split("\n")))
        return parts

    return read


def _mammoth() -> Read:
    import mammoth

    return lambda data, _name: html_parts(mammoth.convert_to_html(BytesIO(data)).value)


def _trafilatura() -> Read:
    import trafilatura

    def read(data: bytes, _name: str) -> list[Part]:
        found = trafilatura.extract(data, output_format="markdown", include_tables=True, include_formatting=True)
        return markdown_parts(found or "")

    return read


def _selectolax() -> Read:
    from selectolax.lexbor import LexborHTMLParser

    def read(data: bytes, _name: str) -> list[Part]:
        body = LexborHTMLParser(data).body
        return [("paragraph", body.text(separator="\n", strip=True))] if body else []

    return read


READERS: dict[str, Reader] = {
    OWN: Reader(_docent, "docent", ALL, "Apache-2.0", "character, in PDFium; not kept"),
    "pypdfium2": Reader(_pypdfium2, "pypdfium2", ("pdf",), "BSD-3-Clause or Apache-2.0", "character"),
    "pdfplumber": Reader(_pdfplumber, "pdfplumber", ("pdf",), "MIT", "character"),
    "docling-parse": Reader(_docling_parse, "docling-parse", ("pdf",), "MIT", "character"),
    "pdf_oxide": Reader(_pdf_oxide, "pdf-oxide", ("pdf",), "MIT or Apache-2.0", "character"),
    "pdf-inspector": Reader(_pdf_inspector, "pdf-inspector", ("pdf",), "MIT", "stretch of text"),
    "liteparse": Reader(_liteparse, "liteparse", ("pdf",), "Apache-2.0", "word"),
    "kreuzberg": Reader(_kreuzberg, "kreuzberg", ALL, "MIT", ""),
    "markitdown": Reader(_markitdown, "markitdown", ALL, "MIT", ""),
    "calamine": Reader(_calamine, "python-calamine", ("excel",), "MIT"),
    "docx2python": Reader(_docx2python, "docx2python", ("word",), "MIT"),
    "mammoth": Reader(_mammoth, "mammoth", ("word",), "BSD-2-Clause"),
    "trafilatura": Reader(_trafilatura, "trafilatura", ("html",), "Apache-2.0"),
    "selectolax": Reader(_selectolax, "selectolax", ("html",), "MIT"),
}
