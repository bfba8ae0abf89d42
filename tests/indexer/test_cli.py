"""The `indexer` command: one JSON document on standard output, one sentence for each error, its exit statuses."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.client import ServerAddress, write_address
from indexer.errors import program
from indexer.ingest import ingest
from indexer.knowledge.tables import Chunk, IndexInfo
from indexer.settings import IndexerSettings
from tests.indexer.commands import Run
from tests.waiting import Said
from tests.word_embedder import WordEmbedder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def docs(tmp_path: Path, settings: IndexerSettings, engine: Engine) -> Path:
    """Documents that are indexed already, so that no command here needs a model; the last cannot be read."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("leave", "pay", "rooms", "time", "travel"):
        (folder / f"{name}.md").write_text(f"# About {name}\n\nEverything about {name}.")
    (folder / "broken.docx").write_text("no zip")
    ingest([folder], settings, engine, WordEmbedder)  # type: ignore[arg-type]
    return folder


def test_ingest_prints_one_json_document(run: Run, docs: Path) -> None:
    report = run.json("ingest", str(docs), status=1)
    assert report.keys() == {"indexed", "unchanged", "removed", "skipped", "failed", "needs_ocr", "files", "took_ms"}
    assert (report["unchanged"], report["failed"]) == (5, 1)
    by_name = {file["document"]: file for file in report["files"]}
    assert by_name["leave.md"] == {
        "document": "leave.md", "state": "unchanged", "reason": "", "pages": None, "chunks": 1,
    }  # fmt: skip
    assert by_name["broken.docx"]["state"] == "failed"
    assert by_name["broken.docx"]["reason"]


@pytest.mark.parametrize("command", [["status"], ["verify"], ["ingest", "{docs}"], ["search", "leave"]])
def test_a_damaged_database_is_told_in_one_sentence(
    run: Run, docs: Path, settings: IndexerSettings, engine: Engine, command: list[str]
) -> None:
    damage(settings, engine)
    result = run(*(part.format(docs=docs) for part in command), status=2)
    assert result.stdout == ""
    assert "is damaged" in result.stderr
    assert "`indexer ingest` makes knowledge.db again" in result.stderr


