"""Excel files for tests, as openpyxl and XlsxWriter write them, and what is read from them."""

import re
import zipfile
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import openpyxl

from benchmarks.extraction.made_excel import written
from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.formats import extract_bytes
from tests.indexer.documents.extract.invariants import check, outline

Rows = Sequence[Sequence[Any]]


def book(rows: Rows, change: Callable[[Any], None] = lambda sheet: None) -> bytes:
    """A workbook of one sheet, "Plan"; `change` works on the sheet."""
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Plan"
    for row in rows:
        sheet.append(list(row))
    change(sheet)
    stream = BytesIO()
    made.save(stream)
    return stream.getvalue()


def changed(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The archive with each part as `change(name, content)` gives it."""
    stream = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return stream.getvalue()


def with_cells(rows: str, *strings: str) -> bytes:
    """A sheet with rows as XML, and shared strings."""

    def write(made: Any) -> None:
        made.add_worksheet("Plan").write_column(0, 0, [*strings, "last"])

    def change(name: str, old: bytes) -> bytes:
        return re.sub(rb"<sheetData>.*</sheetData>", f"<sheetData>{rows}</sheetData>".encode(), old)

    return changed(written(write), change)


def read(data: bytes) -> ExtractedDocument:
    document = extract_bytes(data, "a.xlsx")
    check(document)
    return document


def blocks(data: bytes) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text in outline(read(data)) if kind != "heading1"]


def rows_of(data: bytes) -> list[str]:
    return [text for _, text in blocks(data)]
