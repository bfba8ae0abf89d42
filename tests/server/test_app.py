"""How the application starts, waits, tells of failures and stops."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session

from indexer.client import read_address
from indexer.errors import BusyError, DocentError, IndexMismatchError, StorageError
from indexer.knowledge.database import writing
from indexer.knowledge.tables import IngestRun, now
from indexer.passages import Scope
from indexer.search.retrieve import Retriever
from server.answering.events import Answer, Progress, Question
from server.app import BUSY_SECONDS, Parts, create_app, make_services
from server.errors import Unavailable
from server.library.examples import CanAnswer, Examples
from server.llm.model_pull import pull
from server.runtime.language_model import LanguageModel
from server.runtime.loading import Loading
from server.runtime.metrics import Metrics
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, ScriptedGenerator, app_of, fill, no_generator, open_fake_retriever

ASKED = "How many days of annual leave do employees have?"
CHAT = {"model": "docent", "messages": [{"role": "user", "content": ASKED}]}
ADDRESS = "http://127.0.0.1:8000"
WAIT = 20  # seconds until a test that waits for another thread gives up


def test_importing_the_application_imports_no_model_library() -> None:
    """They take seconds, and the page is to be there before."""
    heavy = ("torch", "transformers", "sentence_transformers", "llama_cpp", "scipy", "sklearn")
    code = f"import server.app, server.cli, sys; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"


class SlowRetriever:
    """Opens when it is told to."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def open(self, settings: ServerSettings, engine: Engine) -> Retriever:
        self.gate.wait(WAIT)
        return open_fake_retriever(settings, engine)


@pytest.fixture
def slow() -> Iterator[SlowRetriever]:
    retriever = SlowRetriever()
    yield retriever
    retriever.gate.set()


def test_the_page_is_there_before_the_models(settings: ServerSettings, slow: SlowRetriever) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with TestClient(create_app(settings, Parts(slow.open, no_generator)), base_url=ADDRESS) as client:
        assert client.get("/").status_code == 200
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]["search_model"]["state"]) == (503, "loading")

        threading.Timer(0.2, slow.gate.set).start()
        answer = client.post("/v1/chat/completions", json=CHAT)
        assert "25 days" in answer.json()["choices"][0]["message"]["content"]
        assert client.get("/readyz").status_code == 200


async def test_a_question_that_waits_is_told_so(settings: ServerSettings, slow: SlowRetriever) -> None:
    fill(settings, {"handbook": HANDBOOK})
    services, loading = make_services(settings, Parts(slow.open, no_generator), Metrics())
    running = asyncio.create_task(loading.run())
    events = services.answer(Question(ASKED, services.catalog.everything()))

    first = await anext(events)
    assert isinstance(first, Progress)
    assert (first.stage, first.detail) == ("loading", "The search model loads.")
    slow.gate.set()
    rest = [event async for event in events]
    assert isinstance(rest[-1], Answer)
    running.cancel()
    await asyncio.wait({running})


def _loading(settings: ServerSettings, open_retriever: Any, open_generator: Any = no_generator) -> Loading:
    services, _ = make_services(settings, Parts(), Metrics())
    model = LanguageModel(services, open_generator, pull)
    return Loading(services, open_retriever, model, follow=0.01, retry=(0.01, 0.02))


async def _until(condition: Any) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110 (the product has no event for it)
            await asyncio.sleep(0.005)


