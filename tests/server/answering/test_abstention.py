"""Refusing before anything is generated."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Engine

from indexer.knowledge.calibration import keep_labelled, keep_off_topic, read_calibration
from indexer.knowledge.database import open_knowledge
from indexer.passages import Retrieved
from server.answering import abstention
from server.settings import ServerSettings
from tests.server.passages import passage, retrieved

QUESTION = "How many days of annual leave do employees have?"
LEAVE = passage("Employees have 25 days of annual leave.")
CROWNS = replace(passage("Crowns cost half."), cosine=0.1)


def says_nothing(found: Retrieved, engine: Engine, false_refusals: float) -> bool:
    return abstention.says_nothing(found, read_calibration(engine).least(false_refusals))


@pytest.fixture
def engine(settings: ServerSettings) -> Iterator[Engine]:
    engine = open_knowledge(settings)
    yield engine
    engine.dispose()


def test_it_knows_when_nothing_is_near(engine: Engine) -> None:
    assert says_nothing(retrieved(QUESTION, []), engine, 0.05)
    assert says_nothing(retrieved(QUESTION, [passage("")]), engine, 0.05)
    assert says_nothing(retrieved("zebra crossing", [CROWNS]), engine, 0.05)
    assert not says_nothing(retrieved(QUESTION, [LEAVE]), engine, 0.05)


def test_the_limit_is_that_of_these_documents(engine: Engine) -> None:
    found = retrieved(QUESTION, [LEAVE])
    keep_off_topic(engine, 5.0, 0.1, 0)
    assert says_nothing(found, engine, 0.05)
    keep_labelled(engine, list(np.linspace(0.2, 0.9, 30)))
    assert not says_nothing(found, engine, 0.05)


def test_an_operator_who_wants_no_refusals_gets_them_for_nothing_found_alone(engine: Engine) -> None:
    keep_off_topic(engine, 5.0, 0.1, 0)
    assert not says_nothing(retrieved("zebra crossing", [CROWNS]), engine, 0)
    assert says_nothing(retrieved(QUESTION, [passage("")]), engine, 0)
