"""A running server saves and calibrates an index that has changed, when nobody writes and not before it is due."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from indexer.knowledge.calibration import Calibration, read_calibration
from indexer.knowledge.database import writing
from indexer.search import store
from server.app import Parts, make_services
from server.runtime import upkeep
from server.runtime.metrics import Metrics
from server.runtime.services import Services
from server.runtime.upkeep import Upkeep
from server.settings import ServerSettings
from server.web.pages.shell import indexed
from tests.server.fakes import fill, no_generator, open_fake_retriever

RULES = {f"rules{n}.md": f"Rule {n} grants employees of branch{n} leave on day{n} of the year." for n in range(40)}


@pytest.fixture
def services(settings: ServerSettings) -> Iterator[Services]:
    fill(settings, {"handbook": RULES})
    services, _ = make_services(settings, Parts(open_fake_retriever, no_generator), Metrics())
    services.retriever = open_fake_retriever(settings, services.catalog.engine)
    yield services
    services.catalog.engine.dispose()


@asynccontextmanager
async def kept_up(services: Services) -> AsyncIterator[None]:
    task = asyncio.create_task(Upkeep(services, look=0.01).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 (another thread, which tells nobody)
            await asyncio.sleep(0.01)


def snapshots(services: Services) -> list[str]:
    return [path.name for path in services.settings.index_path.glob("[0-9]*")]


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "REST", 0)


@pytest.mark.usefixtures("restless")
def test_what_is_due_is_done_once(services: Services) -> None:
    upkeep = Upkeep(services)
    upkeep.keep_up()
    found = read_calibration(services.catalog.engine)
    assert found != Calibration()
    (first,) = snapshots(services)

    fill(services.settings, {"handbook": {"one more.md": "A single small text."}})
    assert services.retriever is not None
    assert services.retriever.follow() == 1
    upkeep.keep_up()
    assert snapshots(services) == [first], "the whole index was written for one text"
    assert read_calibration(services.catalog.engine) == found
    assert not services.calibrating


@pytest.mark.usefixtures("restless")
def test_nothing_is_done_while_somebody_writes(services: Services) -> None:
    upkeep = Upkeep(services)
    with writing(services.settings):
        upkeep.keep_up()
        assert snapshots(services) == []
    upkeep.keep_up()
    assert len(snapshots(services)) == 1


async def test_the_page_says_it_and_the_end_of_the_server_ends_it(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "REST", 1_000_000)  # it never comes to the second question
    async with kept_up(services):
        await until(lambda: services.calibrating)
        scope = services.catalog.everything()
        assert indexed(services, scope)["indexing"] == "Getting to know the documents"
    await until(lambda: not services.calibrating)
    assert read_calibration(services.catalog.engine) == Calibration()
    assert indexed(services, scope)["indexing"] == ""


@pytest.mark.usefixtures("restless")
def test_dead_rows_are_dropped(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by whoever deletes a document, who would wait for it."""
    monkeypatch.setattr(store, "DEAD_ROWS", 0)
    fill(services.settings, {"handbook": {path: f"New: {text}" for path, text in RULES.items()}})
    retriever = services.retriever
    assert retriever is not None
    assert retriever.follow() == len(RULES)
    rows = len(retriever.store._state.rows)
    Upkeep(services).keep_up()
    assert len(retriever.store._state.rows) == rows / 2 == len(retriever.store)
    (snapshot,) = snapshots(services)
    assert snapshot == str(retriever.store.change)


class FullDisk:
    """A `save` that fails as often as it is told to, and the clock of an upkeep."""

    def __init__(self, save: Callable[[], None], failures: int) -> None:
        self._save = save
        self.left = failures
        self.now = 0.0

    def save(self) -> None:
        if self.left:
            self.left -= 1
            raise OSError("no space left on device")
        self._save()

    def clock(self) -> float:
        return self.now


@pytest.mark.usefixtures("restless")
def test_a_failure_is_tried_again_later_and_keeps_nothing_else_from_being_done(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert services.retriever is not None
    disk = FullDisk(services.retriever.store.save, failures=2)
    monkeypatch.setattr(services.retriever.store, "save", disk.save)
    kept_up = Upkeep(services, clock=disk.clock)
    kept_up.keep_up()
    assert "the index could not be saved; it is tried again in 10 seconds" in caplog.text
    assert read_calibration(services.catalog.engine) != Calibration()
    kept_up.keep_up()
    assert disk.left == 1, "it was tried again at once"
    disk.now = 10
    kept_up.keep_up()
    assert "it is tried again in 20 seconds" in caplog.text
    disk.now = 29
    kept_up.keep_up()
    assert (disk.left, snapshots(services)) == (0, [])
    disk.now = 30
    kept_up.keep_up()
    assert len(snapshots(services)) == 1


@pytest.mark.usefixtures("restless")
async def test_a_failure_does_not_end_it(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    assert services.retriever is not None
    disk = FullDisk(services.retriever.store.save, failures=1)
    monkeypatch.setattr(services.retriever.store, "save", disk.save)
    monkeypatch.setattr(upkeep, "RETRY_SECONDS", (0.0, 0.0))
    async with kept_up(services):
        await until(lambda: len(snapshots(services)) == 1)
    assert not disk.left
