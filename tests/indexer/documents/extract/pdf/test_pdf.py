import pytest
from reportlab.platypus import ListFlowable, Table

from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf
from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.pdf.hyphens import Hyphens
from indexer.errors import NeedsOcr, UnreadableFile, UnsupportedFile
from tests.indexer.documents.extract.invariants import check, outline
from tests.indexer.documents.extract.pdf.pdfs import BODY, BOLD, LEFT, Drawn, drawn, paragraph, styled, typeset
from tests.indexer.hostile.pdf_cases import no_page

TEXT = (
    "Employees accrue four hours of sick leave in each pay period, no matter how long they have worked here, and there"
    " is no limit to what they can accrue over the years of their service."
)
OTHER = (
    "Annual leave depends on the years of service, and what is more than two hundred and forty hours at the end of the"
    " leave year is lost."
)


def read(data: bytes) -> ExtractedDocument:
    document = extract_bytes(data, "leave_guide.pdf")
    check(document)
    return document


def body(page: int) -> list[Drawn]:
    return [*paragraph(f"On page {page}. {TEXT}", y=680), *paragraph(f"Then {page}. {OTHER}", y=600)]


def test_lines_become_paragraphs_and_large_or_bold_ones_headings() -> None:
    page = [
        (LEFT, 740, BOLD, 18, "Leave guide"),
        (LEFT, 710, BOLD, 11, "Sick leave"),
        *paragraph(TEXT, y=690),
        *paragraph(OTHER, y=630),
    ]
    document = read(drawn([page]))
    assert outline(document) == [
        ("heading1", "Leave guide"),
        ("heading2", "Sick leave"),
        ("paragraph", TEXT),
        ("paragraph", OTHER),
    ]
    assert {block.page for block in document.blocks} == {1}


def test_bullets_and_numbers_become_items() -> None:
    item = "Ask the supervisor at least two weeks before the leave begins, and send the form to human resources."
    page = [
        *paragraph(TEXT, y=720),
        (LEFT, 660, BODY, 11, "You need:"),
        *[
            (x, y, font, size, f"\u2022 {text}" if not n else text)
            for n, (x, y, font, size, text) in enumerate(paragraph(item, y=640))
        ],
        (LEFT, 600, BODY, 11, "\u2022 A form"),
        (LEFT + 20, 586, BODY, 11, "- signed"),
        (LEFT, 560, BODY, 11, "1. First"),
        (LEFT, 546, BODY, 11, "2) Second"),
    ]
    assert outline(read(drawn([page])))[1:] == [
        ("paragraph", "You need:"),
        ("item1", item),
        ("item1", "A form"),
        ("item2", "signed"),
        ("item1", "1. First"),
        ("item1", "2) Second"),
    ]


def test_table_rows() -> None:
    rows = [("Plan", "Cost", "Limit"), ("Gold", "$10", "none"), ("Tin", "", "2 visits")]
    page = [
        *paragraph(TEXT, y=720),
        *[
            (LEFT + 150 * column, 640 - 14 * row, BOLD if row == 0 else BODY, 11, cell)
            for row, cells in enumerate(rows)
            for column, cell in enumerate(cells)
        ],
        (LEFT + 300, 598, BODY, 11, "a year"),
    ]
    assert outline(read(drawn([page])))[1:] == [
        ("header", "Plan | Cost | Limit"),
        ("row", "Gold | $10 | none"),
        ("row", "Tin | | 2 visits a year"),
    ]


def test_running_headers_and_page_numbers_go() -> None:
    pages = [
        [(LEFT, 760, BODY, 9, "Contoso - Internal"), *body(n), (300, 40, BODY, 9, f"Page {n} of 5")]
        for n in range(1, 6)
    ]
    text = read(drawn(pages)).text
    assert "Internal" not in text
    assert "of 5" not in text
    assert all(f"On page {n}." in text for n in range(1, 6))


def test_a_line_that_is_all_there_is_on_most_pages_stays() -> None:
    document = read(drawn([[(LEFT, 760, BODY, 11, "Valid until further notice")]] * 4))
    assert document.text.count("Valid until further notice") == 4


def test_the_number_of_a_page_is_no_heading_and_that_of_a_chapter_is_one() -> None:
    page = [(LEFT, 40, BOLD, 14, "Page 1 of 8"), (LEFT, 740, BOLD, 14, "Chapter 1"), *body(1)]
    assert [text for kind, text in outline(read(drawn([page]))) if kind.startswith("heading")] == ["Chapter 1"]


