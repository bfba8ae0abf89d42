"""Nobody waits for ever: requests of every size, streams beside prompts, and cancels at every step of a life."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.scheduler import Event, Finished, PrefillProgress, Request, Sampled, Scheduler
from server.engine.slots import SlotState
from tests.server.engine.fake_decoder import FakeDecoder, expected_answer, long_answers
from tests.server.engine.stepping import take_step

REPEATING = (*range(1, 20), *range(1, 4))


def make(slots: int = 3, cells: int = 200, piece: int = 8) -> tuple[Scheduler, FakeDecoder]:
    decoder = FakeDecoder(slots + 5, cells, batch=piece + slots)
    return Scheduler(decoder, slots=slots, cells=cells, piece=piece, clock=decoder.clock), decoder


def tokens(events: list[Event]) -> list[int]:
    return [event.pick.token for event in events if isinstance(event, Sampled)]


def cancelled_at(step: int) -> bool:
    """Cancel a request at `step`: its neighbours and its successor are served as if it had never been. Was it there?"""
    scheduler, decoder = make(slots=2)
    requests = {
        1: Request(1, REPEATING, 20),
        2: Request(2, (*REPEATING, 33, 1, 2), 20),
        3: Request(3, (*REPEATING, 41, 1), 9),
    }
    events: dict[int, list[Event]] = {i: [] for i in (*requests, 4)}
    for request in requests.values():
        scheduler.submit(request)
    for _ in range(step):
        for i, event in take_step(scheduler):
            events[i].append(event)
    alive = not any(isinstance(event, Finished) for event in events[2])
    scheduler.cancel(2)
    heard = len(events[2])
    scheduler.submit(Request(4, requests[2].prompt, 20))
    while scheduler.busy:
        for i, event in take_step(scheduler):
            events[i].append(event)
    for i in (1, 3):
        assert tokens(events[i]) == expected_answer(requests[i].prompt, requests[i].max_tokens)
    assert tokens(events[4]) == expected_answer(requests[2].prompt, 20)
    assert len(events[2]) == heard
    assert decoder.open_samplers == 0
    assert len(scheduler.slots) == 0
    assert scheduler.slots.used == decoder.used
    return alive


def test_a_cancel_at_every_step_leaves_nothing_behind() -> None:
    step = 0
    while cancelled_at(step):
        step += 1
    assert step > 10


def test_a_large_request_is_not_overtaken_in_the_queue() -> None:
    scheduler, decoder = make(slots=3, cells=100)
    scheduler.submit(Request(1, (1, 2, 3), 30))
    scheduler.submit(Request(2, tuple(range(1, 50)), 40))  # fits only alone
    started: list[int] = []
    last = 2
    for _ in range(300):
        while last - len(set(started)) < 3:  # small ones that would fit keep coming
            last += 1
            scheduler.submit(Request(last, (last % 40 + 1, 2), 4))
        started += [i for i, event in take_step(scheduler) if isinstance(event, PrefillProgress)]
        if len(set(started)) > 5:
            break
    assert list(dict.fromkeys(started))[:2] == [1, 2]
    assert decoder.most_cells <= 100


@given(
    lengths=st.lists(st.integers(1, 120), min_size=2, max_size=8),
    answers=st.lists(st.integers(1, 30), min_size=8, max_size=8),
    slots=st.integers(1, 4),
    row_seconds=st.sampled_from([0.0, 0.02, 0.5]),
)
def test_every_request_ends_and_the_first_to_come_start_first(
    lengths: list[int], answers: list[int], slots: int, row_seconds: float
) -> None:
    scheduler, decoder = make(slots=slots, cells=160)
    decoder.seconds = lambda rows: 1 + row_seconds * rows
    requests = [Request(i, (*range(1, 1 + length), 48 - i), answers[i]) for i, length in enumerate(lengths)]
    for request in requests:
        scheduler.submit(request)
    started: list[int] = []
    found: dict[int, list[Event]] = {request.id: [] for request in requests}
    rows = sum(len(request.prompt) + request.max_tokens for request in requests)
    for _ in range(3 * rows):
        for i, event in take_step(scheduler):
            found[i].append(event)
            if isinstance(event, PrefillProgress):
                started.append(i)
    assert not scheduler.busy
    assert list(dict.fromkeys(started)) == sorted(found)
    for request in requests:
        assert tokens(found[request.id]) == expected_answer(request.prompt, request.max_tokens)


@pytest.mark.parametrize("row_seconds", [0.0, 0.05, 1.0])
def test_streams_get_a_token_a_step_and_a_prompt_gets_half_of_the_time(row_seconds: float) -> None:
    scheduler, decoder = make(slots=4, cells=3000, piece=64)
    decoder.seconds = lambda rows: 0.1 + row_seconds * rows
    for request in long_answers(3, 600):
        scheduler.submit(request)
    while len(scheduler.slots.in_state(SlotState.DECODE)) < 3:
        take_step(scheduler)
    scheduler.submit(Request(9, tuple(range(20, 49)) * 10, 1))
    done, reading, began = 0, 0.0, decoder.now
    while done < 290:
        before = decoder.now
        events = take_step(scheduler)
        assert {i for i, event in events if isinstance(event, Sampled) and i != 9} == {1, 2, 3}
        progress = [event.done for i, event in events if i == 9 and isinstance(event, PrefillProgress)]
        if progress and progress[-1] > done:
            done = progress[-1]
            reading += decoder.now - before
    longest = 0.1 + row_seconds * (64 + 4)
    assert reading >= 0.5 * (decoder.now - began) - 2 * longest
    assert max(len(batch) for batch in decoder.batches) <= 64 + 4
