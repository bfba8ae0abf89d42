"""Excel files as a person sees them: files that libraries write, parts changed by hand, the field's."""

import re
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment

from benchmarks.extraction.made_excel import written
from indexer.documents.extract.formats import extract_bytes
from indexer.errors import UnreadableFile, UnsupportedFile
from tests.indexer.documents.extract.invariants import outline
from tests.indexer.documents.extract.sheets.workbooks import blocks, book, changed, read, rows_of, with_cells


def test_formulas_without_a_stored_value_are_said() -> None:
    document = read(book([["Part", "Sum"], ["Pump", "=1+1"], ["Valve", "=B2"]]))
    assert document.remarks == (
        '2 formulas without a stored value on sheet "Plan": open and save the file in Excel to have them computed.',
    )

    stored = '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>'
    assert read(with_cells(stored)).remarks == ()


def test_hidden_rows_columns_and_sheets_are_said() -> None:
    def hide(sheet: Any) -> None:
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["B"].hidden = True
        other = sheet.parent.create_sheet("Secret")
        other["A1"], other.sheet_state = "unseen", "veryHidden"

    document = read(book([["City", "Margin"], ["Oslo", 31], ["Rome", 42]], hide))
    assert document.remarks == (
        'Hidden sheet "Secret": not searched.',
        '1 hidden row on sheet "Plan", searched all the same.',
        '1 hidden column on sheet "Plan", searched all the same.',
    )
    assert "Rome | 42" in document.text
    assert "unseen" not in document.text


def test_notes_stand_with_the_row_that_they_are_on() -> None:
    def note(sheet: Any) -> None:
        sheet["B2"].comment = Comment("Agreed with the union.", "A")

        sheet["B1"].comment = Comment("Per night.", "A")
        sheet["A3"].comment = Comment("x" * 600, "A")

    assert blocks(book([["City", "Rate"], ["Oslo", 120], ["Rome", 95]], note)) == [
        *(("header", "City | Rate"), ("row", "Oslo | 120 (note: Agreed with the union.)"), ("row", "Rome | 95")),
        *(("paragraph", "Rate: Per night."), ("paragraph", f"Rome: {'x' * 600}")),
    ]


def test_text_boxes_and_boxes_to_tick() -> None:
    def write(made: Any) -> None:
        sheet = made.add_worksheet("Plan")
        sheet.write_row(0, 0, ["Week", "Work"])
        sheet.write_row(1, 0, [14, "Roof"])
        sheet.insert_textbox(12, 1, "Second box.\nNew line.")
        sheet.insert_textbox(6, 1, "The crane is booked.")

    assert blocks(written(write))[2:] == [
        ("paragraph", "The crane is booked."),
        ("paragraph", "Second box.\nNew line."),
    ]


def test_boxes_to_tick_keep_their_state() -> None:
    shape = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice'
        ' xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main" Requires="a14"><xdr:twoCellAnchor>'
        "<xdr:from><xdr:col>0</xdr:col><xdr:row>{0}</xdr:row></xdr:from><xdr:sp>"
        "<xdr:nvSpPr><xdr:cNvPr id='{1}' name='b' hidden='1'/></xdr:nvSpPr>"
        "<xdr:txBody><a:p><a:r><a:t>{2}</a:t></a:r></a:p></xdr:txBody></xdr:sp></xdr:twoCellAnchor>"
        "</mc:Choice><mc:Fallback/></mc:AlternateContent>"
    )

    def write(made: Any) -> None:
        made.add_worksheet("Plan").insert_textbox(20, 1, "Sign here.")

    def add(name: str, content: bytes) -> bytes:
        text = content.decode()
        if name == "xl/drawings/drawing1.xml":
            shapes = shape.format(3, 1025, "Load test passed") + shape.format(4, 1026, "Legal approval given")
            text = text.replace("</xdr:wsDr>", f"{shapes}</xdr:wsDr>")
        elif name == "xl/worksheets/sheet1.xml":
            controls = '<controls><control shapeId="1025" r:id="c1"/><control shapeId="1026" r:id="c2"/></controls>'
            text = text.replace("</worksheet>", f"{controls}</worksheet>")
        elif name == "xl/worksheets/_rels/sheet1.xml.rels":
            kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/ctrlProp"
            more = "".join(f'<Relationship Id="c{n}" Type="{kind}" Target="../ctrl{n}.xml"/>' for n in (1, 2))
            text = text.replace("</Relationships>", f"{more}</Relationships>")
        return text.encode()

    data = BytesIO(changed(written(write), add))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("xl/ctrl1.xml", '<formControlPr objectType="CheckBox" checked="Checked"/>')
        archive.writestr("xl/ctrl2.xml", '<formControlPr objectType="CheckBox"/>')
    assert rows_of(data.getvalue()) == ["[x] Load test passed", "[ ] Legal approval given", "Sign here."]


