"""The process that draws: pages as a viewer shows them, what it refuses with a sentence, and what it survives."""

import hashlib
import os
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image

from benchmarks.extraction.made import cases
from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf
from indexer.documents import drawing
from indexer.documents.drawing import Drawer, NoSuchPage, NotDrawn, Picture
from indexer.settings import IndexerSettings
from tests.indexer.documents.extract.pdf.pdfs import BODY, drawn
from tests.pdf_documents import handbook, wide
from tests.waiting import until

DARK = 128


@pytest.fixture
def drawer(settings: IndexerSettings) -> Iterator[Drawer]:
    drawer = Drawer(settings)
    yield drawer
    drawer.close()


class File:
    def __init__(self, folder: Path, data: bytes, name: str = "a.pdf") -> None:
        self.path = folder / name
        self.path.write_bytes(data)
        self.sha256 = hashlib.sha256(data).hexdigest()

    def draw(self, drawer: Drawer, number: int = 1, width: int = 640) -> Picture:
        return drawer.draw(self.path, self.sha256, number, width)


def image(picture: Picture) -> Image.Image:
    return Image.open(BytesIO(picture.png))


def ink(picture: Picture, x0: float, y0: float, x1: float, y1: float) -> int:
    """Dark pixels in a box of the page, in its units from the upper left."""
    found = image(picture).convert("L")
    scale = found.width / picture.width
    return sum(found.crop(tuple(round(one * scale) for one in (x0, y0, x1, y1))).histogram()[:DARK])


def processes() -> list[psutil.Process]:
    mine = psutil.Process().children()
    return [one for one in mine if "indexer.documents.drawing_worker" in " ".join(one.cmdline())]


def test_pages_are_drawn_by_one_process(drawer: Drawer, tmp_path: Path) -> None:
    file = File(tmp_path, handbook(3))
    first = file.draw(drawer)
    assert (first.width, first.height, first.pages) == (612, 792, 3)
    assert image(first).size == (640, 829)
    assert image(first).mode == "L"  # nothing on it has a colour
    assert ink(first, 72, 55, 200, 75) > 100
    assert ink(first, 72, 300, 540, 780) == 0
    (process,) = processes()
    assert file.draw(drawer, 3, 1440).png != first.png
    assert image(file.draw(drawer, 2, 1440)).width == 1440
    assert [one.pid for one in processes()] == [process.pid]
    drawer.close()
    assert not process.is_running()


def test_the_process_is_given_no_secret(drawer: Drawer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCENT_PASSWORD", "a secret")
    File(tmp_path, handbook()).draw(drawer)
    (process,) = processes()
    assert "PATH" in process.environ()
    assert "a secret" not in process.environ().values()


def test_a_page_is_shown_as_it_is_turned_and_coloured(drawer: Drawer, tmp_path: Path) -> None:
    turned = pdf([Page(f"1 0 0 rg\n{at(72, 700, 'Red words.')}", f"{box(A4)} /Rotate 90")])
    found = File(tmp_path, turned).draw(drawer)
    assert (round(found.width), round(found.height)) == (842, 595)
    assert image(found).mode == "RGB"
    red = [pixel for _, pixel in image(found).getcolors(1 << 20) if pixel[0] > 200 > 60 > pixel[1]]
    assert red


def test_what_is_typed_into_a_form_is_shown(drawer: Drawer, tmp_path: Path) -> None:
    form = next(case for case in cases() if case.name == "form-fields.pdf")
    assert ink(File(tmp_path, form.make()).draw(drawer, width=1440), 184, 110, 336, 130) > 50


def test_a_layer_that_is_switched_off_is_not_shown(drawer: Drawer, tmp_path: Path) -> None:
    content = f"/OC /L BDC\n{at(72, 690, 'The safe is behind the mirror.')}EMC\n"
    data = pdf([Page(content, box(A4))], layer="<< /Type /OCG /Name (Private) >>")
    area = (70.0, 130.0, 300.0, 160.0)
    assert ink(File(tmp_path, data).draw(drawer), *area) == 0
    assert ink(File(tmp_path, data.replace(b"/OFF [", b"/ON  ["), "b.pdf").draw(drawer), *area) > 50


def test_a_file_that_is_not_what_was_indexed_is_not_drawn(drawer: Drawer, tmp_path: Path) -> None:
    file = File(tmp_path, handbook())
    file.draw(drawer)
    os.utime(file.path, (1, 1))
    file.draw(drawer)  # touched, and the same
    file.path.write_bytes(handbook(4))
    with pytest.raises(NotDrawn, match="has changed since it was indexed"):
        file.draw(drawer)
    with pytest.raises(NotDrawn, match="has changed since it was indexed"):
        drawer.draw(File(tmp_path, handbook()).path, "0" * 64, 1, 640)
    file.path.unlink()
    with pytest.raises(NotDrawn, match="is not there any more"):
        file.draw(drawer)


@pytest.mark.parametrize("number", [0, 4, 10**18])
def test_a_page_that_is_not_there(drawer: Drawer, tmp_path: Path, number: int) -> None:
    with pytest.raises(NoSuchPage):
        File(tmp_path, handbook(3)).draw(drawer, number)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (wide(), "size that cannot be shown"),
        (pdf([Page(at(72, 9, "Words."), box((9000, 20)))]), "too narrow"),
        (drawn([[(72, 700, BODY, 11, "words")]], password="secret"), "protected with a password"),
        (b"%PDF-1.7\nnothing", "not a PDF, or it is damaged"),
        (b"", "not a PDF, or it is damaged"),
    ],
    ids=["wide", "narrow", "locked", "damaged", "empty"],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(drawer: Drawer, tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(NotDrawn, match=words):
        File(tmp_path, data).draw(drawer)
    assert File(tmp_path, handbook(), "b.pdf").draw(drawer).pages == 3
    assert len(processes()) == 1


def test_a_page_that_takes_too_long_is_given_up(
    drawer: Drawer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = File(tmp_path, handbook())
    file.draw(drawer)
    (process,) = processes()
    with monkeypatch.context() as patch:
        patch.setattr(drawing, "SECONDS", 0)
        with pytest.raises(NotDrawn, match="takes longer than 0 seconds"):
            file.draw(drawer)
    assert not process.is_running()
    assert file.draw(drawer).pages == 3


def test_a_process_that_dies_while_it_draws_costs_one_page(drawer: Drawer, tmp_path: Path) -> None:
    file = File(tmp_path, handbook())
    file.draw(drawer)
    (process,) = processes()
    process.kill()
    process.wait()
    assert file.draw(drawer).pages == 3


def test_a_process_that_has_nothing_to_do_ends(drawer: Drawer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "IDLE", 1)
    file = File(tmp_path, handbook())
    file.draw(drawer)
    (process,) = processes()
    time.sleep(1)
    until(lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert file.draw(drawer).pages == 3


def test_a_process_is_replaced_after_many_pages(
    drawer: Drawer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "_MOST_PAGES", 2)
    file = File(tmp_path, handbook())
    pids = set()
    for _ in range(4):
        file.draw(drawer)
        pids |= {one.pid for one in processes()}
    assert len(pids) == 2
