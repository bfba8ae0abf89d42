"""The `docent` command: what it prints where, and how it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from indexer.client import read_address
from indexer.errors import DocentError, program
from indexer.knowledge.database import writing
from server.answering.events import BENEATH, Answer, Citation
from server.app import Parts
from server.cli import main
from server.commands.ask import as_json, as_text, ask
from server.commands.serve import bind
from server.llm.catalogue import DEFAULT_MODEL
from server.settings import ServerSettings
from server.web.api.completion_shapes import Completion
from tests.server.fakes import (
    BENEFITS,
    HANDBOOK,
    LEAVE,
    ScriptedGenerator,
    fill,
    no_generator,
    open_fake_retriever,
    serving,
)
from tests.waiting import Said, until

ASKED = "How many days of annual leave do employees have?"
WAIT = 60  # seconds until a test that waits for another process gives up


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment, prog_name="docent")


@pytest.fixture
def served(settings: ServerSettings) -> Iterator[ServerSettings]:
    """A server over two collections runs on the data folder."""
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    parts = Parts(open_retriever=open_fake_retriever, open_generator=lambda _settings: ScriptedGenerator())
    with serving(settings, parts):
        yield settings


def test_ask_prints_one_document(served: ServerSettings) -> None:
    result = run("ask", ASKED, "--json", DOCENT_DATA=str(served.data))

    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert set(answer) == {"answer", "answered", "mode", "citations", "quotes", "usage", "took_ms"}
    assert (answer["answered"], answer["mode"]) == (True, "model")
    (citation,) = answer["citations"]
    assert set(citation) == {"n", "document", "title", "page", "quote", "start", "end"}
    assert citation["quote"] == HANDBOOK["leave.md"][citation["start"] : citation["end"]]
    assert set(answer["took_ms"]) == {"retrieve", "first_token", "total"}


def test_ask_prints_the_answer_and_its_sources(served: ServerSettings) -> None:
    result = run("ask", ASKED, DOCENT_DATA=str(served.data))

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Employees have 25 days of annual leave [1].",
        "",
        "The documents’ words:",
        "[1] Leave (leave.md)",
        f"    “{LEAVE}”",
    ]


def test_ask_prints_what_is_quoted_beneath_an_answer() -> None:
    def cited(n: int, at: int, quote: str, start: int) -> Citation:
        return Citation(n, at, 7, 1, "leave.md", "Leave", "", 4, start, start + len(quote), quote)

    quote = cited(1, BENEATH, "Employees have 25 days\nof annual leave.", 0)
    marks = (cited(1, 8, "25 days", 15), cited(2, 12, "Book it.", 90))
    answer = Answer("25 days [1] [2].", "", True, "model", citations=marks, quotes=(quote,))
    completion = Completion("docent", "").whole(answer, (), ())
    assert as_text(completion).splitlines() == [
        "25 days [1] [2].",
        "",
        "The documents’ words:",
        "[1] Leave, page 4 (leave.md)",
        "    “Employees have 25 days of annual leave.”",
        "",
        "[2] Leave, page 4 (leave.md)",
        "    “Book it.”",
    ]
    (printed,) = as_json(completion)["quotes"]
    assert printed == {
        "n": 1, "document": "leave.md", "title": "Leave", "page": 4, "quote": quote.quote, "start": 0, "end": 39,
    }  # fmt: skip


def test_an_answer_cannot_steer_a_terminal(settings: ServerSettings) -> None:
    hostile = "Employees have\x1b]0;owned\x07 25\u202e days\r of\x9b2J annual\tleave."
    fill(settings, {"handbook": {"le\x1b[31mave.md": hostile}})
    parts = Parts(
        open_retriever=open_fake_retriever,
        open_generator=lambda _settings: ScriptedGenerator((hostile.replace("\t", "\xa0"),)),
    )
    with serving(settings, parts):
        result = run("ask", ASKED, DOCENT_DATA=str(settings.data))
    assert result.exit_code == 0
    assert not [c for c in result.stdout if not c.isprintable() and c != "\n"]
    assert "\\x1b]0;owned" in result.stdout
    assert "annual leave" in result.stdout


def test_ask_keeps_to_a_collection(served: ServerSettings) -> None:
    result = run("ask", ASKED, "--collection", "secret", DOCENT_DATA=str(served.data))

    assert (result.exit_code, result.stdout) == (2, "")  # as where no server runs
    assert result.stderr.strip() == "There is no collection 'secret'."


def test_ask_keeps_to_documents(served: ServerSettings) -> None:
    def printed(*names: str) -> str:
        options = [word for name in names for word in ("--document", name)]
        return run("ask", ASKED, *options, DOCENT_DATA=str(served.data)).output

    assert "[1] Leave (leave.md)" in printed("leave.md", "travel.md")
    assert "[1] Leave (leave.md)" in printed("1")
    assert printed("nothing.md").strip() == "There is no document 'nothing.md'."


def test_ask_answers_here_where_no_server_runs(settings: ServerSettings, capsys: pytest.CaptureFixture[str]) -> None:
    fill(settings, {"handbook": HANDBOOK})
    parts = Parts(open_retriever=open_fake_retriever, open_generator=no_generator)

    docent = ask(settings, ASKED, parts=parts)["docent"]
    assert (docent["mode"], docent["answered"]) == ("extractive", True)
    with pytest.raises(DocentError, match="no collection 'secret'"):
        ask(settings, ASKED, ["secret"], parts=parts)
    assert ask(settings, ASKED, documents=["leave.md", 2], parts=parts)["docent"]["answered"]
    with pytest.raises(DocentError, match="no document 'secret"):
        ask(settings, ASKED, documents=["secret.md"], parts=parts)
    with pytest.raises(DocentError, match="At most 20"):
        ask(settings, ASKED, documents=["leave.md"] * 21, parts=parts)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "loaded here" in captured.err


def test_ask_without_an_index_loads_nothing(settings: ServerSettings) -> None:
    result = run("ask", ASKED, DOCENT_DATA=str(settings.data))

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip() == f"Nothing is indexed yet. Run `{program('indexer')} ingest FOLDER`, then ask again."


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--host", "0.0.0.0"], {}, "DOCENT_API_KEY and DOCENT_PASSWORD"),  # noqa: S104
        ([], {"DOCENT_HOST": "0.0.0.0", "DOCENT_API_KEY": "k"}, "set DOCENT_PASSWORD"),  # noqa: S104
        ([], {"DOCENT_CONTEXT": "long"}, "The setting context (DOCENT_CONTEXT or docent.toml)"),
        ([], {"DOCENT_MODEL": "no-such-model"}, "no-such-model"),
        (["--host", "no.such.host.invalid"], {"DOCENT_API_KEY": "k", "DOCENT_PASSWORD": "p"}, "is not known"),
        (["--port", "65536"], {}, "--port"),
        (["--ingest", "no/such/folder"], {}, "no/such/folder"),
    ],
)
def test_serve_says_in_a_sentence_why_it_cannot_start(
    settings: ServerSettings, arguments: list[str], environment: dict[str, str], words: str
) -> None:
    result = run("serve", "--port", "0", *arguments, DOCENT_DATA=str(settings.data), **environment)

    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_serve_on_a_taken_port(settings: ServerSettings) -> None:
    with bind(settings) as listener:
        port = listener.getsockname()[1]
        result = run("serve", "--port", str(port), DOCENT_DATA=str(settings.data))

    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert f"port {port}" in line


def test_serve_beside_a_server(served: ServerSettings) -> None:
    result = run("serve", "--port", "0", DOCENT_DATA=str(served.data))

    assert result.exit_code == 75  # later it may work
    assert "already runs" in result.stderr
    assert "http://127.0.0.1:" in result.stderr


@contextmanager
def process(data: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A real `docent serve`; its search model is not there, so that it loads nothing."""
    code = "from server.cli import main; main()"
    environment = {**os.environ, "DOCENT_DATA": str(data), "DOCENT_EMBEDDER": "/no/such/model", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", code, "serve", "--port", "0", *arguments]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield server
        finally:
            server.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_starts_tells_and_stops(settings: ServerSettings, number: signal.Signals) -> None:
    with process(settings.data) as server:
        said = Said(server.stderr)
        line = said.line(0)
        address = read_address(settings.server_file)
        assert address is not None
        assert line.startswith(f"Docent: {address.url}  (data {settings.data}; no language model")
        assert address.pid == server.pid
        assert httpx.get(f"{address.url}/").status_code == 200

        server.send_signal(number)
        assert server.wait(WAIT) == 0
        assert "Traceback" not in said.rest()
    assert not settings.server_file.exists()


def test_serve_starts_an_ingest_whose_words_are_seen(settings: ServerSettings, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "leave.md").write_text("# Leave\n\nEmployees have 25 days of annual leave.\n")
    with process(settings.data, "--ingest", str(folder)) as server:
        said = Said(server.stderr)
        said.line(0)
        address = read_address(settings.server_file)
        assert address is not None
        until(lambda: f"Open {address.url} in a browser.\n" in said.lines)  # after all that scrolled by
        words = "".join(line for line in said.lines[:-1] if "search does not work" not in line)
        assert "There is no embedding model folder /no/such/model" in words
        assert httpx.get(f"{address.url}/healthz").status_code == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(WAIT) == 0


def test_serve_starts_an_ingest_that_waits_for_another_one(settings: ServerSettings, tmp_path: Path) -> None:
    (tmp_path / "leave.md").write_text("# Leave\n\nEmployees have 25 days of annual leave.\n")
    settings.data.mkdir()
    other = ExitStack()
    other.enter_context(writing(settings))
    with other, process(settings.data, "--ingest", str(tmp_path / "leave.md")) as server:
        assert Said(server.stderr).line(0).startswith("Docent: ")
        found = read_address(settings.server_file)
        assert found is not None
        address = found.url
        until(lambda: "another command writes to the documents" in httpx.get(f"{address}/documents").text)
        assert "Indexing" in httpx.get(f"{address}/indexed").text
        other.close()
        until(lambda: "Not read" in httpx.get(f"{address}/documents").text)  # there is no model for it
        assert "Docent was started" in httpx.get(f"{address}/documents").text


def test_models_are_attached(settings: ServerSettings) -> None:
    result = run("models", "list", DOCENT_DATA=str(settings.data))

    assert result.exit_code == 0
    assert DEFAULT_MODEL in result.stdout
