"""What of a PDF is seen and not read is said, by kind and page."""

import pypdfium2 as pdfium
import pypdfium2.raw as raw
import pytest

from benchmarks.extraction.raw_pdf import A4, Page, at, box, mapped, pdf
from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.formats import extract_bytes
from indexer.errors import UnsupportedFile

XFA = "/AcroForm << /Fields [] /XFA [(template) (x)] >>"
LEAD = at(72, 760, "Fire drill", "F2", 16) + at(72, 720, "The drill begins at ten.")


def read(data: bytes) -> ExtractedDocument:
    return extract_bytes(data, "a.pdf")


def with_files(data: bytes, *names: str) -> bytes:
    document = pdfium.PdfDocument(data)
    for name in names:
        document.new_attachment(name).set_data(b"some,words")
    stream = _Bytes()
    document.save(stream)
    return bytes(stream)


class _Bytes(bytearray):
    def write(self, data: bytes) -> int:
        self.extend(data)
        return len(data)


def test_files_inside() -> None:
    page = pdf([Page(LEAD, box(A4))])
    assert read(with_files(page, "prices.csv")).remarks == ("The file prices.csv inside is not searched.",)
    assert read(with_files(page, "a.csv", "b.csv")).remarks == ("2 files (a.csv, b.csv) inside are not searched.",)


def test_a_portfolio_is_its_files() -> None:
    cover = at(72, 720, "For the best experience, open this PDF portfolio in Acrobat X or later.")
    with pytest.raises(UnsupportedFile, match=r"a portfolio: a cover, and 2 files \(a.csv, b.csv\) inside"):
        read(with_files(pdf([Page(cover, box(A4))], catalog="/Collection << /View /D >>"), "a.csv", "b.csv"))
    with pytest.raises(UnsupportedFile, match=r"no text of its own, but the file a.csv inside"):
        read(with_files(pdf([Page("", box(A4))]), "a.csv"))


def test_words_about_a_portfolio_make_none() -> None:
    found = read(with_files(pdf([Page(at(72, 720, "The PDF package for new colleagues."), box(A4))]), "map.csv"))
    assert found.text == "The PDF package for new colleagues."
    assert found.remarks == ("The file map.csv inside is not searched.",)


def test_a_form_that_only_adobe_shows_says_please_wait() -> None:
    waiting = at(72, 720, "Please wait...", "F2", 16)
    waiting += at(72, 690, "If this message is not eventually replaced by the proper contents of the document, your")
    waiting += at(72, 676, "PDF viewer may not be able to display this type of document.")
    for more in ("", "/NeedsRendering true"):
        with pytest.raises(UnsupportedFile, match="only Adobe's programs show"):
            read(pdf([Page(waiting, box(A4))], catalog=f"{XFA} {more}"))
    assert "Please wait" in read(pdf([Page(at(72, 720, "Please wait for the porter."), box(A4))])).text


@pytest.mark.parametrize(
    "said",
    [
        "To view this form, use Adobe Reader 9 or a later version.",
        "Bitte warten Sie, bis Adobe Reader das Formular geladen hat.",
        "Please wait until the porter has installed Adobe Reader.",
    ],
)
def test_words_about_such_a_form_make_none(said: str) -> None:
    page = at(72, 720, said) + at(72, 690, "Print it, sign it and hand it to the porter.")
    found = read(pdf([Page(page, box(A4))]))
    assert found.text == f"{said}\n\nPrint it, sign it and hand it to the porter."
    assert found.remarks == ("Its page may only stand for a form of a kind (XFA) that only Adobe's programs show.",)


def test_such_a_form_with_fields_on_its_page_is_read() -> None:
    page = at(72, 720, "To view this form, use Adobe Reader 9 or a later version.") + at(72, 690, "Name of the guest")
    typed = note("Widget", "/FT /Tx /T (Name) /V (Greta Holm)")
    found = read(pdf([Page(page, box(A4), [typed])], catalog=XFA))
    assert "Name of the guest" in found.text
    assert found.remarks == (
        "The form is of a kind (XFA) that only Adobe's programs show; its fields are not searched.",
    )


def note(kind: str, more: str = "") -> str:
    return f"<< /Type /Annot /Subtype /{kind} /Rect [100 500 200 540] {more} >>"