def test_truths_that_are_shown_as_boxes() -> None:
    def write(made: Any) -> None:
        sheet = made.add_worksheet("Plan")
        sheet.write_column(0, 1, ["Load test passed", "Legal approval given"])
        for row, is_ticked in enumerate((True, False)):
            sheet.insert_checkbox(row, 0, is_ticked)
        sheet.write_row(2, 0, [True, "plain"])

    assert rows_of(written(write)) == ["[x] | Load test passed", "[ ] | Legal approval given", "TRUE | plain"]


def test_boxes_as_excel_2007_drew_them() -> None:
    def write(made: Any) -> None:
        made.add_worksheet("Plan").write_comment(0, 0, "A note.")

    shape = (
        '<v:shape id="_x0000_s{0}"><v:textbox><div><font>{1}<br></font></div></v:textbox>'
        '<x:ClientData ObjectType="{2}">{3}</x:ClientData></v:shape>'
    )
    shapes = shape.format(1, "Load test", "Checkbox", "<x:Checked>1</x:Checked>") + shape.format(
        2, "Legal", "Radio", ""
    )
    shapes += shape.format(3, "Send", "Button", "")
    data = changed(
        written(write),
        lambda name, old: old.replace(b"</xml>", f"{shapes}</xml>".encode()) if name.endswith(".vml") else old,
    )
    assert rows_of(data) == ["[x] Load test", "[ ] Legal", "Send", "Note: A note."]


def charted(sheet: Any) -> None:
    chart = BarChart()
    chart.title, chart.x_axis.title = "Units sold in 2025", "Country"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=3))
    sheet.add_chart(chart, "E2")


def test_the_words_of_a_chart_are_read_and_its_values_where_no_sheet_shows_them() -> None:
    rows = [["Region", "Units"], ["Norway", 412], ["Portugal", 377]]
    assert blocks(book(rows, charted))[3:] == [("paragraph", "Units sold in 2025\nCountry")]

    def write(made: Any) -> None:
        shown, hidden = made.add_worksheet("Shown"), made.add_worksheet("Data")
        for place, row in enumerate(rows):
            hidden.write_row(place, 0, row)
        hidden.hide()
        chart = made.add_chart({"type": "column"})
        chart.add_series({"name": "=Data!$B$1", "categories": "=Data!$A$2:$A$3", "values": "=Data!$B$2:$B$3"})
        chart.set_title({"name": "Units sold"})
        shown.insert_chart("B2", chart)

    assert blocks(written(write)) == [
        ("paragraph", "Units sold"),
        ("header", "| Units"),
        ("row", "Norway | 412"),
        ("row", "Portugal | 377"),
    ]


def test_values_of_series_without_names_stand_under_no_other_header() -> None:
    def write(made: Any) -> None:
        shown, hidden = made.add_worksheet("Shown"), made.add_worksheet("Data")
        shown.write_row(0, 0, ["City", "Rate"])
        shown.write_row(1, 0, ["Oslo", 5])
        hidden.write_column(0, 0, [3, 4])
        hidden.hide()
        chart = made.add_chart({"type": "column"})
        chart.add_series({"values": "=Data!$A$1:$A$2"})
        shown.insert_chart("B5", chart)

    assert blocks(written(write))[1:] == [("row", "Oslo | 5"), ("paragraph", "3"), ("row", "4")]


def test_a_chart_of_an_unread_sheet_without_stored_values_is_said() -> None:
    def change(sheet: Any) -> None:
        other = sheet.parent.create_sheet("Data")
        for row in (["Region", "Units"], ["Norway", 412], ["Portugal", 377]):
            other.append(row)
        charted(other)
        sheet._charts, other._charts, other.sheet_state = other._charts, [], "hidden"

    assert read(book([["Name", "Age"], ["Ann", 5]], change)).remarks == (
        'Hidden sheet "Data": not searched.',
        '1 chart without stored values on sheet "Plan": the words of it alone are searched.',
    )


