"""Fields of PDF forms, boxes and notes: what they hold is no part of the text of a page."""

from collections.abc import Callable
from io import BytesIO

import pytest
from reportlab.pdfgen.canvas import Canvas

from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf
from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.pdf import forms as pdf_forms
from indexer.documents.extract.pdf import reader as pdf_reader
from indexer.documents.extract.pdf import remarks as pdf_remarks
from tests.indexer.documents.extract.invariants import check, outline


def read(data: bytes) -> ExtractedDocument:
    document = extract_bytes(data, "claim.pdf")
    check(document)
    return document


def form(draw: Callable[[Canvas], None], rotation: int = 0) -> ExtractedDocument:
    stream = BytesIO()
    canvas = Canvas(stream, invariant=1)
    canvas.setFont("Helvetica", 11)
    canvas.setPageRotation(rotation)
    draw(canvas)
    canvas.save()
    return read(stream.getvalue())


def texts(document: ExtractedDocument) -> list[str]:
    return [text for _, text in outline(document)]


def annotated(*annotations: str, content: str = "", entries: str = "") -> ExtractedDocument:
    content = content or at(72, 720, "The rent is due on the third working day.")
    return read(pdf([Page(content, f"{box(A4)} {entries}", annotations)]))


def note(kind: str, said: str, rect: str = "72 640 300 660", more: str = "") -> str:
    return f"<< /Type /Annot /Subtype /{kind} /Rect [{rect}] /Contents ({said}) {more} >>"


@pytest.mark.parametrize("height", [14, 22, 30])
def test_values_stand_beside_their_labels(height: int) -> None:
    def draw(canvas: Canvas) -> None:
        for n, (label, value) in enumerate((("Insured person", "Greta Holm"), ("Sum insured", "48500 euros"))):
            canvas.drawString(72, 700 - 40 * n, label)
            canvas.acroForm.textfield(name=label, value=value, x=180, y=696 - 40 * n, width=160, height=height)

    assert texts(form(draw)) == ["Insured person | Greta Holm", "Sum insured | 48500 euros"]


def test_values_of_close_lines_are_rows_and_none_of_them_names_the_others() -> None:
    def draw(canvas: Canvas) -> None:
        for n, (label, value) in enumerate((("Person", "Greta Holm"), ("Sum", "48500"), ("Year", "2026"))):
            canvas.drawString(72, 700 - 20 * n, label)
            canvas.acroForm.textfield(name=label, value=value, x=180, y=696 - 20 * n, width=160, height=16)

    assert outline(form(draw)) == [("row", "Person | Greta Holm"), ("row", "Sum | 48500"), ("row", "Year | 2026")]


def test_a_value_under_its_label_follows_it() -> None:
    def draw(canvas: Canvas) -> None:
        for n, (label, value) in enumerate((("Insured person", "Greta Holm"), ("Sum insured", "48500 euros"))):
            canvas.drawString(72 + 200 * n, 700, label)
            canvas.acroForm.textfield(name=label, value=value, x=72 + 200 * n, y=676, width=160, height=16)

    assert texts(form(draw)) == ["Insured person | Sum insured", "Greta Holm | 48500 euros"]


def test_lines_of_a_large_field_choices_and_what_nobody_filled_in() -> None:
    def draw(canvas: Canvas) -> None:
        fields = canvas.acroForm
        canvas.drawString(72, 700, "Damage")
        fields.textfield(
            name="d", value="Glass broken\nDoor bent", x=180, y=650, width=160, height=60, fieldFlags="multiline"
        )
        canvas.drawString(72, 600, "Country")
        fields.choice(
            name="c", value="no", options=[("Norway", "no"), ("Sweden", "se")], x=180, y=596, width=90, height=16
        )
        canvas.drawString(72, 560, "Wishes")
        fields.listbox(name="l", value="a", options=[("Aisle", "a"), ("Meal", "m")], x=180, y=530, width=90, height=40)
        canvas.drawString(72, 500, "Phone")
        fields.textfield(name="p", value="", x=180, y=496, width=160, height=16)
        fields.textfield(name="s", value="secret", x=180, y=456, width=160, height=16, fieldFlags="password")

    text = form(draw).text
    assert text.index("Damage") < text.index("Glass broken") < text.index("Door bent") < text.index("Country | Norway")
    assert text.endswith("Phone")
    assert "Wishes | Aisle" in text
    assert not any(word in text for word in ("Sweden", "Meal", "secret"))


