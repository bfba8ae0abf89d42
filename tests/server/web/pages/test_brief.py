"""In brief: a document's own words at once, a model's summary as it comes, and nothing of what may not be read."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import Session

from indexer.knowledge.tables import Document, now
from indexer.passages import Scope
from server.app import Parts, create_app
from server.settings import ServerSettings
from tests.server.fakes import BENEFITS, LEAVE, ScriptedGenerator, fill, open_fake_retriever

HTMX = {"HX-Request": "true"}
SAID = "Employees have 25 days of annual leave."
HANDBOOK = {"leave.md": f"{LEAVE} {LEAVE.replace('25', '26').replace('Five', 'Six')}"}


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator((SAID,))


def app(settings: ServerSettings, generator: ScriptedGenerator | None) -> FastAPI:
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    parts = Parts(open_retriever=open_fake_retriever, open_generator=lambda _settings: generator)
    return create_app(settings, parts)


@pytest.fixture
def client(settings: ServerSettings, generator: ScriptedGenerator) -> Iterator[TestClient]:
    with TestClient(app(settings, generator), base_url="http://localhost") as client:
        client.portal.call(client.app.state.services.opened.wait)  # type: ignore[union-attr,attr-defined]
        yield client


def test_without_a_model_its_own_words_lead_to_their_places(settings: ServerSettings) -> None:
    with TestClient(app(settings, None), base_url="http://localhost") as client:
        client.portal.call(client.app.state.services.opened.wait)  # type: ignore[union-attr,attr-defined]
        html = client.get("/documents/1/brief").text
        assert "No language model is in use" in html
        assert "Summarise it" not in html
        quoted = re.findall(r'<blockquote dir="auto">([^<]*)</blockquote><a href="([^"]*)"', html)
        assert quoted
        for words, href in quoted:
            shown = client.get(href.replace("&amp;", "&")).text
            assert f'<mark id="quote">{words}</mark>' in shown
        refused = client.post("/documents/1/brief", headers=HTMX)
        assert refused.status_code == 503


def test_a_summary_is_written_shown_and_kept(client: TestClient) -> None:
    first = client.get("/documents/1/brief", headers=HTMX).text
    assert 'hx-trigger="load, submit"' in first
    assert "Its most central sentences" in first, "there is something to read at once"
    begun = client.post("/documents/1/brief", headers=HTMX).text
    assert 'sse-connect="/documents/1/brief/events"' in begun
    events = client.get("/documents/1/brief/events").text
    assert "event: end" in events
    kept = client.get("/documents/1/brief", headers=HTMX).text
    assert "Employees have 25 days of annual leave" in kept
    assert 'class="cite" href="/documents/1?start=0&amp;end=39#quote"' in kept
    assert "Written by <bdi>scripted</bdi>" in kept
    assert "Summarise it" not in kept
    assert client.post("/documents/1/brief", headers=HTMX).text.count("sse-connect") == 0, "it is not written again"


def test_without_javascript_a_button_begins_and_the_page_comes_back(client: TestClient) -> None:
    assert "<form" in client.get("/documents/1/brief").text
    answer = client.post("/documents/1/brief", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/documents/1/brief")
    client.get("/documents/1/brief/events")
    assert "Written by" in client.get("/documents/1/brief").text


def test_who_stops_is_told_and_may_begin_again(client: TestClient, generator: ScriptedGenerator) -> None:
    generator.waits_first = True
    generator.gate.clear()
    client.post("/documents/1/brief", headers=HTMX)
    assert "Stop" in client.get("/documents/1/brief", headers=HTMX).text
    stopped = client.post("/documents/1/brief/stop", headers=HTMX).text
    assert "Stopped." in stopped
    assert "Summarise it again" in stopped
    assert 'hx-trigger="load' not in stopped
    generator.waits_first = False
    client.post("/documents/1/brief", headers=HTMX)
    client.get("/documents/1/brief/events")
    assert "Written by" in client.get("/documents/1/brief").text


def test_what_may_not_be_read_is_nowhere(client: TestClient) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    client.post("/documents/1/brief", headers=HTMX)
    client.get("/documents/1/brief/events")
    services.scope_of = lambda _request: Scope(frozenset({2}))
    for id_ in (1, 999):
        answers = [
            client.get(f"/documents/{id_}/brief", headers=HTMX),
            client.post(f"/documents/{id_}/brief", headers=HTMX),
            client.post(f"/documents/{id_}/brief/stop", headers=HTMX),
        ]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert "leave" not in "".join(answer.text for answer in answers)
        assert "25 days" not in client.get(f"/documents/{id_}/brief/events").text


def test_a_document_that_is_gone_says_so(client: TestClient) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    with Session(services.catalog.engine) as session:
        session.get_one(Document, 1).deleted_at = now()
        session.commit()
    assert client.get("/documents/1/brief", headers=HTMX).status_code == 404
