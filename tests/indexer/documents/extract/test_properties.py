"""The invariants hold for whatever comes: random HTML, Markdown, CSV, text and bytes."""

import contextlib
import random
import re
from collections import Counter
from xml.sax.saxutils import escape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.documents.extract import clean
from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import KINDS
from indexer.documents.extract.formats import FORMATS, extract_bytes
from indexer.documents.extract.sheets.rows import Line
from indexer.documents.extract.sheets.tables import find_tables
from indexer.errors import FileError
from tests.indexer.documents.extract.invariants import check, check_characters
from tests.indexer.documents.extract.shapes import book_of, slide_of

TAGS = (
    "p div span b i h1 h2 h3 h6 ul ol li dl dt dd table thead tbody tr th td caption pre code br hr img a sup del"
    " script style title head body html nav details summary blockquote section button figure figcaption svg noscript"
    " text input select option textarea main header footer math"
).split()
ODD = "\u00ad\u200b\u202e\u2066\u2028\ufeff\ufffe\ue000\x00\x0b\x1f\x85\u00a0\u3000e\u0301\u1100\u1161\U0001f3c1\ufb01"
words = st.text(st.one_of(st.characters(), st.sampled_from(ODD), st.sampled_from("ab |-#*_`[](){}%<>&;:\n\t\\\"'")))
tag = st.sampled_from(TAGS)
attribute = st.sampled_from(
    ["", " hidden", ' rowspan="3"', " colspan=2", ' rowspan="x"', ' style="display: none"', ' href="#a"', " class=x",
     " role=row", " role=cell", " role=table", " type=checkbox checked", " href=/x", " class=menu", " aria-checked"]
)  # fmt: skip
html = st.lists(
    st.one_of(
        words,
        st.builds("<{}{}>".format, tag, attribute),
        st.builds("</{}>".format, tag),
        st.builds("<{0}>{1}</{0}>".format, tag, words),
    ),
    max_size=40,
).map("".join)
MARKS = (
    "# |## |- |1. |    |> |```|---\n|: |!!! note |[^1]: |title: |- [ ] |{% raw %}|{% endraw %}|{% comment %}|{{ |{#|:::"
)
line = st.builds("{}{}".format, st.sampled_from(["", "| ", *MARKS.split("|")]), words)
markdown = st.lists(line, max_size=30).map("\n".join)
table = st.lists(st.lists(words, max_size=6).map(random.choice(",;\t").join), max_size=20).map("\n".join)
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(text: str, suffix: str) -> None:
    try:
        document = extract_bytes(text.encode("utf-8", "surrogatepass"), f"a{suffix}")
    except FileError as error:
        check_characters(error.what)
        return
    check(document)


@many
@given(html)
def test_html(text: str) -> None:
    read(text, ".html")


@many
@given(st.one_of(markdown, html))
def test_markdown(text: str) -> None:
    read(text, ".md")


@many
@given(st.one_of(markdown, words))
def test_text(text: str) -> None:
    read(text, ".txt")


@many
@given(st.one_of(table, words), st.sampled_from([".csv", ".tsv"]))
def test_csv(text: str, suffix: str) -> None:
    read(text, suffix)


place = st.builds("{}{}".format, st.sampled_from("A B C D AA XFD ?".split()), st.integers(0, 12))
cell = st.builds(
    '<c r="{}" t="{}" s="{}">{}</c>'.format,
    place,
    st.sampled_from("n s b d e str inlineStr x".split()),
    st.integers(-1, 3),
    st.sampled_from(
        "<v>1</v> <v>45000.5</v> <v>abc</v> <f>A1</f> <v/> <is><t>Name</t></is> <is><t>two</t></is>".split()
    ),
)
sheet_rows = st.lists(
    st.builds(
        '<row r="{}" hidden="{}">{}</row>'.format, st.integers(0, 20), st.integers(0, 1), st.lists(cell).map("".join)
    ),
    max_size=12,
).map("".join)
merges = st.lists(st.builds('<mergeCell ref="{}:{}"/>'.format, place, place), max_size=4).map(
    lambda found: f"<mergeCells>{''.join(found)}</mergeCells>"
)


