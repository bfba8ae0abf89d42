"""A command leaves the index to a running server only where that server searches with the same model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from indexer.client import find_server
from indexer.commands import ingest, rebuild
from indexer.embed_remote import server_searches
from indexer.errors import IndexMismatchError
from indexer.knowledge.database import open_knowledge
from indexer.rebuild import Outcome, rebuild_index
from indexer.search.retrieve import Retriever
from server.app import Parts
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, CountingEmbedder, fill, no_generator, open_fake_retriever, serving
from tests.waiting import until


def open_no_retriever(_settings: ServerSettings, _engine: Engine) -> Retriever:
    raise IndexMismatchError("The index was made with another model.")


@contextmanager
def searching(settings: ServerSettings) -> Iterator[None]:
    """A server whose search works."""
    with serving(settings, Parts(open_fake_retriever, no_generator)):
        until(lambda: server_searches(settings))
        yield


@contextmanager
def failing(settings: ServerSettings) -> Iterator[None]:
    with serving(settings, Parts(open_no_retriever, no_generator)):
        assert find_server(settings) is not None
        yield


@pytest.fixture(autouse=True)
def filled(settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCENT_DATA", str(settings.data))
    fill(settings, {"handbook": HANDBOOK})


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that saved and calibrated the index themselves."""
    found: list[str] = []
    monkeypatch.setattr(ingest, "SparingEmbedder", lambda _settings: CountingEmbedder())
    monkeypatch.setattr(ingest, "SAVE_AND_CALIBRATE", lambda *_: found.append("ingest"))
    monkeypatch.setattr(rebuild, "SentenceTransformerEmbedder", lambda _settings: CountingEmbedder())
    monkeypatch.setattr(rebuild, "rebuild_index", lambda *given: given[-1]() or Outcome(2, 2, switched=True))
    monkeypatch.setattr(rebuild, "save_and_calibrate", lambda *_: found.append("rebuild"))
    return found


def ingest_one(folder: Path) -> None:
    (folder / "one.md").write_text("One more document about leave.")
    with pytest.raises(SystemExit, match="0"):
        ingest.run((folder,), "docs", prune=False, watch=False, as_json=False)


def test_a_server_that_searches_is_told_from_one_that_does_not(settings: ServerSettings) -> None:
    assert not server_searches(settings)
    with searching(settings):
        assert not server_searches(settings.model_copy(update={"embedder": "another"}))
    with failing(settings):
        assert not server_searches(settings)


@pytest.mark.parametrize(("beside", "keeps"), [(searching, []), (failing, ["ingest"])])
def test_an_ingest_leaves_the_index_to_a_server_that_searches(
    settings: ServerSettings, kept: list[str], tmp_path: Path, beside: Any, keeps: list[str]
) -> None:
    (tmp_path / "documents").mkdir()
    with beside(settings):
        ingest_one(tmp_path / "documents")
    assert kept == keeps


@pytest.mark.parametrize("beside", [searching, failing])
def test_a_rebuild_keeps_the_index_itself(settings: ServerSettings, kept: list[str], beside: Any) -> None:
    """The server beside it may search until it finds that the index is made with other settings."""
    with beside(settings):
        rebuild.run(discard=False, as_json=False)
    assert kept == ["rebuild"]


def test_a_server_takes_up_what_was_rebuilt_beside_it(settings: ServerSettings) -> None:
    """None of the passages that it searched before are there any more."""
    with searching(settings):
        server = find_server(settings)
        assert server is not None
        before = server.search("How much leave is there?")["passages"]
        engine = open_knowledge(settings)
        outcome = rebuild_index(settings, engine, CountingEmbedder())
        assert outcome.switched
        until(lambda: server.search("How much leave is there?")["passages"] == before)
        engine.dispose()
    assert before
