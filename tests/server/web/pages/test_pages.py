"""The pages over HTTP: what they hold, what they refuse, and that nobody sees what is not theirs."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import event
from sqlmodel import Session, delete

from indexer.knowledge.database import writing
from indexer.knowledge.tables import Chunk, Collection, Document, IngestRun
from server.settings import ServerSettings
from server.web.pages import turn_html
from tests.tiny_site import HOSTILE, QUOTES, Site, add_document

HTMX = {"HX-Request": "true"}


@pytest.fixture
def stranger(client: TestClient) -> TestClient:
    """Another browser of the same server."""
    return TestClient(client.app, base_url="http://localhost")


def asked(client: TestClient, question: str = "How much leave?", conversation: str = "") -> str:
    """Ask without JavaScript; returns the conversation's address."""
    response = client.post("/ask", data={"question": question, "conversation": conversation}, follow_redirects=False)
    assert response.status_code == 303, response.text
    return str(response.headers["location"]).partition("#")[0]


def citations(html: str) -> list[str]:
    return re.findall(r'href="(/citations/\d+)#quote"', html)


def test_the_first_page_offers_questions_from_the_documents(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert 'value="How do I book leave?"' in page.text
    assert "7 documents" in page.text
    assert page.headers["cache-control"] == "no-store"


def test_an_empty_index_says_what_to_do(settings: ServerSettings) -> None:
    with TestClient(Site(settings, documents_too=False).app()) as client:
        page = client.get("/")
        assert "Nothing is indexed yet" in page.text
        assert "indexer ingest FOLDER" in page.text
        assert "indexer ingest FOLDER" in client.get("/documents").text


def test_pages_hold_no_inline_script_or_style_and_no_foreign_address(client: TestClient) -> None:
    for path in (
        "/",
        asked(client),
        asked(client, "unknown"),
        asked(client, "fail"),
        "/documents",
        "/documents/1",
        "/language-model",
        "/x",
    ):
        html = client.get(path).text
        assert not re.search(r"<script(?![^>]* src=\"/static/)", html)
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on", html)
        assert not re.findall(r'(?:src|href|action)="(?!/|#)[^"]*"', html)


def test_asking_without_javascript_waits_and_shows_the_answer(client: TestClient) -> None:
    html = client.get(asked(client)).text
    assert "<strong>25 days</strong>" in html
    assert len(citations(html)) == 5
    assert QUOTES[0][1] in html


def test_an_answer_can_be_copied_with_its_sources_from_its_page(client: TestClient) -> None:
    copied = re.search(r'<template id="copy-\d+">(.*?)</template>', client.get(asked(client)).text, re.DOTALL)
    assert copied
    assert copied[1].startswith("You have **25 days** of paid leave a year.[1]")
    assert f"[1] Annual leave, page 1: “{QUOTES[0][1]}”" in copied[1]


def test_asking_with_htmx_gives_the_running_turn_at_once(client: TestClient) -> None:
    response = client.post("/ask", data={"question": "How much leave?"}, headers=HTMX)
    assert re.fullmatch(r"/c/[0-9a-f]{32}", response.headers["hx-push-url"])
    assert 'data-state="running"' in response.text
    assert "<html" not in response.text
    turn = re.search(r'sse-connect="(/turns/\d+/events)"', response.text)
    assert turn
    stream = client.get(turn[1])
    assert stream.headers["content-type"].startswith("text/event-stream")
    names = re.findall(r"^event: (\w+)$", stream.text, re.MULTILINE)
    assert names[0] == "restart"
    assert names[-1] == "end"
    assert "open" not in names  # the browser's own event


def test_a_stream_that_is_resumed_sends_each_block_once(client: TestClient) -> None:
    response = client.post("/ask", data={"question": "How much leave?"}, headers=HTMX)
    turn = re.search(r"/turns/\d+", response.text)
    assert turn
    after = client.get(f"{turn[0]}/events", headers={"Last-Event-ID": "9999"})
    names = re.findall(r"^event: (\w+)$", after.text, re.MULTILINE)
    assert "restart" not in names
    assert "block" not in names
    assert names[-1] == "end"


@pytest.mark.parametrize("question", ["", "   ", "x" * 8001])
def test_questions_that_cannot_be_asked(client: TestClient, question: str) -> None:
    response = client.post("/ask", data={"question": question}, headers=HTMX)
    assert response.status_code == 400
    assert "send it again" in response.text
    assert "<html" not in response.text
    assert "send it again" in client.post("/ask", data={"question": question}).text


EXACTLY = "Search for exactly what I wrote"


def test_what_was_written_can_be_searched_for_exactly(client: TestClient) -> None:
    address = asked(client, "How much leeve?")
    html = client.get(address).text
    form = re.search(rf"<form (?:(?!</form>).)*{EXACTLY}", html, re.DOTALL)
    assert "Searched for: How much leave?" in html
    assert form
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
    again = client.post("/ask", data=fields, headers=HTMX)
    assert again.status_code == 200
    stream = client.get(re.findall(r'sse-connect="([^"]+)"', again.text)[-1]).text
    html = client.get(address).text
    for shown in (stream, html):
        assert "Searched for" not in shown
        assert EXACTLY not in shown
    assert "Version 2 of 2" in html
    assert EXACTLY not in client.get(asked(client, "How much leave?")).text


def test_a_conversation_goes_on(client: TestClient) -> None:
    address = asked(client)
    assert asked(client, "And travel?", address.removeprefix("/c/")) == address
    html = client.get(address).text
    assert html.count('<article class="turn"') == 2


def test_an_answer_that_nothing_supports_says_so_and_quotations_do_not(client: TestClient) -> None:
    said = "No source was found for anything in this answer"
    shown = {word: client.get(asked(client, f"Please {word} a rule")).text for word in ("invent", "quote", "name")}
    assert [word for word, html in shown.items() if said in html] == ["invent"]


def test_answers_are_rendered_once_and_forgotten_with_their_conversation(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = []
    render = turn_html.answer_html
    monkeypatch.setattr(turn_html, "answer_html", lambda turn: rendered.append(turn.id) or render(turn))
    address = asked(client)
    pages = [client.get(address).text for _ in range(2)]
    assert pages[0].count("<strong>25 days</strong>") == pages[1].count("<strong>25 days</strong>") == 1
    assert len(rendered) == 1
    client.post(f"{address}/delete")
    client.post(f"{address}/restore")
    assert "<strong>25 days</strong>" in client.get(address).text
    assert len(rendered) == 2


def test_nobody_sees_what_belongs_to_another(client: TestClient, stranger: TestClient) -> None:
    address = asked(client, "a private question")
    html = client.get(address).text
    turn = re.search(r'id="turn-(\d+)"', html)
    assert turn
    places: list[tuple[str, Callable[[], int]]] = [
        ("conversation", lambda: stranger.get(address).status_code),
        ("stream", lambda: stranger.get(f"/turns/{turn[1]}/events").status_code),
        ("stop", lambda: stranger.post(f"/turns/{turn[1]}/stop").status_code),
        ("feedback", lambda: stranger.post(f"/turns/{turn[1]}/feedback", data={"value": 1}).status_code),
        ("citation", lambda: stranger.get(citations(html)[0]).status_code),
        ("delete", lambda: stranger.post(f"{address}/delete").status_code),
        ("restore", lambda: stranger.post(f"{address}/restore").status_code),
        ("rename", lambda: stranger.post(f"{address}/title", data={"title": "mine"}).status_code),
        ("export", lambda: stranger.get(f"{address}/export").status_code),
        ("ask", lambda: stranger.post("/ask", data={"question": "q", "conversation": address[3:]}).status_code),
    ]
    assert {name: status() for name, status in places} == dict.fromkeys((name for name, _ in places), 404)
    instead = {"question": "q", "instead_of": turn[1], "conversation": asked(stranger, "their own")[3:]}
    assert stranger.post("/ask", data=instead).status_code == 404
    client.post(f"{address}/delete")
    for path in ("/", "/conversations?search=private", f"/?deleted={address[3:]}"):
        assert "a private question" not in stranger.get(path).text
    client.post(f"{address}/restore")
    assert client.get(address).status_code == 200


def test_a_citation_opens_the_document_at_the_words(client: TestClient) -> None:
    first, *_ = citations(client.get(asked(client)).text)
    page = client.get(first).text
    assert f'<mark id="quote">{QUOTES[0][1]}</mark>' in page
    assert "<html" in page
    panel = client.get(first, headers=HTMX).text
    assert f'<mark id="quote">{QUOTES[0][1]}</mark>' in panel
    assert "<html" not in panel


def change(site: Site, text: str | None) -> None:
    with Session(site.engine) as session:
        document = session.get_one(Document, 1)
        if text is None:
            session.exec(delete(Chunk).where(Chunk.document_id == 1))  # type: ignore[arg-type]
            session.delete(document)
        else:
            document.text, document.blocks = text, "[]"
        session.commit()


def test_a_citation_follows_words_that_moved(client: TestClient, site: Site) -> None:
    first, *_ = citations(client.get(asked(client)).text)
    change(site, f"A new beginning. {QUOTES[0][1]} The end.")
    assert f'A new beginning. <mark id="quote">{QUOTES[0][1]}</mark> The end.' in client.get(first).text


@pytest.mark.parametrize(
    ("text", "note"),
    [("Everything is different.", "This document has changed since."), (None, "This document was removed since.")],
)
def test_a_citation_keeps_its_words_when_the_document_does_not(
    client: TestClient, site: Site, text: str | None, note: str
) -> None:
    first, *_ = citations(client.get(asked(client)).text)
    change(site, text)
    page = client.get(first).text
    assert note in page
    assert QUOTES[0][1] in page


def test_a_citation_of_a_collection_that_may_not_be_read_shows_nothing(client: TestClient, site: Site) -> None:
    first, *_ = citations(client.get(asked(client)).text)
    with Session(site.engine) as session:
        session.add(Collection(id=2, name="other"))
        session.flush()
        document = session.get_one(Document, 1)
        document.collection_id = 2
        session.commit()
    with site.conversations.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE citation SET collection_id = 99")  # one that is in nobody's scope
    response = client.get(first)
    assert response.status_code == 404
    assert QUOTES[0][1] not in response.text


def test_original_files(client: TestClient, site: Site, tmp_path: Path) -> None:
    shown = client.get("/documents/1/original")
    assert shown.text.startswith("Annual leave")
    assert shown.headers["content-type"] == "text/plain; charset=utf-8"
    assert shown.headers["content-disposition"].startswith("inline")
    assert shown.headers["content-security-policy"] == "sandbox"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert client.get("/documents/2/original").status_code == 404  # not on the disk any more
    root = tmp_path / "documents"
    (root / "page.html").write_text("<script>alert(1)</script>")
    html = add_document(site.engine, root, "page.html", "Page", [("paragraph", "words", 0, None)])
    saved = client.get(f"/documents/{html}/original")
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"].startswith("attachment")


def test_original_files_stay_inside_their_folder(client: TestClient, site: Site, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("a secret")
    root = tmp_path / "documents"
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    (root / "loop.txt").symlink_to(root / "loop.txt")
    for path in ("link.txt", "../outside.txt", str(tmp_path / "outside.txt"), "loop.txt", "x\0y", "."):
        document = add_document(site.engine, root, path, "Escape", [("paragraph", "words", 0, None)])
        response = client.get(f"/documents/{document}/original")
        assert response.status_code == 404, path
        assert "a secret" not in response.text
        assert "/original" not in client.get(f"/documents/{document}").text


def test_hostile_names_and_words_are_shown_as_text(client: TestClient, site: Site, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\" onmouseover='x'"
    document = add_document(site.engine, tmp_path, f"{evil}.txt", evil, [("heading", f"{evil} is this?", 1, None)])
    for path in (
        "/",
        f"/documents/{document}?start=3&end=9",
        "/documents",
        asked(client, evil),
        asked(client, "hostile"),
    ):
        html = client.get(path).text
        assert "<script>" not in html
        assert 'onmouseover="' not in html
    assert HOSTILE[-100:] in html


def test_an_unknown_address_of_ours_is_a_page(client: TestClient) -> None:
    response = client.get("/documents/999")
    assert response.status_code == 404
    assert "There is no such document." in response.text
    assert "<nav" in response.text


def test_static_files_are_kept_for_good_by_their_hash(client: TestClient) -> None:
    html = client.get("/").text
    for address in re.findall(r'"(/static/[^"]+)"', html):
        response = client.get(address)
        assert "immutable" in response.headers["cache-control"], address
        assert response.content
    assert client.get("/static/app.css").headers["cache-control"] == "no-cache"
    assert client.get("/static/app.css?v=0").headers["cache-control"] == "no-cache"
    assert client.get("/static/../templates/base.html").status_code == 404


def test_the_first_view_is_small(client: TestClient) -> None:
    html = client.get("/")
    addresses = re.findall(r'"(/static/[^"]+)"', html.text)
    size = sum(len(gzip.compress(client.get(a).content)) for a in {"/", *addresses})
    assert size < 60_000


def test_the_theme_is_kept_without_javascript(client: TestClient) -> None:
    assert 'data-theme="system"' in client.get("/").text
    response = client.post("/theme", data={"theme": "dark"}, headers={"Referer": "http://localhost/documents"})
    assert response.url.path == "/documents"
    assert 'data-theme="dark"' in client.get("/").text
    client.post("/theme", data={"theme": '"><script>'})
    assert 'data-theme="system"' in client.get("/").text


def locked(settings: ServerSettings) -> Site:
    return Site(settings.model_copy(update={"password": SecretStr("open sesame")}))


def test_a_password_is_asked_for_before_anything_is_shown(settings: ServerSettings) -> None:
    with TestClient(locked(settings).app()) as client:
        for path in ("/", "/documents", "/documents/1", "/documents/1/original", "/c/x", "/turns/1/events"):
            response = client.get(path, follow_redirects=False)
            assert response.status_code == 303, path
            assert response.headers["location"].startswith("/login?next=")
        assert client.post("/ask", data={"question": "q"}, headers=HTMX).headers["hx-redirect"] == "/login"
        assert "7 documents" not in client.get("/login").text
        wrong = client.post("/login", data={"password": "guess"})
        assert wrong.status_code == 401
        assert "not the password" in wrong.text
        right = client.post("/login", data={"password": "open sesame", "next": "/documents"})
        assert right.url.path == "/documents"
        assert client.get("/", follow_redirects=False).status_code == 200


def test_no_header_evades_the_limit_of_wrong_passwords(settings: ServerSettings) -> None:
    with TestClient(locked(settings).app()) as client:
        statuses = []
        for number in range(8):
            client.cookies.clear()
            headers = {"X-Forwarded-For": f"10.0.0.{number}", "Forwarded": f"for=10.0.0.{number}"}
            statuses.append(client.post("/login", data={"password": f"guess {number}"}, headers=headers).status_code)
        assert statuses == [401] * 5 + [429] * 3
        client.cookies.clear()
        refused = client.post("/login", data={"password": "open sesame"})
        assert "Wait a minute" in refused.text
        assert 0 < int(refused.headers["retry-after"]) <= 60


def test_wrong_passwords_of_one_browser_hold_up_no_other(settings: ServerSettings) -> None:
    with TestClient(locked(settings).app()) as client:
        client.get("/login")
        assert [client.post("/login", data={"password": "guess"}).status_code for _ in range(7)] == [401] * 5 + [
            429
        ] * 2
        client.cookies.clear()
        client.get("/login")
        right = client.post("/login", data={"password": "open sesame"}, follow_redirects=False)
        assert right.status_code == 303


def test_a_login_gives_a_new_session(settings: ServerSettings) -> None:
    with TestClient(locked(settings).app()) as client:
        client.get("/login")
        (before,) = client.cookies.values()
        client.post("/login", data={"password": "open sesame"})
        (after,) = client.cookies.values()
        client.cookies.clear()
        sessions = client.app.state.services.sessions  # type: ignore[attr-defined]  # typed as any ASGI application
        planted, own = (sessions.read({sessions.cookie: value}) for value in (before, after))
        assert not planted.admitted
        assert own.admitted
        assert planted.owner != own.owner


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/x", "/\\evil.example", "javascript:x", "x"])
def test_the_login_leads_nowhere_else(settings: ServerSettings, target: str) -> None:
    with TestClient(locked(settings).app()) as client:
        data = {"password": "open sesame", "next": target}
        location = client.post("/login", data=data, follow_redirects=False).headers["location"]
        assert re.fullmatch(r"/([a-z].*)?", location)


def test_example_questions_stand_in_the_first_page(site: Site, client: TestClient) -> None:
    found = site.settings.data / "examples.json"
    assert "How do I book leave?" in found.read_text(encoding="utf-8")
    first = client.get("/").text
    assert 'value="How do I book leave?"' in first
    assert 'hx-get="/examples"' not in first


@pytest.mark.parametrize("number", ["0", "-1", "abc", str(2**63), "9" * 40])
@pytest.mark.parametrize("address", ["/documents/{}", "/documents/{}/original", "/citations/{}", "/turns/{}/events"])
def test_a_number_that_no_row_can_have_is_not_found(client: TestClient, address: str, number: str) -> None:
    response = client.get(address.format(number))
    assert response.status_code == 404
    assert "There is nothing at this address." in response.text


@pytest.mark.parametrize(
    ("address", "times"),
    [
        ("/", 1),
        ("/documents", 1),
        ("/settings", 1),
        ("/status", 1),
        ("/documents/collections/1", 1),
        ("/conversations", 1),
        ("/language-model", 1),
        ("/indexed", 1),
        ("conversation", 1),
        ("table", 0),
    ],
)
def test_a_page_counts_the_documents_once(site: Site, client: TestClient, address: str, times: int) -> None:
    path = {"conversation": asked(client), "table": "/documents"}.get(address, address)
    counted = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "max(document.indexed_at)" in statement:
            counted.append(statement)

    event.listen(site.engine, "before_cursor_execute", note)
    client.get(path, headers=HTMX if address == "table" else {}).raise_for_status()
    assert len(counted) == times


def test_what_can_be_asked_comes_when_there_is_something(settings: ServerSettings, tmp_path: Path) -> None:
    site = Site(settings, documents_too=False)
    with TestClient(site.app()) as client:
        assert "Nothing is indexed yet" in client.get("/welcome").text
        assert 'hx-trigger="every 3s"' in client.get("/examples").text
        assert 'hx-trigger="every 3s"' in client.get("/indexed").text
        with Session(site.engine) as session, writing(settings):
            session.add(Collection(id=1, name="handbook"))
            session.add(IngestRun(collection_id=1, total=40, done=7))
            session.commit()
            assert "Indexing: 7 of 40 files" in client.get("/welcome").text
            assert "Indexing: 7 of 40" in client.get("/indexed").text
        add_document(site.engine, tmp_path, "a.md", "A", [("heading", "How do I book leave?", 1, None)])
        for path, words in (("/welcome", "What would you like to know?"), ("/examples", "How do I book leave?")):
            html = client.get(path).text
            assert words in html
            assert "hx-trigger" not in html
        assert "hx-trigger" not in client.get("/indexed").text
