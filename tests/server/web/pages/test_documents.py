"""The documents page over HTTP: what it lists, who may change what, and that what is deleted is in no answer."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Collection, Document, IngestRun, LedgerEntry, now
from server.settings import ServerSettings
from server.views.wording import file_size
from server.web.pages.documents import events
from server.web.security import BODY_LIMIT
from tests.server.fakes import BENEFITS, HANDBOOK, app_of, fill
from tests.tiny_site import HOSTILE, Site
from tests.waiting import until

HTMX = {"HX-Request": "true"}
FOREIGN = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
ASKED = {"query": "How many days of annual leave do employees have?", "top_k": 3}


def enter(settings: ServerSettings, *more: LedgerEntry) -> None:
    """A ledger entry for every document, as an ingest would have written, and these."""
    engine = open_knowledge(settings)
    with Session(engine) as session:
        for number, document in enumerate(session.exec(select(Document)).all()):
            session.add(
                LedgerEntry(
                    collection_id=document.collection_id, root=document.root, path=document.path, state="indexed",
                    size=1000 * number, pages=number + 1, chunks=1, sha256="0",
                )
            )  # fmt: skip
        for entry in more:
            session.add(entry)
        session.commit()
    engine.dispose()


def enter_one(settings: ServerSettings, entry: LedgerEntry) -> None:
    engine = open_knowledge(settings)
    with Session(engine) as session:
        session.add(entry)
        session.commit()
    engine.dispose()


@pytest.fixture
def client(settings: ServerSettings) -> Iterator[TestClient]:
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    enter(
        settings,
        LedgerEntry(collection_id=1, root="/documents", path="zz.pdf", state="failed", reason="It is damaged."),
        LedgerEntry(collection_id=1, root="/documents", path="old/", state="skipped", reason="hidden folder, not read"),
    )
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


def paths(html: str) -> list[str]:
    return re.findall(r'aria-label="Delete ([^"]*)"', html)


def found(client: TestClient) -> set[str]:
    return {passage["document"] for passage in client.post("/v1/search", json=ASKED).json()["passages"]}


def entry_of(html: str, path: str) -> str:
    match = re.search(rf'action="(/documents/files/\d+)/\w+[^"]*"[^>]*><button[^>]*aria-label="\w[^"]* {path}', html)
    assert match, path
    return match[1]


def test_what_needs_somebody_stands_first(client: TestClient) -> None:
    html = client.get("/documents").text
    assert paths(html)[0] == "zz.pdf"
    assert "It is damaged." in html
    assert '<a href="/documents?state=failed" class="failure">1 failed</a>' in html
    assert "<html" in html
    assert "<html" not in client.get("/documents", headers=HTMX).text


def test_failures_stand_first_until_somebody_has_seen_them(client: TestClient, settings: ServerSettings) -> None:
    scan = LedgerEntry(collection_id=2, root="/documents", path="yy.pdf", state="needs_ocr", reason="Pictures.")
    enter_one(settings, scan)
    html = client.get("/documents").text
    assert paths(html)[:2] == ["zz.pdf", "yy.pdf"]
    assert "2 files could not be read. They stand first until you mark this as seen." in html
    assert html.count(">New<") == 2
    until = re.search(r'name="until" value="([^"]*)"', html)
    assert until
    enter_one(settings, LedgerEntry(collection_id=1, root="/documents", path="new.pdf", state="failed", reason="Why."))

    one = client.post("/documents/seen?collection=2", data={"until": until[1]}, headers=HTMX).text
    assert "<html" not in one
    assert paths(one) == ["dental.md", "yy.pdf"]
    assert paths(client.get("/documents").text)[:2] == ["new.pdf", "zz.pdf"]
    rest = client.post("/documents/seen", data={"until": until[1]}).text
    assert paths(rest) == ["new.pdf", "dental.md", "leave.md", "travel.md", "yy.pdf", "zz.pdf"]
    assert "1 file could not be read. It stands first until you mark this as seen." in rest
    assert "2 failed" in rest
    for no_moment in ("soon", "2026-03-01T12:00:00"):
        assert client.post("/documents/seen", data={"until": no_moment}).status_code in (400, 422)


def test_files_of_kinds_that_are_not_read_are_one_line_a_kind(client: TestClient, settings: ServerSettings) -> None:
    engine = open_knowledge(settings)
    with Session(engine) as session:
        for name, advice in [("a.jpg", ""), ("b.jpg", ""), ("<i>.jpg", ""), ("old.doc", " Save it as .docx.")]:
            reason = f"Files of type .{name.split('.')[-1]} are not read.{advice}"
            session.add(LedgerEntry(collection_id=1, root="/documents", path=name, state="skipped", reason=reason))
        session.commit()
    engine.dispose()
    html = client.get("/documents").text
    assert paths(html) == ["zz.pdf", "dental.md", "leave.md", "travel.md"]
    assert "hidden folder, not read" in html, "what was skipped for another reason is listed"
    assert "4 files of 2 kinds are not read" in html
    assert ">3 files of type .jpg are not read.<" in html
    assert ">1 file of type .doc is not read. Save it as .docx.<" in html
    address = re.search(r'<a href="([^"]*)">3 files of type', html)
    assert address, "each of them can be come to"
    kind = client.get(address[1].replace("&amp;", "&")).text
    assert paths(kind) == ["&lt;i&gt;.jpg", "a.jpg", "b.jpg"]
    assert "4 files of 2 kinds" not in kind
    assert paths(client.get("/documents?state=skipped").text) == ["&lt;i&gt;.jpg", "a.jpg", "b.jpg", "old.doc"]
    assert paths(client.get("/documents?q=b.jpg").text) == ["b.jpg"]
    assert "files of" not in client.get("/documents?collection=2").text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("state=failed", ["zz.pdf"]),
        ("state=indexed&sort=size&desc=1", ["dental.md", "travel.md", "leave.md"]),
        ("q=LEAVE", ["leave.md"]),
        ("q=%25", []),  # a per cent sign is no wildcard
        ("q=_", []),
        ("collection=2", ["dental.md"]),
        ("collection=99", []),
        ("state=deleted", []),
        ("state=nonsense&sort=nonsense&q=travel", ["travel.md"]),
        ("part=2", []),
    ],
)
def test_filter_search_and_order_are_links_and_forms(client: TestClient, query: str, shown: list[str]) -> None:
    assert paths(client.get(f"/documents?{query}").text) == shown


def test_every_order_works_both_ways(client: TestClient) -> None:
    html = client.get("/documents?state=indexed").text
    for sort in re.findall(r"sort=(\w+)", html):
        up = paths(client.get(f"/documents?state=indexed&sort={sort}").text)
        down = paths(client.get(f"/documents?state=indexed&sort={sort}&desc=1").text)
        assert sorted(up) == sorted(down) == ["dental.md", "leave.md", "travel.md"]


def test_deleted_is_gone_from_the_next_answer_and_undo_brings_it_back(client: TestClient) -> None:
    html = client.get("/documents").text
    address = entry_of(html, "leave.md")
    source = re.search(r'href="(/documents/\d+)"[^>]*>Leave<', html)
    assert source
    assert "leave.md" in found(client)

    page = client.post(f"{address}/delete?q=leave")
    assert "was deleted" in page.text
    assert page.url.query == b"q=leave&deleted=" + address.rpartition("/")[2].encode()
    assert "leave.md" not in found(client)
    assert client.get(source[1]).status_code == 404
    assert "leave.md" not in paths(page.text)
    assert 'aria-label="Bring back leave.md"' in client.get("/documents?state=deleted").text

    back = client.post(f"{address}/restore", headers=HTMX)
    assert "leave.md" in paths(back.text)
    assert "<html" not in back.text
    assert "was deleted" not in back.text
    assert "leave.md" in found(client)
    assert client.get(source[1]).status_code == 200


def test_deleting_outlives_a_restart(client: TestClient, settings: ServerSettings) -> None:
    address = entry_of(client.get("/documents").text, "leave.md")
    client.post(f"{address}/delete")
    client.__exit__(None, None, None)
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as again:
        until(lambda: again.get("/readyz").status_code == 200)
        assert "leave.md" not in found(again)
        again.post(f"{address}/restore")
        assert "leave.md" in found(again)
    client.__enter__()


@pytest.mark.parametrize("what", ["delete", "restore", "again"])
def test_a_file_that_is_not_there(client: TestClient, what: str) -> None:
    assert client.post(f"/documents/files/9999/{what}").status_code == 404


@pytest.mark.parametrize("path", ["files/1/delete", "files/1/restore", "files/1/again", "again", "seen", "upload"])
def test_another_site_can_change_nothing(client: TestClient, path: str) -> None:
    before = client.get("/documents").text
    sent = client.post(f"/documents/{path}", headers=FOREIGN, files={"files": ("a.md", b"words")})
    assert sent.status_code == 403
    assert paths(client.get("/documents").text) == paths(before)


def test_only_a_folder_that_was_ingested_is_read_again(client: TestClient) -> None:
    for form in ({"root": "/etc", "into": 1}, {"root": "/documents", "into": 99}, {}):
        assert client.post("/documents/again", data=form).status_code == 404


def test_an_upload_may_be_large_and_nothing_else_may(client: TestClient, settings: ServerSettings) -> None:
    large = b"words " * (BODY_LIMIT // 3)
    refused = client.post("/theme", data={"theme": large.decode()})
    assert refused.status_code == 413
    files = [("files", ("../big.txt", large)), ("files", ("a.exe", b"x"))]
    sent = client.post("/documents/upload", data={"collection": "new"}, files=files)
    assert sent.status_code == 200
    assert (settings.uploads_path / "new" / "big.txt").read_bytes() == large
    assert "Files of type .exe are not read." in sent.text


def test_an_upload_without_a_collection_is_refused_and_leaves_nothing(
    client: TestClient, settings: ServerSettings
) -> None:
    sent = client.post("/documents/upload", files={"files": ("a.md", b"words")})
    assert sent.status_code == 400
    assert "A collection needs a name" in sent.text
    assert [path for path in settings.uploads_path.rglob("*") if path.is_file()] == []


def test_an_upload_is_taken_into_a_collection_that_another_one_makes_meanwhile(
    client: TestClient, settings: ServerSettings
) -> None:
    def body() -> Iterator[bytes]:
        yield b'--xx\r\nContent-Disposition: form-data; name="collection"\r\n\r\nnew\r\n'
        engine = open_knowledge(settings)
        with Session(engine) as session:
            session.add(Collection(name="new"))
            session.commit()
        engine.dispose()
        yield b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\nwords\r\n--xx--\r\n'

    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    sent = client.post("/documents/upload", content=body(), headers=headers, follow_redirects=False)
    assert sent.status_code == 303, sent.text
    assert (settings.uploads_path / "new" / "a.md").read_bytes() == b"words"


def test_hostile_names_and_reasons_are_inert(settings: ServerSettings, tmp_path: Path) -> None:
    site = Site(settings)
    with Session(site.engine) as session:
        session.add(LedgerEntry(collection_id=1, root=HOSTILE, path=HOSTILE, state="failed", reason=HOSTILE))
        session.add(Collection(name=HOSTILE))
        session.add(IngestRun(collection_id=2, total=3, done=1))
        session.commit()
    with TestClient(site.app(), base_url="http://localhost") as client:
        for html in (client.get("/documents").text, client.post("/documents/files/9/delete").text):
            assert "<script>" not in html
            assert "<img" not in html
            assert not re.search(r"<[^>]*\son[a-z]+=", re.sub(r'"[^"]*"', '""', html))
            assert "&lt;script&gt;" in html


async def test_a_run_that_ends_while_the_page_loads_is_not_missed(settings: ServerSettings) -> None:
    site = Site(settings)
    known = site.catalog.ended_runs(site.catalog.everything())
    with Session(site.engine) as session:
        session.add(IngestRun(collection_id=1, total=1, done=1, finished_at=now()))
        session.commit()
    stream = events(site.services(), site.catalog.everything, known)
    assert (await anext(stream)).event == "changed"
    await stream.aclose()


def test_sizes_are_said_as_people_say_them() -> None:
    sizes = [0, 1, 999, 1000, 9_949, 99_400, 999_600, 1_500_000, 999_600_000, 2_400_000_000]
    assert [file_size(size) for size in sizes] == [
        *("0 bytes", "1 byte", "999 bytes", "1.0 kB", "9.9 kB", "99 kB", "1.0 MB", "1.5 MB", "1.0 GB", "2.4 GB")
    ]
