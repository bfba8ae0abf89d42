"""A PDF's page in the source view, its picture's route: who gets it, what is marked, and what is said where none is."""

import os
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlmodel import Session

from indexer.documents.drawing import NoDrawing, NotDrawn
from indexer.knowledge.tables import Document, now
from indexer.passages import Scope
from server.library.page_pictures import PagePictures
from tests.pdf_documents import NOTICE, RULE, add_file, handbook, wide
from tests.tiny_site import Site

HTMX = {"HX-Request": "true"}
TEXT_INSTEAD = "Its text is shown instead."


@pytest.fixture
def root(site: Site) -> Path:
    return site.settings.data.parent / "documents"


@pytest.fixture
def book(site: Site, root: Path) -> int:
    return add_file(site.engine, root, "rules/<b>book.pdf", handbook())


def span(site: Site, document: int, words: str, last: bool = False) -> str:
    """The query that marks some words."""
    found = site.catalog.document(document, site.catalog.everything())
    assert found is not None
    at = found.text.rindex(words) if last else found.text.index(words)
    return f"start={at}&end={at + len(words)}"


def rects(html: str) -> list[tuple[float, ...]]:
    found = re.findall(r'<rect(?: id="quote")? x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"/>', html)
    return [tuple(map(float, one)) for one in found]


def test_the_quoted_words_are_marked_on_their_page(client: TestClient, site: Site, book: int) -> None:
    html = client.get(f"/documents/{book}?{span(site, book, NOTICE)}", headers=HTMX).text
    assert "Page 1 of 3" in html
    assert f'src="/documents/{book}/pages/1?width=640"' in html
    assert f"/documents/{book}/pages/1?width=2160 2160w" in html
    assert 'viewBox="0 0 612.0 792.0"' in html
    first, second = rects(html)
    assert first[:2] == (72.0, pytest.approx(792 - 610, abs=5))
    assert second[1] - first[1] == pytest.approx(14, abs=0.5)
    assert html.count('id="quote"') == 1
    assert "Page 1 as it looks; the quoted words are marked." in html
    assert "can be read in the text view" in html
    assert "style=" not in html


def test_the_text_is_one_click_away_and_back(client: TestClient, site: Site, book: int) -> None:
    at = span(site, book, RULE)
    page = client.get(f"/documents/{book}?{at}").text
    href = f"/documents/{book}?{at}".replace("&", "&amp;")
    assert f'href="{href}&amp;text=1#quote">Text</a>' in page
    text = client.get(f"/documents/{book}?{at}&text=1").text
    assert f'<mark id="quote">{RULE}</mark>' in text
    assert f'href="{href}#quote">Page</a>' in text
    assert "<img" not in text


def test_pages_before_and_after(client: TestClient, site: Site, book: int) -> None:
    at = span(site, book, RULE)
    first = client.get(f"/documents/{book}?{at}").text
    assert "Previous page" not in first
    assert "page=2" in first
    second = client.get(f"/documents/{book}?{at}&page=2").text
    assert "Page 2 of 3" in second
    assert rects(second) == []
    assert "Back to the quoted words" in second
    third = client.get(f"/documents/{book}?{at}&page=3").text
    assert "Next page" not in third
    assert client.get(f"/documents/{book}?{at}&page=4").status_code == 404
    assert "Page 1 of 3" in client.get(f"/documents/{book}?{at}&page=x").text
    assert "Page 1 of 3" in client.get(f"/documents/{book}").text


def test_a_quotation_over_two_pages_marks_both(client: TestClient, site: Site, book: int) -> None:
    found = site.catalog.document(book, site.catalog.everything())
    assert found is not None
    start = found.text.index("This is chapter 2")
    end = found.text.index("Chapter 3") + len("Chapter 3")
    html = client.get(f"/documents/{book}?start={start}&end={end}", headers=HTMX).text
    assert re.findall(r"Page (\d) of 3", html) == ["2", "3"]
    assert [bool(rects(sheet)) for sheet in html.split('class="sheet"')[1:]] == [True, True]
    assert html.count('id="quote"') == 1
    assert "page=1" in html
    assert "page=4" not in html


def test_a_picture_in_a_few_widths(client: TestClient, book: int) -> None:
    for width, drawn in (("1", 640), ("640", 640), ("641", 960), ("1440", 1440), ("99999999", 2160)):
        answer = client.get(f"/documents/{book}/pages/1?width={width}")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert Image.open(BytesIO(answer.content)).width == drawn


def test_a_browser_asks_whether_it_may_still_show_a_picture(client: TestClient, site: Site, book: int) -> None:
    address = f"/documents/{book}/pages/1"
    tag = {"If-None-Match": client.get(address).headers["etag"]}
    same = client.get(address, headers=tag)
    assert (same.status_code, same.content) == (304, b"")
    assert client.get(f"{address}?width=960", headers=tag).status_code == 200
    with Session(site.engine) as session:
        session.get_one(Document, book).deleted_at = now()
        session.commit()
    assert client.get(address, headers=tag).status_code == 404


