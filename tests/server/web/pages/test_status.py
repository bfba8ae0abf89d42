"""The status page: the words of /readyz, what is wrong first, and figures that are true."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from indexer.errors import IndexMismatchError
from indexer.search.retrieve import Retriever
from server.app import Parts, create_app
from server.engine.gguf_header import read_header
from server.llm.machine import fit_here
from server.runtime.health import Part
from server.settings import ServerSettings
from server.web.pages.status import health_lines, needs_words
from tests.server.fakes import (
    BENEFITS,
    HANDBOOK,
    ScriptedGenerator,
    app_of,
    fill,
    no_generator,
    open_fake_retriever,
)
from tests.tiny_gguf import write_tiny_gguf
from tests.waiting import until

BROKEN = "The index was made with another model. Run `indexer rebuild`."


@pytest.fixture
def client(settings: ServerSettings) -> Iterator[TestClient]:
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


def figure(html: str, name: str) -> str:
    match = re.search(rf"<dt>{name}</dt><dd>([^<]*)</dd>", html)
    assert match, name
    return match[1]


def words(html: str) -> str:
    """A page as a person reads it; a command is told from the words around it by how it looks."""
    return unescape(re.sub("<[^>]+>", "", html))


def test_health_is_what_readyz_says(client: TestClient) -> None:
    html = client.get("/status").text
    assert "Docent is well." in html
    assert re.search("<code>[^<]*docent models pull qwen2.5-coder-1.5b</code>", html)
    for part in client.get("/readyz").json()["parts"].values():
        assert part["detail"].replace("`", "") in words(html)


def test_what_is_wrong_stands_first_with_what_to_do(settings: ServerSettings) -> None:
    def fails(_settings: ServerSettings, _engine: Engine) -> Retriever:
        raise IndexMismatchError(BROKEN)

    fill(settings, {"handbook": HANDBOOK})
    app = create_app(settings, Parts(open_retriever=fails, open_generator=no_generator))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        until(lambda: client.get("/readyz").json()["parts"]["search_model"]["state"] != "loading")
        html = client.get("/status").text
    assert BROKEN.replace("`", "") in words(html)
    assert "2 parts of Docent do not work" in html
    assert html.index("Does not work") < html.index("Well")


def test_figures(client: TestClient, settings: ServerSettings) -> None:
    html = client.get("/status").text
    assert (figure(html, "Documents"), figure(html, "Collections")) == ("3", "2")
    assert figure(html, "Context") == f"{settings.context:,} tokens at most"
    assert figure(html, "Uploaded files") == "0 bytes"
    assert "None is installed" in html


def test_a_model_file_that_cannot_be_used_says_why(client: TestClient, settings: ServerSettings) -> None:
    settings.models_path.mkdir(parents=True)
    (settings.models_path / "bad<b>.gguf").write_bytes(b"not a model")
    html = client.get("/status").text
    assert "bad&lt;b&gt;" in html
    assert 'class="failed"' in html


def test_a_model_says_what_it_needs_and_whether_it_is_used(client: TestClient, settings: ServerSettings) -> None:
    settings.models_path.mkdir(parents=True)
    path = write_tiny_gguf(settings.models_path / "tiny.gguf")
    write_tiny_gguf(settings.models_path / "other.gguf")
    (settings.data / "model").write_text("tiny\n")
    needs = needs_words(fit_here(read_header(path), settings, 1 << 40))
    assert "512 tokens of context" in needs  # what the file declares; the settings allow 4,096
    page = words(client.get("/status").text)
    assert f"Chosen, not loaded. {needs}" in page
    assert f"Installed. {needs} Settings can choose it." in page


def test_a_model_that_lies_elsewhere_is_shown_too(settings: ServerSettings, tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "elsewhere.gguf")
    fill(settings, {"handbook": HANDBOOK})
    settings = settings.model_copy(update={"model": str(path)})
    generator = ScriptedGenerator(name="elsewhere")
    app = create_app(settings, Parts(open_retriever=open_fake_retriever, open_generator=lambda _: generator))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        until(lambda: client.get("/readyz").status_code == 200)
        page = words(client.get("/status").text)
    assert "elsewhere (" in page
    assert "In use, loaded. Needs " in page
    assert "None is installed" not in page


def test_a_choice_that_is_not_there_breaks_nothing(client: TestClient, settings: ServerSettings) -> None:
    (settings.data / "model").write_text("gone\n")
    assert client.get("/status").status_code == 200


@pytest.mark.parametrize("state", ["failed", "loading", "absent", "ready", "something new"])
def test_every_state_has_a_line(state: str) -> None:
    lines = health_lines({"database": Part("ready", "Good."), "index": Part(state, "Words.")})
    assert {line.detail for line in lines} == {"Good.", "Words."}
