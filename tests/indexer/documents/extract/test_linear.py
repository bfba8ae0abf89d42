"""What no file may do: have a reader go through it again and again. A shape eight times as large takes about eight
times as long; what is quadratic takes sixty-four times as long, thirty is the limit here."""

import contextlib
import time
import unicodedata

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from indexer.documents.extract import clean
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.markdown.parser import DEEPEST_LISTS
from indexer.documents.extract.pdf.blocks import _margins
from indexer.documents.extract.pdf.hyphens import Hyphens
from indexer.documents.extract.pdf.lines import Line
from indexer.documents.extract.pdf.tables import nearest
from indexer.errors import FileError
from tests.indexer.documents.extract.invariants import check, outline
from tests.indexer.documents.extract.shapes import SHAPES

LEAST = 0.02  # seconds that the small file counts at least: below it the clock tells little
SIZES = {
    "attributes never closed": 16_000,
    "a tag never closed": 16_000,
    "a tag of dashes": 16_000,
    "tasks": 4_000,
    "footnote marks never closed": 4_000,
    "front matter that multiplies": 4_000,
    "a title of digits": 16_000,
    "marks on one letter": 16_000,
    "marks": 16_000,
    "one wide row": 8_000,
    "quotes never closed": 16_000,
    "cells over rows": 16_000,
    "Excel: rows": 60_000,
    "Excel: one row": 60_000,
    "Excel: each cell in its own column": 60_000,
    "Excel: many tables side by side": 200_000,
    "Excel: rows far apart": 60_000,
    "Excel: merged over all rows": 60_000,
    "Word: labels over rows": 60_000,
    "Word: paragraphs joined by changes": 60_000,
    "PowerPoint: rows": 60_000,
    "PowerPoint: paragraphs": 30_000,
    "links": 16_000,
    "choices": 16_000,
    "targets of template code": 8_000,
    "PDF: lines": 20_000,
    "PDF: lines further and further right": 20_000,
    "PDF: items deeper and deeper": 15_000,
    "PDF: cut words": 20_000,
    "PDF: columns": 40_000,
}
"""Bytes of the smaller file: eight times as much took half a second and more where the work was quadratic."""


def seconds(data: bytes, name: str) -> float:
    started = time.process_time()
    with contextlib.suppress(FileError):
        extract_bytes(data, name)
    return time.process_time() - started


@pytest.mark.parametrize("kind", SIZES)
def test_eight_times_the_file_is_about_eight_times_the_work(kind: str) -> None:
    shape, size = SHAPES[kind], SIZES[kind]
    seconds(shape.make(500), shape.name)  # imports what reads the format
    once = max(seconds(shape.make(size), shape.name), LEAST)
    assert seconds(shape.make(8 * size), shape.name) < 30 * once


def test_lists_deeper_than_are_told_apart_are_read_as_lines_and_said_so() -> None:
    source = "".join(f"{'  ' * n}- word{n}\n" for n in range(15)) + "\nAfter *all* of them.\n"
    document = extract_bytes(source.encode(), "deep.md")
    check(document)
    assert document.remarks == ("Lists nested more than 10 deep are read as plain lines.",)
    blocks = outline(document)
    assert [kind for kind, _ in blocks] == [*(f"item{n}" for n in range(1, DEEPEST_LISTS + 2)), "paragraph"]
    assert blocks[-2][1].split("\n") == ["word10", *(f"- word{n}" for n in range(11, 15))]
    assert blocks[-1][1] == "After all of them."


@pytest.mark.parametrize("mark", ["- ", "> ", "1. "])
def test_no_word_is_lost_however_deep_it_stands(mark: str) -> None:
    assert "deep" in extract_bytes((mark * 3_000 + "deep\n\nafter").encode(), "a.md").text


def test_lists_as_deep_as_are_told_apart_are_read_without_a_remark() -> None:
    source = "".join(f"{'  ' * n}- word{n}\n" for n in range(DEEPEST_LISTS))
    document = extract_bytes(source.encode(), "a.md")
    assert document.remarks == ()
    assert len(document.blocks) == DEEPEST_LISTS


def test_only_the_title_is_made_of_front_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    construct = yaml.SafeLoader.construct_object
    monkeypatch.setattr(
        yaml.SafeLoader, "construct_object", lambda self, node: (made.append(node.value), construct(self, node))[1]
    )
    source = "---\na: &a {x: y}\nb: &b {<<: [*a, *a]}\nc: {<<: [*b, *b]}\ntitle: Leave\n---\ntext"
    assert extract_bytes(source.encode(), "x.md").title == "Leave"
    assert made == ["Leave"]


@given(
    st.lists(st.sampled_from("e\u0301\u0315\u0323\u0f71\u0f72\u0f73\u0f75\u0f81\u0344ǘ\u05b0\u3099か"), max_size=300)
)
def test_marks_stand_in_the_order_of_nfc(characters: list[str]) -> None:
    text = "".join(characters)
    assert clean.readable(text) == unicodedata.normalize("NFC", text)


def test_cells_that_span_rows_repeat_no_more_than_a_share_of_their_table() -> None:
    html = "<table><tr><td rowspan=900>" + "word " * 1_000 + "<td>a" + "<tr><td>b" * 800 + "</table>"
    document = extract_bytes(html.encode(), "a.html")
    check(document)
    assert len(document.text) < 20 * len(html)
    assert len(document.blocks) == 801


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 90)), min_size=1, max_size=40))
def test_the_margin_is_that_of_the_widest_line_that_begins_nearby(edges: list[tuple[int, int]]) -> None:
    lines = [Line(1, left=float(left), right=float(right), size=2.0) for left, right in edges]
    margin = _margins(lines)
    for line in lines:
        assert margin(line) == max(other.right for other in lines if abs(other.left - line.left) <= 8)


@given(st.lists(st.integers(0, 50), min_size=1, unique=True), st.integers(-5, 55))
def test_the_nearest_cell_is_the_first_of_thenearest(places: list[int], left: int) -> None:
    lefts = [float(place) for place in sorted(places)]
    assert nearest(lefts, left) == min(range(len(lefts)), key=lambda index: abs(lefts[index] - left))


def test_lines_are_joined_wherever_the_words_are_cut() -> None:
    lines = ["a well-", "known rule and a cur-", "ious case", "-", "of 10-", "15 days"]
    assert Hyphens(["well-known", *lines]).joined(lines) == "a well-known rule and a cur-ious case - of 10-15 days"
    assert Hyphens(["curious", *lines]).joined(lines[1:3]) == "known rule and a curious case"
