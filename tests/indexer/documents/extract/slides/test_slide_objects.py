"""What single shapes of a slide say: paragraphs, tables, charts, SmartArt, pictures, notes, comments."""

import zipfile
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pytest
from lxml import etree
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.util import Inches

from indexer.documents.extract.office.charts import read_chart
from indexer.documents.extract.office.diagrams import diagram_texts
from tests.indexer.documents.extract.shapes import SHAPES
from tests.indexer.documents.extract.slides.decks import (
    BLANK,
    TITLE_AND_BODY,
    box,
    changed,
    deck_of,
    read,
    table,
    words,
)
from tests.indexer.documents.extract.slides.test_slides import picture

SLIDE = "ppt/slides/slide1.xml"


def paragraph_properties(data: bytes, text: str, properties: str, run: str = "") -> bytes:
    return changed(data, SLIDE, (f"<a:p><a:r><a:t>{text}", f"<a:p>{properties}<a:r>{run}<a:t>{text}"))


def test_paragraphs_that_are_counted_have_their_numbers() -> None:
    data = deck_of(lambda slide: box(slide, "first\nsecond\ninner\nthird\nplain\nanew"), layout=BLANK)
    for text in ("first", "second", "third", "anew"):
        data = paragraph_properties(data, text, '<a:pPr><a:buAutoNum type="arabicPeriod"/></a:pPr>')
    data = paragraph_properties(data, "inner", '<a:pPr lvl="1"><a:buAutoNum type="alphaLcParenR" startAt="3"/></a:pPr>')
    assert words(data) == [
        ("item1", "1. first"),
        ("item1", "2. second"),
        ("item2", "c) inner"),
        ("item1", "3. third"),
        ("paragraph", "plain"),
        ("item1", "1. anew"),
    ]


@pytest.mark.parametrize(
    ("way", "shown"),
    [("romanUcPeriod", "IV."), ("romanLcParenBoth", "(iv)"), ("alphaUcPeriod", "D."), ("arabicPlain", "4")],
)
def test_ways_to_count(way: str, shown: str) -> None:
    data = deck_of(lambda slide: box(slide, "text"), layout=BLANK)
    data = paragraph_properties(data, "text", f'<a:pPr><a:buAutoNum type="{way}" startAt="4"/></a:pPr>')
    assert words(data) == [("item1", f"{shown} text")]


@pytest.mark.parametrize(
    ("bullet", "shown"),
    [
        ('<a:buFont typeface="Wingdings"/><a:buChar char="o"/>', "[ ] Load test passed"),
        ('<a:buFont typeface="Wingdings"/><a:buChar char="q"/>', "Load test passed"),
        ('<a:buFont typeface="Wingdings"/><a:buChar char="&#xf0fe;"/>', "[x] Load test passed"),
        ('<a:buChar char="☐"/>', "[ ] Load test passed"),
        ('<a:buChar char="•"/>', "Load test passed"),
        ('<a:buFont typeface="Arial"/><a:buChar char="o"/>', "Load test passed"),
    ],
)
def test_boxes_in_place_of_bullets(bullet: str, shown: str) -> None:
    data = deck_of(lambda slide: box(slide, "Load test passed"), layout=BLANK)
    assert words(paragraph_properties(data, "Load", f"<a:pPr>{bullet}</a:pPr>")) == [("item1", shown)]


def test_an_ornament_is_a_box_beside_ticked_ones() -> None:
    data = deck_of(lambda slide: box(slide, "Load\nSecurity"), layout=BLANK)
    for text, mark in (("Load", "q"), ("Security", "&#xf0fe;")):
        bullet = f'<a:pPr><a:buFont typeface="Wingdings"/><a:buChar char="{mark}"/></a:pPr>'
        data = paragraph_properties(data, text, bullet)
    assert words(data) == [("item1", "[ ] Load"), ("item1", "[x] Security")]


def test_the_font_for_symbols_leaves_letters_alone() -> None:
    data = deck_of(lambda slide: box(slide, "outlook"), layout=BLANK)
    assert words(paragraph_properties(data, "outlook", "", '<a:rPr><a:sym typeface="Wingdings"/></a:rPr>')) == [
        ("paragraph", "outlook")
    ]


