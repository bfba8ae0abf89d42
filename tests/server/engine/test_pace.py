"""Whose prompt is read first, and what answers keep while prompts are read: by steps and a clock that is told."""

import itertools
from bisect import bisect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.batch_cost import PAUSE
from server.engine.pace import AGING, MOST, PACE, Pace, rank
from server.engine.scheduler import Event, Finished, PrefillProgress, Request, Sampled, Scheduler
from server.engine.slots import SlotState
from tests.server.engine.fake_decoder import FakeDecoder, expected_answer, long_answers, random_prompt
from tests.server.engine.stepping import take_step

TWO_CORES = {1: 0.04, 2: 0.06, 4: 0.1, 8: 0.16, 16: 0.18, 32: 0.31, 64: 0.58}  # seconds by rows, a 1.5B model


def on_two_cores(rows: int) -> float:
    """Between what was measured; beyond it in proportion."""
    known = list(TWO_CORES)
    at = min(max(bisect(known, rows), 1), len(known) - 1)
    low, high = known[at - 1], known[at]
    return TWO_CORES[low] + (TWO_CORES[high] - TWO_CORES[low]) * (rows - low) / (high - low)


def make(slots: int = 8, cells: int = 20_000, slower: float = 1.0) -> tuple[Scheduler, FakeDecoder]:
    decoder = FakeDecoder(slots + 8, cells, batch=64 + slots)
    decoder.seconds = lambda rows: slower * on_two_cores(rows)
    scheduler = Scheduler(decoder, slots=slots, cells=cells, clock=decoder.clock, speculates=False)
    scheduler.submit(Request(0, (48, 47, 46), 9))  # the machine is known before anything is measured here
    while scheduler.busy:
        take_step(scheduler)
    return scheduler, decoder


@given(
    rest=st.integers(1, 5000),
    late=st.integers(0, 3000),
    short=st.integers(1, 5000),
    read=st.integers(0, 5000),
    others=st.integers(0, 5000),
)
def test_what_comes_late_is_read_behind_a_prompt_that_waited(
    rest: int, late: int, short: int, read: int, others: int
) -> None:
    """`late` tokens after the moment when the first one has waited enough."""
    waited = int(rest / AGING) + late
    own = min(read, rest - 1)
    assert rank(rest - own, waited + others, 1) < rank(short, others + own, 2)


@given(
    alone=st.floats(0.001, 2),
    times=st.floats(1, 40),
    noise=st.lists(st.floats(0.5, 2), min_size=8, max_size=8),
)
def test_answers_keep_their_pace_or_half_their_speed_and_prompts_half_of_the_time(
    alone: float, times: float, noise: list[float]
) -> None:
    pace = Pace()
    writing = reading = 0.0
    tokens = batches = 0
    for factor in noise * 4:
        piece = alone * times * factor
        assert pace.reads()
        pace.piece_done(piece, alone)
        reading += piece
        tokens += 1
        while not pace.reads():
            pace.written(alone)
            writing += alone
            tokens += 1
        batches += 1
    assert writing <= MOST * reading + alone * batches
    assert tokens / (reading + writing) >= 0.99 * min(PACE, MOST / (MOST + 1) / alone)


def test_where_pieces_are_fast_no_batch_goes_without_one() -> None:
    pace = Pace()
    pace.piece_done(0.99 / PACE, 0.001)
    assert pace.reads()


def test_the_time_that_answers_had_coming_ends_with_them() -> None:
    pace = Pace()
    pace.piece_done(0.5, 0.04)
    assert not pace.reads()
    pace.piece_done(0.5, None)
    assert pace.reads()