def test_stamps_and_drawings_without_words() -> None:
    pages = [Page(LEAD, box(A4), [note("Stamp", "/Contents (Received on 4 May)")]), Page(LEAD, box(A4), [note("Ink")])]
    found = read(pdf([*pages, Page(LEAD, box(A4), [note("Stamp", "/Name /Approved"), note("Stamp"), note("Link")])]))
    assert "Received on 4 May" in found.text
    assert found.remarks == (
        "3 stamps, signatures or drawings are laid over pages 2-3; words inside are not searched.",
    )


def test_a_font_that_does_not_say_its_letters() -> None:
    font = mapped("abcdefgh")
    font[0] = font[0].replace("/ToUnicode {1}", "")
    drawn = "BT /F3 11 Tf 1 0 0 1 72 600 Tm <4142434445464748> Tj ET\n"
    assert read(pdf([Page(drawn, box(A4))], font=font)).remarks == (
        "Page 1 has words in fonts that do not say which letters they show; such words may be read wrongly.",
    )
    assert read(pdf([Page(drawn, box(A4))], font=mapped("abcdefgh"))).remarks == ()


SAID = [
    "The witness came in at nine and was",
    "asked where he had been on that",
    "night. He said that he had been at",
    "home with his brother, and that the",
    "door had been locked since seven",
    "o'clock in the evening.",
]


@pytest.mark.parametrize("numbers", [range(1, 7), range(19, 25)])
@pytest.mark.parametrize("x", [50, 560])
def test_line_numbers_in_the_margin_are_left_out(numbers: range, x: int) -> None:
    drawn = "".join(
        at(x, 680 - 24 * place, str(number)) + at(90, 680 - 24 * place, text)
        for place, (number, text) in enumerate(zip(numbers, SAID, strict=True))
    )
    found = read(pdf([Page(LEAD + drawn, box(A4))]))
    assert found.text.endswith(" ".join(SAID))
    assert found.remarks == ("Page 1 has line numbers in the margin; they are left out.",)


def test_numbers_of_rows_stay() -> None:
    rows = [
        ("Cable drum", "35.00"),
        ("Mounting", "90.00"),
        ("Desk lamp", "40.00"),
        ("Chair", "180.00"),
        ("Shelf", "9.50"),
    ]
    drawn = "".join(
        at(72, 680 - 18 * place, str(place + 1)) + at(120, 680 - 18 * place, item) + at(300, 680 - 18 * place, price)
        for place, (item, price) in enumerate(rows)
    )
    found = read(pdf([Page(LEAD + drawn, box(A4))]))
    assert "5 | Shelf | 9.50" in found.text
    assert found.remarks == ()
    points = "".join(
        at(72, 680 - 18 * n, str(n + 1)) + at(120, 680 - 18 * n, text.title()) for n, text in enumerate(SAID)
    )
    assert read(pdf([Page(LEAD + points, box(A4))])).remarks == ()


def test_a_pages_number_in_a_header_is_no_heading() -> None:
    for header in ("Handbook | Page 1 of 8", "Page 1 of 8", "Seite 1 von 8"):
        found = read(pdf([Page(at(72, 800, header, "F2", 14) + LEAD, box(A4))]))
        assert [block.kind for block in found.blocks] == ["paragraph", "heading", "paragraph"]
        assert found.title == "Fire drill"


def test_a_signature_is_said_and_an_empty_field_for_one_is_not() -> None:
    assert raw.FPDF_FORMFIELD_SIGNATURE
    field = "/FT /Sig /T (Signature)"
    assert read(pdf([Page(LEAD, box(A4), [note("Widget", field)])])).remarks == ()


def test_a_note_in_the_margin_is_read_behind_the_text() -> None:
    said = [
        "The rent is due on the third working day of each month,",
        "and is paid by standing order to the account that",
    ]
    said += [
        "is named in the annex. Interest runs from the tenth day.",
        "Nothing is due where the third day is a holiday.",
    ]
    drawn = "".join(at(160, 700 - 14 * number, text) for number, text in enumerate(said))
    for x in (60, 480):
        notes = at(x, 686, "see annex 2", size=8) + at(x, 676, "(account)", size=8)
        text = read(pdf([Page(drawn + notes, box(A4))])).text
        assert text.split() == " ".join([*said, "see annex 2 (account)"]).split()
        assert text.endswith("\n\nsee annex 2 (account)")


def test_a_tick_before_an_item_stays() -> None:
    font = mapped("✓ Glas")
    drawn = "BT /F3 11 Tf 1 0 0 1 72 600 Tm <414243444546> Tj ET\n"
    assert read(pdf([Page(LEAD + drawn, box(A4))], font=font)).text.endswith("✓ Glas")
