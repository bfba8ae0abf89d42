"""No request makes the others wait: whatever reads a database, renders or tokenises is done in a thread."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jinja2 import Template
from markdown_it import MarkdownIt
from python_multipart.multipart import MultipartParser
from sqlalchemy import Engine, event

from server.answering import answer, extractive, search
from server.settings import ServerSettings
from server.web import templating
from server.web.api import chat_completions
from server.web.json_pieces import JsonInPieces
from tests.server.fakes import BENEFITS, HANDBOOK, CountingEmbedder, ScriptedGenerator, Words, app_of, fill
from tests.server.loop_watch import LoopWatch
from tests.waiting import until

HTMX = {"HX-Request": "true"}
QUESTION = "How many days of annual leave?"


@pytest.fixture
def client(settings: ServerSettings, loop_watch: LoopWatch) -> Iterator[TestClient]:
    """A server that is ready, and from now on is watched."""
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    generator = ScriptedGenerator(words=("You", " have", " 25", " days", " [1].\n\n", "- one\n", "- two\n", "\nEnd."))
    with TestClient(app_of(settings, generator), base_url="http://127.0.0.1:8000") as client:
        until(lambda: client.get("/readyz").status_code == 200)
        loop_watch.begin()
        yield client


@pytest.fixture
def pages(client: TestClient, loop_watch: LoopWatch) -> Iterator[TestClient]:
    """Every statement, template and Markdown is noted."""

    def statement(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        loop_watch.note(f"sql: {sql[:60]}")

    loop_watch.watch(Template, "render")
    loop_watch.watch(MarkdownIt, "render", "parse")
    event.listen(Engine, "before_cursor_execute", statement)
    yield client
    event.remove(Engine, "before_cursor_execute", statement)


def turn_of(html: str) -> str:
    match = re.search(r"/turns/\d+", html)
    assert match
    return match[0]


def test_pages_are_read_and_rendered_in_threads(pages: TestClient, loop_watch: LoopWatch) -> None:
    asked = pages.post("/ask", data={"question": QUESTION}, headers=HTMX)
    turn = turn_of(asked.text)
    assert "event: end" in pages.get(f"{turn}/events").text
    conversation = asked.headers["hx-push-url"]
    beside = {"question": QUESTION, "conversation": conversation[3:], "instead_of": turn[7:]}
    other = pages.post("/ask", data=beside, headers=HTMX)
    assert "Version 2 of 2" in other.text
    pages.get(f"{turn_of(other.text)}/events")
    assert "Thank you" in pages.post(f"{turn}/feedback", data={"value": 1}, headers=HTMX).text
    assert pages.post("/turns/99/stop", headers=HTMX).status_code == 404
    assert pages.get("/turns/99/edit").status_code == 404
    assert pages.post("/documents/files/99/restore").status_code == 404
    for do in ("cancel", "again"):
        assert 'id="arrival"' in pages.post(f"/language-model/{do}", headers=HTMX).text
    assert pages.post(f"{conversation}/delete").status_code == 200
    assert loop_watch.on_loop == []
    assert {"render", "parse"} < set(loop_watch.in_threads), "nothing was watched"
    assert any(name.startswith("sql: ") for name in loop_watch.in_threads), "nothing was watched"


def test_an_upload_is_parsed_written_and_shown_in_threads(pages: TestClient, loop_watch: LoopWatch) -> None:
    loop_watch.watch(MultipartParser, "write")
    files = {"files": ("a.exe", b"x")}
    sent = pages.post("/documents/upload", data={"collection": "new"}, files=files, headers=HTMX)
    assert "Files of type .exe are not read." in sent.text
    assert pages.post("/documents/upload", files=files, headers=HTMX).status_code == 400
    assert loop_watch.on_loop == []
    assert loop_watch.in_threads.count("write") == 2


def test_an_upload_of_100_000_parts_is_parsed_in_threads_and_given_up(pages: TestClient, loop_watch: LoopWatch) -> None:
    loop_watch.watch(MultipartParser, "write")
    part = b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\nx\r\n'
    headers = HTMX | {"Content-Type": "multipart/form-data; boundary=B"}
    refused = pages.post("/documents/upload", content=part * 100_000 + b"--B--\r\n", headers=headers)
    assert (refused.status_code, "at most 1,000 parts" in refused.text) == (400, True)
    assert (loop_watch.on_loop, loop_watch.in_threads.count("write")) == ([], 1)


def test_a_static_file_is_hashed_in_a_thread(client: TestClient, loop_watch: LoopWatch) -> None:
    loop_watch.watch(templating, "_hash")
    assert client.get("/static/app.js?v=0").status_code == 200
    assert (loop_watch.on_loop, loop_watch.in_threads) == ([], ["_hash"])


def test_texts_are_tokenised_and_their_vectors_written_in_threads(client: TestClient, loop_watch: LoopWatch) -> None:
    loop_watch.watch(CountingEmbedder, "encode_queries")
    loop_watch.watch(Words, "read_of")
    loop_watch.watch(json, "loads")
    loop_watch.watch(JsonInPieces, "render")
    response = client.post("/v1/embeddings", json={"model": "docent", "input": ["one two", "three"] * 20})
    assert response.json()["usage"]["prompt_tokens"] == 60
    assert loop_watch.on_loop == []
    assert set(loop_watch.in_threads) == {"loads", "encode_queries", "read_of", "render"}


def test_a_question_is_looked_at_in_threads(client: TestClient, loop_watch: LoopWatch) -> None:
    """What it compares, what of its words an answer must rest on, and an answer without a model: it may be long."""
    loop_watch.watch(search, "compared")
    loop_watch.watch(answer, "_checker")
    body = {"model": "docent", "messages": [{"role": "user", "content": QUESTION}]}
    assert client.post("/v1/chat/completions", json=body).json()["docent"]["answered"]
    assert loop_watch.on_loop == []
    assert set(loop_watch.in_threads) == {"compared", "_checker"}


def test_an_answer_without_a_model_is_made_in_a_thread(settings: ServerSettings, loop_watch: LoopWatch) -> None:
    fill(settings, {"handbook": HANDBOOK})
    loop_watch.watch(extractive, "choose_sentences", "extractive_answer")
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        body = {"model": "docent", "messages": [{"role": "user", "content": QUESTION}]}
        assert client.post("/v1/chat/completions", json=body).json()["docent"]["mode"] == "extractive"
    assert loop_watch.on_loop == []
    assert {"choose_sentences", "extractive_answer"} <= set(loop_watch.in_threads)


def test_a_completion_is_read_and_written_in_threads(client: TestClient, loop_watch: LoopWatch) -> None:
    loop_watch.watch(chat_completions, "to_question")
    loop_watch.watch(ScriptedGenerator, "count")
    loop_watch.watch(JsonInPieces, "render")
    body = {"model": "docent", "messages": [{"role": "user", "content": QUESTION}]}
    assert client.post("/v1/chat/completions", json=body).status_code == 200
    assert "count" in loop_watch.in_threads
    assert [name for name in loop_watch.on_loop if name != "count"] == []  # the script's own generator counts there
    assert {"to_question", "render"} < set(loop_watch.in_threads)
