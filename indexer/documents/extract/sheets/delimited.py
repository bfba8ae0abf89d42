"""CSV and TSV files to blocks."""

import csv
import re
from collections.abc import Iterator
from io import StringIO

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.sheets.rows import Line
from indexer.documents.extract.sheets.tables import add_tables
from indexer.documents.extract.text.decoding import decode_with_doubts
from indexer.documents.extract.titles import choose_title

_SAMPLE = 1 << 12
_LONGEST_FIELD = 1 << 27
_DELIMITERS = ",;\t|"
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_NAMED = re.compile(r'\ufeff?"?sep=(?:([^"\r\n])"?|"([^"\r\n])")[^\S\t\r\n]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
"""The line by which a file tells Excel what stands between its cells. It is no row."""


def extract_csv(data: bytes, name: str) -> ExtractedDocument:
    return _extract(data, name, ",")


def extract_tsv(data: bytes, name: str) -> ExtractedDocument:
    return _extract(data, name, "\t")


def _extract(data: bytes, name: str, delimiter: str) -> ExtractedDocument:
    builder = DocumentBuilder()
    text, builder.remarks = decode_with_doubts(data)
    add_tables(builder, list(_lines(text.replace("\0", ""), delimiter)))
    return builder.build(choose_title(name))


def _lines(source: str, delimiter: str) -> Iterator[Line]:
    csv.field_size_limit(_LONGEST_FIELD)
    named = _NAMED.match(source)
    if named:
        delimiter, source = named[1] or named[2], source[named.end() :]
    else:
        delimiter = _delimiter(source[:_SAMPLE], len(source) > _SAMPLE, delimiter)
    for number, texts in enumerate(_records(source, delimiter), start=1):
        cells = {column: text for column, text in enumerate(texts) if text.strip()}
        if cells:
            yield Line(number, cells)


def _records(source: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(StringIO(source, newline=""), delimiter=delimiter, skipinitialspace=True)


def _delimiter(sample: str, is_cut: bool, usual: str) -> str:
    """The sign that gives most rows the same number of cells, two or more. Where commas stand between digits alone they
    are points of decimals, if another sign does as well."""
    best, found = (0.5, 0), usual
    for delimiter in sorted(_DELIMITERS, key=lambda sign: sign != usual):
        rows = list(_records(sample, delimiter))[: -1 if is_cut else None]
        counts = [len(row) for row in rows if any(sign in cell for cell in row for sign in _DELIMITERS) or len(row) > 1]
        several = [count for count in counts if count > 1]
        if not several:
            continue
        usual_count = max(set(several), key=several.count)
        share = round(several.count(usual_count) / len(counts), 1)
        is_decimal = delimiter == "," and len(_DECIMAL_COMMA.findall(sample)) > 0.9 * sample.count(",")
        score = (share - 0.3 * is_decimal, usual_count)
        if score > best:
            best, found = score, delimiter
    return found
