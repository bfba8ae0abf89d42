"""A document as passages: everything in order, of a long one the most central, and nothing outside the scope."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from indexer.knowledge.database import open_knowledge
from indexer.passages import Scope
from indexer.search.whole import read_whole
from server.settings import ServerSettings
from tests.server.fakes import fill

RULES = [f"Rule {n} of the handbook says how leave is booked in the portal, and by whom. " for n in range(300)]
ODD = "Zebras cross rivers at noon, quite unlike anything else that is written here at all. "
LONG = "".join([*RULES[:150], *[ODD] * 30, *RULES[150:]])
SCOPE = Scope(frozenset({1}))


@pytest.fixture
def engine(settings: ServerSettings) -> Iterator[Engine]:
    fill(settings, {"handbook": {"long.md": LONG}, "secret": {"other.md": "Secrets are kept here."}})
    engine = open_knowledge(settings)
    yield engine
    engine.dispose()


def test_all_of_a_document_in_order(engine: Engine) -> None:
    whole = read_whole(engine, 1, SCOPE, 10**6)
    assert whole is not None
    assert whole.read == whole.total
    assert " ".join(LONG[one.start : one.end] for one in whole.passages).split() == LONG.split()
    assert [one.rank for one in whole.passages] == list(range(1, len(whole.passages) + 1))
    assert all(one.text == LONG[one.start : one.end] for one in whole.passages)


def test_of_a_long_one_the_most_central_and_no_more(engine: Engine) -> None:
    every, whole = read_whole(engine, 1, SCOPE, 10**6), read_whole(engine, 1, SCOPE, 5_000)
    assert every is not None
    assert whole is not None
    assert whole.read <= 5_000 < whole.total == every.total
    assert whole.read == sum(one.end - one.start for one in whole.passages)
    assert whole.passages[0].start == 0, "its beginning says what it is"
    starts = [one.start for one in whole.passages]
    assert starts == sorted(starts)
    zebras = sum(one.text.count("Zebras") for one in whole.passages) / whole.read
    assert zebras < LONG.count("Zebras") / len(LONG)
    assert (whole.centre == every.centre).all()


def test_what_may_not_be_read_is_nothing(engine: Engine) -> None:
    assert read_whole(engine, 2, SCOPE, 10**6) is None
    assert read_whole(engine, 99, SCOPE, 10**6) is None
    assert read_whole(engine, 1, SCOPE.choosing(frozenset({2})), 10**6) is None