def test_headings_at_the_top_of_pages_stay() -> None:
    pages = [[(LEFT, 760, BOLD, 16, f"Chapter {n}"), *body(n)] for n in range(1, 6)]
    assert [text for kind, text in outline(read(drawn(pages))) if kind == "heading1"] == [
        f"Chapter {n}" for n in range(1, 6)
    ]


def test_cover_is_one_heading_and_the_title() -> None:
    cover = [(LEFT, 500, BOLD, 30, "Contoso"), (LEFT, 400, BODY, 20, "Leave guide")]
    document = read(drawn([cover, body(2)], title="Microsoft Word - x.docx", pictures=[1]))
    assert document.title == "Contoso Leave guide"
    assert outline(document)[0] == ("heading1", "Contoso Leave guide")
    assert document.remarks == ()


@pytest.mark.parametrize(
    ("title", "chosen"),
    [("A guide to leave", "A guide to leave"), ("untitled", "Leave guide"), ("x.docx", "Leave guide")],
)
def test_title_from_the_properties_or_the_name(title: str, chosen: str) -> None:
    assert read(drawn([body(1)], title=title)).title == chosen


def test_a_picture_among_text_is_remarked() -> None:
    document = read(drawn([body(1), body(2), body(3)], pictures=[2, 3]))
    assert document.remarks == ("Pages 2-3 hold pictures; words inside are not searched.",)
    assert document.pages == 3


def test_scans_need_text_recognition() -> None:
    with pytest.raises(NeedsOcr, match="No text on any of its 2 pages"):
        read(drawn([[], []], pictures=[1, 2]))
    document = read(drawn([body(1), []], pictures=[2]))
    assert document.remarks == ("Page 2 is a picture without text; words there are not searched.",)


