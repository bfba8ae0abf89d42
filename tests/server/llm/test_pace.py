"""When to come back to a full queue."""

import pytest

from server.llm.pace import LEAST, MOST, Pace


def paced(*seconds: float) -> Pace:
    pace = Pace()
    for one in seconds:
        pace.note(one)
    return pace


def test_before_any_answer_it_is_the_least() -> None:
    assert Pace().come_back(100, 1) == LEAST


@pytest.mark.parametrize(
    ("seconds", "waiting", "at_once", "after"),
    [(4.0, 32, 4, 32), (4.0, 32, 8, 16), (0.1, 32, 4, LEAST), (60, 32, 4, MOST)],
)
def test_it_is_the_time_that_the_queue_takes_within_what_clients_take_notice_of(
    seconds: float, waiting: int, at_once: int, after: int
) -> None:
    assert paced(seconds, seconds, seconds).come_back(waiting, at_once) == after


def test_what_is_asked_now_counts_more_than_what_was_asked_before() -> None:
    changed = paced(*[2.0] * 50, *[6.0] * 20)
    assert changed.come_back(8, 1) == pytest.approx(48, abs=1)
