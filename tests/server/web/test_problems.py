"""What a client is told when a database or its disk refuses, and that it helps."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from indexer.errors import BusyError
from server.conversations.store import Conversations, open_conversations
from server.settings import ServerSettings
from server.web.problems import describe, exception_handlers
from tests.server.fakes import app_of

LONG = "q" * 100_000  # more than fits into the pages that a new database has
ADDRESS = "http://127.0.0.1:8000"
PRAGMAS = {
    "busy": "PRAGMA busy_timeout=20",  # milliseconds; Docent's own is some seconds
    "full": "PRAGMA max_page_count=1",
    "read-only": "PRAGMA query_only=ON",
}


def told(engine: Engine, pragma: str) -> None:
    """Let every connection from now on begin with this, after what Docent sets itself."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _record: connection.execute(pragma).close())


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Another program is writing meanwhile."""
    other = sqlite3.connect(database)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@pytest.fixture
def conversations(settings: ServerSettings) -> Iterator[Conversations]:
    conversations = open_conversations(settings)
    yield conversations
    conversations.engine.dispose()


@pytest.fixture
def api(conversations: Conversations) -> TestClient:
    """Two addresses that write: one as programs are answered, one as browsers are."""
    app = FastAPI(exception_handlers=exception_handlers())

    @app.post("/v1/questions")
    @app.post("/questions")
    def begin() -> str:
        return conversations.begin(LONG, "ann").conversation_id

    return TestClient(app)


def test_a_busy_database_is_told_with_when_to_try_again(
    api: TestClient, conversations: Conversations, settings: ServerSettings
) -> None:
    told(conversations.engine, PRAGMAS["busy"])
    with held(settings.chat_path):
        program, browser = api.post("/v1/questions"), api.post("/questions")
    error = program.json()["error"]
    assert (program.status_code, error["type"], error["code"]) == (503, "server_error", "database_busy")
    assert "another program" in error["message"]
    assert "Try again" in error["message"]
    assert browser.status_code == 503
    assert "another program" in browser.text
    assert int(program.headers["Retry-After"]) > 0
    assert browser.headers["Retry-After"] == program.headers["Retry-After"]
    assert api.post("/v1/questions").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_the_page_says_that_a_database_is_busy(settings: ServerSettings, headers: dict[str, str]) -> None:
    app = app_of(settings)
    with TestClient(app, base_url=ADDRESS, headers=headers) as client:
        told(app.state.services.conversations.engine, PRAGMAS["busy"])
        with held(settings.chat_path):
            refused = client.post("/ask", data={"question": "How much leave?"})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
        assert "The database is busy" in refused.text
        assert client.post("/ask", data={"question": "How much leave?"}).status_code == 200


@pytest.mark.parametrize(
    ("cause", "code", "advice"),
    [
        ("full", "disk_full", "Free some space"),
        ("read-only", "data_not_writable", "Docent's user may write"),
    ],
)
def test_a_disk_that_refuses_is_told_with_what_to_do(
    cause: str, code: str, advice: str, api: TestClient, conversations: Conversations, caplog: pytest.LogCaptureFixture
) -> None:
    told(conversations.engine, PRAGMAS[cause])
    response = api.post("/v1/questions")
    assert (response.status_code, response.json()["error"]["code"]) == (503, code)
    assert advice in response.json()["error"]["message"]
    assert "Retry-After" not in response.headers
    assert code in caplog.text  # for whoever runs it, with SQLite's own words


def test_a_damaged_database_is_told_with_what_to_do(
    api: TestClient, conversations: Conversations, settings: ServerSettings
) -> None:
    conversations.engine.dispose()
    settings.chat_path.write_bytes(b"this is no database at all" * 1000)
    error = api.post("/v1/questions").json()["error"]
    assert error["code"] == "database_damaged"
    assert "Put a copy of it back" in error["message"]
    assert str(settings.data) not in error["message"]


def refused(code: int, words: str) -> OperationalError:
    """As SQLite raises what no test can bring about."""
    cause = sqlite3.OperationalError(words)
    cause.sqlite_errorcode = code
    return OperationalError("INSERT", {}, cause)


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, "disk I/O error", "disk_failed"),
        (sqlite3.SQLITE_CANTOPEN, "unable to open database file", "data_not_writable"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "attempt to write a readonly database", "data_not_writable"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "database is locked", "database_busy"),
        (sqlite3.SQLITE_LOCKED, "database table is locked", "database_busy"),
    ],
)
def test_each_cause_has_a_code(code: int, words: str, expected: str) -> None:
    assert describe(refused(code, words)).code == expected


def test_what_is_our_mistake_has_an_id(caplog: pytest.LogCaptureFixture) -> None:
    problem = describe(refused(sqlite3.SQLITE_ERROR, "no such table: turns"))
    assert (problem.status, (problem.code or "")[:8]) == (500, "problem_")
    assert (problem.code or "").removeprefix("problem_") in caplog.text


def test_another_writer_is_told_with_when_to_try_again() -> None:
    problem = describe(BusyError("Another `indexer` is writing.", "Wait until it has finished."))
    assert (problem.status, problem.headers) == (503, {"Retry-After": "10"})