def test_a_sheet_that_is_a_chart() -> None:
    def write(made: Any) -> None:
        sheet, drawing = made.add_worksheet("Data"), made.add_chartsheet("Picture")
        sheet.write_column(0, 0, [3, 4])
        chart = made.add_chart({"type": "line"})
        chart.add_series({"values": "=Data!$A$1:$A$2"})
        chart.set_title({"name": "Visitors of March"})
        drawing.set_chart(chart)

    document = read(written(write))
    assert document.pages == 2
    assert outline(document)[-2:] == [("heading1", "Picture"), ("paragraph", "Visitors of March")]


def test_large_pictures_are_counted() -> None:
    def write(made: Any) -> None:
        sheet = made.add_worksheet("Plan")
        sheet.write(0, 0, "Plan of the site")
        for scale in (1, 400):
            sheet.insert_image(
                3 * scale, 1, "dot.png", {"image_data": BytesIO(PNG), "x_scale": scale, "y_scale": scale}
            )

    assert read(written(write)).remarks == ('1 picture on sheet "Plan"; words inside are not searched.',)


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8ffff3f0005fe02fe"
    "dccc59e70000000049454e44ae426082"
)


def test_headers_and_footers_of_the_page() -> None:
    def head(sheet: Any) -> None:
        sheet.oddHeader.left.text = "QM-4711 revision 9"
        sheet.oddHeader.right.text = "Printed on &D"
        sheet.oddFooter.center.text = "Page &P of &N"

    assert rows_of(book([["Name", "Age"], ["Ann", 5]], head))[2:] == ["QM-4711 revision 9"]


def test_words_in_runs_and_with_signs_that_xml_has_no_place_for() -> None:
    data = changed(
        book([["Name", "Age"], ["word", 5]]),
        lambda name, content: content.replace(
            b"<t>word</t>",
            "<r><t>two </t></r><r><t>runs_x000D_ end</t></r><rPh sb='0' eb='1'><t>ルビ</t></rPh>".encode(),
        ),
    )
    assert rows_of(data)[1] == "two runs end | 5"


def test_files_in_the_strict_form() -> None:
    def change(sheet: Any) -> None:
        sheet["B3"].number_format, sheet["C3"].number_format = "0.0%", "yyyy-mm-dd"
        charted(sheet)
        sheet.merge_cells("A3:A4")

    def strict(name: str, content: bytes) -> bytes:
        text = content.decode()
        text = text.replace(
            "http://schemas.openxmlformats.org/officeDocument/2006/", "http://purl.oclc.org/ooxml/officeDocument/"
        )
        text = text.replace(
            "http://schemas.openxmlformats.org/spreadsheetml/2006/", "http://purl.oclc.org/ooxml/spreadsheetml/"
        )
        text = text.replace(
            "http://schemas.openxmlformats.org/drawingml/2006/", "http://purl.oclc.org/ooxml/drawingml/"
        )
        return re.sub(r'(<c r="C3" s="\d") t=.*?</c>', r'\1 t="d"><v>2026-03-05T00:00:00</v></c>', text).encode()

    data = changed(book([["Region", "Units", "Day"], [], ["Norway", 0.412, "x"], [None, 5, "y"]], change), strict)
    assert rows_of(data) == [
        *("Region | Units | Day", "Norway | 41.2% | 2026-03-05", "Norway | 5 | y", "Units sold in 2025\nCountry")
    ]


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c><v>1"),
        ("xl/workbook.xml", b"<workbook"),
        ("xl/sharedStrings.xml", b"<sst><si><t>x"),
    ],
)
def test_damaged_parts_are_said_without_an_exceptions_name(part: str, content: bytes) -> None:
    data = changed(
        with_cells('<row><c t="s"><v>0</v></c></row>', "word"), lambda name, old: content if name == part else old
    )
    with pytest.raises(UnreadableFile, match="damaged") as raised:
        extract_bytes(data, "a.xlsx")
    assert "Error" not in raised.value.what