def damage(settings: IndexerSettings, engine: Engine) -> None:
    """Every page but the first is overwritten, as by a failing disk; the header still says SQLite."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    path = settings.knowledge_path
    path.write_bytes(path.read_bytes()[:4096] + b"\xa5" * (path.stat().st_size - 4096))


def test_ingest_without_failures_exits_with_0(run: Run, docs: Path) -> None:
    (docs / "broken.docx").unlink()
    result = run("ingest", str(docs))
    assert result.stdout == ""
    assert "5 unchanged" in result.stderr


def test_ingest_shows_what_was_not_read(run: Run, docs: Path) -> None:
    (docs / "[bold]program.exe").write_text("MZ")
    result = run("ingest", str(docs), status=1)
    assert "skipped   [bold]program.exe: Files of type .exe are not read." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ingest", "missing"], "There is no file or folder missing."),
        (["evaluate", "missing"], "no readable questions.jsonl"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(arguments: list[str], said: str, run: Run) -> None:
    result = run(*arguments, status=2)
    assert result.stdout == ""
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_run_that_would_remove_too_much_names_prune(run: Run, docs: Path) -> None:
    for path in docs.iterdir():
        path.unlink()
    result = run("ingest", str(docs), status=2)
    assert "--prune" in result.stderr
    assert run.json("ingest", str(docs), "--prune")["removed"] == 5


def test_another_model_names_rebuild(run: Run, docs: Path, engine: Engine) -> None:
    with Session(engine) as session:
        session.get_one(IndexInfo, "embedder").value = "another"
        session.commit()
    assert "indexer rebuild" in run("ingest", str(docs), status=2).stderr
    assert "indexer rebuild" in run("search", "leave", status=2).stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("DOCENT_CHUNK_TOKENS", "many"), ("DOCENT_CHUNK_TOKENS", "-1"), ("DOCENT_MAX_FILE_MB", "0")],
)
def test_a_setting_that_makes_no_sense(name: str, value: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert name in run("status", status=2).stderr


def test_a_settings_file_that_cannot_be_read(run: Run, settings: IndexerSettings) -> None:
    (settings.data.parent / "docent.toml").write_text("data = [")
    assert "docent.toml" in run("status", status=2).stderr


def test_wrong_usage_exits_with_2(run: Run) -> None:
    for arguments in ([], ["ingest"], ["nonsense"], ["search", "x", "-k", "0"], ["search", "x", "-k", "many"]):
        run(*arguments, status=2)
    run("--version")
    run("ingest", "--help")


def test_status(run: Run, docs: Path) -> None:
    found = run.json("status")
    assert [(c["name"], c["documents"], c["chunks"]) for c in found["collections"]] == [("docs", 5, 5)]
    assert [(f["document"], f["state"]) for f in found["not_indexed"]] == [("broken.docx", "failed")]
    assert "docs: 5 documents, 5 passages" in run("status").stdout
    assert "failed    docs/broken.docx" in run("status").stdout


def test_a_terminal_obeys_no_file_name(run: Run, docs: Path) -> None:
    (docs / "\x1b[2J\x1b]0;owned\x07\u202egnp.exe").write_bytes(b"x")
    shown = run("ingest", str(docs), status=1).stderr + run("status").stdout
    assert "\\x1b[2J" in shown, "the name can be read"
    assert not [c for c in shown.replace("\n", "") if not c.isprintable()]


def test_status_of_nothing(run: Run) -> None:
    nothing = run.json("status")
    assert (nothing["collections"], nothing["not_indexed"], nothing["rebuild"]) == ([], [], None)
    assert f"Run `{program('indexer')} ingest FOLDER`" in run("status").stdout


def test_status_tells_which_documents_have_the_same_words(
    run: Run, docs: Path, settings: IndexerSettings, engine: Engine
) -> None:
    assert "same" not in run.json("status")
    (docs / "v2").mkdir()
    (docs / "v2" / "pay.md").write_text("# About  PAY\n\nEverything about pay.")
    ingest([docs], settings, engine, WordEmbedder)  # type: ignore[arg-type]
    named = [{"collection": "docs", "document": path} for path in ("pay.md", "v2/pay.md")]
    assert run.json("status")["same"] == [named]
    assert "same words docs/pay.md, docs/v2/pay.md" in run("status").stdout


def test_verify(run: Run, docs: Path, engine: Engine) -> None:
    assert "agrees" in run("verify").stdout
    with Session(engine) as session:
        chunk = session.exec(select(Chunk)).first()
        assert chunk is not None
        chunk.body = "Other words."
        session.commit()
    result = run("verify", status=1)
    assert "is not the words of the document there" in result.stdout
    assert "indexer rebuild" in result.stderr


def test_an_index_that_cannot_be_written_is_no_failure(run: Run, docs: Path, settings: IndexerSettings) -> None:
    (docs / "broken.docx").unlink()
    settings.index_path.write_text("a file where the folder should be")
    assert "is made again when needed" in run("ingest", str(docs)).stderr


def test_enriching_needs_a_server_that_writes(run: Run, docs: Path) -> None:
    result = run("enrich", status=2)
    assert "docent serve" in result.stderr
    assert "cannot be reached" in run("enrich", "--endpoint", "http://127.0.0.1:9", status=2).stderr


def test_the_command_itself(docs: Path, settings: IndexerSettings) -> None:
    """As a process: standard output holds the JSON and nothing else, whatever the terminal's encoding."""
    environment = {**os.environ, "DOCENT_DATA": str(settings.data), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "indexer", "ingest", str(docs), "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["unchanged"] == 5
    done = subprocess.run(
        [*command[:4], "missing"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


# A running server


FOUND = {
    "query": "leave?",
    "passages": [
        {
            "rank": 1, "score": 0.9, "document": "leave.md", "title": "About leave", "heading": "Days", "page": 3,
            "start": 0, "end": 5, "text": "Leave\n  is granted.",
        }
    ],
    "took_ms": 4,
}  # fmt: skip


class Server:
    """Answers /healthz, and every POST with `status` and `answer`."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: object = FOUND
        self.asked: list[tuple[str, str | None, Any]] = []


@pytest.fixture
def server(settings: IndexerSettings, engine: Engine) -> Iterator[Server]:
    scripted = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(200, {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            scripted.asked.append((self.path, self.headers["Authorization"], body))
            self.reply(scripted.status, scripted.answer)

        def reply(self, status: int, answer: object) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    write_address(settings.server_file, ServerAddress(f"http://127.0.0.1:{http.server_port}", os.getpid(), "token"))
    yield scripted
    http.shutdown()
    http.server_close()
    thread.join()


def test_search_asks_a_running_server(run: Run, server: Server) -> None:
    assert run.json("search", "leave?", "--collection", "docs", "-k", "3") == FOUND
    assert server.asked == [
        ("/v1/search", "Bearer token", {"query": "leave?", "history": [], "top_k": 3, "collections": ["docs"]})
    ]


@pytest.mark.parametrize("question", ["", " \n"])
def test_an_empty_question_is_refused(run: Run, docs: Path, question: str) -> None:
    result = run("search", question, "--json", status=2)
    assert (result.stdout, result.stderr) == ("", "The question is empty. Write it between quotation marks.\n")


@pytest.mark.parametrize(
    "command", [["ingest", ""], ["evaluate", ""], ["calibrate", ""], ["evaluate", ".", "--index", ""]]
)
def test_an_empty_path_is_not_the_folder_that_one_stands_in(
    run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(docs)
    assert "A path is empty." in run(*command, status=2).stderr


def test_the_home_of_nobody_is_a_folder_that_is_not_there(run: Run) -> None:
    assert "There is no file or folder ~nobody-here/x" in run("ingest", "~nobody-here/x", status=2).stderr


def test_an_empty_data_folder_is_refused_and_the_working_folder_keeps_its_rights(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    here.chmod(0o755)
    monkeypatch.chdir(here)
    monkeypatch.setenv("DOCENT_DATA", "")
    assert "The setting data (DOCENT_DATA or docent.toml) cannot be used" in run("status", status=2).stderr
    assert stat.S_IMODE(here.stat().st_mode) == 0o755
    assert list(here.iterdir()) == []


def test_a_collection_that_is_not_there_is_named(run: Run, docs: Path) -> None:
    result = run("search", "leave", "--collection", "docs", "--collection", "dosc", "--json", status=2)
    assert result.stdout == ""
    assert "There is no collection 'dosc'." in result.stderr


def test_watching_looks_once_more_takes_up_changes_and_ends_quietly(docs: Path, settings: IndexerSettings) -> None:
    (docs / "broken.docx").unlink()
    command = [sys.executable, "-m", "indexer", "ingest", str(docs), "--watch"]
    environment = os.environ | {"DOCENT_DATA": str(settings.data)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        said = Said(process.stderr)
        assert "5 unchanged" in said.line(0)
        assert said.line(1).startswith("Watching")
        assert "5 unchanged" in said.line(2), "what changed while the first run worked would be missed"
        (docs / "late.exe").write_text("MZ")
        assert "late.exe" in said.line(3)
        assert "5 unchanged, 1 skipped" in said.line(4)
        process.send_signal(signal.SIGINT)
        assert len(said.rest().splitlines()) == 5
    assert process.returncode == 0


def test_search_for_people(run: Run, server: Server) -> None:
    shown = run("search", "leave?").stdout
    assert "1. About leave › Days, page 3  (leave.md, 0.90)" in shown
    assert "Leave is granted." in shown
    server.answer = {"query": "leave?", "passages": [], "took_ms": 1}
    assert "Nothing was found" in run("search", "leave?").stderr


def test_what_the_server_refuses_is_said(run: Run, server: Server) -> None:
    server.status, server.answer = 503, {"error": {"message": "The search is still loading."}}
    result = run("search", "leave?", status=1)
    assert (result.stdout, result.stderr) == ("", "The search is still loading.\n")
