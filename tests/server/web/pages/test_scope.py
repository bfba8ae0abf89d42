"""Who may read a part of the documents sees of pages, old answers and the indexing that part alone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from indexer.knowledge.alike import sign
from indexer.knowledge.database import writing
from indexer.knowledge.tables import Collection, IngestRun, LedgerEntry, now
from indexer.passages import Folder, Scope
from server.library.job import FileOutcome, Job, Outcomes
from server.settings import ServerSettings
from server.views.presentation import WITHHELD, WITHHELD_QUOTATIONS
from server.web.pages import documents
from tests.tiny_site import BRIEF_QUOTES, QUOTES, Site, add_document

HTMX = {"HX-Request": "true"}
LEAVE = [quote for n, quote in QUOTES if n == 1]
TRAVEL = [quote for n, quote in QUOTES if n == 2]

Limit = Callable[[Scope | None], None]


@pytest.fixture
def limit(client: TestClient, site: Site) -> Limit:
    """Sets what every asker may read from now on; None: everything."""

    def limit(scope: Scope | None) -> None:
        client.app.state.services.scope_of = lambda _request: scope or site.catalog.everything()  # type: ignore[attr-defined]

    return limit


@pytest.fixture
def travel(settings: ServerSettings) -> Scope:
    """One folder of the first collection: the leave that answers quote too lies beside it."""
    return Scope(frozenset({1}), frozenset({Folder(1, str(settings.data.parent / "documents"), "travel")}))


def test_the_documents_page_names_copies_that_may_be_read_alone(client: TestClient, site: Site, limit: Limit) -> None:
    engine, words = site.catalog.engine, "The north gate opens at 6:15 and closes at 21:45 on working days."
    for path, collection, text in (
        ("gate.md", 1, words),
        ("copy of <gate>.md", 1, words.upper()),
        ("secret gate.md", 2, words),
        ("later gate.md", 1, words.replace("21:45", "22:45")),
    ):
        id_ = add_document(engine, Path("/gates"), path, path, [("paragraph", text, 0, None)], collection)
        with Session(engine) as session:
            sign(session, id_, text)
            session.commit()
    everything = client.get("/documents").text
    assert re.search(
        r'The same words as <a href="/documents/\d+"[^>]*><bdi>copy of &lt;gate&gt;.md</bdi></a>', everything
    )
    assert "Nearly the same as" in everything
    assert "<bdi>secret gate.md</bdi>" in everything
    limit(Scope(frozenset({1})))
    mine = client.get("/documents").text
    assert "<bdi>copy of &lt;gate&gt;.md</bdi>" in mine
    assert "secret" not in mine
    assert "more</span>" not in mine


def asked(client: TestClient, question: str) -> str:
    """Ask without JavaScript; returns the conversation's address."""
    response = client.post("/ask", data={"question": question}, follow_redirects=False)
    return str(response.headers["location"]).partition("#")[0]


def ways_to_see(client: TestClient, address: str) -> dict[str, str]:
    """The one turn of a conversation in every form in which it can be had again."""
    page = client.get(address).text
    turn = re.findall(r'<article class="turn" id="turn-(\d+)"', page)[0]
    return {
        "page": page,
        "export": client.get(f"{address}/export").text,
        "stream": client.get(f"/turns/{turn}/events").text,
    }


def test_an_old_answer_shows_no_words_that_may_not_be_read_any_more(
    client: TestClient, limit: Limit, travel: Scope
) -> None:
    address = asked(client, "How much leave?")
    before = ways_to_see(client, address)
    limit(travel)
    for way, text in ways_to_see(client, address).items():
        assert not [quote for quote in LEAVE if quote in text], way
        assert "Annual leave" not in text, way
        assert "leave.txt" not in text, way
        assert WITHHELD in text, way
        assert TRAVEL[0] in text, way
        assert "25 days" in text, f"what was answered stays: {way}"
    page = client.get(address).text
    assert page.count('class="card"') == 1
    assert f'aria-label="Source 1: {WITHHELD}"' in page
    assert f"[1] {WITHHELD}\n[2] Travel expenses" in page
    assert "“”" not in page
    citation = re.findall(r'href="(/citations/\d+)#quote"', page)[0]
    assert client.get(citation).status_code == 404
    limit(None)
    assert ways_to_see(client, address) == before, "nothing of what was withheld is remembered"


def test_an_answer_shown_to_who_may_read_less_is_not_kept_for_who_may_read_more(
    client: TestClient, limit: Limit, travel: Scope
) -> None:
    address = asked(client, "How much leave?")
    limit(travel)
    assert LEAVE[0] not in client.get(address).text
    limit(None)
    assert LEAVE[0] in client.get(address).text


def test_of_what_is_quoted_beneath_an_answer_what_may_be_read_stays(
    client: TestClient, limit: Limit, travel: Scope
) -> None:
    address = asked(client, "How much leave, in brief?")
    before = ways_to_see(client, address)
    (hidden, shown) = (quote for _n, quote in BRIEF_QUOTES)
    quoted = dict(re.findall(r'id="words-\d+-(\d)" href="(/citations/\d+)#quote"', before["page"]))
    assert client.get(quoted["1"]).status_code == 200
    limit(travel)
    for way, text in ways_to_see(client, address).items():
        assert hidden not in text, way
        assert shown in text, way
    assert client.get(quoted["1"]).status_code == 404
    assert client.get(quoted["2"]).status_code == 200
    limit(None)
    assert ways_to_see(client, address) == before


