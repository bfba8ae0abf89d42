"""What a page lets people do with their conversations, over HTTP."""

import re
import sqlite3
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from server.conversations.shapes import Outcome
from server.conversations.turns import UNSAVED
from tests.tiny_site import Site, add_document

HTMX = {"HX-Request": "true"}


def asked(client: TestClient, question: str = "How much leave?", **fields: str) -> str:
    """Ask without JavaScript; returns the conversation's address."""
    response = client.post("/ask", data={"question": question, **fields}, follow_redirects=False)
    assert response.status_code == 303, response.text
    return str(response.headers["location"]).partition("#")[0]


def shown(html: str) -> list[str]:
    """The ids of the turns on a page."""
    return re.findall(r'<article class="turn" id="turn-(\d+)"', html)


def test_an_edited_question_replaces_what_came_after_it_and_arrows_lead_back(client: TestClient) -> None:
    address = asked(client)
    conversation = address[3:]
    asked(client, "And travel?", conversation=conversation)
    first, second = shown(client.get(address).text)
    asked(client, "How much paid leave?", conversation=conversation, instead_of=first)
    html = client.get(address).text
    (edited,) = shown(html)
    assert "Version 2 of 2" in html
    before = re.search(r'rel="prev" href="([^"#]+)#', html)
    assert before
    old = client.get(before[1]).text
    assert shown(old) == [first, second]
    assert f"?at={edited}#turn-{edited}" in old
    answer = client.post(
        "/ask", data={"question": "q", "conversation": conversation, "instead_of": second}, headers=HTMX
    )
    assert shown(answer.text)[0] == first  # the whole branch that the new question ends
    assert len(shown(answer.text)) == 2


def test_an_answer_that_could_not_be_saved_is_on_the_page_until_it_is(site: Site, client: TestClient) -> None:
    with closing(sqlite3.connect(site.live.settings.chat_path)) as disk:
        disk.execute("CREATE TRIGGER full BEFORE UPDATE ON turn BEGIN SELECT RAISE(ABORT, 'full'); END")
        address = asked(client)
        html = client.get(address).raise_for_status().text
        assert UNSAVED in unescape(html)
        assert "25 days" in html
        assert 'data-state="running"' not in html
        assert 'http-equiv="refresh"' not in html
        (turn,) = shown(html)
        again = client.get(f"/turns/{turn}/events").text  # of a page that comes back
        assert UNSAVED in unescape(again)
        assert "Answer ready, but not saved yet" in again
        disk.execute("DROP TRIGGER full")
    site.live.conversations.finish(int(turn), Outcome("done", "You have 25 days."))
    assert UNSAVED not in unescape(client.get(address).text)


def test_asking_on_goes_on_from_the_branch_that_is_shown(client: TestClient) -> None:
    address = asked(client)
    (first,) = shown(client.get(address).text)
    asked(client, "How much paid leave?", conversation=address[3:], instead_of=first)
    asked(client, "And travel?", conversation=address[3:], after=first)
    assert shown(client.get(address).text)[0] == first
    for place in ({"after": "999"}, {"instead_of": "999"}):
        response = client.post("/ask", data={"question": "q", "conversation": address[3:], **place})
        assert response.status_code == 404


def test_a_conversation_is_found_by_its_words(client: TestClient) -> None:
    address = asked(client)
    asked(client, "unknown zebras")
    found = client.get("/conversations?search=STAFF+portal", headers=HTMX).text
    assert re.findall(r'href="(/c/[^"?]+)\?at=\d+#turn-\d+"', found) == [address]
    assert "<html" not in found
    assert "<mark>staff</mark> <mark>portal</mark>" in found
    response = client.get("/conversations?search=staff")
    assert response.status_code == 200  # the page of a problem shows the list as well
    assert address in response.text
    assert 'value="staff"' in response.text
    assert "No conversation holds these words" in client.get("/conversations?search=giraffe", headers=HTMX).text


