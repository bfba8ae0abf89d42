"""Lines from right to left with Latin words and numbers are read in their logical order."""

import pytest

from benchmarks.extraction.raw_pdf import A4, Page, box, mapped, pdf
from indexer.documents.extract.formats import extract_bytes

LINES = [  # as they are read, and as they stand on the page from left to right
    ("קומה שלישית Office 12", "Office 12 תישילש המוק"),
    ("המחיר 1,200.50 ליום", "םויל 1,200.50 ריחמה"),
    ("עד 12/5/2026 בלבד", "דבלב 12/5/2026 דע"),
    ("הנחה של 5% לעובד", "דבועל 5% לש החנה"),
    ("ב-Office Park ליד", "דיל Office Park-ב"),
    ("חדר 3 קומה 12", "12 המוק 3 רדח"),
    ("שרת NAS-2 וגם Mail", "Mail םגו NAS-2 תרש"),
]
LATIN_LINES = [
    ("The word ימי חופשה means leave", "The word השפוח ימי means leave"),
    ("Room א-12 ב is open", "Room ב 12-א is open"),
    ("Leave is חופשה", "Leave is השפוח"),
]


def page(shown: list[str]) -> bytes:
    letters = "".join(sorted(set("".join(shown))))
    drawn = ""
    for number, line in enumerate(shown):
        codes = "".join(f"{65 + letters.index(one):02X}" for one in line)
        drawn += f"BT /F3 12 Tf 1 0 0 1 {500 - 7.2 * len(line):.1f} {760 - 40 * number} Tm <{codes}> Tj ET\n"
    return pdf([Page(drawn, box(A4))], font=mapped(letters))


@pytest.mark.parametrize(("read", "shown"), [*LINES[:-1], *LATIN_LINES])
def test_one_line(read: str, shown: str) -> None:
    assert extract_bytes(page([shown]), "a.pdf").text == read


def test_a_line_that_begins_and_ends_otherwise_is_read_as_its_page_is() -> None:
    for lines in (LINES, LATIN_LINES):
        assert extract_bytes(page([shown for _, shown in lines]), "a.pdf").text == "\n\n".join(one for one, _ in lines)
