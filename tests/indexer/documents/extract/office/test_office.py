"""Word, PowerPoint, Excel, CSV: files written by other programs' libraries, read back."""

import datetime
import zipfile
from collections.abc import Callable
from io import BytesIO

import docx
import openpyxl
import pptx
import pytest
from pptx.util import Inches

from indexer.documents.extract.formats import extract_bytes
from indexer.errors import UnreadableFile, UnsupportedFile
from tests.indexer.documents.extract.invariants import check, outline


def saved(document: object) -> bytes:
    stream = BytesIO()
    document.save(stream)  # type: ignore[attr-defined]
    return stream.getvalue()


def test_word() -> None:
    document = docx.Document()
    document.add_heading("Travel policy", 0)
    document.add_heading("Booking", 1)
    document.add_paragraph("Book early.")
    document.add_paragraph("by train", style="List Bullet")
    document.add_paragraph("by air", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for index, text in enumerate(["City", "Limit", "Oslo", "120"]):
        table.cell(index // 2, index % 2).text = text
    document.sections[0].header.paragraphs[0].text = "Confidential"
    read = extract_bytes(saved(document), "policy_v2.docx")
    check(read)
    assert read.title == "Travel policy"
    assert outline(read) == [
        ("paragraph", "Confidential"),
        ("heading1", "Travel policy"),
        ("heading1", "Booking"),
        ("paragraph", "Book early."),
        ("item1", "by train"),
        ("item1", "by air"),
        ("header", "City | Limit"),
        ("row", "Oslo | 120"),
    ]


def test_word_title_from_the_properties_or_the_name() -> None:
    document = docx.Document()
    document.add_paragraph("Only text.")
    document.core_properties.title = "Word Document.docx"
    assert extract_bytes(saved(document), "remote-work.docx").title == "Remote work"
    document.core_properties.title = "Remote work policy"
    assert extract_bytes(saved(document), "remote-work.docx").title == "Remote work policy"


def test_slides() -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Benefits"
    body = slide.placeholders[1].text_frame
    body.text = "Health"
    second = body.add_paragraph()
    second.text, second.level = "Dental too", 1
    slide.notes_slide.notes_text_frame.text = "Say that dental is new."
    other = deck.slides.add_slide(deck.slide_layouts[6])
    table = other.shapes.add_table(2, 2, Inches(1), Inches(3), Inches(4), Inches(1)).table
    for index, text in enumerate(["Plan", "Cost", "Gold", "$10"]):
        table.cell(index // 2, index % 2).text = text
    other.shapes.add_textbox(Inches(1), Inches(1), Inches(3), Inches(1)).text_frame.text = "Above the table"
    hidden = deck.slides.add_slide(deck.slide_layouts[1])
    hidden.shapes.title.text = "Secret"
    hidden._element.set("show", "0")
    read = extract_bytes(saved(deck), "deck.pptx")
    check(read)
    assert (read.title, read.pages) == ("Benefits", 3)
    assert [(b.page, *pair) for b, pair in zip(read.blocks, outline(read), strict=True)] == [
        (1, "heading1", "Benefits"),
        (1, "item1", "Health"),
        (1, "item2", "Dental too"),
        (1, "paragraph", "Say that dental is new."),
        (2, "paragraph", "Above the table"),
        (2, "header", "Plan | Cost"),
        (2, "row", "Gold | $10"),
    ]
    assert read.remarks == ("Hidden slides are not searched: 3.",)


def test_workbook() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Rates"
    sheet.append([])
    sheet.append(["Rates for 2024"])
    sheet.append(["City", None, "Rate", "From", "Share"])
    sheet.append(["Oslo", None, 1234.5, datetime.datetime(2024, 3, 5), 0.25])
    sheet.append([None, None, 7, None, None])
    sheet["C4"].number_format = '"$"#,##0.00'
    sheet["E4"].number_format = "0%"
    book.create_sheet("Empty")
    secret = book.create_sheet("Secret")
    secret["A1"] = "hidden words"
    secret.sheet_state = "hidden"
    last = book.create_sheet("Notes")
    last["B2"] = "One\nnote"
    read = extract_bytes(saved(book), "travel_rates.xlsx")
    check(read)
    assert (read.title, read.pages) == ("Travel rates", 4)
    assert [(b.page, *pair) for b, pair in zip(read.blocks, outline(read), strict=True)] == [
        (1, "heading1", "Rates"),
        (1, "paragraph", "Rates for 2024"),
        (1, "header", "City | Rate | From | Share"),
        (1, "row", "Oslo | $1,234.50 | 2024-03-05 | 25%"),
        (1, "row", "| 7"),
        (4, "heading1", "Notes"),
        (4, "paragraph", "One\nnote"),
    ]
    assert read.remarks == ('Hidden sheet "Secret": not searched.',)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv(delimiter: str) -> None:
    rows = [["Name", "Role", "Since"], ["Ann", 'the "lead", yes', "2020"], ["Bo", "", "2021"], ["", "", ""]]
    lines = [delimiter.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows]
    read = extract_bytes("\r\n".join(lines).encode(), "staff_list.csv")
    check(read)
    assert read.title == "Staff list"
    assert outline(read) == [
        ("header", "Name | Role | Since"),
        ("row", 'Ann | the "lead", yes | 2020'),
        ("row", "Bo | | 2021"),
    ]


def test_csv_of_one_column() -> None:
    assert outline(extract_bytes(b"Name\nAnn\nBo\n", "x.csv")) == [("header", "Name"), ("row", "Ann"), ("row", "Bo")]


@pytest.mark.parametrize("suffix", [".docx", ".pptx", ".xlsx"])
def test_not_an_office_file(suffix: str) -> None:
    with pytest.raises(UnreadableFile, match="The file is not a"):
        extract_bytes(b"just text", f"x{suffix}")
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    with pytest.raises(UnreadableFile, match="before 2007"):
        extract_bytes(old, f"x{suffix}")
    with pytest.raises(UnreadableFile, match="password"):
        extract_bytes(old + "EncryptedPackage".encode("utf-16-le"), f"x{suffix}")
    with pytest.raises(UnsupportedFile, match="empty"):
        extract_bytes(b"", f"x{suffix}")


def repacked(data: bytes, part: str, content: bytes) -> bytes:
    """The archive with one part replaced."""
    stream = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), part}:
            new.writestr(name, content if name == part else old.read(name))
    return stream.getvalue()


WRITTEN = {
    ".docx": (lambda: saved(docx.Document()), "word/document.xml"),
    ".pptx": (lambda: saved(pptx.Presentation()), "ppt/presentation.xml"),
    ".xlsx": (lambda: saved(openpyxl.Workbook()), "xl/workbook.xml"),
}


@pytest.mark.parametrize("suffix", WRITTEN)
def test_zip_bomb_is_not_opened(suffix: str) -> None:
    make, _ = WRITTEN[suffix]
    with pytest.raises(UnreadableFile, match="would unpack"):
        extract_bytes(repacked(make(), "media/bomb.bin", bytes(64 << 20)), f"x{suffix}")


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_do_not_multiply(suffix: str, encoding: str) -> None:
    make, part = WRITTEN[suffix]
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 10}">' for n in range(12))
    bomb = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [{entities}]><x>&e11;</x>'.encode(encoding)
    with pytest.raises(UnreadableFile, match="entities"):
        extract_bytes(repacked(make(), part, bomb), f"x{suffix}")


