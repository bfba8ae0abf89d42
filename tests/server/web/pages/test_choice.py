"""Asking one document, or some: chosen by an address, in the picker, remembered, gone, and never wider than it says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from indexer.knowledge.chosen import MOST_DOCUMENTS
from indexer.knowledge.tables import Document, now
from indexer.passages import Folder, Scope
from server.settings import ServerSettings
from server.web.pages.choice import GONE
from tests.tiny_site import Site, add_document

HTMX = {"HX-Request": "true"}
Limit = Callable[[Scope | None], None]


@pytest.fixture
def limit(client: TestClient, site: Site) -> Limit:
    """Sets what every asker may read from now on; None: everything."""

    def limit(scope: Scope | None) -> None:
        client.app.state.services.scope_of = lambda _request: scope or site.catalog.everything()  # type: ignore[attr-defined]

    return limit


def ask(client: TestClient, question: str = "How much leave?", **form: object) -> str:
    """Ask as a form does; returns the conversation's address."""
    response = client.post("/ask", data={"question": question, **form}, follow_redirects=False)
    assert response.status_code == 303, response.text
    return str(response.headers["location"]).partition("#")[0]


def chips(html: str) -> list[str]:
    return re.findall(r'class="chip[^>]*><span class="chip-name"[^>]*><bdi>([^<]*)</bdi>', html)


def chosen(html: str) -> list[str]:
    """The documents that the form of the question box names."""
    (asking,) = re.findall(r'<div id="asking"(.*?)</div>', html, re.DOTALL)
    return re.findall(r'name="document" value="(\d+)"', asking)


def delete(site: Site, document_id: int) -> None:
    with Session(site.engine) as session:
        session.get_one(Document, document_id).deleted_at = now()
        session.commit()


def test_an_address_chooses_documents(client: TestClient) -> None:
    html = client.get("/?document=1&document=2").text
    assert chips(html) == ["Annual leave", "Travel expenses"]
    assert chosen(html) == ["1", "2"]
    assert 'href="/?collection=&amp;document=2"' in html, "without JavaScript a link takes the first off"
    assert chips(client.get("/").text) == []


def test_only_what_is_chosen_is_asked_and_remembered_and_said(client: TestClient) -> None:
    address = ask(client, "Is it unknown?", document=["2"])
    html = client.get(address).text
    assert "<bdi>in Travel expenses</bdi>" in html
    assert "Annual leave" not in re.findall(r'<div id="turns".*?<div class="dock">', html, re.DOTALL)[0]
    assert chips(html) == ["Travel expenses"]
    ask(client, "Still unknown?", conversation=address[3:])  # a form without the question box's fields
    html = client.get(address).text
    assert html.count("<bdi>in Travel expenses</bdi>") == 2
    assert "*Asked in Travel expenses*" in client.get(f"{address}/export").text
    assert chips(client.get(f"{address}?collection=").text) == [], "an address takes it off"
    ask(client, "And in all?", conversation=address[3:], collection="")
    assert chips(client.get(address).text) == []


def test_the_line_is_chosen_anew_and_the_address_says_it(client: TestClient) -> None:
    here = {**HTMX, "HX-Current-URL": "http://localhost/c/0a1b?collection="}
    response = client.get("/ask/of?document=1&add=2", headers=here)
    assert chips(response.text) == ["Annual leave", "Travel expenses"]
    assert response.headers["HX-Replace-Url"] == "/c/0a1b?collection=&document=1&document=2"
    assert 'id="examples"' not in response.text
    first = client.get("/ask/of?document=1", headers={**HTMX, "HX-Current-URL": "http://localhost/"})
    assert 'hx-get="/examples?collection=&amp;document=1"' in first.text, "the examples are of what is chosen"
    elsewhere = client.get("/ask/of?document=1", headers={**HTMX, "HX-Current-URL": "http://localhost/documents"})
    assert "HX-Replace-Url" not in elsewhere.headers


def test_a_document_takes_the_place_of_a_collection(client: TestClient) -> None:
    assert chips(client.get("/ask/of?collection=handbook", headers=HTMX).text) == ["handbook"]
    assert chips(client.get("/ask/of?collection=handbook&add=1", headers=HTMX).text) == ["Annual leave"]