def test_boxes_in_symbol_fonts() -> None:
    data = deck_of(lambda slide: box(slide, "\uf0a8\n\uf0fe"), layout=BLANK)
    for mark in "\uf0a8\uf0fe":
        data = paragraph_properties(data, mark, "", '<a:rPr><a:sym typeface="Wingdings"/></a:rPr>')
    assert words(data) == [("paragraph", "[ ]"), ("paragraph", "[x]")]


def test_words_that_are_struck_out_are_left_out_and_said() -> None:
    data = deck_of(lambda slide: box(slide, "80 euros"), layout=BLANK)
    struck = '<a:r><a:rPr strike="sngStrike"/><a:t>100 euros</a:t></a:r>'
    document = read(changed(data, SLIDE, ("<a:p><a:r><a:t>80", f"<a:p>{struck}<a:r><a:t>80")))
    assert document.text == "80 euros"
    assert document.remarks == ("Words that are struck out on slide 1 are not searched.",)


def test_fields_line_breaks_and_formulas_are_words() -> None:
    data = deck_of(lambda slide: box(slide, "Area"), layout=BLANK)
    more = (
        '<a:br/><a:fld id="{1}" type="datetime1"><a:t>4 March</a:t></a:fld><mc:AlternateContent xmlns:mc="m"'
        ' xmlns:a14="n"><mc:Choice Requires="a14"><a14:m><x:oMath xmlns:x="o"><x:r><x:t>=a²</x:t></x:r></x:oMath>'
        "</a14:m></mc:Choice><mc:Fallback><a:r><a:t>old</a:t></a:r></mc:Fallback></mc:AlternateContent>"
    )
    assert words(changed(data, SLIDE, ("Area</a:t></a:r>", f"Area</a:t></a:r>{more}"))) == [
        ("paragraph", "Area\n4 March=a²")
    ]


def test_words_of_footers_and_layouts_are_read_once() -> None:
    def fill(slide: Any) -> None:
        box(slide, "Words")

    layout = "ppt/slideLayouts/slideLayout7.xml"
    label = "<p:sp><p:nvSpPr><p:cNvPr id='77' name='x'/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/>"
    label += "<a:p><a:r><a:t>Document QM-4711</a:t></a:r></a:p></p:txBody></p:sp></p:spTree>"
    data = changed(deck_of(fill, fill, layout=BLANK), layout, ("</p:spTree>", label))
    assert [text for _, text in words(data)] == ["Words", "Document QM-4711", "Words"]


def test_labels_that_are_merged_over_rows_and_columns_are_repeated() -> None:
    def fill(slide: Any) -> None:
        rows = [
            ["Team", "Person", "Early", "Late"],
            ["Red", "Anna", "yes", ""],
            ["", "Bo", "no", "no"],
            ["Blue"] + [""] * 3,
        ]
        made = table(slide, rows)
        made.cell(1, 0).merge(made.cell(2, 0))
        made.cell(1, 2).merge(made.cell(1, 3))
        made.cell(3, 0).merge(made.cell(3, 3))

    assert words(deck_of(fill)) == [
        ("header", "Team | Person | Early | Late"),
        ("row", "Red | Anna | yes | yes"),
        ("row", "Red | Bo | no | no"),
        ("row", "Blue"),
    ]


@pytest.mark.parametrize(
    ("rows", "merged", "headers"),
    [
        ([["Region", "2025", ""], ["", "Plan", "Actual"], ["North", "1", "2"]], [(0, 1, 0, 2), (0, 0, 1, 0)], 2),
        ([["", "2025", ""], ["Region", "Plan", "Actual"], ["North", "1", "2"]], [(0, 1, 0, 2)], 2),
        ([["", "", "2025", ""], ["A", "B", "Plan", "Actual"], ["North", "x", "1", "2"]], [], 2),
        ([["Region", "Plan", "Actual"], ["North", "1", "2"], ["South", "3", "4"]], [], 1),
        ([["Region", "Plan", ""], ["North", "1", "2"], ["South", "3", "4"]], [(0, 1, 0, 2)], 1),
        ([["Region", "Plan"], ["North", "open"], ["South", "closed"]], [], 1),
    ],
)  # fmt: skip
def test_headers_of_two_lines(rows: Sequence[Sequence[str]], merged: list[tuple[int, ...]], headers: int) -> None:
    def fill(slide: Any) -> None:
        made = table(slide, rows)
        for top, left, bottom, right in merged:
            made.cell(top, left).merge(made.cell(bottom, right))

    kinds = [kind for kind, _ in words(deck_of(fill))]
    assert kinds == ["header"] * headers + ["row"] * (len(rows) - headers)


