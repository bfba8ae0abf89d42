"""PowerPoint files with shapes in shapes, parts that name each other, and tables without end."""

from tests.indexer.documents.extract.shapes import slide_of
from tests.indexer.documents.extract.slides.decks import BLANK, box, deck_of
from tests.indexer.hostile.cases import failed, indexed, skipped
from tests.indexer.hostile.package_cases import packed

HELD = "Annual leave is thirty days."


def text(words: str = HELD, about: str = "") -> str:
    return f"<p:sp><p:txBody><a:p>{about}<a:r><a:t>{words}</a:t></a:r></a:p></p:txBody></p:sp>"


LEAVE = text()


def related(part: str, old: bytes, new: bytes) -> bytes:
    """A deck with words of the relations of one part replaced."""
    return packed(slide_of(LEAVE), change=lambda name, content: content.replace(old, new) if name == part else content)


def many_slides(count: int) -> bytes:
    """One slide, listed over and over."""
    return packed(
        slide_of(LEAVE),
        change=lambda name, old: (
            old.replace(b"</p:sldIdLst>", b'<p:sldId id="300" r:id="rId7"/>' * count + b"</p:sldIdLst>")
            if name == "ppt/presentation.xml"
            else old
        ),
    )


def table(spans: str) -> str:
    cell = f"<a:tc {spans}><a:txBody><a:p><a:r><a:t>{HELD}</a:t></a:r></a:p></a:txBody></a:tc>"
    return (
        "<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tblGrid/>"
        + f"<a:tr>{cell * 3}</a:tr>" * 3
        + "</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    )


_LAYOUT = "ppt/slideLayouts/_rels/slideLayout7.xml.rels"
_SLIDE = "ppt/slides/_rels/slide1.xml.rels"

SLIDE = (
    indexed(
        "groups in groups.pptx",
        "shapes in groups, 200 deep",
        lambda: slide_of("<p:grpSp>" * 200 + LEAVE + "</p:grpSp>" * 200),
        HELD,
    ),
    failed(
        "100,000 groups deep.pptx",
        "shapes in groups, 100,000 deep",
        lambda: slide_of("<p:grpSp>" * 100_000 + "</p:grpSp>" * 100_000),
        r"No slide of the file can be read: it is damaged\..*",
    ),
    indexed("5,000 shapes.pptx", "one slide with 5,000 shapes", lambda: slide_of(text("word") * 5_000 + LEAVE), HELD),
    indexed(
        "one slide 10,000 times.pptx", "a slide that is listed 10,000 times", lambda: many_slides(10_000), HELD, ".*"
    ),
    indexed(
        "a layout of itself.pptx",
        "a layout whose master is itself",
        lambda: related(_LAYOUT, b"../slideMasters/slideMaster1.xml", b"../slideLayouts/slideLayout7.xml"),
        HELD,
    ),
    indexed(
        "a slide of itself.pptx",
        "a slide whose layout is itself",
        lambda: related(_SLIDE, b"../slideLayouts/slideLayout7.xml", b"../slides/slide1.xml"),
        HELD,
    ),
    indexed(
        "a layout that is not there.pptx",
        "a slide without its layout",
        lambda: related(_SLIDE, b"slideLayout7.xml", b"nowhere.xml"),
        HELD,
        ".*",
    ),
    indexed("a box of 300 kB.pptx", "one text box of 300 kB", lambda: slide_of(LEAVE + text("word " * 60_000)), HELD),
    indexed(
        "spans out of range.pptx",
        "cells over 10^9 columns",
        lambda: slide_of(table('gridSpan="1000000000" rowSpan="999999999"')),
        HELD,
    ),
    indexed(
        "spans of nothing.pptx",
        "cells over -5 columns",
        lambda: slide_of(table('gridSpan="-5" rowSpan="x" vMerge="y"')),
        "",
    ),
    indexed(
        "numbered from 10^40.pptx",
        "items numbered from out of range",
        lambda: slide_of(
            text(HELD, f'<a:pPr lvl="999999"><a:buAutoNum type="romanUcPeriod" startAt="{"9" * 40}"/></a:pPr>')
        ),
        HELD,
    ),
    indexed(
        "at no place.pptx",
        "a shape at NaN",
        lambda: slide_of(
            f'<p:sp><p:spPr><a:xfrm><a:off x="nan" y="1e999"/><a:ext cx="-1" cy="{"9" * 400}"/></a:xfrm></p:spPr>'
            f"{text()[6:]}"
        ),
        HELD,
    ),
    indexed(
        "a slide that is no XML.pptx",
        "one slide of two is no XML",
        lambda: packed(
            deck_of(lambda slide: box(slide, HELD), lambda slide: box(slide, "b"), layout=BLANK),
            change=lambda name, old: b"words" if name == "ppt/slides/slide2.xml" else old,
        ),
        HELD,
        r".*[Ss]lide 2.*",
    ),
    skipped(
        "an empty deck.pptx",
        "a slide without a word",
        lambda: slide_of(""),
        r"The file holds no text that a reader would see\.",
    ),
)