@many
@given(sheet_rows, merges)
def test_sheets(rows: str, merged: str) -> None:
    with contextlib.suppress(FileError):
        check(extract_bytes(book_of(rows, merged), "a.xlsx"))


kinds_of_cells = st.sampled_from(["", "", "Name", "two words", "7", "2024", "3,5 %", "x" * 130])


@many
@given(st.lists(st.lists(kinds_of_cells, max_size=7), max_size=14))
def test_no_cell_is_lost_and_none_stands_in_two_rows(rows: list[list[str]]) -> None:
    made = []
    for number, texts in enumerate(rows, start=1):
        cells = {column: f"{text} r{number}c{column}" for column, text in enumerate(texts) if text}
        numbers = sum(1 << column for column in cells if texts[column][0].isdigit())
        if cells:
            made.append(Line(number, cells, numbers))
    tables = find_tables(made)
    headers = [cell for table in tables for cell in table.header or ()]
    others = [cell for table in tables for row in table.rows()[table.header is not None :] for cell in row]
    others += [table.caption for table in tables]
    places = Counter(re.findall(r"r\d+c\d+", " ".join(others)))
    assert all(times == 1 for times in places.values())
    named = set(re.findall(r"r\d+c\d+", " ".join(headers)))
    assert not named & set(places)
    assert named | set(places) == {f"r{line.number}c{column}" for line in made for column in line.cells}


SLIDE_TAGS = (
    "p:sp p:pic p:graphicFrame p:grpSp p:nvSpPr p:nvPr p:txBody p:spPr p:cNvPr p:ph a:p a:r a:rPr a:pPr a:fld a:br"
    " a:xfrm a:tbl a:tr a:tc a:tblPr a:buAutoNum a:buChar a:buFont a:solidFill a:graphicData a:chart"
    " a:relIds p:oleObj a:off"
).split()
SLIDE_ATTRIBUTES = (
    '|type="title"|type="ftr"|type="x"|idx="-1"|hidden="1"|x="-7" y="9"|x="z"|gridSpan="9" hMerge="1"|rowSpan="2"'
    '|vMerge="1"|firstRow="1"|lvl="99"|lvl="x"|char="q"|typeface="Wingdings"|startAt="999999999"|type="romanUcPeriod"|id="rId1"'
    '|b="1"|strike="sngStrike"|descr="Some words that say something"'
).split("|")
slide_shapes = st.recursive(
    words.map(lambda text: f"<a:t>{escape(''.join(c for c in text if c.isprintable()))}</a:t>"),
    lambda inner: st.builds(
        "<{0} {1}>{2}</{0}>".format,
        st.sampled_from(SLIDE_TAGS),
        st.sampled_from(SLIDE_ATTRIBUTES),
        st.lists(inner, max_size=4).map("".join),
    ),
    max_leaves=30,
)


@many
@given(st.lists(slide_shapes, max_size=5).map("".join))
def test_slides(shapes: str) -> None:
    try:
        document = extract_bytes(slide_of(shapes), "a.pptx")
    except FileError as error:
        check_characters(error.what)
        return
    check(document)
    if "a:chart" not in shapes and "a:relIds" not in shapes:
        assert not [remark for remark in document.remarks if "could not be read" in remark]


@many
@given(st.binary(max_size=2000), st.sampled_from([".md", ".txt", ".html", ".csv", ".pdf", ".docx", ".xlsx", ".pptx"]))
def test_bytes_never_give_more_than_a_file_error(data: bytes, suffix: str) -> None:
    assert suffix in FORMATS
    try:
        check(extract_bytes(data, f"a{suffix}"))
    except FileError as error:
        check_characters(error.what)


@many
@given(st.lists(st.tuples(st.sampled_from(KINDS), words, st.integers(1, 6)), max_size=20))
def test_builder(parts: list[tuple[str, str, int]]) -> None:
    builder = DocumentBuilder()
    for kind, text, level in parts:
        builder.add(kind, text, level)  # type: ignore[arg-type]
    check(builder.build("A title"))


@many
@given(words)
def test_cleaning_again_changes_nothing(text: str) -> None:
    for function in (clean.one_line, clean.lines, clean.code):
        once = function(text)
        assert function(once) == once