@pytest.mark.parametrize("suffix", WRITTEN)
def test_damaged_archive(suffix: str) -> None:
    make, part = WRITTEN[suffix]
    data = make()
    with pytest.raises(UnreadableFile):
        extract_bytes(data[: len(data) // 2], f"x{suffix}")
    with zipfile.ZipFile(BytesIO(data)) as archive:
        start = archive.getinfo(part).header_offset + 60
    broken = data[:start] + bytes(byte ^ 0x5A for byte in data[start : start + 80]) + data[start + 80 :]
    with pytest.raises(UnreadableFile):
        extract_bytes(broken, f"x{suffix}")


@pytest.mark.parametrize("suffix", WRITTEN)
def test_nothing_in_it(suffix: str) -> None:
    make, _ = WRITTEN[suffix]
    with pytest.raises(UnsupportedFile, match="no text"):
        extract_bytes(make(), f"x{suffix}")


@pytest.mark.parametrize(
    ("made", "part"),
    [
        (docx.Document, "word/document.xml"),
        (pptx.Presentation, "ppt/presentation.xml"),
        (openpyxl.Workbook, "xl/workbook.xml"),
    ],
)
def test_a_part_that_cannot_be_unpacked_is_said(made: Callable[[], object], part: str) -> None:
    """Half-written or worn: the list of parts is whole, what they hold is not."""
    data = bytearray(saved(made()))
    with zipfile.ZipFile(BytesIO(data)) as archive:
        at = archive.getinfo(part).header_offset + 30 + len(part)
    data[at + 5 : at + 60] = bytes(55)
    with pytest.raises(UnreadableFile, match="damaged"):
        extract_bytes(bytes(data), {"word": "x.docx", "ppt": "x.pptx", "xl": "x.xlsx"}[part.partition("/")[0]])
