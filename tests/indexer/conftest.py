"""Fixtures over an empty knowledge.db."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.knowledge.database import open_knowledge
from indexer.settings import IndexerSettings
from tests.indexer.commands import Run
from tests.indexer.small_knowledge import Knowledge


@pytest.fixture
def engine(settings: IndexerSettings) -> Iterator[Engine]:
    engine = open_knowledge(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def knowledge(engine: Engine, settings: IndexerSettings) -> Knowledge:
    return Knowledge(engine, settings)


@pytest.fixture
def deep_path(tmp_path: Path) -> Iterator[Path]:
    """A folder to nest folders in more deeply than shutil.rmtree, with which pytest tidies up, can follow."""
    folder = tmp_path / "deep"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.fixture
def run(settings: IndexerSettings, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DOCENT_DATA", str(settings.data))
    monkeypatch.chdir(settings.data.parent)
    return Run()