def test_nothing_of_a_document_that_was_deleted_or_may_not_be_read_is_shown(
    client: TestClient, site: Site, book: int
) -> None:
    addresses = [f"/documents/{book}/pages/1", f"/documents/{book}"]
    missing = client.get("/documents/999/pages/1", headers=HTMX)
    assert [client.get(address).status_code for address in addresses] == [200, 200]
    client.app.state.services.scope_of = lambda _request: Scope(frozenset({2}))  # type: ignore[attr-defined]
    assert [client.get(address).status_code for address in addresses] == [404, 404]
    told = client.get(addresses[0], headers=HTMX).text
    assert re.sub(r"\d+", "", told) == re.sub(r"\d+", "", missing.text)  # as one that was never there
    client.app.state.services.scope_of = lambda _request: site.catalog.everything()  # type: ignore[attr-defined]
    with Session(site.engine) as session:
        session.get_one(Document, book).deleted_at = now()
        session.commit()
    assert [client.get(address).status_code for address in addresses] == [404, 404]


@pytest.mark.parametrize("number", ["0", "-1", "abc", "4", str(2**62), str(2**63)])
def test_a_page_that_is_not_there(client: TestClient, book: int, number: str) -> None:
    assert client.get(f"/documents/{book}/pages/{number}").status_code == 404


def test_a_document_of_another_kind_has_no_pages(client: TestClient) -> None:
    assert client.get("/documents/1/pages/1").status_code == 404
    html = client.get("/documents/1").text
    assert ">Page</a>" not in html
    assert ">Text</a>" not in html


def _replaced(path: Path) -> None:
    path.write_bytes(handbook(2))


def _touched_and_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])
    os.utime(path, (1, 1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Path.unlink, "The file is not there any more."),
        (_replaced, "The file has changed since it was indexed."),
        (_touched_and_cut, "The file has changed since it was indexed."),
    ],
)
def test_a_file_that_is_not_what_was_indexed_is_shown_as_text(
    client: TestClient, site: Site, root: Path, book: int, change: Callable[[Path], None], said: str
) -> None:
    at = span(site, book, RULE)
    assert "<img" in client.get(f"/documents/{book}?{at}").text
    change(root / "rules/<b>book.pdf")
    html = client.get(f"/documents/{book}?{at}").text
    assert f"{said} {TEXT_INSTEAD}" in html
    assert f'<mark id="quote">{RULE}</mark>' in html
    assert "<img" not in html
    assert client.get(f"/documents/{book}/pages/1").status_code == 404


def test_a_page_that_cannot_be_drawn_is_shown_as_text(client: TestClient, site: Site, root: Path) -> None:
    document = add_file(site.engine, root, "wide.pdf", wide())
    html = client.get(f"/documents/{document}?{span(site, document, RULE)}").text
    assert f"This page has a size that cannot be shown. {TEXT_INSTEAD}" in html
    assert f'<mark id="quote">{RULE}</mark>' in html
    told = client.get(f"/documents/{document}/pages/1")
    assert told.status_code == 404
    assert "This page has a size that cannot be shown." in told.text


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotDrawn("Drawing this page takes longer than 5 seconds."), 404), (NoDrawing("Others are drawn just now."), 503)],
)
def test_what_the_drawing_says_is_told(
    client: TestClient, book: int, monkeypatch: pytest.MonkeyPatch, error: NotDrawn, status: int
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(PagePictures, "picture", refuse)
    assert f"{error.what} {TEXT_INSTEAD}" in client.get(f"/documents/{book}").text
    assert client.get(f"/documents/{book}/pages/1").status_code == status


def test_a_document_of_an_older_docent_has_pages_without_marks(client: TestClient, site: Site, book: int) -> None:
    with Session(site.engine) as session:
        session.get_one(Document, book).boxes = None
        session.commit()
    html = client.get(f"/documents/{book}?{span(site, book, RULE, last=True)}").text
    assert "Page 3 of 3" in html
    assert rects(html) == []
    assert "Where on its pages the quoted words stand is not known." in html


def test_boxes_that_are_nonsense_are_no_marks(client: TestClient, site: Site, book: int) -> None:
    with Session(site.engine) as session:
        session.get_one(Document, book).boxes = b"nonsense"
        session.commit()
    assert rects(client.get(f"/documents/{book}?{span(site, book, RULE)}").text) == []


def test_a_sheet_is_a_grid_with_the_cited_cells_marked(client: TestClient, site: Site, root: Path) -> None:
    rows = "\n".join(f"Item {n},{n},{n * 2}" for n in range(1, 2500))
    document = add_file(site.engine, root, "prices.csv", f"Name,Count,Price\n{rows}\n".encode())
    found = site.catalog.document(document, site.catalog.everything())
    assert found is not None
    line = next(words for words in found.text.splitlines() if "Item 2000" in words)
    html = client.get(f"/documents/{document}?{span(site, document, line)}", headers=HTMX).text
    assert 'class="table grid" tabindex="0"' in html
    assert html.index('<th scope="col">Name</th>') < html.index("Item 2000")
    assert re.search(r'<th scope="row" class="cited"><mark id="quote">Item 2000</mark></th>', html)
    assert html.count('class="cited"') == 3
