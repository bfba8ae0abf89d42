"""The pages' part of a language model that is fetched: what they show of it, cancel and try again, who may."""

import re

import pytest
from fastapi.testclient import TestClient

from server.runtime.model_arrival import Arrival, Stage
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, app_of, fill
from tests.tiny_site import Site

HTMX = {"HX-Request": "true"}
ON_ITS_WAY = Arrival("fetching", "qwen2.5-coder-1.5b", 412_900_000, 1_117_320_768)
FAILED = Arrival("failed", why="The hub cannot be reached.", advice="Fetch the file by hand.")
WORDS = "Language model on its way (412 of 1,117 MB): answers are quotations until then."


@pytest.fixture
def arriving(site: Site, client: TestClient) -> TestClient:
    become(site, ON_ITS_WAY)
    return client


def become(site: Site, state: Arrival) -> None:
    site.live.arrival.become(state)


def stage(site: Site) -> Stage:
    return site.live.arrival.state.stage


def banner(html: str) -> str:
    found = re.search(r'<section id="arrival".*?</section>', html, re.DOTALL)
    assert found
    return found[0]


def test_nothing_stands_above_the_box_where_nothing_comes(client: TestClient) -> None:
    assert " hidden>" in banner(client.get("/").text)
    assert "No language model: answers are quotations" in client.get("/").text


def test_how_far_it_is_stands_above_the_box_with_a_way_to_cancel(arriving: TestClient) -> None:
    shown = banner(arriving.get("/").text)
    assert WORDS in shown
    assert 'action="/language-model/cancel"' in shown
    assert 'hx-trigger="every 2s"' in shown
    assert '<progress max="1117320768" value="412900000"' in shown


def test_a_conversation_shows_it_too(arriving: TestClient) -> None:
    answered = arriving.post("/ask", data={"question": "quote me"})
    assert WORDS in banner(answered.text)
    assert "no language model is in use" in answered.text


@pytest.mark.parametrize("path", ["/status", "/language-model"])
def test_other_pages_say_it(arriving: TestClient, path: str) -> None:
    assert WORDS in arriving.get(path).text


def test_the_settings_page_names_the_model_and_calls_it_well(arriving: TestClient) -> None:
    html = arriving.get("/status").text
    assert "Language model: On its way" in html
    assert "qwen2.5-coder-1.5b is on its way (412 of 1,117 MB)" in html


def test_while_the_stage_stays_only_the_words_are_sent(arriving: TestClient) -> None:
    answer = arriving.get("/language-model/arrival?stage=fetching", headers=HTMX)
    assert answer.text.startswith('<div id="arrival-now"')
    assert "HX-Retarget" not in answer.headers
    assert "announcer" not in answer.text


def test_a_new_stage_is_sent_whole_and_read_out_once(arriving: TestClient, site: Site) -> None:
    become(site, Arrival("ready", "qwen2.5-coder-1.5b"))
    answer = arriving.get("/language-model/arrival?stage=checking", headers=HTMX)
    assert answer.headers["HX-Retarget"] == "#arrival"
    assert " hidden>" in banner(answer.text)
    assert "From now on it writes the answers." in answer.text


def test_a_page_that_shows_more_of_it_is_loaded_anew(arriving: TestClient) -> None:
    answer = arriving.get("/language-model/arrival?stage=checking&whole=1", headers=HTMX)
    assert answer.headers["HX-Refresh"] == "true"
    assert arriving.get("/language-model/arrival?stage=fetching&whole=1", headers=HTMX).text


def test_cancel_without_javascript_leads_back(arriving: TestClient, site: Site) -> None:
    answer = arriving.post(
        "/language-model/cancel", headers={"Referer": "http://localhost/status"}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/status")
    assert stage(site) == "cancelled"
    shown = banner(arriving.get("/").text)
    assert "that was cancelled. Answers are quotations." in shown
    assert "Fetch it after all" in shown
    assert 'action="/language-model/again"' in shown


def test_a_failure_is_shown_with_try_again(client: TestClient, site: Site) -> None:
    become(site, FAILED)
    shown = banner(client.get("/").text)
    assert "There is no language model. The hub cannot be reached. Answers are quotations." in shown
    assert "Try again" in shown
    assert "by hand" not in shown, "that is for whoever runs Docent"
    assert "Fetch the file by hand." in client.get("/status").text
    assert "every 2s" not in shown
    client.post("/language-model/again", headers=HTMX)
    assert stage(site) == "loading"


@pytest.mark.parametrize("lack", ["too_large", "no_room"])
def test_what_there_is_too_little_of_is_shown(client: TestClient, site: Site, lack: Stage) -> None:
    become(
        site,
        Arrival(
            lack,
            "qwen2.5-coder-1.5b",
            why="The disk of the server has too little room for qwen2.5-coder-1.5b.",
        ),
    )
    shown = banner(client.get("/").text)
    assert "The disk of the server has too little room for qwen2.5-coder-1.5b. Answers are quotations." in shown
    assert "Try again" in shown


def test_nothing_is_fetched_by_a_page_that_no_start_asked_for(client: TestClient, site: Site) -> None:
    for do in ("again", "cancel"):
        client.post(f"/language-model/{do}")
        assert stage(site) == "none"


@pytest.mark.parametrize("do", ["cancel", "again"])
def test_another_site_may_neither_cancel_nor_fetch(settings: ServerSettings, do: str) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        foreign = client.post(f"/language-model/{do}", headers={"Origin": "http://evil.example"})
        assert foreign.status_code == 403
        assert client.get(f"/language-model/{do}").status_code == 405
