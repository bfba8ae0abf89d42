"""Several files at once over HTTP, collections as a whole, and what waits: counted, undone, and within the scope."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Collection, Document, LedgerEntry, known_id
from indexer.passages import Scope
from server.settings import ServerSettings
from tests.server.fakes import BENEFITS, HANDBOOK, app_of, fill
from tests.server.web.pages.test_documents import ASKED, FOREIGN, HTMX, enter, found, paths
from tests.waiting import until

FORMULA = "=HYPERLINK(1).md"


@pytest.fixture
def client(settings: ServerSettings) -> Iterator[TestClient]:
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    enter(
        settings,
        LedgerEntry(collection_id=1, root="/documents", path=FORMULA, state="failed", reason="+1"),
        LedgerEntry(collection_id=1, root="/documents", path="zz.pdf", state="failed", reason="It is damaged."),
    )
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


def ids(settings: ServerSettings, *wanted: str) -> list[str]:
    engine = open_knowledge(settings)
    with Session(engine) as session:
        entries = {entry.path: str(entry.id) for entry in session.exec(select(LedgerEntry))}
    engine.dispose()
    return [entries[path] for path in wanted]


def moment(html: str) -> str:
    match = re.search(r'name="moment" value="([^"]*)"', html)
    assert match
    return match[1]


def test_several_are_deleted_and_come_back_together(client: TestClient, settings: ServerSettings) -> None:
    chosen = ids(settings, "leave.md", "dental.md")
    deleted = client.post("/documents/several", data={"do": "delete", "file": chosen}, headers=HTMX).text
    assert "2 files were deleted. No answer uses them any more." in deleted
    assert "leave.md" not in found(client)
    client.post(f"/documents/files/{ids(settings, 'travel.md')[0]}/delete")
    back = client.post("/documents/restore", data={"moment": moment(deleted)}, headers=HTMX).text
    assert {"leave.md", "dental.md"} <= set(paths(back))
    assert "travel.md" not in paths(back), "another deletion is another undo"
    assert "leave.md" in found(client)
    assert client.post("/documents/restore", data={"moment": moment(deleted)}).status_code == 404


def test_without_javascript_the_page_offers_the_same_undo(client: TestClient, settings: ServerSettings) -> None:
    page = client.post("/documents/several?q=l", data={"do": "delete", "file": ids(settings, "leave.md", "dental.md")})
    assert "2 files were deleted" in page.text
    assert page.url.params["q"] == "l"
    assert "leave.md" in paths(client.post("/documents/restore", data={"moment": moment(page.text)}).text)


def test_the_whole_list_is_what_the_search_leaves(client: TestClient, settings: ServerSettings) -> None:
    deleted = client.post("/documents/several?state=failed", data={"do": "delete", "all": "1"}, headers=HTMX).text
    assert "2 files were deleted" in deleted
    assert paths(client.get("/documents").text) == ["dental.md", "leave.md", "travel.md"]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"do": "delete"}, 400),
        ({"do": "nonsense", "file": "1"}, 400),
        ({"do": "delete", "file": "x"}, 400),
        ({"do": "delete", "file": [str(n) for n in range(1, 102)]}, 400),
        ({"do": "move", "file": "1", "into": "99"}, 404),
    ],
)
def test_what_cannot_be_done_is_told(client: TestClient, form: dict[str, object], status: int) -> None:
    assert client.post("/documents/several", data=form).status_code == status
    assert len(paths(client.get("/documents").text)) == 5


@pytest.mark.parametrize(
    "path",
    ["several", "restore", "collections/1/rename", "collections/1/move", "collections/1/delete", "jobs/1/cancel"],
)
def test_another_site_can_change_nothing(client: TestClient, path: str) -> None:
    form = {"do": "delete", "all": "1", "name": "x", "into": "2"}
    assert client.post(f"/documents/{path}", data=form, headers=FOREIGN).status_code == 403
    assert len(paths(client.get("/documents").text)) == 5


def test_who_may_read_one_collection_changes_no_other(client: TestClient, settings: ServerSettings) -> None:
    client.app.state.services.scope_of = lambda _request: Scope(frozenset({2}))  # type: ignore[attr-defined]
    chosen = ids(settings, "leave.md", "dental.md")
    assert (
        "“<bdi>dental.md</bdi>”"
        in client.post("/documents/several", data={"do": "delete", "file": chosen}, headers=HTMX).text
    )
    assert client.post("/documents/several", data={"do": "move", "file": chosen, "into": "1"}).status_code == 404
    for path in ("", "/rename", "/move", "/delete"):
        address = f"/documents/collections/1{path}"
        answer = client.post(address, data={"name": "x"}) if path else client.get(address)
        assert answer.status_code == 404, path
    assert "leave.md" not in client.get("/documents/list.csv").text
    client.app.state.services.scope_of = lambda _request: Scope(frozenset({1, 2}))  # type: ignore[attr-defined]
    assert "leave.md" in found(client)


def test_a_file_of_somebodys_own_folder_is_not_moved_alone(client: TestClient, settings: ServerSettings) -> None:
    chosen = {"do": "move", "file": ids(settings, "leave.md"), "into": "2"}
    told = client.post("/documents/several", data=chosen, headers=HTMX).text
    assert "0 files are in benefits now. leave.md lies in a folder that is read as a whole" in told


def test_a_collection_is_renamed_and_asked_by_its_new_name(client: TestClient, settings: ServerSettings) -> None:
    page = client.post("/documents/collections/1/rename", data={"name": " <b>Rules ", "before": "handbook"})
    assert "The collection has its new name." in page.text
    assert "&lt;b&gt;Rules" in page.text
    assert "leave.md" in {
        passage["document"]
        for passage in client.post("/v1/search", json={**ASKED, "collections": ["<b>Rules"]}).json()["passages"]
    }
    assert client.post("/v1/search", json={**ASKED, "collections": ["handbook"]}).status_code == 404
    for form, status in (
        ({"name": "benefits"}, 409), ({"name": "x", "before": "handbook"}, 409), ({"name": " "}, 400),
        ({"name": "x" * 101}, 400),
    ):  # fmt: skip
        assert client.post("/documents/collections/1/rename", data=form).status_code == status
    assert client.post("/documents/collections/99/rename", data={"name": "x"}).status_code == 404


def test_a_collection_is_deleted_with_all_it_holds_and_brought_back(
    client: TestClient, settings: ServerSettings
) -> None:
    asked = client.get("/documents/collections/1").text
    assert "A collection with 4 files." in asked
    assert "<bdi>/documents</bdi>" in asked, "it names the folder that will be read again"
    page = client.post("/documents/collections/1/delete").text
    assert "4 files were deleted" in page
    assert "handbook" not in page
    assert found(client) <= {"dental.md"}
    assert client.get("/documents/collections/1").status_code == 404
    assert client.post("/documents/several", data={"do": "move", "all": "1", "into": "1"}).status_code == 404
    client.post("/documents/restore", data={"moment": moment(page)})
    assert "leave.md" in found(client)


def test_everything_goes_to_another_collection(client: TestClient, settings: ServerSettings) -> None:
    engine = open_knowledge(settings)
    with Session(engine) as session:
        for row in (*session.exec(select(Document)), *session.exec(select(LedgerEntry))):
            if row.path == "dental.md":
                row.root = "/others"
        session.commit()
    engine.dispose()
    page = client.post("/documents/collections/1/move", data={"into": "2"})
    assert "The files of the collection were moved." in page.text
    search = {**ASKED, "collections": ["benefits"]}
    until(lambda: "leave.md" in {p["document"] for p in client.post("/v1/search", json=search).json()["passages"]})
    assert client.get("/documents/collections/1").status_code == 404


def test_the_list_is_a_file_that_computes_nothing(client: TestClient) -> None:
    answer = client.get("/documents/list.csv?state=failed")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["file"] for row in rows] == [f"'{FORMULA}", "zz.pdf"]
    assert rows[0]["reason"] == "'+1"
    assert rows[0]["state"] == "Failed"


def test_counts_follow_the_search_and_the_collection(client: TestClient) -> None:
    assert ">3 indexed<" in client.get("/documents").text
    assert ">1 indexed<" in client.get("/documents?q=leave").text
    narrowed = client.get("/documents?collection=2").text
    assert ">1 indexed<" in narrowed
    assert "failed" not in re.sub(r'"[^"]*"', "", narrowed)


def test_what_was_refused_when_it_was_sent_is_in_the_list_and_not_read_again(client: TestClient) -> None:
    files = [("files", ("photo.heic", b"x")), ("files", ("empty.md", b""))]
    client.post("/documents/upload", data={"collection": "handbook"}, files=files)
    page = client.get("/documents?state=skipped").text
    assert paths(page) == ["empty.md", "photo.heic"]
    assert "The file is empty." in page
    assert paths(client.get("/documents?q=heic").text) == ["photo.heic"]
    assert 'aria-label="Index photo.heic again"' not in page
    entry = re.search(r"/documents/files/(\d+)/delete[^>]*><button[^>]*Delete photo.heic", page)
    assert entry
    assert client.post(f"/documents/files/{entry[1]}/again").status_code == 404


def test_an_upload_goes_where_its_collection_is_called_by_then(client: TestClient, settings: ServerSettings) -> None:
    def body() -> Iterator[bytes]:
        yield b'--xx\r\nContent-Disposition: form-data; name="collection"\r\n\r\nbenefits\r\n'
        engine = open_knowledge(settings)
        with Session(engine) as session:
            session.exec(select(Collection).where(Collection.name == "benefits")).one().name = "perks"
            session.commit()
        engine.dispose()
        yield b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\nwords\r\n--xx--\r\n'

    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    client.post("/documents/upload", content=body(), headers=headers)
    engine = open_knowledge(settings)
    with Session(engine) as session:
        assert {one.name for one in session.exec(select(Collection))} == {"handbook", "perks"}
        entry = session.exec(select(LedgerEntry).where(LedgerEntry.path == "a.md")).one()
        assert session.get_one(Collection, entry.collection_id).name == "perks"
        assert known_id(entry)
    engine.dispose()
    assert [path.read_bytes() for path in Path(settings.uploads_path).rglob("a.md")] == [b"words"]
