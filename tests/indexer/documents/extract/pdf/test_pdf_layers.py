"""What stands on a layer that is switched off is not read; everything else is, however small or white."""

import zlib

import pytest

from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.pdf.layers import may_have_layers

LAYER = "<< /Type /OCG /Name (Private) >>"
SAFE = at(72, 690, "The safe is behind the mirror.")
HIDDEN = f"/OC /L BDC\n{SAFE}EMC\n"
PLAN = at(72, 720, "The archive is in the cellar.")
REMARK = (
    "Page 1 has words or pictures on layers that are switched off, so that no viewer shows them; they are not searched."
)


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


def test_layers_are_found_in_packed_objects() -> None:
    packed = zlib.compress(b"1 0 << /Type /Catalog /OCProperties << >> >>")
    assert may_have_layers(b"9 0 obj << /Type /ObjStm /N 1 /First 4 >>\nstream\n" + packed + b"\nendstream")
    assert not may_have_layers(b"9 0 obj << /Type /ObjStm /N 1 >>\nstream\n" + zlib.compress(b"1 0 << >>") + b"\nend")
    assert not may_have_layers(b"/ObjStm stream\nnothing")
    assert may_have_layers(b"/ObjStm stream\n" + zlib.compress(bytes(1 << 25)))  # more than is looked through
