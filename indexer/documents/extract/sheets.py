"""Excel, CSV and TSV files to blocks: a sheet is a page with its name as heading, its first full row the header."""

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from typing import Any

from openpyxl import load_workbook

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.cells import shown
from indexer.documents.extract.decoding import decode
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.office import core_title, open_office
from indexer.documents.extract.titles import choose_title

_SAMPLE = 1 << 12
_LONGEST_FIELD = 1 << 27
_CAPTIONS = 10  # rows above a table that may hold a title or a note instead of its header


def extract_workbook(data: bytes, name: str) -> ExtractedDocument:
    archive = open_office(data, "Excel", "xl/workbook.xml")
    workbook = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    builder = DocumentBuilder()
    for page, sheet in enumerate(workbook.worksheets, start=1):
        if sheet.sheet_state != "visible":
            builder.remarks.append(f"The hidden sheet {sheet.title!r} is not searched.")
            continue
        sheet.reset_dimensions()  # what the file says of its size is often wrong
        rows = [[shown(cell.value, cell.number_format) for cell in row] for row in sheet.iter_rows()]
        if any(any(row) for row in rows):
            builder.add("heading", sheet.title, level=1, page=page)
            add_rows(builder, rows, page)
    title = choose_title(name, core_title(archive))
    return builder.build(title, pages=len(workbook.worksheets))


def extract_csv(data: bytes, name: str) -> ExtractedDocument:
    return _extract_delimited(data, name, ",")


def extract_tsv(data: bytes, name: str) -> ExtractedDocument:
    return _extract_delimited(data, name, "\t")


def _extract_delimited(data: bytes, name: str, delimiter: str) -> ExtractedDocument:
    source = decode(data).replace("\0", "")
    builder = DocumentBuilder()
    add_rows(builder, list(_records(source, delimiter)), None)
    return builder.build(choose_title(name))


def _records(source: str, delimiter: str) -> Iterable[list[str]]:
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        dialect: Any = csv.Sniffer().sniff(source[:_SAMPLE], delimiters=",;\t|")
        dialect.doublequote = True  # the sniffer guesses this from its sample, and a wrong guess loses quotes
        dialect.skipinitialspace = True
    except csv.Error:
        return csv.reader(StringIO(source, newline=""), delimiter=delimiter)
    return csv.reader(StringIO(source, newline=""), dialect)


def add_rows(builder: DocumentBuilder, rows: Sequence[Sequence[str]], page: int | None) -> None:
    """Captions above the table as paragraphs, then its header, then its rows."""
    full = [row for row in rows if any(cell.strip() for cell in row)]
    first = 0
    while (
        first < min(_CAPTIONS, len(full) - 1) and _count(full[first]) == 1 and any(_count(r) > 1 for r in full[first:])
    ):
        builder.add("paragraph", "".join(full[first]), page=page)
        first += 1
    table = full[first:]
    if sum(map(_count, table)) == 1:
        builder.add("paragraph", "".join(table[0]), page=page)
    else:
        builder.add_table(table, frozenset({0}), page)


def _count(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())