def test_blank_encrypted_and_damaged_files() -> None:
    whole = drawn([body(1), body(2)])
    with pytest.raises(UnsupportedFile, match="blank"):
        read(drawn([[]]))
    with pytest.raises(UnreadableFile, match="password"):
        read(drawn([body(1)], password="secret"))
    for data in (whole[: len(whole) // 2], whole[:20], b"no PDF at all", b"%PDF-1.7\n"):
        with pytest.raises(UnreadableFile, match="damaged"):
            read(data)
    with pytest.raises(UnsupportedFile, match="empty"):
        read(b"")


def test_what_is_wrong_with_one_file_is_not_said_of_the_next() -> None:
    """PDFium opens a file without pages, so the library asks for an error that is still that of the file before."""
    without_pages = no_page()
    for before in (drawn([body(1)], password="secret"), b"no PDF"):
        with pytest.raises(UnreadableFile):
            read(before)
        with pytest.raises(UnreadableFile, match=r"not a PDF, or it is damaged"):
            read(without_pages)


def test_text_outside_of_the_page_is_not_seen() -> None:
    document = read(drawn([[*body(1), (LEFT, -300, BODY, 11, "off the page"), (LEFT, 500, BODY, 0.5, "too small")]]))
    assert "off the page" not in document.text
    assert "too small" not in document.text


@pytest.mark.parametrize(
    ("entries", "tree"),
    [
        ("", box(A4)),
        ("/MediaBox [595 842 0 0]", ""),
        ("/MediaBox [0 -100 600 842]", box((100, 100))),
        (box((300, 300)), "/CropBox [0 0 700 900] /MediaBox [0 0 100 100]"),
        ("", ""),
        ("/CropBox [900 900 1000 1000]", box(A4)),
        ("/MediaBox [0 0 0 0]", ""),
    ],
    ids=["inherited", "upside down", "own", "cropped", "missing", "crop beside the page", "empty"],
)
def test_the_size_of_a_page_may_stand_in_its_parent_or_nowhere(entries: str, tree: str) -> None:
    page = Page(at(72, 200, "The permit ends on 4 June.") + at(72, 820, "Permit 2291"), entries)
    text = read(pdf([page], tree)).text
    assert ("Permit 2291" in text) == ("300 300" not in entries)
    assert "ends on 4 June" in text


def test_what_is_cut_off_by_a_parent_is_not_seen() -> None:
    page = Page(at(72, 600, "The permit ends on 4 June.") + at(20, 820, "cyan plate"))
    assert read(pdf([page], f"{box(A4)} /CropBox [50 50 500 800]")).text == "The permit ends on 4 June."


def test_a_page_in_large_units_has_small_letters() -> None:
    page = Page(at(7, 70, "The permit ends on 4 June.", size=0.8), "/MediaBox [0 0 59.5 84.2] /UserUnit 10")
    assert read(pdf([page])).text == "The permit ends on 4 June."


def test_hyphens_at_line_ends() -> None:
    page = [
        *paragraph("The investigation began.", y=720),
        (LEFT, 680, BODY, 11, "An employee may not take part in an investi-"),
        (LEFT, 666, BODY, 11, "gation of in-network costs; those are in-"),
        (LEFT, 652, BODY, 11, "network, not Anglo-"),
        (LEFT, 638, BODY, 11, "American."),
    ]
    assert (
        "in an investigation of in-network costs; those are in-network, not Anglo-American." in read(drawn([page])).text
    )


def test_hyphens_where_the_document_does_not_tell() -> None:
    cut = ["a well-", "known way"]
    assert Hyphens([*["no cuts here"] * 60, *cut]).joined(cut) == "a well-known way"
    often = ["the compen-", "sation of emplo-", "yees and manage-", "ment by organi-", "zations"]
    known = "compensation employees management"
    assert Hyphens([known, *often]).joined(often) == "the compensation of employees and management by organizations"


def test_columns_are_read_one_after_the_other() -> None:
    left = paragraph(TEXT, x=60, y=720, width=40)
    right = paragraph(OTHER, x=330, y=720, width=40)
    assert [text for _, text in outline(read(drawn([left + right])))] == [TEXT, OTHER]


@pytest.mark.parametrize("align", ["TOP", "MIDDLE", "BOTTOM"])
def test_cells_of_several_lines_are_one_row(align: str) -> None:
    covers = "Everything, including dental, vision, and mental health services in and out of the network of providers"
    cost = "$120 for one person, $300 for a family of up to five"
    cells = [
        [styled("<b>Plan</b>"), styled("<b>What it covers</b>"), styled("<b>Monthly cost</b>")],
        [styled("Gold"), styled(covers), styled(cost)],
        [styled("Tin"), styled("Only doctor visits"), styled("$20")],
    ]
    table = Table(cells, colWidths=[80, 200, 150], style=[("VALIGN", (0, 0), (-1, -1), align)])
    assert outline(read(typeset(styled("Plans", "Title"), styled(TEXT), table, styled("After", "Heading2")))) == [
        ("heading1", "Plans"),
        ("paragraph", TEXT),
        ("header", "Plan | What it covers | Monthly cost"),
        ("row", f"Gold | {covers} | {cost}"),
        ("row", "Tin | Only doctor visits | $20"),
        ("heading2", "After"),
    ]


def test_numbers_of_clauses_stay_and_those_of_headings_make_no_items() -> None:
    page = [(LEFT, 740, BOLD, 14, "1."), (LEFT + 30, 740, BOLD, 14, "Scope"), *paragraph(TEXT, y=715)]
    page += [(LEFT, 650, BODY, 11, "1.1"), (LEFT + 30, 650, BODY, 11, "Other terms do not hold.")]
    page += [(LEFT, 620, BODY, 11, "(a)"), (LEFT + 30, 620, BODY, 11, "nor do verbal ones.")]
    assert outline(read(drawn([page]))) == [
        ("heading1", "1. Scope"),
        ("paragraph", TEXT),
        ("paragraph", "1.1 Other terms do not hold."),
        ("item1", "(a) nor do verbal ones."),
    ]


def test_a_number_that_counts_on_begins_an_item_behind_the_widest_line_of_the_page() -> None:
    """Seen: three steps of which the second was the widest line, and the third ran on in it."""
    widest, later = "2. switch off the printer on the third floor", "10. call the desk"
    steps = ["Then:", "1. lock the drawer", widest, "3. tell the desk", "9. go on to the next floor of the building"]
    lines = [*((LEFT, 700 - 14 * n, BODY, 11, step) for n, step in enumerate(steps)), (LEFT - 6, 630, BODY, 11, later)]
    assert outline(read(drawn([lines]))) == [("paragraph", "Then:"), *(("item1", step) for step in [*steps[1:], later])]


def test_a_number_that_does_not_count_on_runs_on() -> None:
    lines = ["1. The form has to be at the desk on the widest line before", "4. March of the year after, signed"]
    document = read(drawn([[(LEFT, 700 - 14 * n, BODY, 11, line) for n, line in enumerate(lines)]]))
    assert outline(document) == [("item1", " ".join(lines))]


def test_marks_that_stand_apart_from_their_items() -> None:
    long = "Ask the supervisor at least two weeks before the leave begins, and send the form to human resources."
    marked = ListFlowable([styled(long), styled("Wait")], bulletType="bullet")
    numbered = ListFlowable([styled("Step one"), styled("Step two")], bulletType="1")
    assert outline(read(typeset(styled(TEXT), marked, numbered)))[1:] == [
        ("item1", long),
        ("item1", "Wait"),
        ("item1", "1. Step one"),
        ("item1", "2. Step two"),
    ]