async def test_what_cannot_be_opened_is_said_and_tried_again(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    mended = threading.Event()

    def open_retriever(settings: ServerSettings, engine: Engine) -> Retriever:
        if not mended.is_set():
            raise IndexMismatchError("The index was made with another model.", "Run `indexer rebuild`.")
        return open_fake_retriever(settings, engine)

    loading = _loading(settings, open_retriever)
    services = loading.services
    running = asyncio.create_task(loading.run())
    await services.opened.wait()
    with pytest.raises(Unavailable, match="indexer rebuild"):
        await anext(services.answer(Question(ASKED, services.catalog.everything())))
    assert services.search_state.state == "failed"

    mended.set()
    await _until(lambda: services.retriever is not None)
    assert services.search_state.state == "ready"
    running.cancel()
    await asyncio.wait({running})


async def test_an_index_that_no_longer_fits_is_opened_anew(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    opened = 0

    class Outdated(Retriever):
        def follow(self) -> int:
            if opened == 1:
                raise IndexMismatchError("The index was rebuilt.")
            return super().follow()

    def open_retriever(settings: ServerSettings, engine: Engine) -> Retriever:
        nonlocal opened
        found = open_fake_retriever(settings, engine)
        opened += 1
        return Outdated(engine, found.embedder, found.store, settings)

    loading = _loading(settings, open_retriever)
    running = asyncio.create_task(loading.run())
    await _until(lambda: opened == 2 and loading.services.search_state.state == "ready")
    assert loading.services.retriever is not None
    running.cancel()
    await asyncio.wait({running})


async def test_what_is_indexed_while_the_server_runs_is_found(settings: ServerSettings) -> None:
    loading = _loading(settings, open_fake_retriever)
    services = loading.services
    running = asyncio.create_task(loading.run())
    await services.opened.wait()
    fill(settings, {"handbook": HANDBOOK})

    scope = services.catalog.everything()
    await _until(lambda: services.retriever and services.retriever.search("annual leave", [], scope))
    running.cancel()
    await asyncio.wait({running})


class NotedExamples(Examples):
    """Notes each search for examples: at which change, and whether an ingest went on."""

    def __init__(self, engine: Engine, path: Path) -> None:
        super().__init__(engine, path)
        self.searches: list[tuple[int, bool]] = []

    def find(self, scope: Scope, change: int, can_answer: CanAnswer, *, settled: bool = False) -> list[str]:
        self.searches.append((change, settled))
        return super().find(scope, change, can_answer, settled=settled)


async def test_examples_are_found_anew_behind_the_page_once_an_ingest_has_ended(settings: ServerSettings) -> None:
    loading = _loading(settings, open_fake_retriever)
    services = loading.services
    services.examples = examples = NotedExamples(services.catalog.engine, settings.data / "noted.json")
    fill(settings, {"handbook": HANDBOOK})
    running = asyncio.create_task(loading.run())
    await _until(lambda: (2, True) in examples.searches)
    with writing(settings), Session(services.catalog.engine) as session:
        run = IngestRun(collection_id=1)
        session.add(run)
        session.commit()
        fill(settings, {"handbook": {"pay.md": "Pay comes at the end of a month."}})
        await _until(lambda: (3, False) in examples.searches)
        assert (3, True) not in examples.searches
        run.finished_at = now()
        session.commit()
    await _until(lambda: (3, True) in examples.searches)
    running.cancel()
    await asyncio.wait({running})


async def test_a_language_model_that_cannot_be_opened_leaves_the_quotes(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})

    def open_generator(_settings: ServerSettings) -> ScriptedGenerator:
        raise DocentError("DOCENT_MODEL names a model that is not there.")

    loading = _loading(settings, open_fake_retriever, open_generator)
    running = asyncio.create_task(loading.run())
    events = [event async for event in loading.services.answer(Question(ASKED, loading.services.catalog.everything()))]
    assert isinstance(events[-1], Answer)
    assert events[-1].mode == "extractive"
    assert "DOCENT_MODEL" in loading.services.model_failure
    running.cancel()
    await asyncio.wait({running})


async def test_clicks_that_wait_for_a_rebuild_leave_threads_for_answers(settings: ServerSettings) -> None:
    app = app_of(settings)
    over = threading.Event()
    async with app.router.lifespan_context(app):
        loop = asyncio.get_running_loop()
        waiting = [loop.run_in_executor(None, over.wait, WAIT) for _ in range(20)]
        try:
            async with asyncio.timeout(WAIT):
                await asyncio.to_thread(app.state.services.catalog.everything)
            assert not any(one.done() for one in waiting)
        finally:
            over.set()
        await asyncio.gather(*waiting)


def test_a_click_waits_for_seconds_while_another_program_writes(settings: ServerSettings) -> None:
    services, _loading = make_services(settings, Parts(), Metrics())
    for engine in (services.catalog.engine, services.conversations.engine):
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 1000 * BUSY_SECONDS
        engine.dispose()


def test_one_server_a_data_folder(settings: ServerSettings) -> None:
    with TestClient(app_of(settings), base_url=ADDRESS):
        with pytest.raises(BusyError, match="already uses"), TestClient(app_of(settings)):
            pass
        assert read_address(settings.server_file) is not None
    assert read_address(settings.server_file) is None
    with TestClient(app_of(settings), base_url=ADDRESS) as client:
        assert client.get("/healthz").status_code == 200


def test_a_data_folder_that_cannot_be_used(settings: ServerSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = settings.model_copy(update={"data": tmp_path / "file"})
    with pytest.raises(StorageError, match="cannot be used"), TestClient(app_of(broken)):
        pass


def test_a_database_that_is_none(settings: ServerSettings) -> None:
    settings.data.mkdir()
    settings.chat_path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StorageError, match=r"chat\.db is damaged"), TestClient(app_of(settings)):
        pass


def _raising(settings: ServerSettings, problem: Exception) -> TestClient:
    async def answer(question: Question, *_: object) -> Any:
        raise problem
        yield

    return TestClient(create_app(settings, Parts(open_fake_retriever, no_generator, answer)), base_url=ADDRESS)


def test_the_unforeseen_is_logged_and_not_shown(settings: ServerSettings, caplog: pytest.LogCaptureFixture) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with _raising(settings, ValueError("a secret path")) as client:
        response = client.post("/v1/chat/completions", json=CHAT)

    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (500, "server_error")
    assert "secret" not in response.text
    id_ = error["code"].removeprefix("problem_")
    assert id_ in error["message"]
    (record,) = [record for record in caplog.records if id_ in record.getMessage()]
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "a secret path"


@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [
        (StorageError("The disk is full.", "Free some space."), 503, "Free some space"),
        (Unavailable("The model loads."), 503, "The model loads."),
    ],
)
def test_what_is_foreseen_is_told(settings: ServerSettings, problem: Exception, status: int, words: str) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with _raising(settings, problem) as client:
        response = client.post("/v1/chat/completions", json=CHAT)

    assert response.status_code == status
    assert words in response.json()["error"]["message"]


def test_pages_tell_of_problems_as_pages(settings: ServerSettings) -> None:
    with TestClient(app_of(settings), base_url=ADDRESS) as client:
        missing = client.get("/nothing")
        assert missing.status_code == 404
        assert missing.headers["content-type"] == "text/html; charset=utf-8"
        assert "There is nothing at this address." in missing.text
        assert client.get("/documents/1").status_code == 404
        assert client.delete("/").status_code == 405
        assert client.get("/documents/x").status_code == 404


def test_pages_are_compressed_and_streams_are_not(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with TestClient(app_of(settings), base_url=ADDRESS, headers={"Accept-Encoding": "gzip"}) as client:
        assert client.get("/").headers["content-encoding"] == "gzip"
        assert client.get("/static/app.css").headers["content-encoding"] == "gzip"
        stream = client.post("/v1/chat/completions", json={**CHAT, "stream": True})
        assert "content-encoding" not in stream.headers