@pytest.mark.parametrize("streams", [1, 3, 7])
@pytest.mark.parametrize("slower", [0.1, 1.0, 1.5, 10.0])
def test_an_answer_keeps_four_tokens_a_second_while_others_are_read(streams: int, slower: float) -> None:
    """Where the machine is too slow for that, half of its speed: the clock is the fake decoder's."""
    scheduler, decoder = make(slower=slower)
    for request in long_answers(streams, 600):
        scheduler.submit(request)
    while len(scheduler.slots.in_state(SlotState.DECODE)) < streams:
        take_step(scheduler)
    for _ in range(20):
        take_step(scheduler)
    began, steps = decoder.now, len(decoder.batches)
    written = dict.fromkeys(range(1, streams + 1), 0)
    scheduler.submit(Request(99, random_prompt(99, 700), 1))
    longest, read = 0.0, False
    while not read:
        last = decoder.now
        for i, event in take_step(scheduler):
            if isinstance(event, Sampled):
                read |= i == 99
                written[i] = written.get(i, 0) + 1
        longest = max(longest, decoder.now - last)
    alone = decoder.seconds(streams)
    for i in range(1, streams + 1):
        assert written[i] == len(decoder.batches) - steps, "a token a step"
        assert written[i] >= min(4, MOST / (MOST + 1) / alone) * (decoder.now - began - longest) - 1
    assert longest <= max(PAUSE, 2 * decoder.seconds(16))


def test_prompts_that_come_together_end_one_after_the_other() -> None:
    """The k-th answer begins when k prompts were read, not all of them when all were."""
    scheduler, decoder = make()
    for number in range(8):
        scheduler.submit(Request(number, random_prompt(number, 530), 48))
    began, read_before = [], sum(map(len, decoder.batches))
    written = 0
    while len(began) < 8:
        for i, event in take_step(scheduler):
            if isinstance(event, Sampled):
                written += 1
                if i not in began:
                    began.append(i)
                    read = sum(map(len, decoder.batches)) - read_before - written
                    assert read <= len(began) * (530 + 64)
    assert began == list(range(8))


@given(long=st.integers(100, 400), short=st.integers(1, 60), slots=st.integers(2, 4))
def test_a_long_prompt_is_read_though_short_ones_keep_coming(long: int, short: int, slots: int) -> None:
    scheduler, decoder = make(slots=slots)
    scheduler.submit(Request(1, random_prompt(1, long), 1))
    ids = itertools.count(2)
    alive: set[int] = set()
    read, done = 0, False
    while not done:
        while len(alive) < slots - 1:
            number = next(ids)
            scheduler.submit(Request(number, random_prompt(number, short), 1))
            alive.add(number)
        for i, event in take_step(scheduler):
            if isinstance(event, Finished):
                alive.discard(i)
                done |= i == 1
        read += len(decoder.batches[-1])
        assert read <= long + long / AGING + slots * (short + 64)


@given(
    lengths=st.lists(st.integers(1, 300), min_size=3, max_size=8),
    gone=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 7)), max_size=5),
    slots=st.integers(1, 4),
)
def test_cancels_while_prompts_wait_for_their_piece_change_nothing_for_the_others(
    lengths: list[int], gone: list[tuple[int, int]], slots: int
) -> None:
    scheduler, decoder = make(slots=slots)
    requests = [Request(i, random_prompt(i, length), 12) for i, length in enumerate(lengths)]
    for request in requests:
        scheduler.submit(request)
    found: dict[int, list[Event]] = {request.id: [] for request in requests}
    cancelled: set[int] = set()
    for step in itertools.count():
        if not scheduler.busy:
            break
        for i in (i for at, i in gone if at == step and i in found):
            scheduler.cancel(i)
            cancelled.add(i)
        for i, event in take_step(scheduler):
            found[i].append(event)
    for request in requests:
        tokens = [event.pick.token for event in found[request.id] if isinstance(event, Sampled)]
        answer = expected_answer(request.prompt, 12)
        assert tokens == answer if request.id not in cancelled else tokens == answer[: len(tokens)]
        done = [event.done for event in found[request.id] if isinstance(event, PrefillProgress)]
        assert done == sorted(done)
    assert decoder.open_samplers == 0
    assert scheduler.slots.used == decoder.used


def test_a_machine_that_stood_still_owes_nobody_as_long() -> None:
    """After a minute in one batch the prompt is read on soon, not behind six hundred tokens of the answer."""
    scheduler, decoder = make()
    for request in long_answers(1, 900):
        scheduler.submit(request)
    for _ in range(40):
        take_step(scheduler)
    usual, stalls = decoder.seconds, [60.0]
    decoder.seconds = lambda rows: usual(rows) + (stalls.pop() if rows > 1 and stalls else 0.0)
    scheduler.submit(Request(99, random_prompt(99, 120), 1))
    steps = 0
    while not any(i == 99 and isinstance(event, Sampled) for i, event in take_step(scheduler)):
        steps += 1
    assert not stalls
    assert steps < 60
