"""What a person sees in a deck and Docent does not read is a remark, by kind and slide."""

import pytest

from indexer.documents.extract.formats import extract_bytes
from indexer.errors import NeedsOcr, UnreadableFile, UnsupportedFile
from tests.indexer.documents.extract.shapes import slide_of
from tests.indexer.documents.extract.slides.decks import BLANK, box, changed, deck_of, read
from tests.indexer.documents.extract.slides.test_slides import picture

WORDS = "<p:sp><p:txBody><a:p><a:r><a:t>Words</a:t></a:r></a:p></p:txBody></p:sp>"
END = "; words inside are not searched."
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def frame(inside: str) -> str:
    about = '<p:nvGraphicFramePr><p:cNvPr id="9" name="x"/></p:nvGraphicFramePr>'
    return f"<p:graphicFrame>{about}<a:graphic><a:graphicData>{inside}</a:graphicData></a:graphic></p:graphicFrame>"


def pic(media: str) -> str:
    return f'<p:pic><p:nvPicPr><p:cNvPr id="8" name="x"/><p:nvPr>{media}</p:nvPr></p:nvPicPr></p:pic>'


FILM = pic('<a:videoFile r:link="rId9"/>')


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (FILM, "1 film on slide 1"),
        (pic('<a:audioFile r:link="rId9"/>'), "1 sound recording on slide 1"),
        (pic(""), "1 picture on slide 1"),
        (frame("<p:oleObj/>"), "1 embedded file on slide 1"),
        (frame('<am3d:model3d xmlns:am3d="am3d"/>'), "1 three-dimensional model on slide 1"),
        (frame('<we:webextensionref xmlns:we="we"/>'), "1 frame of an add-in on slide 1"),
        (
            f'<mc:AlternateContent {MC}><mc:Choice Requires="p14"><p:contentPart r:id="rId9"/></mc:Choice>'
            f"<mc:Fallback>{pic('')}</mc:Fallback></mc:AlternateContent>",
            "1 drawing by hand on slide 1",
        ),
    ],
)
def test_kinds_of_things(shown: str, told: str) -> None:
    assert read(slide_of(WORDS + shown)).remarks == (f"{told}{END}",)


def test_a_picture_behind_the_slide() -> None:
    """Programs that make decks of pictures put them there."""
    behind = "<p:cSld><p:bg><p:bgPr><a:blipFill/></p:bgPr></p:bg>"
    data = changed(slide_of(WORDS), "ppt/slides/slide1.xml", ("<p:cSld>", behind))
    assert read(data).remarks == (f"1 picture on slide 1{END}",)


def test_a_picture_that_fills_a_shape_with_words() -> None:
    words = "<p:txBody><a:p><a:r><a:t>Gate 4</a:t></a:r></a:p></p:txBody>"
    document = read(slide_of(f"<p:sp><p:spPr><a:blipFill/></p:spPr>{words}</p:sp>"))
    assert (document.text, document.remarks) == ("Gate 4", (f"1 picture on slide 1{END}",))


def test_a_layout_that_is_damaged() -> None:
    data = deck_of(lambda slide: box(slide, "Words"), layout=BLANK)
    broken = changed(data, "ppt/slideLayouts/slideLayout7.xml", ("</p:sldLayout>", ""))
    assert read(broken).remarks == ("Damaged in the file and not read: a layout.",)


def test_no_text_is_said_only_where_it_is_true() -> None:
    with pytest.raises(NeedsOcr, match="the words are pictures"):
        extract_bytes(deck_of(picture, layout=BLANK), "a.pptx")
    with pytest.raises(UnsupportedFile, match=r"no text that Docent reads\. 1 film on slide 1"):
        extract_bytes(slide_of(FILM), "a.pptx")
    with pytest.raises(UnsupportedFile, match="no text that a reader would see"):
        extract_bytes(deck_of(lambda slide: None, layout=BLANK), "a.pptx")
    two = deck_of(lambda slide: None, lambda slide: box(slide, "Lost"), layout=BLANK)
    with pytest.raises(UnreadableFile, match="Slide 2 is damaged"):
        extract_bytes(changed(two, "ppt/slides/slide2.xml", ("</p:sld>", "")), "a.pptx")