def test_of_quotations_nothing_stays(client: TestClient, limit: Limit, travel: Scope) -> None:
    address = asked(client, "Please quote it")
    limit(travel)
    for way, text in ways_to_see(client, address).items():
        assert LEAVE[0] not in text, way
        assert WITHHELD_QUOTATIONS in text, way
    limit(None)
    assert LEAVE[0] in client.get(address).text


def test_of_the_closest_passages_those_that_may_be_read_stay(client: TestClient, limit: Limit, travel: Scope) -> None:
    address = asked(client, "Something unknown")
    limit(travel)
    page = client.get(address).text
    assert page.count('class="card-title"') == 1
    assert "Keep every receipt." in page
    assert LEAVE[0] not in page


def test_the_branch_before_a_changed_question_is_shown_alike(client: TestClient, limit: Limit, travel: Scope) -> None:
    address = asked(client, "How much leave?")
    client.post("/ask", data={"question": "And travel?", "conversation": address[3:]})
    second = re.findall(r'<article class="turn" id="turn-(\d+)"', client.get(address).text)[1]
    limit(travel)
    changed = {"question": "And trains?", "conversation": address[3:], "instead_of": second}
    branch = client.post("/ask", data=changed, headers=HTMX).text
    assert WITHHELD in branch
    assert not [quote for quote in LEAVE if quote in branch]


def test_a_folder_of_another_root_gives_nothing(client: TestClient, site: Site, limit: Limit, tmp_path: Path) -> None:
    other = add_document(site.engine, tmp_path / "theirs", "travel/pay.md", "Pay", [("paragraph", "Words.", 0, None)])
    limit(Scope(frozenset({1}), frozenset({Folder(1, str(tmp_path / "theirs"), "travel")})))
    assert client.get(f"/documents/{other}").status_code == 200
    assert client.get("/documents/2").status_code == 404


def test_the_page_of_a_problem_counts_what_the_asker_may_read(client: TestClient, limit: Limit, travel: Scope) -> None:
    assert "7 documents" in client.get("/documents/999").text
    limit(travel)
    page = client.get("/documents/999").text
    assert "1 document, updated" in page
    assert "7 documents" not in page


def indexing(client: TestClient, site: Site) -> None:
    """A run that goes on, one that ended, and a job that names a file."""
    with Session(site.engine) as session:
        session.add(IngestRun(collection_id=1, total=40, done=7))
        session.add(IngestRun(collection_id=1, total=1, done=1, finished_at=now()))
        session.commit()
    job = Job("handbook", [])
    job.end("done", Outcomes.of([FileOutcome("a-secret-name.pdf", "failed", "It is damaged.")]))
    client.app.state.services.jobs._jobs.append(job)  # type: ignore[attr-defined]


def test_runs_and_jobs_are_for_who_may_read_all_of_their_collection(
    client: TestClient, site: Site, limit: Limit, travel: Scope
) -> None:
    indexing(client, site)
    with Session(site.engine) as session:
        session.add(Collection(id=2, name="benefits"))
        session.commit()
    with writing(site.settings):
        for scope, seen in ((None, True), (travel, False), (Scope(frozenset({2})), False)):
            limit(scope)
            page = client.get("/documents").text
            assert ("a-secret-name.pdf" in page) is seen
            assert ("7 of 40 files" in page) is seen
            assert ("/documents/events?ended=1" in page) is seen
            assert ('action="/documents/again"' in page) is seen


async def test_the_stream_of_the_progress_asks_each_time_what_may_be_read(
    site: Site, travel: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "POLL_SECONDS", 0)
    scopes = iter([travel, travel, site.catalog.everything()])
    with Session(site.engine) as session:
        session.add(IngestRun(collection_id=1, total=1, done=1, finished_at=now()))
        session.commit()
    stream = documents.events(site.services(), lambda: next(scopes), 0)
    assert (await anext(stream)).event == "changed"
    assert list(scopes) == [], "twice there was nothing new for who may read a folder"
    await stream.aclose()


@pytest.mark.parametrize("collection", ["handbook", "a new one"])
def test_who_may_read_a_folder_adds_nothing(
    client: TestClient, settings: ServerSettings, limit: Limit, travel: Scope, collection: str
) -> None:
    limit(travel)
    files = {"files": ("a.md", b"words")}
    assert client.post("/documents/upload", data={"collection": collection}, files=files).status_code == 404
    assert [path for path in settings.uploads_path.rglob("*") if path.is_file()] == []


def test_who_may_read_a_folder_has_no_other_read_again(
    client: TestClient, site: Site, limit: Limit, travel: Scope, settings: ServerSettings
) -> None:
    root = str(settings.data.parent / "documents")
    with Session(site.engine) as session:
        session.add(LedgerEntry(collection_id=1, root=root, path="travel/new.pdf", state="failed"))
        session.commit()
    limit(travel)
    assert client.post("/documents/again", data={"root": root, "into": 1}).status_code == 404


def test_the_answer_to_an_upload_shows_what_the_asker_may_see(client: TestClient, site: Site, limit: Limit) -> None:
    indexing(client, site)
    with Session(site.engine) as session:
        session.add(Collection(id=2, name="benefits"))
        session.commit()
    limit(Scope(frozenset({2})))
    files = {"files": ("a.exe", b"words")}
    sent = client.post("/documents/upload", data={"collection": "benefits"}, files=files, headers=HTMX)
    assert "Files of type .exe are not read." in sent.text
    assert "a-secret-name.pdf" not in sent.text
