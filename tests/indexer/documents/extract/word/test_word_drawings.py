"""What hangs on the paragraphs of Word files: boxes, charts, diagrams, pictures, embedded and imported files."""

import zipfile
from io import BytesIO

import pytest

from benchmarks.extraction.made_charts import bar_chart
from tests.indexer.documents.extract.word.words import (
    Part,
    cell_of,
    paragraph,
    read,
    row,
    run,
    seen,
    table,
    texts,
    word,
)

_MEDIA = "application/vnd.openxmlformats-officedocument.drawingml"


def drawing(inside: str, about: str = "") -> str:
    extent = '<wp:extent cx="4000000" cy="2000000"/>'
    graphic = f"<a:graphic><a:graphicData>{inside}</a:graphicData></a:graphic>"
    return (
        f'<w:r><w:drawing><wp:inline>{extent}<wp:docPr id="1" name="x" {about}/>{graphic}</wp:inline></w:drawing></w:r>'
    )


def box(*paragraphs: str) -> str:
    return f"<wps:wsp><wps:txbx><w:txbxContent>{''.join(paragraphs)}</w:txbxContent></wps:txbx></wps:wsp>"


def old_box(inside: str) -> str:
    box = f"<v:textbox><w:txbxContent>{inside}</w:txbxContent></v:textbox>"
    return f"<w:r><w:pict><v:shape>{box}</v:shape></w:pict></w:r>"


def picture(width: int, height: int, about: str = "") -> str:
    size = f'<a:xfrm><a:ext cx="{width * 914400}" cy="{height * 914400}"/></a:xfrm>'
    inside = f'<pic:pic xmlns:pic="p"><pic:blipFill><a:blip/></pic:blipFill><pic:spPr>{size}</pic:spPr></pic:pic>'
    return drawing(inside, about)


def test_text_boxes_stand_behind_their_paragraph_once() -> None:
    new = drawing(box(paragraph("In a box.", "Heading1"), table(row("A", "B"), row("C", "D"))))
    old = old_box(paragraph("In a box."))
    both = f"<mc:AlternateContent><mc:Choice>{new}</mc:Choice><mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
    assert seen(paragraph(run("Anchor") + both + run(" goes on."))) == [
        ("paragraph", "Anchor goes on."), ("heading1", "In a box."), ("row", "A | B"), ("row", "C | D"),
    ]  # fmt: skip
    assert texts(paragraph(old)) == ["In a box."]


def test_boxes_in_boxes_groups_and_cells() -> None:
    inner = box(paragraph(run("Outer") + drawing(box(paragraph("Inner")))))
    assert texts(paragraph(drawing(f"<wpg>{inner}{box(paragraph('Beside'))}</wpg>"))) == ["Outer", "Inner", "Beside"]
    assert texts(table(row("A", "B"), row(cell_of(paragraph(drawing(box(paragraph("boxed"))))), "D")))[1] == "boxed | D"


def test_words_for_older_programs_are_read_where_there_are_no_others() -> None:
    old = f"<mc:Fallback>{old_box(paragraph('Words'))}</mc:Fallback>"
    ink = f"<mc:AlternateContent><mc:Choice>{drawing('')}</mc:Choice>{old}</mc:AlternateContent>"
    assert texts(paragraph(ink)) == ["Words"]


def test_a_chart_is_its_words_and_its_values() -> None:
    content = bar_chart("Units sold", "2025", (("Norway", 412), ("Ireland", 905)))
    chart = drawing('<c:chart r:id="rId1"/>')
    body = paragraph("All grew.") + paragraph(chart) + paragraph(chart)
    assert seen(body, {"chart1": Part("chart", f"{_MEDIA}.chart+xml", content)}) == [
        ("paragraph", "All grew."), ("paragraph", "Units sold"), ("header", "| 2025"), ("row", "Norway | 412"),
        ("row", "Ireland | 905"),
    ]  # fmt: skip


def test_a_chart_without_values_is_said() -> None:
    content = '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart/></c:chartSpace>'
    data = word(paragraph(run("Text") + drawing('<c:chart r:id="rId1"/>')), chart1=Part("chart", "x/xml", content))
    assert read(data).remarks == ("It holds 1 chart without stored values.",)