def test_a_first_row_of_one_cell_is_a_caption() -> None:
    def fill(slide: Any) -> None:
        made = table(slide, [["Budget 2025", ""], ["Region", "Plan"], ["North", "1"]])
        made.cell(0, 0).merge(made.cell(0, 1))

    assert words(deck_of(fill)) == [("paragraph", "Budget 2025"), ("header", "Region | Plan"), ("row", "North | 1")]


@pytest.mark.parametrize("is_bold", [True, False])
def test_a_header_that_only_looks_like_one(is_bold: bool) -> None:
    def fill(slide: Any) -> None:
        made = table(slide, [["Team", "Person"], ["Red", "Anna"], ["Blue", "Bo"]])
        made.first_row = False
        for cell in made.rows[0].cells:
            cell.text_frame.paragraphs[0].runs[0].font.bold = is_bold

    assert words(deck_of(fill))[0][0] == ("header" if is_bold else "row")


def test_labels_are_not_repeated_without_end() -> None:
    def fill(slide: Any) -> None:
        made = table(slide, [["word " * 3_000, "x"], *([["", "y"]] * 40)])
        made.cell(0, 0).merge(made.cell(40, 0))

    document = read(deck_of(fill))
    assert len(document.text) < 250_000
    assert document.remarks == ("Tables on slide 1 do not repeat all their merged labels: it is too much.",)


def chart(slide: Any, names: Sequence[str] = ("2024", "2025"), title: str = "Units sold") -> Any:
    data = CategoryChartData()
    data.categories = ["Norway", "Ireland"]
    for name in names:
        data.add_series(name, (400, 890))
    size = (Inches(1), Inches(2), Inches(6), Inches(4))
    made = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data).chart
    made.has_title = True
    made.chart_title.text_frame.text = title
    return made


def test_charts_are_tables() -> None:
    assert words(deck_of(chart)) == [
        ("paragraph", "Units sold"),
        ("header", "| 2024 | 2025"),
        ("row", "Norway | 400 | 400"),
        ("row", "Ireland | 890 | 890"),
    ]
    assert words(deck_of(lambda slide: chart(slide, ["Units sold"])))[:2] == [
        ("paragraph", "Units sold"),
        ("row", "Norway | 400"),
    ]


def test_a_chart_that_is_damaged_or_holds_no_values_is_said() -> None:
    data = deck_of(lambda slide: (box(slide, "Words"), chart(slide)), layout=BLANK)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        part = next(name for name in archive.namelist() if name.startswith("ppt/charts/chart"))
    damaged = read(changed(data, part, ("</c:chartSpace>", "")))
    assert (damaged.text, damaged.remarks) == ("Words", ("1 shape on slide 1 could not be read.",))
    document = read(changed(data, part, ("c:val>", "c:other>")))
    assert document.text == "Words\n\nUnits sold"
    assert document.remarks == ("1 chart on slide 1, whose values are not stored in the file.",)


DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"


def diagram(points: Sequence[tuple[str, str]], links: Sequence[tuple[str, str, int, str]] = (), about: str = "") -> Any:
    made = "".join(
        f'<d:pt modelId="{name}"><d:prSet {about}/><d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>'
        for name, text in points
    )
    joined = "".join(
        f'<d:cxn srcId="{above}" destId="{below}" srcOrd="{order}" sibTransId="{arrow}"/>'
        for above, below, order, arrow in links
    )
    names = f'xmlns:d="{DIAGRAM}" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    return etree.fromstring(
        f"<d:dataModel {names}><d:ptLst>{made}</d:ptLst><d:cxnLst>{joined}</d:cxnLst></d:dataModel>"
    )


def test_smart_art_is_read_in_the_order_in_which_it_is_drawn() -> None:
    points = [("0", ""), ("c", "Check"), ("o", "Order"), ("x", "by mail"), ("s", "Ship"), ("t", "then")]
    links = [("0", "s", 2, ""), ("0", "o", 0, "t"), ("0", "c", 1, ""), ("o", "x", 0, "")]
    assert diagram_texts(diagram(points, links)) == [
        (1, "Order"),
        (2, "by mail"),
        (1, "then"),
        (1, "Check"),
        (1, "Ship"),
    ]


