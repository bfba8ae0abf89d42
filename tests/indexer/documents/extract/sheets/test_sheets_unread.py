"""What a person sees in a workbook and Docent does not read is a remark, by kind and sheet."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from openpyxl.formatting.rule import DifferentialStyle, IconSetRule, Rule
from openpyxl.styles.numbers import NumberFormat

from benchmarks.extraction.made_excel import written
from indexer.documents.extract.formats import extract_bytes
from indexer.errors import NeedsOcr, UnreadableFile, UnsupportedFile
from tests.indexer.documents.extract.sheets.test_sheets import PNG
from tests.indexer.documents.extract.sheets.workbooks import book, changed, read, rows_of, with_cells

END = "; words inside are not searched."
ROWS = [["Name", "Age"], ["Ann", 5]]
RICH = '<rvStructures><s t="{}"/></rvStructures>'


def with_part(data: bytes, part: str, content: str) -> bytes:
    stream = BytesIO(data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(part, content)
    return stream.getvalue()


def drawn(shape: str) -> bytes:
    """A sheet with a shape in its drawing, as XML."""

    def write(made: Any) -> None:
        sheet = made.add_worksheet("Plan")
        sheet.write_row(0, 0, ["Name", "Age"])
        sheet.write_row(1, 0, ["Ann", 5])
        sheet.insert_textbox(6, 1, "box")

    def change(name: str, old: bytes) -> bytes:
        if not name.endswith("drawing1.xml"):
            return old
        anchor = f"<xdr:twoCellAnchor><xdr:from><xdr:row>9</xdr:row></xdr:from>{shape}</xdr:twoCellAnchor>"
        return old.replace(b"</xdr:wsDr>", f"{anchor}</xdr:wsDr>".encode())

    return changed(written(write), change)


def frame(inside: str) -> str:
    return (
        '<xdr:graphicFrame><xdr:nvGraphicFramePr><xdr:cNvPr id="9" name="x"/></xdr:nvGraphicFramePr>'
        f"<a:graphic><a:graphicData>{inside}</a:graphicData></a:graphic></xdr:graphicFrame>"
    )


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ('<xdr:contentPart r:id="rId9" xmlns:r="r"/>', f'1 drawing by hand on sheet "Plan"{END}'),
        (frame('<sle:slicer xmlns:sle="s" name="x"/>'), f'1 filter with buttons (slicer) on sheet "Plan"{END}'),
        (frame('<am3d:model3d xmlns:am3d="m"/>'), f'1 three-dimensional model on sheet "Plan"{END}'),
        (frame('<c:chart xmlns:c="c" id="rId99"/>'), '1 chart without its contents on sheet "Plan": they are not in'),
        (frame('<d:relIds xmlns:d="d" dm="rId99"/>'), '1 diagram without its contents on sheet "Plan": they are not'),
    ],
)
def test_kinds_of_drawn_things(shape: str, told: str) -> None:
    (remark,) = read(drawn(shape)).remarks
    assert remark.startswith(told)


def test_a_picture_that_fills_a_shape_with_words() -> None:
    words = '<xdr:txBody><a:p xmlns:a="a"><a:r><a:t>Gate 4</a:t></a:r></a:p></xdr:txBody>'
    document = read(drawn(f"<xdr:sp><xdr:spPr><a:blipFill/></xdr:spPr>{words}</xdr:sp>"))
    assert document.text.endswith("Gate 4")
    assert document.remarks == (f'1 picture on sheet "Plan"{END}',)


def test_a_kind_is_told_once_with_its_sheets() -> None:
    def write(made: Any) -> None:
        for name in ("A", "B", "C", "D", "E"):
            sheet = made.add_worksheet(name)
            sheet.write(0, 0, "Plan")
            if name != "C":
                sheet.insert_image(3, 1, "dot.png", {"image_data": BytesIO(PNG), "x_scale": 400, "y_scale": 400})

    assert read(written(write)).remarks == (f'4 pictures on sheets "A", "B", "D" and 1 more{END}',)


def test_pictures_in_cells_are_no_errors() -> None:
    cells = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="e" vm="1"><v>#VALUE!</v></c></row>'
    cells += '<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" t="e"><v>#VALUE!</v></c></row>'
    part = "xl/richData/rdrichvaluestructure.xml"
    shown = read(with_part(with_cells(cells, "Pump", "Valve"), part, RICH.format("_localImage")))
    assert "Pump | Valve" not in shown.text
    assert shown.text.count("#VALUE!") == 1
    assert shown.remarks == ('1 cell with a picture or a data card on sheet "Plan", not read.',)
    plain = read(with_part(with_cells(cells, "Pump", "Valve"), part, RICH.format("_error")))
    assert (plain.text.count("#VALUE!"), plain.remarks) == (2, ())
    wps = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="str"><v>=DISPIMG("ID_1",1)</v></c></row>'
    document = read(with_cells(wps, "Pump"))
    assert "DISPIMG" not in document.text
    assert "1 cell with a picture" in document.remarks[0]


def icons(sheet: Any) -> None:
    sheet.conditional_formatting.add("B2:B9", IconSetRule("3TrafficLights1", "percent", [0, 33, 67]))


def other_words(sheet: Any) -> None:
    look = DifferentialStyle(numFmt=NumberFormat(numFmtId=170, formatCode='"late"'))
    sheet.conditional_formatting.add("B2:B9", Rule(type="expression", formula=["B2>3"], dxf=look))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (icons, "1 set of icons that a rule draws on sheet"),
        (other_words, "1 number format of a rule on sheet"),
    ],
)
def test_what_rules_draw(change: Callable[[Any], None], told: str) -> None:
    document = read(book(ROWS, change))
    assert "Ann | 5" in document.text
    assert [remark.startswith(told) for remark in document.remarks] == [True], document.remarks


def test_rows_and_columns_without_a_size_are_hidden() -> None:
    def change(_: str, old: bytes) -> bytes:
        columns = b'<cols><col min="2" max="2" width="0" customWidth="1"/></cols><sheetData>'
        return old.replace(b"<sheetData>", columns).replace(b'<row r="2"', b'<row r="2" ht="0"')

    assert read(changed(book(ROWS), change)).remarks == (
        '1 hidden row on sheet "Plan", searched all the same.',
        '1 hidden column on sheet "Plan", searched all the same.',
    )


def test_a_sheet_that_is_not_in_the_file_is_said() -> None:
    def change(sheet: Any) -> None:
        sheet.parent.create_sheet("Lost")["A1"] = "words"

    def lose(_: str, old: bytes) -> bytes:
        return old.replace(b"worksheets/sheet2.xml", b"worksheets/sheet9.xml")

    assert read(changed(book(ROWS, change), lose)).remarks == (
        'Not in the file, or of a kind that is not read: sheet "Lost".',
    )


def test_comments_and_styles_that_are_damaged() -> None:
    data = changed(book(ROWS), lambda name, old: b"<styleSheet" if name == "xl/styles.xml" else old)
    assert read(data).remarks == ("Damaged in the file and not read: the styles.",)


def test_notes_and_discussions_stand_in_their_row() -> None:
    def write(made: Any) -> None:
        sheet = made.add_worksheet("Plan")
        for number, row in enumerate([["City", "Rate"], ["Oslo", 120], ["Rome", None]]):
            sheet.write_row(number, 0, row)
        sheet.write_comment("B2", "Agreed.")
        sheet.write_comment("B3", "Not yet known.")
        sheet.write_comment("F9", "Check all.")

    assert rows_of(written(write)) == [
        *("City | Rate", "Oslo | 120 (note: Agreed.)", "Rome | (note: Not yet known.)", "Note: Check all.")
    ]


def test_no_text_is_said_only_where_it_is_true() -> None:
    def pictured(scale: int) -> bytes:
        options = {"image_data": BytesIO(PNG), "x_scale": scale, "y_scale": scale}
        return written(lambda made: made.add_worksheet("Plan").insert_image(3, 1, "dot.png", options))

    with pytest.raises(NeedsOcr, match="the words are pictures"):
        extract_bytes(pictured(400), "a.xlsx")
    with pytest.raises(UnsupportedFile, match="It holds 1 small picture"):
        extract_bytes(pictured(1), "a.xlsx")
    with pytest.raises(UnsupportedFile, match="1 formula without a stored value"):
        extract_bytes(book([["=1+1"]]), "a.xlsx")
    with pytest.raises(UnsupportedFile, match="no text that a reader would see"):
        extract_bytes(book([]), "a.xlsx")
    damaged = changed(book([]), lambda name, old: b"<styleSheet" if name == "xl/styles.xml" else old)
    with pytest.raises(UnreadableFile, match=r"It holds no text\. Damaged"):
        extract_bytes(damaged, "a.xlsx")
