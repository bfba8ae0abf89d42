"""Where characters of a page stand, also in lines whose words do not stand in the order in which they are read."""

import math

import pytest

from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf
from indexer.documents.extract import clean
from indexer.documents.extract.boxes import Run
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.pdf import reader
from indexer.documents.extract.pdf.characters import Character
from indexer.documents.extract.pdf.spots import NO_SPAN, Sheet
from indexer.documents.extract.traced import kept, trace

LETTER = Character("a", 0, 100, (0, 98, 6, 108), 10, False, 0, False, False, 0, 6, 100)


def runs(text: str, lefts: list[float]) -> list[Run]:
    """Of a line whose letters are 6 points wide; one that begins nowhere is a space between words that stand apart."""
    sheet = Sheet(1, (0, 0, *A4), 0)
    line = sheet.line(text, [NO_SPAN if left == -math.inf else (left, left + 6) for left in lefts], LETTER, 0)
    return list(sheet.runs(0, trace(kept(line, clean.one_line(line)))))


@pytest.mark.parametrize("left", [20, 13])  # of the last letter: behind the others, or set back as in a ligature
def test_a_space_that_stands_nowhere_behind_a_letter_that_becomes_two(left: int) -> None:
    first, second = runs("\ufb2a abc", [60, -math.inf, 8, 14, left])
    assert (first.start, first.length, first.edges) == (0, 2, (480, 528))
    assert (second.start, second.length, second.edges[0]) == (3, 3, 64)


def test_a_space_that_stands_nowhere_alone() -> None:
    assert [run.start for run in runs("\ufb2a \ufb2a", [60, -math.inf, 8])] == [0, 3, 4]


@pytest.mark.parametrize("edge", [math.inf, -math.inf, math.nan])
def test_places_that_cannot_be_cost_no_text(monkeypatch: pytest.MonkeyPatch, edge: float) -> None:
    data = pdf([Page(at(72, 720, "The archive is in the cellar."), box(A4))])
    whole = extract_bytes(data, "a.pdf")
    line = Sheet.line
    monkeypatch.setattr(
        Sheet, "line", lambda self, text, spans, *how: line(self, text, [(edge, edge)] * len(spans), *how)
    )
    found = reader.extract(data, "a.pdf")
    assert (found.text, found.boxes) == (whole.text, b"")