def test_smart_art_that_leads_round_in_circles_loses_no_words() -> None:
    links = [("a", "b", 0, ""), ("b", "a", 0, ""), ("c", "c", 0, "")]
    assert diagram_texts(diagram([("a", "A"), ("b", "B"), ("c", "C")], links)) == [(1, "A"), (1, "B"), (1, "C")]


def test_smart_art_that_asks_for_words_says_none() -> None:
    assert diagram_texts(diagram([("a", "[Text]")], about='phldr="1"')) == []


@pytest.mark.parametrize(
    ("about", "is_read"),
    [
        ("Assembly point behind hall 4", True),
        ("pic.png", False),
        ("Logo", False),
        ("Picture 4", False),
        ("A dog on a sofa\n\nDescription automatically generated", False),
        ("非常口は北側です", True),
        ("https://example.com/a/b-c", False),
    ],
)
def test_alternative_texts_that_say_something(about: str, is_read: bool) -> None:
    document = read(deck_of(lambda slide: (box(slide, "Words"), picture(slide, about)), layout=BLANK))
    assert document.text == ("Words\n\n" + about if is_read else "Words")
    assert document.remarks == ("1 picture on slide 1; words inside are not searched.",)


def test_small_pictures_say_nothing() -> None:
    assert read(deck_of(lambda slide: (box(slide, "Words"), picture(slide, inches=1)), layout=BLANK)).remarks == ()


def test_notes_in_several_paragraphs_follow_the_slide() -> None:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = "Plan"
        slide.notes_slide.notes_text_frame.text = "Say this.\nThen that."

    assert words(deck_of(fill, layout=TITLE_AND_BODY)) == [
        ("heading1", "Plan"),
        ("paragraph", "Say this."),
        ("paragraph", "Then that."),
    ]


@pytest.mark.parametrize(
    "comments",
    [
        "<p:cmLst xmlns:p='p'><p:cm authorId='0'><p:text>Is 40 right?</p:text></p:cm>"
        "<p:cm><p:text>Yes.</p:text></p:cm></p:cmLst>",
        "<c:cmLst xmlns:c='c' xmlns:a='a'><c:cm><c:replyLst><c:reply><c:txBody><a:p><a:r><a:t>Yes.</a:t></a:r></a:p>"
        "</c:txBody></c:reply></c:replyLst><c:txBody><a:p><a:r><a:t>Is 40 right?</a:t></a:r></a:p>"
        "</c:txBody></c:cm></c:cmLst>",
    ],
)
def test_comments_of_both_kinds(comments: str) -> None:
    def fill(slide: Any) -> None:
        box(slide, "Price 40")
        uri = PackURI("/ppt/comments/comment1.xml")
        part = Part(uri, "application/xml", slide.part.package, comments.encode())
        slide.part.relate_to(part, RELATIONSHIP_TYPE.COMMENTS)

    assert [text for _, text in words(deck_of(fill, layout=BLANK))] == [
        "Price 40",
        "Comment: Is 40 right?",
        "Comment: Yes.",
    ]


def test_groups_in_groups_are_read_together() -> None:
    def fill(slide: Any) -> None:
        box(slide, "last", y=5)
        group = slide.shapes.add_group_shape()
        inner = group.shapes.add_group_shape()
        for text in ("one", "two"):
            inner.shapes.add_textbox(
                Inches(1 + (text == "two")), Inches(1), Inches(1), Inches(1)
            ).text_frame.text = text

    assert [text for _, text in words(deck_of(fill, layout=BLANK))] == ["one", "two", "last"]


def test_series_with_other_categories_keep_their_values() -> None:
    """As charts whose parts python-pptx does not write."""
    root = etree.fromstring(
        "<c:chartSpace xmlns:c='c'><c:chart><c:plotArea><c:barChart><c:ser><c:cat><c:strLit><c:pt idx='0'><c:v>A</c:v>"
        "</c:pt></c:strLit></c:cat><c:val><c:numLit><c:pt idx='0'><c:v>1</c:v></c:pt></c:numLit></c:val>"
        "</c:ser></c:barChart>"
        "</c:plotArea></c:chart></c:chartSpace>"
    )
    assert read_chart(root).rows == [["", ""], ["A", "1"]]


def test_no_word_is_lost_however_deep_its_group() -> None:
    data = SHAPES["PowerPoint: groups in groups"].make(100_000)
    assert len(words(data)) == 240
