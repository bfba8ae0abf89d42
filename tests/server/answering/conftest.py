from collections.abc import Iterator

import pytest
from sqlmodel import Session, select

from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Collection
from server.settings import ServerSettings
from tests.server.asked_library import Library
from tests.server.fakes import BENEFITS, HANDBOOK, fill, open_fake_retriever


@pytest.fixture
def library(settings: ServerSettings) -> Iterator[Library]:
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    engine = open_knowledge(settings)
    with Session(engine) as session:
        collections = {one.name: one.id or 0 for one in session.exec(select(Collection)).all()}
    yield Library(open_fake_retriever(settings, engine), settings, Catalog(engine), collections)
    engine.dispose()
