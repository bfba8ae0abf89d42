"""What stands on a layer that is switched off is not read; everything else is, however small or white."""

import zlib

import pytest

from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.pdf import layers as pdf_layers
from indexer.documents.extract.pdf.layers import may_have_layers

LAYER = "<< /Type /OCG /Name (Private) >>"
SAFE = at(72, 690, "The safe is behind the mirror.")
HIDDEN = f"/OC /L BDC\n{SAFE}EMC\n"
PLAN = at(72, 720, "The archive is in the cellar.")
REMARK = (
    "Page 1 has words or pictures on layers that are switched off, so that no viewer shows them; they are not searched."
)
UNKNOWN = "Page 1 has layers of which it is not known whether they are switched off; words on them are searched."


def test_a_layer_that_is_off() -> None:
    found = extract_bytes(pdf([Page(PLAN + HIDDEN, box(A4))], layer=LAYER), "a.pdf")
    assert found.text == "The archive is in the cellar."
    assert found.remarks == (REMARK,)


@pytest.mark.parametrize(
    "shown",
    [
        f"/OC /L BDC\n{SAFE}EMC\n",
        f"/OC /L BDC\n1 1 1 rg\n{SAFE}EMC\n",
        f"/OC /L BDC\n{at(72, 690, 'The safe is behind the mirror.', size=2)}EMC\n",
        f"/OC /L BDC\nBT 3 Tr ET {SAFE}EMC\n",
    ],
)
def test_a_layer_that_is_on(shown: str) -> None:
    data = pdf([Page(PLAN + shown, box(A4))], layer=LAYER).replace(b"/OFF [", b"/ON  [")
    found = extract_bytes(data, "a.pdf")
    assert "The safe is behind the mirror." in found.text
    assert found.remarks == ()


def test_recognised_words_over_a_picture_are_read_though_nothing_draws_them() -> None:
    data = pdf([Page(f"/OC /L BDC\n3 Tr\n{SAFE}EMC\n", box(A4))], layer=LAYER).replace(b"/OFF [", b"/ON  [")
    assert extract_bytes(data, "a.pdf").text == "The safe is behind the mirror."


def test_a_page_with_nothing_else_says_so() -> None:
    data = pdf([Page(PLAN, box(A4)), Page(HIDDEN, box(A4))], layer=LAYER)
    found = extract_bytes(data, "a.pdf")
    assert found.text == "The archive is in the cellar."
    assert found.remarks == (REMARK.replace("Page 1", "Page 2"),)


@pytest.mark.parametrize("count", [200, 201, 2000])
def test_a_page_that_changes_between_layers_very_often(count: int) -> None:
    data = pdf([Page((PLAN + HIDDEN) * count, box(A4))], layer=LAYER)
    found = extract_bytes(data, "a.pdf")
    assert "The archive is in the cellar." in found.text
    assert "safe" not in found.text
    assert found.remarks == (REMARK,)
    found = extract_bytes(data.replace(b"/OFF [", b"/ON  ["), "a.pdf")
    assert "safe" in found.text
    assert found.remarks == ()


def test_what_is_not_looked_at_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    nameless = pdf([Page((PLAN + HIDDEN) * 201, box(A4))], layer="<< /Type /OCG >>")  # they may be one layer or many
    found = extract_bytes(nameless, "a.pdf")
    assert "The safe is behind the mirror." in found.text
    assert found.remarks == (REMARK, UNKNOWN)
    monkeypatch.setattr(pdf_layers, "_MOST_WORK", 1)
    found = extract_bytes(pdf([Page(PLAN + HIDDEN, box(A4))], layer=LAYER), "a.pdf")
    assert "The safe is behind the mirror." in found.text
    assert found.remarks == (UNKNOWN,)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("/X Do\n", PLAN + HIDDEN),
        (PLAN + "/X Do\n", HIDDEN),
        (PLAN + "/OC /L BDC /X Do EMC\n", SAFE),
        ("/X Do\n" * 250, PLAN + HIDDEN),
    ],
)
def test_a_layer_in_a_form_that_is_drawn_on_the_page(content: str, form: str) -> None:
    data = pdf([Page(content, box(A4))], layer=LAYER, form=form)
    found = extract_bytes(data, "a.pdf")
    assert set(found.text.split("\n\n")) == {"The archive is in the cellar."}
    assert found.remarks[0] == REMARK
    found = extract_bytes(data.replace(b"/OFF [", b"/ON  ["), "a.pdf")
    assert "The safe is behind the mirror." in found.text
    assert REMARK not in found.remarks


def test_an_empty_form_hides_nothing() -> None:
    assert extract_bytes(pdf([Page(PLAN + "/X Do\n", box(A4))], layer=LAYER, form=" "), "a.pdf").remarks == ()


def test_a_note_on_a_layer_is_read_and_said() -> None:
    note = "<< /Type /Annot /Subtype /FreeText /Rect [72 600 300 620] /Contents (Ask the porter.) /OC 5 0 R >>"
    found = extract_bytes(pdf([Page(PLAN, box(A4), [note])], layer=LAYER), "a.pdf")
    assert "Ask the porter." in found.text
    assert found.remarks == (UNKNOWN,)


def test_layers_are_found_in_packed_objects() -> None:
    packed = zlib.compress(b"1 0 << /Type /Catalog /OCProperties << >> >>")
    assert may_have_layers(b"9 0 obj << /Type /ObjStm /N 1 /First 4 >>\nstream\n" + packed + b"\nendstream")
    assert not may_have_layers(b"9 0 obj << /Type /ObjStm /N 1 >>\nstream\n" + zlib.compress(b"1 0 << >>") + b"\nend")
    assert not may_have_layers(b"/ObjStm stream\nnothing")
    assert may_have_layers(b"/ObjStm stream\n" + zlib.compress(bytes(1 << 25)))  # more than is looked through