def test_boxes_and_radio_buttons_stand_at_their_labels_on_either_side() -> None:
    def draw(canvas: Canvas) -> None:
        fields = canvas.acroForm
        for n, (label, checked) in enumerate((("Security review passed", True), ("Load test passed", False))):
            fields.checkbox(name=f"b{n}", checked=checked, x=72, y=697 - 16 * n, size=12)
            canvas.drawString(90, 700 - 16 * n, label)
        canvas.drawString(72, 640, "Smoker: Yes")
        fields.radio(name="r", value="y", selected=False, x=134, y=637, size=12)
        canvas.drawString(200, 640, "No")
        fields.radio(name="r", value="n", selected=True, x=218, y=637, size=12)

    assert outline(form(draw)) == [
        ("item1", "[x] Security review passed"),
        ("item1", "[ ] Load test passed"),
        ("paragraph", "Smoker: Yes [ ] No [x]"),
    ]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_fields_of_turned_pages_stay_with_their_labels(rotation: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 500, "Insured person")
        canvas.acroForm.textfield(name="a", value="Greta Holm", x=180, y=496, width=160, height=16)

    assert form(draw, rotation).text == "Insured person Greta Holm"


def test_fields_beside_sideways_labels() -> None:
    labels = at(300, 100, "Insured person", turn="0 1 -1 0") + at(340, 100, "Sum insured", turn="0 1 -1 0")
    typed = note("FreeText", "Greta Holm", "288 200 304 320")
    assert annotated(typed, content=labels, entries="/Rotate 90").text == "Insured person Greta Holm\n\nSum insured"


def test_text_typed_on_the_page_stands_where_it_is_and_notes_behind_the_text() -> None:
    content = at(72, 720, "The rent is due on the third day.") + at(72, 600, "Signed in May.")
    document = annotated(
        note("Text", "Ask for the annex", "320 715 340 735"),
        note("FreeText", "Checked by Mara Voss"),
        note("Highlight", "Is this still so?", "72 715 150 735"),
        content=content,
    )
    assert texts(document) == [
        "The rent is due on the third day.",
        "Checked by Mara Voss",
        "Signed in May.",
        "Ask for the annex",
        "Is this still so?",
    ]


def test_what_is_hidden_and_what_only_links_is_not_read() -> None:
    document = annotated(
        note("FreeText", "hidden words", more="/F 2"),
        note("FreeText", "words off the page", "72 940 300 960"),
        note("Link", "a link"),
        note("Popup", "window"),
    )
    assert document.text == "The rent is due on the third working day."


def test_a_field_of_no_form_shows_its_value() -> None:
    field = "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /V (Greta Holm) /Rect [72 640 300 660] >>"
    assert texts(annotated(field)) == ["The rent is due on the third working day.", "Greta Holm"]


def test_a_scan_with_typed_words_is_read() -> None:
    assert annotated(note("FreeText", "Checked by Mara Voss"), content="0 0 10 10 re f").text == "Checked by Mara Voss"


def test_notes_that_stand_on_every_page_in_its_margin_are_no_running_headers() -> None:
    typed = note("FreeText", "Greta Holm", "72 815 300 830")
    pages = [Page(at(72, 500, f"Words of page {n}."), box(A4), (typed,)) for n in range(4)]
    assert read(pdf(pages)).text.count("Greta Holm") == 4


@pytest.mark.parametrize(("sign", "shown"), [("o", "□"), ("\xa8", "□"), ("\xfe", "[x]"), ("\xfd", "[x]")])
def test_boxes_that_are_letters_of_a_symbol_font(sign: str, shown: str) -> None:
    font = "<< /Type /Font /Subtype /TrueType /BaseFont /Wingdings-Regular /Encoding /WinAnsiEncoding >>"
    content = at(72, 700, sign, "F3") + at(90, 700, "Load test passed")
    assert outline(read(pdf([Page(content, box(A4))], font=[font]))) == [("item1", f"{shown} Load test passed")]


def test_more_fields_than_are_read_are_remarked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_forms, "MOST_FIELDS", 2)
    monkeypatch.setattr(pdf_remarks, "MOST_FIELDS", 2)

    def draw(canvas: Canvas) -> None:
        for n in range(4):
            canvas.acroForm.textfield(name=f"f{n}", value=f"value {n}", x=180, y=696 - 20 * n, width=160, height=16)

    document = form(draw)
    assert texts(document) == ["value 0 value 1"]
    assert document.remarks == ("Of 4 fields of its form, 2 are read.",)


def test_a_form_that_cannot_be_opened_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_document: object) -> None:
        raise pdf_reader.pdfium.PdfiumError("the form is damaged")

    monkeypatch.setattr(pdf_reader.pdfium.PdfDocument, "init_forms", fails)

    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 720, "The rent is due on the third working day.")
        canvas.acroForm.textfield(name="rent", value="900", x=72, y=650)

    assert form(draw).remarks == ("Its form is damaged; what is typed into it is not searched.",)
