"""Word files as a person sees them: the text and what Word adds to it, leaves out of it, or says beside it."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from indexer.documents.extract.formats import extract_bytes
from indexer.errors import UnreadableFile
from tests.indexer.documents.extract.invariants import outline
from tests.indexer.documents.extract.office.test_office import repacked
from tests.indexer.documents.extract.word.words import (
    Part,
    cell_of,
    paragraph,
    part,
    read,
    row,
    run,
    seen,
    table,
    texts,
    word,
)

STYLES = (
    '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Kapitel"/><w:basedOn w:val="Heading1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Outlined"><w:name w:val="x"/>'
    '<w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="y"/><w:basedOn w:val="Loop"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Secret"><w:name w:val="z"/><w:rPr><w:vanish/></w:rPr></w:style>'
    '<w:style w:type="character" w:styleId="Unseen"><w:name w:val="u"/><w:rPr><w:vanish/></w:rPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Code"><w:name w:val="Source Code"/></w:style>'
)


def styled(body: str, **parts: Part) -> bytes:
    return word(body, own_styles=part("styles", STYLES), **parts)


def test_headings_are_told_by_their_style_and_what_it_is_based_on() -> None:
    body = "".join(
        paragraph(f"Under {name}", name) for name in ("Title", "Heading1", "Own", "Outlined", "Loop", "Gone")
    )
    outlined = '<w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Directly</w:t></w:r></w:p>'
    read_as = [kind for kind, _ in [(b.kind + str(b.level), b) for b in read(styled(body + outlined)).blocks]]
    assert read_as == ["heading1", "heading1", "heading1", "heading3", "paragraph0", "paragraph0", "heading2"]


def test_a_sentence_of_many_words_is_no_heading_whatever_its_style() -> None:
    assert [block.kind for block in read(styled(paragraph("word " * 100, "Heading1"))).blocks] == ["paragraph"]


def test_lines_of_code_are_one_block() -> None:
    document = read(styled(paragraph("a = 1", "Code") + paragraph("  b = 2", "Code") + paragraph("After.")))
    assert [block.kind for block in document.blocks] == ["code", "paragraph"]
    assert document.text.startswith("a = 1\n  b = 2")


def test_what_is_hidden_is_left_out_and_said() -> None:
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>for 30,000</w:t></w:r>"
    by_style = '<w:r><w:rPr><w:rStyle w:val="Unseen"/></w:rPr><w:t>internal</w:t></w:r>'
    shown = '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> seen</w:t></w:r>'
    document = read(styled(paragraph(run("Offer") + hidden + by_style + shown) + paragraph("Secret words", "Secret")))
    assert document.text == "Offer seen"
    assert document.remarks == ("Words that are hidden are not searched: 5.",)


@pytest.mark.parametrize("mark", ["vanish", "strike"])
def test_the_ordinary_style_counts_where_a_paragraph_names_none(mark: str) -> None:
    normal = f'<w:style w:type="paragraph" w:default="1" w:styleId="N"><w:rPr><w:{mark}/></w:rPr></w:style>'
    seen_anyway = f'<w:r><w:rPr><w:{mark} w:val="0"/></w:rPr><w:t> shown</w:t></w:r>'
    body = paragraph(run("left out") + seen_anyway)
    assert read(word(body, own_styles=part("styles", normal))).text == "shown"


def test_words_for_the_web_alone_are_seen() -> None:
    """Word writes this into tables of contents."""
    assert texts(paragraph("<w:r><w:rPr><w:webHidden/></w:rPr><w:t>Scope 3</w:t></w:r>")) == ["Scope 3"]


def test_struck_out_words_are_left_out_and_said() -> None:
    document = read(
        word(paragraph(run("The fee is ") + "<w:r><w:rPr><w:strike/></w:rPr><w:t>40</w:t></w:r>" + run("50.")))
    )
    assert document.text == "The fee is 50."
    assert document.remarks == ("Words that are struck out are not searched: 1.",)


def test_tracked_changes_are_read_as_accepted_and_said() -> None:
    gone = f"<w:del><w:r><w:delText>two</w:delText></w:r></w:del><w:moveFrom>{run('old place')}</w:moveFrom>"
    body = paragraph(run("Notice is ") + gone + f"<w:ins>{run('three')}</w:ins>" + run(" months."))
    merged = "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>It begins</w:t></w:r></w:p>"
    body += merged + paragraph(" in May.") + f"<w:moveTo>{paragraph('Moved here.')}</w:moveTo>"
    dropped = table(row("A", "B"), row("C", "D", about="<w:del/>"), row("E", "F"))
    document = read(word(body + dropped))
    assert document.text.split("\n\n") == [
        "Notice is three months.",
        "It begins in May.",
        "Moved here.",
        "A | B\nE | F",
    ]
    assert document.remarks == ("Changes that are tracked in it are read as if they were accepted.",)


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t></w:r>", "a b"),
        ("<w:r><w:t>a</w:t><w:br/><w:t>b</w:t></w:r>", "a\nb"),
        ('<w:r><w:t>a</w:t><w:br w:type="page"/><w:t>b</w:t></w:r>', "a\nb"),
        ("<w:r><w:t>a</w:t><w:noBreakHyphen/><w:t>b</w:t></w:r>", "a-b"),
        ("<w:r><w:t>a</w:t><w:softHyphen/><w:t>b</w:t></w:r>", "ab"),
        ("<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>", "link"),
        ("<w:smartTag><w:customXml><w:r><w:t>tagged</w:t></w:r></w:customXml></w:smartTag>", "tagged"),
        ('<w:r><w:sym w:font="Symbol" w:char="F0B3"/></w:r>', "≥"),
        ('<w:r><w:rPr><w:rFonts w:ascii="Symbol"/></w:rPr><w:t>mm</w:t></w:r>', "μμ"),
        (
            '<w:r><w:rPr><w:rFonts w:ascii="Wingdings"/></w:rPr><w:t>þ</w:t></w:r><w:r><w:t> Paid</w:t></w:r>',
            "[x] Paid",
        ),
        ('<w:r><w:sym w:font="Wingdings" w:char="F0A8"/><w:t>Paid</w:t></w:r>', "[ ] Paid"),
        ("<w:r><w:t>☒Paid ☐ Sent</w:t></w:r>", "[x] Paid [ ] Sent"),
        ("<w:r><w:t>10</w:t></w:r><w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>6</w:t></w:r>", "10⁶"),
        ("<w:r><w:t>1</w:t></w:r><w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>st</w:t></w:r>", "1st"),
        ("<w:bdo><w:r><w:t>other way</w:t></w:r></w:bdo>", "other way"),
    ],
)
def test_what_stands_in_a_paragraph(inside: str, text: str) -> None:
    assert texts(paragraph(inside)) == [text]


def test_a_large_first_letter_belongs_to_its_word() -> None:
    letter = '<w:p><w:pPr><w:framePr w:dropCap="drop"/></w:pPr><w:r><w:t>O</w:t></w:r></w:p>'
    assert texts(letter + paragraph("nce upon a time.")) == ["Once upon a time."]


def test_furigana_stand_in_parentheses() -> None:
    ruby = f"<w:r><w:ruby><w:rt>{run('かんじ')}</w:rt><w:rubyBase>{run('漢字')}</w:rubyBase></w:ruby></w:r>"
    assert texts(paragraph(ruby)) == ["漢字(かんじ)"]


HEADER = '<w:headerReference w:type="{}" r:id="rId{}"/>'
FOOTER = '<w:footerReference w:type="{}" r:id="rId{}"/>'


def page(number: str = "PAGE") -> str:
    return f'<w:fldSimple w:instr=" {number} "><w:r><w:t>7</w:t></w:r></w:fldSimple>'


def test_headers_and_footers_stand_once_without_page_numbers() -> None:
    top = part(
        "header",
        paragraph("QM-4711 Revision 9") + paragraph(run("Page ") + page() + run(" of ") + page("NUMPAGES")),
        "hdr",
    )
    bottom = part(
        "footer", paragraph(run("Owner: Quality, phone 5522") + "<w:r><w:tab/></w:r>" + run("Page ") + page()), "ftr"
    )
    same = part("header", paragraph("QM-4711 Revision 9") + paragraph("Part two"), "hdr")
    first = f"<w:sectPr>{HEADER.format('default', 1)}{FOOTER.format('default', 2)}</w:sectPr>"
    body = paragraph("One.") + f"<w:p><w:pPr>{first}</w:pPr></w:p>" + paragraph("Two.")
    body += f"<w:sectPr>{HEADER.format('default', 3)}</w:sectPr>"
    parts = {"header1": top, "footer1": bottom, "header2": same}
    assert texts(body, parts) == ["QM-4711 Revision 9", "One.", "Owner: Quality, phone 5522", "Part two", "Two."]


def test_headers_that_no_page_shows_are_not_read() -> None:
    first = part("header", paragraph("First page alone"), "hdr")
    even = part("header", paragraph("Even pages alone"), "hdr")
    refs = HEADER.format("first", 1) + HEADER.format("even", 2)
    parts = {"header1": first, "header2": even}
    assert texts(paragraph("Text.") + f"<w:sectPr>{refs}</w:sectPr>", parts) == ["Text."]
    settings = part("settings", "<w:evenAndOddHeaders/>")
    shown = texts(paragraph("Text.") + f"<w:sectPr>{refs}<w:titlePg/></w:sectPr>", {**parts, "settings": settings})
    assert shown == ["First page alone", "Even pages alone", "Text."]


def test_a_section_takes_over_the_headers_of_the_one_before() -> None:
    first = part("header", paragraph("First page alone"), "hdr")
    refs = f"<w:sectPr>{HEADER.format('first', 1)}</w:sectPr>"
    body = f"<w:p><w:pPr>{refs}</w:pPr><w:r><w:t>One.</w:t></w:r></w:p>" + paragraph("Two.")
    assert texts(body + "<w:sectPr><w:titlePg/></w:sectPr>", {"header1": first}) == ["One.", "First page alone", "Two."]


def test_a_header_that_is_a_table_and_a_watermark() -> None:
    mark = '<w:p><w:r><w:pict><v:shape><v:textpath string="CONFIDENTIAL"/></v:shape></w:pict></w:r></w:p>'
    top = part("header", table(row("Form F-12", "", "Revision 3")) + mark, "hdr")
    section = f"<w:sectPr>{HEADER.format('default', 1)}</w:sectPr>"
    assert texts(paragraph("Text.") + section, {"header1": top}) == ["Form F-12 | Revision 3", "CONFIDENTIAL", "Text."]


def test_notes_stand_behind_the_text_and_comments_behind_their_paragraph() -> None:
    kept = f'<w:footnote w:id="2">{paragraph("With the salary.")}</w:footnote>'
    notes = part("footnotes", f'<w:footnote w:id="-1">{paragraph("never seen")}</w:footnote>{kept}')
    said = part("comments", f'<w:comment w:id="0" w:author="Mara Voss">{paragraph("Is this right?")}</w:comment>')
    marks = '<w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:commentReference w:id="0"/></w:r>'
    body = paragraph(run("Paid monthly") + marks + run(".")) + paragraph("Next.")
    expected = ["Paid monthly.", "Comment by Mara Voss: Is this right?", "Next.", "With the salary."]
    assert texts(body, {"footnotes": notes, "comments": said}) == expected


def test_notes_in_notes_are_read_once_and_comments_in_comments_are_not() -> None:
    def mark(kind: str, number: int) -> str:
        return f'<w:r><w:{kind}Reference w:id="{number}"/></w:r>'

    count = 3_000
    chain = "".join(
        f'<w:footnote w:id="{n}">{paragraph(run(f"note {n}") + mark("footnote", (n + 1) % count))}</w:footnote>'
        for n in range(count)
    )
    said = "".join(
        f'<w:comment w:id="{n}">{paragraph(run(f"said {n}") + mark("comment", n + 1))}</w:comment>'
        for n in range(count)
    )
    body = paragraph(run("Text") + mark("footnote", 0) + mark("comment", 0))
    found = texts(body, {"footnotes": part("footnotes", chain), "comments": part("comments", said)})
    assert found == ["Text", "Comment: said 0", *(f"note {n}" for n in range(count))]


def test_comments_in_a_table_stand_behind_it() -> None:
    said = part("comments", f'<w:comment w:id="0">{paragraph("Why?")}</w:comment>')
    cell = cell_of(paragraph(run("120") + '<w:r><w:commentReference w:id="0"/></w:r>'))
    body = table(row("City", "Limit"), row("Oslo", cell))
    assert seen(body, {"comments": said}) == [
        ("header", "City | Limit"), ("row", "Oslo | 120"), ("paragraph", "Comment: Why?"),
    ]  # fmt: skip


def test_a_broken_part_is_said() -> None:
    mark = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    data = word(paragraph(run("Text") + mark), footnotes=part("footnotes", "<w:footnote>"))
    document = read(repacked(data, "word/styles.xml", b"<w:styles"))
    assert document.text == "Text"
    assert document.remarks == ("Damaged in the file and not read: footnotes, the styles.",)


def test_strict_files_and_templates_are_read() -> None:
    data = word(paragraph("Strict words."))
    assert read(data, "x.dotx").text == read(data, "x.docm").text == "Strict words."
    for name in ("word/document.xml", "_rels/.rels", "word/_rels/document.xml.rels"):
        with zipfile.ZipFile(BytesIO(data)) as archive:
            content = archive.read(name)
        for kind in (b"officeDocument", b"wordprocessingml"):
            content = content.replace(b"schemas.openxmlformats.org/%s/2006" % kind, b"purl.oclc.org/ooxml/%s" % kind)
        data = repacked(data, name, content)
    assert b"schemas.openxmlformats.org/officeDocument" not in content
    assert read(data).text == "Strict words."


def test_the_state_of_boxes_in_a_public_form_is_read(shared: Path) -> None:
    document = read((shared / "field/fail-04-checkbox-state-lost/word-form.docx").read_bytes())
    assert [text for _, text in outline(document)] == [
        "Document number QM-4711 Revision 9 valid from 1 May 2026",
        "Release checklist",
        "[x] Security review passed",
        "[ ] Load test passed",
        "[ ] Legal approval given",
        "Owner: Quality department, phone 5522",
    ]


def test_a_file_whose_words_are_in_its_header_is_no_empty_one(shared: Path) -> None:
    folder = shared / "field/fail-14-silent-loss-charts-smartart-textboxes-headers"
    assert read((folder / "docx-header-only.docx").read_bytes()).text == "Emergency number of the plant: 5566"


@pytest.mark.parametrize("body", ["<w:p><w:r>", "<w:tbl>" * 300 + "</w:tbl>" * 300])
def test_a_broken_document_is_refused_in_a_sentence(body: str) -> None:
    with pytest.raises(UnreadableFile, match="damaged, or what is in it is nested too deeply"):
        extract_bytes(word(body), "x.docx")
