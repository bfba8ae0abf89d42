"""Refusing before anything is generated."""

from server.abstention import says_nothing
from tests.server.passages import passage, retrieved

QUESTION = "How many days of annual leave do employees have?"


def test_it_knows_when_nothing_is_near() -> None:
    assert says_nothing(retrieved(QUESTION, []))
    assert says_nothing(retrieved(QUESTION, [passage("")]))
    assert says_nothing(retrieved("zebra crossing", [passage("Crowns cost half.")]))
    assert not says_nothing(retrieved(QUESTION, [passage("Employees have 25 days of annual leave.")]))
