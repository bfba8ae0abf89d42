"""What PDFium finds inside the boxes of some words are these words, on every kind of page."""

import random
import re
from functools import cache
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from benchmarks.extraction.made import cases
from benchmarks.source_page import boxes as boxes_of_sentences
from indexer.documents.extract import ExtractedDocument, clean
from indexer.documents.extract.boxes import Area, areas, decode
from indexer.documents.extract.formats import extract_bytes
from tests.indexer.documents.extract.pdf.pdfs import drawn, paragraph

INSIDE = 0.3  # points: PDFium finds what a box touches, and letters touch each other
NOT_ON_THE_PAGE = {"drawn-boxes.pdf", "form-fields.pdf", "notes-on-the-page.pdf"}
"""What is typed, ticked and noted is no text of the page for PDFium."""
MADE = {case.name: case for case in cases() if case.family == "pdf"}


def inside(page: pdfium.PdfPage, text: pdfium.PdfTextPage, area: Area) -> str:
    _, x0, y0, x1, y1 = area
    left, bottom, right, top = page.get_bbox()
    quarter = page.get_rotation() // 90

    def on_file(x: float, y: float) -> tuple[float, float]:
        return ((x + left, top - y), (y + left, x + bottom), (right - x, y + bottom), (right - y, top - x))[quarter]

    (a, b), (c, d) = on_file(x0, y0), on_file(x1, y1)
    across, along = min(INSIDE, abs(a - c) / 4), min(INSIDE, abs(b - d) / 4)
    (low, high), (foot, head) = sorted((a, c)), sorted((b, d))
    return str(text.get_text_bounded(low + across, foot + along, high - across, head - along))


def shares_found(data: bytes, document: ExtractedDocument, count: int) -> tuple[int, int]:
    """(words that stand where they are said to, words that were looked for)."""
    file = pdfium.PdfDocument(data)
    words = [match.span() for match in re.finditer(r"\S+", document.text) if match[0] != "|"]
    chance = random.Random(1)
    pages = cache(lambda number: (file[number - 1], file[number - 1].get_textpage()))
    in_order = sorted if re.search("[א-ת]", document.text) else str  # PDFium puts "Office 12" in Hebrew otherwise
    found = 0
    for _ in range(count):
        first = chance.randrange(len(words))
        last = min(first + chance.choice([0, 0, 1, 3, 8]), len(words) - 1)
        start, end = words[first][0], words[last][1]
        said = " ".join(inside(*pages(area[0]), area) for area in areas(document.boxes, start, end))
        found += in_order(plain(said)) == in_order(plain(document.text[start:end]))
    return found, count


def plain(text: str) -> str:
    """PDFium has a sign of its own for a hyphen at the end of a line; bars between cells are ours."""
    return re.sub(r"[\s\u00ad\x02\ufffe|-]+", "", clean.readable(text))


@pytest.mark.parametrize("name", sorted(set(MADE) - NOT_ON_THE_PAGE))
def test_words_stand_in_their_boxes(name: str) -> None:
    data = MADE[name].make()
    document = extract_bytes(data, name)
    found, count = shares_found(data, document, 40)
    assert found >= (0.8 if name == "two-line-header.pdf" else 0.98) * count  # its labels stand over two columns
    placed = {at for run in decode(document.boxes) for at in range(run.start, run.start + run.length)}
    assert {at for at, letter in enumerate(document.text) if letter not in "|. \n"} <= placed


def test_the_files_of_the_corpora(shared: Path) -> None:
    total = [0, 0]
    for path in sorted((shared / "corpora/contoso-benefits").rglob("*.pdf")):
        data = path.read_bytes()
        document = extract_bytes(data, path.name)
        for at, number in enumerate(shares_found(data, document, 60)):
            total[at] += number
        assert len(document.boxes) <= 0.75 * len(document.text)  # bytes
        pages = {run.page for run in decode(document.boxes)}
        assert pages <= set(range(1, (document.pages or 0) + 1))
    assert total[0] >= 0.98 * total[1] > 0


def test_sentences_lie_in_their_boxes(shared: Path) -> None:
    """As they are cited, of whole files; by the boxes of characters that PDFium has, not by its search for text."""
    found = boxes_of_sentences(sorted((shared / "corpora").rglob("*.pdf")))
    assert found["files"]["sentences"] > 5000
    assert found["made"]["files"] == 20
    assert all(one["share"] >= 0.98 for one in found.values())


def test_what_is_typed_and_noted_stands_in_its_field() -> None:
    document = extract_bytes(MADE["form-fields.pdf"].make(), "a.pdf")
    at = document.text.index("Greta Holm")
    ((page, x0, y0, x1, y1),) = areas(document.boxes, at, at + 5)
    assert (page, x0, x1) == (1, 180, 340)
    assert 842 - y1 == pytest.approx(712, abs=1)
    assert y1 - y0 == pytest.approx(22, abs=0.5)
    ticked = document.text.index("[x] Glass")
    ((_, left, *_), (_, word, *_)) = [
        areas(document.boxes, *span)[0] for span in ((ticked, ticked + 3), (ticked + 4, ticked + 9))
    ]
    assert left == pytest.approx(72, abs=0.5)
    assert word == pytest.approx(96, abs=0.5)


def test_a_line_break_inside_the_words_makes_two_boxes() -> None:
    data = drawn(
        [
            paragraph(
                "The night shift begins at ten in the evening and ends at six when the porter comes back.", width=50
            )
        ]
    )
    document = extract_bytes(data, "a.pdf")
    start = document.text.index("evening")
    found = areas(document.boxes, start, start + len("evening and ends at six when"))
    assert [page for page, *_ in found] == [1, 1]
    assert found[1][2] - found[0][2] == 14