def test_a_deleted_document_says_so_and_widens_nothing(client: TestClient, site: Site) -> None:
    address = ask(client, document=["1"])
    delete(site, 1)
    html = client.get(address).text
    assert chips(html) == ["Annual leave"]
    assert "(not there any more)" in html
    assert chosen(html) == ["1"], "it stays chosen until it is taken off"
    started = site.script.started
    for form in ({"document": ["1"]}, {}):  # with the question box's fields, and as a form without them
        said = client.post("/ask", data={"question": "And now?", "conversation": address[3:], **form})
        assert said.status_code == 400
        assert GONE in said.text
    assert site.script.started == started
    ask(client, "And the others?", conversation=address[3:], document=["1", "2"])
    assert "<bdi>in Travel expenses</bdi>" in client.get(address).text
    assert "Annual leave (not" not in client.get("/ask/of?document=1&document=2", headers=HTMX).text
    assert "A document" in client.get("/ask/of?document=1&document=2", headers=HTMX).text


def test_a_collection_that_is_gone_says_so_and_widens_nothing(client: TestClient, site: Site, limit: Limit) -> None:
    add_document(site.engine, Path("/benefits"), "dental.txt", "Dental", [("paragraph", "Twice a year.", 0, None)], 2)
    address = ask(client, collection="benefits")
    limit(Scope(frozenset({1})))
    html = client.get(address).text
    assert "benefits" not in html, "nobody is told what it was called"
    assert chips(html) == ["A collection"]
    for form in ({"collection": " "}, {}, {"collection": "benefits"}, {"collection": "nothing"}):
        said = client.post("/ask", data={"question": "And now?", "conversation": address[3:], **form})
        assert said.status_code == 400
        assert GONE in said.text


def test_what_may_not_be_read_is_as_what_is_not_there(
    client: TestClient, limit: Limit, settings: ServerSettings
) -> None:
    limit(Scope(frozenset({1}), frozenset({Folder(1, str(settings.data.parent / "documents"), "travel")})))
    hidden, missing = (client.get(f"/ask/of?document={id_}", headers=HTMX).text for id_ in (1, 999))
    assert hidden.replace('value="1"', 'value="999"') == missing
    refused = [client.post("/ask", data={"question": "?", "document": id_}).text for id_ in ("1", "999")]
    assert refused[0] == refused[1]
    assert "Annual leave" not in client.get("/ask/find?q=leave", headers=HTMX).text
    assert "Travel expenses" in client.get("/ask/find", headers=HTMX).text


def test_the_name_of_what_was_asked_goes_with_the_right_to_read_it(
    client: TestClient, limit: Limit, settings: ServerSettings
) -> None:
    address = ask(client, "Is it unknown?", document=["1"])
    limit(Scope(frozenset({1}), frozenset({Folder(1, str(settings.data.parent / "documents"), "travel")})))
    html = client.get(address).text
    assert "Annual leave" not in html
    assert chips(html) == ["A document"]
    assert "asked-of" not in html


def test_the_picker_lists_what_holds_the_words(client: TestClient, site: Site) -> None:
    add_document(site.engine, Path("/benefits"), "den<b>tal.txt", "Dental", [("paragraph", "Twice.", 0, None)], 2)
    every = client.get("/ask/find", headers=HTMX).text
    assert every.count('role="option"') == 10, "two collections and no more documents than fit"
    found = client.get("/ask/find?q=DENT", headers=HTMX).text
    assert found.count('role="option"') == 1
    assert "<bdi>Dental</bdi>" in found
    assert "den&lt;b&gt;tal.txt" in found
    assert "Nothing is called so." in client.get("/ask/find?q=zebra", headers=HTMX).text


def test_no_more_documents_than_can_be_asked(client: TestClient, site: Site) -> None:
    ids = [
        add_document(site.engine, Path("/many"), f"{n}.txt", f"Number {n}", [("paragraph", f"{n}.", 0, None)])
        for n in range(MOST_DOCUMENTS + 1)
    ]
    query = "&".join(f"document={id_}" for id_ in ids)
    html = client.get(f"/ask/of?{query}", headers=HTMX).text
    assert len(chips(html)) == MOST_DOCUMENTS
    assert "At most 20 documents" in html
    assert len(chips(client.get(f"/?{query}").text)) == MOST_DOCUMENTS
    refused = client.post("/ask", data={"question": "All?", "document": [str(id_) for id_ in ids]})
    assert refused.status_code == 400
    assert "At most 20 documents" in refused.text


def test_the_table_and_the_source_lead_to_it(client: TestClient) -> None:
    assert 'href="/?document=1"' in client.get("/documents").text
    assert 'href="/?document=2"' in client.get("/documents/2").text