def test_a_part_that_cannot_be_unpacked_is_said() -> None:
    data = book([[f"Name {row * row}", row] for row in range(9_000)])
    with zipfile.ZipFile(BytesIO(data)) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
        place = part.header_offset + part.compress_size - 200
    broken = data[:place] + bytes(byte ^ 0x5A for byte in data[place : place + 90]) + data[place + 90 :]
    with pytest.raises(UnreadableFile, match="damaged") as raised:
        extract_bytes(broken, "a.xlsx")
    assert "Error" not in raised.value.what


def test_numbers_that_point_nowhere() -> None:
    cells = '<row r="x"><c r="??" s="99" t="s"><v>7</v></c><c t="b"><v>1</v></c><c t="n"><v>abc</v></c>'
    cells += '<c s="-1"><v>5</v></c></row>'
    assert rows_of(with_cells(cells)) == ["TRUE | abc | 5"]


def test_one_string_in_many_cells_does_not_multiply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.documents.extract.sheets.workbook.MOST_CHARACTERS", 100_000)
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 2_000))
    with pytest.raises(UnreadableFile, match="show more than"):
        extract_bytes(with_cells(cells, "word " * 200), "a.xlsx")


def test_a_wrong_kind_of_file_is_named_in_english() -> None:
    with pytest.raises(UnreadableFile, match="is not an Excel file"):
        extract_bytes(b"just text", "a.xlsx")


def test_where_nothing_was_read_the_reason_is_true() -> None:
    with pytest.raises(UnsupportedFile, match=r"no text that Docent reads\. Hidden sheet \"Plan\""):
        extract_bytes(
            book(
                [["unseen"]],
                lambda sheet: (sheet.parent.create_sheet("Empty"), setattr(sheet, "sheet_state", "hidden")),
            ),
            "a.xlsx",
        )


# The files of the field


FIELD = {
    "fail-05-merged-labels-xlsx-pptx/xlsx-merged-labels.xlsx": [
        *(
            "Department | Person | Room",
            "Sales | Olga Trent | B12",
            "Sales | Piet Haan | B14",
            "Sales | Rosa Lind | B16",
        ),
        *("Legal | Sven Ost | C01", "Legal | Tara Unwin | C02"),
    ],
    "fail-11-xlsx-header-guessed-from-first-wide-row/xlsx-title-of-two-cells.xlsx": [
        *("Price list 2026 | valid from 1 March", "Article | Net price | Gross price | Delivery days"),
        *("Desk lamp | 40 | 47.6 | 3", "Chair Nova | 180 | 214.2 | 12", "Shelf Ida | 95 | 113.05 | 7"),
    ],
    "fail-11-xlsx-header-guessed-from-first-wide-row/xlsx-two-row-header.xlsx": [
        "Region | 2025 Plan | 2025 Actual | 2026 Plan | 2026 Actual",
        *("North | 100 | 90 | 120 | 130", "South | 200 | 210 | 220 | 190"),
    ],
    "fail-11-xlsx-header-guessed-from-first-wide-row/xlsx-stacked-tables.xlsx": [
        *("Machine | Serial | Year", "Press P7 | SN-100 | 2019", "Lathe L2 | SN-200 | 2021"),
        *("Supplier | City | Discount", "Northwind | Oslo | 4%", "Contoso | Lyon | 6%"),
    ],
    "fail-18-xlsx-number-formats/xlsx-formats.xlsx": [
        *(
            "Kind | Value",
            "date german (note: Ask Henk before changing) | 05.03.2026 | see portal",
            "date time | 2026-03-05 14:30",
            "duration | 30:15",
        ),
        *("money paren | (1,234.50)", "accounting | -1,234.50 EUR", "thousand scaled | 1,235k", "percent | 8.25%"),
        *("zip | 01234", "zero as dash | -", "yes no | Yes", "yes no zero | No", "phone | (555) 123-4567"),
        *("fraction | 1/2", "sci | 1.23E+07", "month | Mar 2026", "time | 07:05", "bool | TRUE"),
        *("currency euro | 1,234.50 €", "long id | 12345678901234570", "text number | 007", "formula without value"),
    ],
}


@pytest.mark.parametrize("path", FIELD)
def test_files_of_the_field(shared: Path, path: str) -> None:
    data = (shared / "field" / path).read_bytes()
    assert rows_of(data) == FIELD[path]
    assert any("1 formula without" in remark for remark in read(data).remarks) == ("formats" in path)