@pytest.mark.parametrize(("days", "said"), [(0, ""), (1, "deleted a day after"), (30, "deleted 30 days after")])
def test_the_list_says_how_long_a_conversation_is_kept(site: Site, client: TestClient, days: int, said: str) -> None:
    site.live.settings.keep_conversations_days = days
    page = client.get("/conversations").raise_for_status().text
    assert said in page
    assert ("after its last question" in page) == bool(days)


def test_a_conversation_is_renamed(client: TestClient) -> None:
    address = asked(client)
    page = client.post(f"{address}/title", data={"title": "Days <off>"})
    assert page.url.path == address
    assert "<title>Days &lt;off&gt; · Docent</title>" in page.text
    client.post(f"{address}/title", data={"title": "  "})
    assert "Days &lt;off&gt;" in client.get("/").text


def test_a_deletion_is_undone(client: TestClient) -> None:
    address = asked(client)
    after = client.post(f"{address}/delete")
    assert "“How much leave?” was deleted." in after.text
    assert client.get(address).status_code == 404
    back = client.post(f"{address}/restore")
    assert back.url.path == address
    assert shown(back.text)
    assert "was deleted" not in client.get(f"/?deleted={address[3:]}").text


def test_a_conversation_is_exported(client: TestClient) -> None:
    address = asked(client, "Leave / holidays “2026”?")
    file = client.get(f"{address}/export")
    assert file.headers["content-type"] == "text/markdown; charset=utf-8"
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["content-disposition"].endswith("filename*=UTF-8''Leave-holidays-2026.md")
    assert file.text.startswith("# Leave / holidays “2026”?\n")
    assert "[^1-1]: Annual leave, page 1 (leave.txt): “Every employee" not in file.text.partition("\n[^")[0]
    assert "“Every employee has 25 days of paid leave a year.”" in file.text


def test_what_installs_a_model_is_one_press_away(client: TestClient) -> None:
    assert 'href="/language-model"' in client.get(asked(client, "quote me")).text
    assert "docent models pull qwen2.5-coder-1.5b" in client.get("/language-model").text


def test_small_talk_is_answered_by_the_page(client: TestClient, site: Site) -> None:
    html = client.get(asked(client, "What can you do?")).text
    assert "changes the last answer" in html
    assert "This answer helped" not in html
    assert site.script.started == 0


def test_what_was_searched_for_stands_under_the_question(client: TestClient) -> None:
    address = asked(client, "How much leeve?")
    assert "Searched for: How much leave?" in client.get(address).text
    asked(client, "And travel?", conversation=address[3:])
    assert "Searched together with “How much leeve?”" in client.get(address).text
    assert "Searched" not in client.get(asked(client)).text


def test_a_conversation_remembers_its_collection(client: TestClient, site: Site, tmp_path: Path) -> None:
    add_document(site.engine, tmp_path, "dental.txt", "Dental", [("paragraph", "Twice a year.", 0, None)], 2)
    address = asked(client, collection="handbook")
    assert '<option value="handbook" selected>' in client.get(address).text
    assert " selected" not in client.get("/").text
    asked(client, "And now?", conversation=address[3:])  # a form without the picker, as there is without JavaScript
    assert '<option value="handbook" selected>' in client.get(address).text
    assert client.get(address).text.count('<p class="asked-of"><bdi>in handbook</bdi></p>') == 2
    asked(client, "And in all?", conversation=address[3:], collection="")
    assert " selected" not in client.get(address).text


def test_a_remark_is_kept_without_javascript(client: TestClient, site: Site) -> None:
    address = asked(client)
    (turn,) = shown(client.get(address).text)
    assert "What was wrong?" not in client.get(address).text
    client.post(f"/turns/{turn}/feedback", data={"value": "-1"})
    assert "What was wrong?" in client.get(address).text
    client.post(f"/turns/{turn}/feedback", data={"value": "-1", "remark": "It is 30 days."})
    page = client.get(address).text
    assert "What was wrong?" not in page
    assert "Thank you" in page
    ((_view, remark, _owner),) = site.conversations.judged()
    assert remark == "It is 30 days."
