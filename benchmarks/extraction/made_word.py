"""Word files as people write them, with python-docx; what it cannot write is in `made_word_raw.py`."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import docx
from docx.enum.section import WD_SECTION
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn

from benchmarks.extraction.cases import Family

WORD = Family("word")


def saved(document: Any) -> bytes:
    stream = BytesIO()
    document.save(stream)
    return stream.getvalue()


def table(document: Any, rows: Sequence[Sequence[str]], is_marked: bool = False) -> Any:
    made = document.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
    for row, cells in zip(made.rows, rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    if is_marked:
        made.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    return made


RATES = [["City", "Limit", "From"], ["Oslo", "120", "2024"], ["Lyon", "95", "2025"]]
RATES_SEEN = "|= City | Limit | From\n| Oslo | 120 | 2024\n| Lyon | 95 | 2025"


@WORD.case(
    "policy.docx",
    "# Travel policy\n# Booking\nBook early and by train where it takes less than five hours.\nby train\nby bus\n"
    f"by air, with approval\n# Limits\n{RATES_SEEN}\nHotels above the limit are paid by the traveller.",
)
def policy() -> bytes:
    document = docx.Document()
    document.add_heading("Travel policy", 0)
    document.add_heading("Booking", 1)
    document.add_paragraph("Book early and by train where it takes less than five hours.")
    for way in ("by train", "by bus", "by air, with approval"):
        document.add_paragraph(way, style="List Bullet")
    document.add_heading("Limits", 1)
    table(document, RATES)
    document.add_paragraph("Hotels above the limit are paid by the traveller.")
    return saved(document)


@WORD.case("marked-header.docx", f"# Limits\n{RATES_SEEN}")
def marked_header() -> bytes:
    document = docx.Document()
    document.add_heading("Limits", 1)
    table(document, RATES, is_marked=True)
    return saved(document)


@WORD.case(
    "merged-labels.docx",
    "# Staff\n|= Department | Person | Room\n| Sales | Olga Trent | B12\n| ^Sales | Piet Haan | B14\n"
    "| Legal | Sven Ost | C01\n| ^Legal | Tara Unwin | C02",
)
def merged_labels() -> bytes:
    document = docx.Document()
    document.add_heading("Staff", 1)
    rows = [["Department", "Person", "Room"], ["Sales", "Olga Trent", "B12"], ["", "Piet Haan", "B14"]]
    made = table(document, [*rows, ["Legal", "Sven Ost", "C01"], ["", "Tara Unwin", "C02"]], is_marked=True)
    for first in (1, 3):
        made.cell(first, 0).merge(made.cell(first + 1, 0)).text = rows[1][0] if first == 1 else "Legal"
    return saved(document)


@WORD.case(
    "two-line-header.docx",
    "# Budget\n|= Region | 2025 | <2025 | 2026 | <2026\n|= ^Region | Plan | Actual | Plan | Actual\n"
    "| North | 100 | 90 | 120 | 130\n| South | 200 | 210 | 220 | 190",
)
def two_line_header() -> bytes:
    document = docx.Document()
    document.add_heading("Budget", 1)
    rows = [["Region", "2025", "", "2026", ""], ["", "Plan", "Actual", "Plan", "Actual"]]
    rows += [["North", "100", "90", "120", "130"], ["South", "200", "210", "220", "190"]]
    made = table(document, rows)
    for first, last, label in (((0, 1), (0, 2), "2025"), ((0, 3), (0, 4), "2026"), ((0, 0), (1, 0), "Region")):
        made.cell(*first).merge(made.cell(*last)).text = label
    return saved(document)


@WORD.case(
    "header-and-footer.docx",
    "Document number QM-4711 Revision 9\n# Release\nThe product is released by the head of quality.\n"
    "Owner: Quality department, phone 5522",
)
def header_and_footer() -> bytes:
    document = docx.Document()
    section = document.sections[0]
    section.header.paragraphs[0].text = "Document number QM-4711 Revision 9"
    section.footer.paragraphs[0].text = "Owner: Quality department, phone 5522"
    document.add_heading("Release", 1)
    document.add_paragraph("The product is released by the head of quality.")
    return saved(document)


@WORD.case("header-only.docx", "Emergency number of the plant: 5566")
def header_only() -> bytes:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Emergency number of the plant: 5566"
    return saved(document)


@WORD.case(
    "first-page-header.docx",
    "Confidential draft\n# Minutes\nThe board met in Bergen.\nThe next meeting is in May.\nMinutes of 4 March",
)
def first_page_header() -> bytes:
    """The first page has a header of its own, the footer is a table: each is seen once at least."""
    document = docx.Document()
    section = document.sections[0]
    section.different_first_page_header_footer = True
    section.first_page_header.paragraphs[0].text = "Confidential draft"
    section.footer.paragraphs[0].text = "Minutes of 4 March"
    document.add_heading("Minutes", 1)
    document.add_paragraph("The board met in Bergen.")
    document.add_page_break()
    document.add_paragraph("The next meeting is in May.")
    return saved(document)


@WORD.case(
    "nested-table.docx",
    "# Sites\n|= Site | Contacts\nHarbour\n| Gate | 5501\n| Office | 5502\nAirport\nno desk",
)
def nested_table() -> bytes:
    document = docx.Document()
    document.add_heading("Sites", 1)
    made = table(document, [["Site", "Contacts"], ["Harbour", ""], ["Airport", "no desk"]])
    inner = made.cell(1, 1).add_table(rows=2, cols=2)
    for index, text in enumerate(("Gate", "5501", "Office", "5502")):
        inner.cell(index // 2, index % 2).text = text
    return saved(document)


@WORD.case(
    "tabs-and-breaks.docx",
    "# Contact\nName Mara Voss\nE-mail mara.voss@example.com\nStreet 4 Quay Road\nRoom B 12\nDelivery is possible from "
    "seven to four.",
)
def tabs_and_breaks() -> bytes:
    document = docx.Document()
    document.add_heading("Contact", 1)
    document.add_paragraph("Name\tMara Voss")
    document.add_paragraph("E-mail\tmara.voss@example.com")
    document.add_paragraph("Street\t4 Quay Road").add_run().add_break()
    document.paragraphs[-1].add_run("Room\tB 12")
    last = document.add_paragraph("Deliv")
    last.add_run()._r.append(OxmlElement("w:softHyphen"))
    last.add_run("ery is possible from seven to four.")
    return saved(document)


@WORD.case("hidden-words.docx", "# Offer\nThe machine costs 40,000 euros.")
def hidden_words() -> bytes:
    document = docx.Document()
    document.add_heading("Offer", 1)
    paragraph = document.add_paragraph("The machine costs 40,000 euros.")
    run = paragraph.add_run(" Our lowest price is 31,000.")
    run.font.hidden = True
    return saved(document)


@WORD.case(
    "tracked-changes.docx", "# Terms\nThe notice period is three months. It begins on the first day of a quarter."
)
def tracked_changes() -> bytes:
    document = docx.Document()
    document.add_heading("Terms", 1)
    names = nsdecls("w")
    paragraph = document.add_paragraph("The notice period is ")
    mark = f'{names} w:id="1" w:author="A" w:date="2026-01-01T00:00:00Z"'
    paragraph._p.append(parse_xml(f"<w:del {mark}><w:r><w:delText>six</w:delText></w:r></w:del>"))
    paragraph._p.append(parse_xml(f"<w:ins {mark}><w:r><w:t>three</w:t></w:r></w:ins>"))
    paragraph.add_run(" months. It begins on the first day of a quarter.")
    return saved(document)


@WORD.case(
    "sections-and-columns.docx",
    "# Shifts\nEarly shift begins at six.\nLate shift begins at two.\n# Leave\nLeave is planned in January.",
)
def sections_and_columns() -> bytes:
    document = docx.Document()
    document.add_heading("Shifts", 1)
    document.add_section(WD_SECTION.CONTINUOUS)
    columns = document.sections[-1]._sectPr.find(qn("w:cols"))
    columns.set(qn("w:num"), "2")
    document.add_paragraph("Early shift begins at six.")
    document.add_paragraph("Late shift begins at two.")
    document.add_section(WD_SECTION.NEW_PAGE)
    document.add_heading("Leave", 1)
    document.add_paragraph("Leave is planned in January.")
    return saved(document)


@WORD.case("right-to-left.docx", "# נוהל חופשה\nלכל עובד יש עשרים ימי חופשה\n| חודש | ימים\n| מרץ | 12")
def right_to_left() -> bytes:
    document = docx.Document()
    document.add_heading("נוהל חופשה", 1)
    document.add_paragraph("לכל עובד יש עשרים ימי חופשה")
    table(document, [["חודש", "ימים"], ["מרץ", "12"]])
    return saved(document)
