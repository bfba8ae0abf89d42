"""What counts as growth, and how a stream may end."""

import pytest

from benchmarks.soak import steadiness
from benchmarks.soak.askers import api_end, page_end
from benchmarks.soak.steadiness import SPARE, Sample, growth, unsteady

WARM = Sample(steadiness.WARM, 1000, 30, 20)


def test_before_the_first_requests_are_done_memory_is_not_judged() -> None:
    samples = [Sample(0, 500, 25, 10), Sample(100, 900, 30, 20)]
    assert growth(samples) is None
    assert growth([*samples, WARM]) is None
    assert unsteady([*samples, WARM]) == []


def test_memory_may_grow_a_little_after_them() -> None:
    assert growth([Sample(0, 500, 25, 10), WARM, Sample(900, 900, 30, 20), Sample(2000, 1019, 30, 20)]) == (
        pytest.approx(0.019)
    )
    assert unsteady([WARM, Sample(2000, 1019, 30, 20)]) == []
    assert unsteady([WARM, Sample(2000, 1030, 30, 20)]) == ["the server's memory grew by 3.0% after 700 requests"]


def test_what_it_grew_by_until_it_was_warm_is_told_but_no_fault() -> None:
    samples = [Sample(200, 1000, 25, 15), Sample(steadiness.WARM, 1054, 30, 20), Sample(2000, 1054, 30, 20)]
    assert growth(samples) == pytest.approx(0)
    assert growth(samples, steadiness.FIRST) == pytest.approx(0.054)
    assert unsteady(samples) == []


def test_handles_and_threads_stay_as_they_are() -> None:
    assert unsteady([WARM, Sample(2000, 1000, 30 + SPARE, 20 + SPARE)]) == []
    assert unsteady([WARM, Sample(2000, 1000, 31 + SPARE, 20)]) == ["the server's handles went from 30 to 35"]
    assert unsteady([WARM, Sample(2000, 1000, 30, 60)]) == ["the server's threads went from 20 to 60"]


def test_while_it_is_not_warm_they_may_double() -> None:
    assert unsteady([Sample(0, 1, 1, 1), Sample(40, 9, 30, 20), Sample(80, 9, 60, 40)]) == []
    assert unsteady([Sample(0, 1, 1, 1), Sample(40, 9, 30, 20), Sample(80, 9, 61, 40)]) == [
        "the server's handles went from 30 to 61"
    ]


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        (['data: {"choices": []}', "", "data: [DONE]", ""], "done"),
        (['data: {"choices": []}', "", 'data: {"error": {"code": "server_stops"}}', ""], "error"),
        (['data: {"choices": []}', ""], ""),
        (["data: [DONE]", 'data: {"choices": []}'], ""),
        ([], ""),
    ],
)
def test_a_stream_of_the_api_ends_with_an_event(lines: list[str], end: str) -> None:
    assert api_end(lines) == end


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        (["event: status", "data: Writing", "", "event: end", "data: <article>", "data: </article>"], "done"),
        (["event: end", "data: x", "", "event: status", "data: Writing"], ""),
        (["event: block", "data: words"], ""),
        (["event: end", "data: <article>", "data: This answer could not be saved yet. Docent goes on"], "unsaved"),
        (["event: block", "data: This answer could not be saved yet.", "", "event: end", "data: x"], "done"),
        ([], ""),
    ],
)
def test_a_turns_stream_ends_with_the_finished_turn(lines: list[str], end: str) -> None:
    assert page_end(lines) == end
