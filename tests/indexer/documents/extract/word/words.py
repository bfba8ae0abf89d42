"""Word files for tests, written part by part, and what is read from them."""

from collections.abc import Mapping

from benchmarks.extraction.made_word_raw import _NAMES as NAMES
from benchmarks.extraction.made_word_raw import _WORDML, Part, package, paragraph, run
from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.formats import extract_bytes
from tests.indexer.documents.extract.invariants import check, outline

__all__ = [
    "NAMES",
    "Part",
    "cell_of",
    "package",
    "paragraph",
    "part",
    "read",
    "row",
    "run",
    "seen",
    "table",
    "texts",
    "word",
]


def part(kind: str, inside: str, root: str = "") -> Part:
    """A part of the main namespace; `kind` is its relation: "footnotes", "numbering", "header"."""
    root = root or kind
    return Part(kind, f"{_WORDML}.{kind}+xml", f"<w:{root} {NAMES}>{inside}</w:{root}>")


def word(body: str, **parts: Part) -> bytes:
    """The nth of `parts`, from 1, has the relation rIdn."""
    return package(body, {f"{name}.xml": one for name, one in parts.items()})


def read(data: bytes, name: str = "x.docx") -> ExtractedDocument:
    document = extract_bytes(data, name)
    check(document)
    return document


def seen(body: str, parts: Mapping[str, Part] = {}) -> list[tuple[str, str]]:
    return outline(read(word(body, **parts)))


def texts(body: str, parts: Mapping[str, Part] = {}) -> list[str]:
    return [text for _, text in seen(body, parts)]


def table(*lines: str, about: str = "") -> str:
    """A row a line; a cell is XML, or words."""
    return f"<w:tbl><w:tblPr>{about}</w:tblPr>{''.join(lines)}</w:tbl>"


def row(*cells: str, about: str = "") -> str:
    inside = "".join(cell if cell.startswith("<w:tc>") else cell_of(cell) for cell in cells)
    return f"<w:tr><w:trPr>{about}</w:trPr>{inside}</w:tr>"


def cell_of(words: str, about: str = "") -> str:
    inside = words if words.startswith(("<w:p", "<w:tbl")) else paragraph(words)
    return f"<w:tc><w:tcPr>{about}</w:tcPr>{inside}</w:tc>"
