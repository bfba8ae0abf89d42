"""What a person sees in a Word file and Docent does not read is a remark, by kind and heading."""

import pytest

from indexer.documents.extract.formats import extract_bytes
from indexer.errors import NeedsOcr, UnreadableFile, UnsupportedFile
from tests.indexer.documents.extract.word.test_word_drawings import drawing, imported, picture
from tests.indexer.documents.extract.word.words import Part, paragraph, part, read, run, texts, word

END = "; words inside are not searched."
NOT_STORED = ", not read: they are not stored in the file."
COMPUTE = ": in Word press Ctrl+A, then F9, and save the file."
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def field(code: str, result: str = "") -> str:
    begin, separate, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
    return f"{begin}<w:r><w:instrText>{code}</w:instrText></w:r>{separate + run(result) if result else ''}{end}"


def simple(code: str, result: str = "") -> str:
    return f'<w:fldSimple w:instr="{code}">{run(result) if result else ""}</w:fldSimple>'


def test_things_are_told_with_the_headings_above_them() -> None:
    body = paragraph(picture(3, 3)) + paragraph("Scope", "Heading1") + paragraph(run("Words") + picture(3, 3) * 2)
    body += paragraph("Annex", "Heading2") + paragraph(picture(3, 3))
    assert read(word(body)).remarks == (f'It holds 4 pictures (below "Scope" and "Annex"){END}',)


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (field("AUTONUM"), f"1 number that Word counts by itself{NOT_STORED}"),
        (field("LISTNUM \\l 2") * 2, f"2 numbers that Word counts by itself{NOT_STORED}"),
        (simple(" AUTONUMLGL "), f"1 number that Word counts by itself{NOT_STORED}"),
        (field("SEQ Figure"), f"1 field without a stored result{COMPUTE}"),
        (field("REF _Ref1 \\h"), f"1 field without a stored result{COMPUTE}"),
        (field("= SUM(ABOVE)"), f"1 field without a stored result{COMPUTE}"),
        (drawing('<c:chart xmlns:c="c" r:id="rId99"/>'), "1 chart without its contents: they are not in the file."),
        (drawing('<d:relIds xmlns:d="d" r:dm="rId99"/>'), "1 diagram without its contents: they are not in the file."),
        (
            f'<w:r><mc:AlternateContent {MC}><mc:Choice Requires="wpi">'
            + drawing('<w14:contentPart xmlns:w14="w14" r:id="rId9"/>').removeprefix("<w:r>").removesuffix("</w:r>")
            + "</mc:Choice><mc:Fallback><w:pict/></mc:Fallback></mc:AlternateContent></w:r>",
            f"1 drawing by hand{END}",
        ),
        (drawing("<wps:wsp><wps:spPr><a:blipFill/></wps:spPr></wps:wsp>"), f"1 picture{END}"),
        ('<w:r><w:object><w:control w:name="x"/></w:object></w:r>', f"1 form control (ActiveX){END}"),
    ],
)
def test_kinds_of_things(shown: str, told: str) -> None:
    document = read(word(paragraph(run("Words") + shown)))
    assert (document.text, document.remarks) == ("Words", (f"It holds {told}",))


@pytest.mark.parametrize(
    "shown", [field("SEQ Figure", "3"), field("XE hidden"), field("TC entry"), field("SET a 1"), simple("REF a", "3")]
)
def test_fields_that_show_what_is_read_or_nothing(shown: str) -> None:
    assert read(word(paragraph(run("Words ") + shown))).remarks == ()


def test_signs_that_a_field_draws() -> None:
    assert texts(paragraph(run("Paid ") + field('SYMBOL 254 \\f "Wingdings" \\s 12'))) == ["Paid [x]"]
    assert texts(paragraph(run("Angle ") + field('SYMBOL 97 \\f "Symbol"'))) == ["Angle α"]


def test_what_an_imported_page_shows_is_said() -> None:
    page = imported("a.html", b"<p>Keys</p><img src=a.png>", paragraph("Words.") + '<w:altChunk r:id="rId9"/>')
    assert read(page).remarks == ("It shows 1 picture; words inside are not searched.",)


def test_no_text_is_said_only_where_it_is_true() -> None:
    with pytest.raises(NeedsOcr, match="the words are pictures"):
        extract_bytes(word(paragraph(picture(6, 8))), "scan.docx")
    with pytest.raises(UnsupportedFile, match="It holds 1 small picture"):
        extract_bytes(word(paragraph(picture(1, 1))), "a.docx")
    with pytest.raises(UnsupportedFile, match=r"no text that Docent reads\. It holds 1 chart without its contents"):
        extract_bytes(word(paragraph(drawing('<c:chart xmlns:c="c" r:id="rId99"/>'))), "a.docx")
    with pytest.raises(UnsupportedFile, match=r"no text that Docent reads\. Words that are hidden are not searched: 1"):
        extract_bytes(word(paragraph("<w:r><w:rPr><w:vanish/></w:rPr><w:t>x</w:t></w:r>")), "a.docx")
    with pytest.raises(UnsupportedFile, match="no text that a reader would see"):
        extract_bytes(word(paragraph("")), "a.docx")
    lost = Part("footnotes", "x", "<w:footnotes")
    with pytest.raises(UnreadableFile, match="Damaged in the file and not read: footnotes"):
        extract_bytes(word(paragraph('<w:r><w:footnoteReference w:id="2"/></w:r>'), footnotes=lost), "a.docx")


def test_a_file_of_a_header_a_box_or_a_comment_alone_holds_text() -> None:
    header = part("header", paragraph("Order 7"), "hdr")
    section = '<w:sectPr><w:headerReference w:type="default" r:id="rId1"/></w:sectPr>'
    assert read(word(paragraph("") + section, header1=header)).text == "Order 7"
    comment = part("comments", f'<w:comment w:id="1" w:author="Ann">{paragraph("Late")}</w:comment>')
    mark = '<w:r><w:commentReference w:id="1"/></w:r>'
    assert read(word(paragraph(mark), comments=comment)).text == "Comment by Ann: Late"
    box = f"<wps:wsp><wps:txbx><w:txbxContent>{paragraph('Boxed')}</w:txbxContent></wps:txbx></wps:wsp>"
    assert texts(paragraph(drawing(f'<wpg:wgp xmlns:wpg="wpg">{box}</wpg:wgp>'))) == ["Boxed"]
