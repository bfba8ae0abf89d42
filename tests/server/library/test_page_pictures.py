"""Pictures of pages: kept within a bound, drawn one at a time, and never waited for without end."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.documents.drawing import Drawer, NoDrawing, NotDrawn, Picture
from server.library import page_pictures
from server.library.page_pictures import PagePictures
from server.settings import ServerSettings


class ScriptedDrawer(Drawer):
    """Draws pictures of `size` bytes, page 13 never, and waits before each where it is told to."""

    def __init__(self, settings: ServerSettings) -> None:
        super().__init__(settings)
        self.drawn: list[int] = []
        self.threads: set[int] = set()
        self.go = threading.Event()
        self.go.set()
        self.size = 1000

    def draw(self, path: Path, sha256: str, number: int, width: int) -> Picture:
        self.go.wait(10)
        self.drawn.append(number)
        self.threads.add(threading.get_ident())
        if number == 13:
            raise NotDrawn("This page is damaged.")
        return Picture(b"p" * self.size, 600, 800, 20)


@pytest.fixture
def pictures(settings: ServerSettings) -> Iterator[PagePictures]:
    pictures = PagePictures(settings)
    pictures._drawer = ScriptedDrawer(settings)
    yield pictures
    pictures.close()


@pytest.fixture
def drawer(pictures: PagePictures) -> ScriptedDrawer:
    assert isinstance(pictures._drawer, ScriptedDrawer)
    return pictures._drawer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"one")
    return path


def test_a_picture_is_drawn_once(pictures: PagePictures, drawer: ScriptedDrawer, file: Path) -> None:
    for _ in range(3):
        pictures.picture(file, "a", 1, 640)
    pictures.picture(file, "a", 1, 960)
    assert drawer.drawn == [1, 1]
    assert threading.get_ident() not in drawer.threads


def test_a_file_that_changes_is_looked_at_again(pictures: PagePictures, drawer: ScriptedDrawer, file: Path) -> None:
    pictures.picture(file, "a", 1, 640)
    file.write_bytes(b"another")
    pictures.picture(file, "a", 1, 640)
    assert drawer.drawn == [1, 1]
    file.unlink()
    with pytest.raises(NotDrawn, match="not there any more"):
        pictures.picture(file, "a", 1, 640)


def test_a_page_that_cannot_be_drawn_is_not_tried_by_each_who_asks(
    pictures: PagePictures, drawer: ScriptedDrawer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        with pytest.raises(NotDrawn, match="damaged"):
            pictures.picture(file, "a", 13, 640)
    assert drawer.drawn == [13]
    later = page_pictures.time.monotonic() + 1000
    monkeypatch.setattr(page_pictures.time, "monotonic", lambda: later)
    with pytest.raises(NotDrawn):
        pictures.picture(file, "a", 13, 640)
    assert drawer.drawn == [13, 13]


def test_what_is_kept_has_a_bound(pictures: PagePictures, drawer: ScriptedDrawer, file: Path) -> None:
    drawer.size = 8 << 20
    for number in range(1, 9):
        pictures.picture(file, "a", number, 640)
    assert pictures._bytes <= page_pictures.KEPT_BYTES
    assert len(pictures._kept) == 5
    pictures.picture(file, "a", 8, 640)
    assert drawer.drawn == list(range(1, 9))
    pictures.picture(file, "a", 1, 640)
    assert drawer.drawn[-1] == 1


def test_only_so_many_wait_and_the_others_are_told_at_once(
    pictures: PagePictures, drawer: ScriptedDrawer, file: Path
) -> None:
    drawer.go.clear()
    found: list[Picture] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(pictures.picture(file, "a", n, 640)))
        for n in range(1, page_pictures.MOST_WAITING + 1)
    ]
    for thread in threads:
        thread.start()
    while pictures._room._value:
        threading.Event().wait(0.01)
    with pytest.raises(NoDrawing, match="drawing other pages"):
        pictures.picture(file, "a", 20, 640)
    drawer.go.set()
    for thread in threads:
        thread.join()
    assert len(found) == page_pictures.MOST_WAITING
    assert pictures.picture(file, "a", 20, 640).pages == 20


def test_who_waits_too_long_is_told(
    pictures: PagePictures, drawer: ScriptedDrawer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_pictures, "PATIENCE", 0.05)
    drawer.go.clear()
    with pytest.raises(NoDrawing):
        pictures.picture(file, "a", 1, 640)
    drawer.go.set()


def test_those_who_wait_when_the_server_ends_are_told(
    pictures: PagePictures, drawer: ScriptedDrawer, file: Path
) -> None:
    drawer.go.clear()
    told: list[Exception] = []

    def ask(number: int) -> None:
        try:
            pictures.picture(file, "a", number, 640)
        except NoDrawing as error:
            told.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    while pictures._room._value > page_pictures.MOST_WAITING - 2:
        threading.Event().wait(0.01)
    closing = threading.Thread(target=pictures.close)
    closing.start()
    threading.Event().wait(0.05)
    drawer.go.set()
    for thread in (*threads, closing):
        thread.join()
    assert len(told) == 1
    with pytest.raises(NoDrawing):
        pictures.picture(file, "a", 3, 640)
