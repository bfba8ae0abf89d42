"""Fixtures over an empty knowledge.db."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from indexer.database import open_knowledge
from indexer.settings import IndexerSettings
from tests.indexer.knowledge import Knowledge


@pytest.fixture
def engine(settings: IndexerSettings) -> Iterator[Engine]:
    engine = open_knowledge(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def knowledge(engine: Engine, settings: IndexerSettings) -> Knowledge:
    return Knowledge(engine, settings)