def test_a_diagram_is_read_in_the_order_of_its_tree() -> None:
    dgm = 'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" xmlns:a="a"'

    def point(number: int, words: str, kind: str = "node") -> str:
        return (
            f'<dgm:pt modelId="{number}" type="{kind}"><dgm:t><a:p><a:r><a:t>{words}</a:t></a:r></a:p></dgm:t></dgm:pt>'
        )

    points = point(0, "", "doc") + point(3, "Ship") + point(1, "Order") + point(2, "Check") + point(4, "by hand")
    points += point(9, "drawn again", "pres")
    tree = "".join(
        f'<dgm:cxn srcId="{above}" destId="{below}" srcOrd="{place}"/>'
        for above, below, place in ((0, 1, 0), (0, 2, 1), (0, 3, 2), (2, 4, 0))
    )
    model = f"<dgm:dataModel {dgm}><dgm:ptLst>{points}</dgm:ptLst><dgm:cxnLst>{tree}</dgm:cxnLst></dgm:dataModel>"
    shown = drawing('<dgm:relIds xmlns:dgm="d" r:dm="rId1" r:lo="rId1"/>')
    assert seen(paragraph(shown), {"data1": Part("diagramData", f"{_MEDIA}.diagramData+xml", model)}) == [
        ("item1", "Order"), ("item1", "Check"), ("item2", "by hand"), ("item1", "Ship"),
    ]  # fmt: skip


def test_pictures_and_embedded_files_are_counted() -> None:
    old = '<w:r><w:pict><v:shape style="width:300pt;height:200pt"><v:imagedata/></v:shape></w:pict></w:r>'
    program = '<o:OLEObject xmlns:o="o" ProgID="Excel.Sheet.12"/>'
    sheet = f"<w:r><w:object><v:shape><v:imagedata/></v:shape>{program}</w:object></w:r>"
    document = read(word(paragraph(run("Text") + picture(3, 3) + picture(1, 1) + old + sheet)))
    assert document.text == "Text"
    assert document.remarks == (
        "It holds 1 embedded Excel table; words inside are not searched.",
        "It holds 2 pictures; words inside are not searched.",
    )


@pytest.mark.parametrize(
    ("words", "is_read"),
    [
        ("The gate is the second one on the left", True),
        ("A person holding a sign Description automatically generated", False),
        ("Picture 3", False),
        (r"C:\pictures\our new logo.png", False),
        ("logo", False),
    ],
)
def test_what_is_told_of_a_picture_is_read_where_it_says_something(words: str, is_read: bool) -> None:
    assert texts(paragraph(run("Text") + picture(3, 3, f'descr="{words}"'))) == ["Text", *([words] if is_read else [])]


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        (
            "a.html",
            "<html><body><h1>Annex</h1><p>Keys are in box 14.</p></body></html>",
            ["Annex", "Keys are in box 14."],
        ),
        (
            "a.mht",
            'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"\n\n--b\nContent-Type: text/html; charset='
            '"utf-8"\nContent-Transfer-Encoding: quoted-printable\n\n<p>Box =3D 14 f=C3=BCr alle</p>\n\n--b--\n',
            ["Box = 14 für alle"],
        ),
        ("a.txt", "Keys are\nin box 14.", ["Keys are", "in box 14."]),
    ],
)
def test_imported_files_are_read_in_their_place_once(name: str, content: str, found: list[str]) -> None:
    data = imported(
        name, content.encode(), paragraph("Before.") + '<w:altChunk r:id="rId9"/>' * 3 + paragraph("After.")
    )
    assert read(data).text.split("\n\n") == ["Before.", *found, "After."]


def test_a_word_file_in_a_word_file_is_read_and_one_in_that_is_said() -> None:
    inner = imported("b.docx", word(paragraph("Third.")), paragraph("Second.") + '<w:altChunk r:id="rId9"/>')
    document = read(imported("a.docx", inner, paragraph("First.") + '<w:altChunk r:id="rId9"/>'))
    assert document.text.split("\n\n") == ["First.", "Second."]
    assert document.remarks == ("It holds 1 imported file (.docx); words inside are not searched.",)


def test_imported_files_of_other_kinds_are_said() -> None:
    document = read(imported("a.rtf", rb"{\rtf1 Keys}", paragraph("Text.") + '<w:altChunk r:id="rId9"/>'))
    assert document.remarks == ("It holds 1 imported file (.rtf); words inside are not searched.",)


def imported(name: str, content: bytes, body: str) -> bytes:
    """A Word file with another file in it, whose relation is rId9."""
    stream = BytesIO()
    with zipfile.ZipFile(BytesIO(word(body))) as old, zipfile.ZipFile(stream, "w") as new:
        for one in old.namelist():
            part = old.read(one)
            if one.endswith("document.xml.rels"):
                relation = f'<Relationship Id="rId9" Type="http://x/aFChunk" Target="{name}"/>'
                part = part.replace(b"</Relationships>", f"{relation}</Relationships>".encode())
            new.writestr(one, part)
        new.writestr(f"word/{name}", content)
    return stream.getvalue()
