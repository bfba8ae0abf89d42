"""Decks as a person sees them: what each shape says, in which order, and what is said of the rest."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pptx
import pytest
from PIL import Image
from pptx.util import Inches

from benchmarks.extraction import field
from benchmarks.extraction.expected import parse
from benchmarks.extraction.score import score
from indexer.documents.extract.slides import objects as slide_objects
from indexer.errors import NeedsOcr, UnreadableFile, UnsupportedFile
from tests.indexer.documents.extract.slides.decks import (
    BLANK,
    TITLE_AND_BODY,
    TITLE_ONLY,
    box,
    changed,
    deck_of,
    read,
    saved,
    table,
    words,
)


def picture(slide: Any, about: str = "", inches: float = 4) -> Any:
    stream = BytesIO()
    Image.new("RGB", (20, 10), "navy").save(stream, "PNG")
    stream.seek(0)
    made = slide.shapes.add_picture(stream, Inches(1), Inches(3), Inches(inches))
    made._element.nvPicPr.cNvPr.set("descr", about)
    return made


def frame(slide: Any) -> Any:
    return table(slide, [["a", "b"]])._graphic_frame


@pytest.mark.parametrize("make", [picture, frame])
def test_a_title_that_holds_no_words_is_no_reason_to_lose_the_deck(make: Callable[[Any], Any]) -> None:
    def first(slide: Any) -> None:
        title = slide.shapes.title._element
        make(slide)._element.find(".//{*}nvPr").append(title.find(".//{*}ph"))
        title.getparent().remove(title)
        box(slide, "Evacuation point is the north car park")

    def second(slide: Any) -> None:
        slide.shapes.title.text = "Alarm"

    found = words(deck_of(first, second))
    assert ("paragraph", "Evacuation point is the north car park") in found
    assert found[-1] == ("heading1", "Alarm")


def test_a_slide_that_is_damaged_is_a_remark() -> None:
    data = deck_of(lambda slide: box(slide, "One"), lambda slide: box(slide, "Two"), layout=BLANK)
    document = read(changed(data, "ppt/slides/slide1.xml", ("</p:sld>", "")))
    assert document.text == "Two"
    assert document.remarks == ("Slide 1 is damaged and could not be read.",)
    with pytest.raises(UnreadableFile, match="No slide of the file can be read"):
        read(changed(deck_of(lambda slide: box(slide, "One")), "ppt/slides/slide1.xml", ("</p:sld>", "")))


def test_a_slide_that_is_missing_is_a_remark() -> None:
    data = deck_of(lambda slide: box(slide, "One"), lambda slide: box(slide, "Two"), layout=BLANK)
    document = read(changed(data, "ppt/_rels/presentation.xml.rels", ("slides/slide2.xml", "slides/slide9.xml")))
    assert (document.text, document.pages) == ("One", 2)
    assert document.remarks == ("Slide 2 is damaged and could not be read.",)


@pytest.mark.parametrize("part", ["ppt/slideLayouts/slideLayout7.xml", "ppt/slideMasters/slideMaster1.xml"])
def test_a_damaged_layout_costs_nothing_but_places(part: str) -> None:
    data = deck_of(lambda slide: box(slide, "One"), layout=BLANK)
    assert words(changed(data, part, ("<p:cSld", "<p:cSld <"))) == [("paragraph", "One")]


def test_a_shape_that_cannot_be_read_is_a_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(element: Any) -> None:
        raise AttributeError("text_frame")

    def fill(slide: Any) -> None:
        table(slide, [["a", "b"], ["c", "d"]])
        box(slide, "Before")
        box(slide, "After", y=6)

    monkeypatch.setattr(slide_objects, "read_table", fails)
    document = read(deck_of(fill, fill))
    assert document.text == "Before\n\nAfter\n\nBefore\n\nAfter"
    assert document.remarks == ("2 shapes on slides 1-2 could not be read.",)


def test_numbers_that_are_none_are_no_reason_to_lose_a_shape() -> None:
    data = deck_of(lambda slide: (box(slide, "One"), table(slide, [["a", "b"], ["c", "d"]])), layout=BLANK)
    broken = changed(
        data,
        "ppt/slides/slide1.xml",
        ('<a:off x="914400"', '<a:off x="1.5e3"'),
        ('<a:gridCol w="2743200"', '<a:gridCol w="?"'),
        ("<a:tc>", '<a:tc gridSpan="x" rowSpan="-1">'),
    )
    assert words(broken) == [("paragraph", "One"), ("header", "a | b"), ("row", "c | d")]


def test_a_deck_of_another_dialect_is_read() -> None:
    data = deck_of(lambda slide: box(slide, "Strict words"), layout=BLANK)
    names = "http://schemas.openxmlformats.org"
    for part in ("ppt/presentation.xml", "ppt/slides/slide1.xml"):
        data = changed(
            data, part, (f"{names}/presentationml/2006/main", "http://purl.oclc.org/ooxml/presentationml/main")
        )
        data = changed(
            data,
            part,
            (f"{names}/officeDocument/2006/relationships", "http://purl.oclc.org/ooxml/officeDocument/relationships"),
        )
    assert words(data) == [("paragraph", "Strict words")]


def test_shapes_side_by_side_are_read_from_left_to_right_though_drawn_by_hand() -> None:
    def fill(slide: Any) -> None:
        box(slide, "right", x=5, y=2)
        box(slide, "left", x=1, y=2.05)
        box(slide, "below", x=1, y=3)

    assert words(deck_of(fill, layout=BLANK)) == [("paragraph", text) for text in ("left", "right", "below")]


def test_placeholders_stand_where_their_layout_has_them() -> None:
    def fill(slide: Any) -> None:
        box(slide, "below the body", y=7)
        slide.placeholders[1].text = "body"
        box(slide, "above the title", y=0.01)

    found = words(deck_of(fill, layout=TITLE_AND_BODY))
    assert found == [("paragraph", text) for text in ("above the title", "body", "below the body")]


def test_a_deck_without_text_says_what_is_true_of_it() -> None:
    with pytest.raises(NeedsOcr, match="No text on any of its 2 slides: the words are pictures"):
        read(deck_of(picture, picture, layout=BLANK))
    with pytest.raises(UnsupportedFile, match=r"Hidden slides are not searched: 1\."):
        read(deck_of(lambda slide: slide._element.set("show", "0")))
    with pytest.raises(UnsupportedFile, match="holds no text that a reader would see"):
        read(deck_of(lambda slide: None))


def test_slides_that_name_one_part_over_and_over_read_it_once() -> None:
    def fill(slide: Any) -> None:
        slide.notes_slide.notes_text_frame.text = "Note"

    data = deck_of(fill, lambda slide: box(slide, "Two"))
    data = changed(data, "ppt/_rels/presentation.xml.rels", ("slides/slide2.xml", "slides/slide1.xml"))
    assert [block.page for block in read(data).blocks] == [1]


def test_what_is_not_a_deck_is_refused_in_a_sentence() -> None:
    data = deck_of(lambda slide: None)
    with pytest.raises(UnreadableFile, match="damaged: Docent cannot read its list of slides"):
        read(changed(data, "ppt/presentation.xml", ("</p:presentation>", "")))
    with pytest.raises(UnreadableFile, match="not a PowerPoint file, or what it begins with is lost"):
        read(changed(data, "_rels/.rels", ("ppt/presentation.xml", "ppt/presProps.xml")))
    with pytest.raises(UnreadableFile, match="not a PowerPoint file, or what it begins with is lost"):
        read(changed(data, "_rels/.rels", ("ppt/presentation.xml", "ppt/other.xml")))


def test_hidden_slides_and_shapes_are_said() -> None:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = "Open"
        box(slide, "secret")._element.nvSpPr.cNvPr.set("hidden", "1")

    data = deck_of(fill, lambda slide: slide._element.set("show", "0"), layout=TITLE_ONLY)
    document = read(data)
    assert document.text == "Open"
    assert document.remarks == ("Hidden slides are not searched: 2.", "1 hidden shape on slide 1, not searched.")


def test_the_title_of_a_deck_is_its_own_or_that_of_its_first_slide() -> None:
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[TITLE_ONLY]).shapes.title.text = "Board\vof March"
    assert read(saved(deck)).title == "Board of March"
    deck.core_properties.title = "Board 2026"
    assert read(saved(deck)).title == "Board 2026"


@pytest.mark.parametrize("name", ["field-pptx-chart-and-merge.pptx", "field-pptx-picture-as-title.pptx"])
def test_decks_that_others_wrote(shared: Path, name: str) -> None:
    assert (shared / "field").is_dir()
    case = next(case for case in field.cases() if case.name == name)
    document = read(case.make())
    parts = [(block.kind, document.text[block.start : block.end]) for block in document.blocks]
    found = score(parse(case.expected), parts)
    assert (found.found, found.clean, found.order) == (1, 1, 1)
    assert found.rows[0] == found.rows[1]
    assert found.headed[0] == found.headed[1]
