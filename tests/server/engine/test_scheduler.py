"""The scheduler with a fake decoder that checks every position and every cell."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.engine.scheduler import (
    Event,
    Failed,
    Finished,
    PrefillProgress,
    Request,
    Sampled,
    Scheduler,
    Waiting,
)
from server.engine.slots import SlotState
from server.engine.token_sampling import Pick, TokenSampling
from tests.server.engine.fake_decoder import UNREADABLE, FakeDecoder, FakeGrammar, FakeSampler, expected_answer
from tests.server.engine.stepping import take_step


def make(
    slots: int = 3,
    cells: int = 200,
    piece: int = 8,
    *,
    sequences: int = 8,
    can_share: bool = True,
    offload_cells: int = 0,
) -> tuple[Scheduler, FakeDecoder]:
    decoder = FakeDecoder(sequences, cells)
    decoder.can_share = can_share
    return Scheduler(
        decoder, slots=slots, cells=cells, offload_cells=offload_cells, piece=piece, clock=decoder.clock
    ), decoder


def run(scheduler: Scheduler) -> dict[int, list[Event]]:
    events: dict[int, list[Event]] = {}
    while scheduler.busy:
        for request_id, event in take_step(scheduler):
            events.setdefault(request_id, []).append(event)
    return events


def tokens(events: list[Event]) -> list[int]:
    return [event.pick.token for event in events if isinstance(event, Sampled)]


def prompt(*parts: int | range) -> tuple[int, ...]:
    return tuple(token for part in parts for token in (part if isinstance(part, range) else [part]))


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 8, 64])
def test_an_answer_is_the_same_for_every_piece_size(piece: int) -> None:
    scheduler, _ = make(piece=piece)
    scheduler.submit(Request(1, prompt(range(5, 40)), 12))
    assert tokens(run(scheduler)[1]) == expected_answer(range(5, 40), 12)


def test_progress_counts_the_prompt_and_ends_before_the_first_token() -> None:
    scheduler, _ = make(piece=8)
    scheduler.submit(Request(1, prompt(range(1, 21)), 1))
    events = run(scheduler)[1]
    assert [event for event in events if isinstance(event, PrefillProgress)] == [
        PrefillProgress(done, 20, 0) for done in (0, 8, 16, 20)
    ]
    assert isinstance(events[-2], Sampled)
    assert events[-1] == Finished("length")


def test_more_requests_than_slots_are_served_in_order_and_unmixed() -> None:
    scheduler, decoder = make(slots=2)
    prompts = {i: prompt(range(i, i + 9)) for i in range(1, 8)}
    for i, ids in prompts.items():
        scheduler.submit(Request(i, ids, 6))
    events = run(scheduler)
    started = [i for i in events if any(isinstance(event, PrefillProgress) for event in events[i])]
    assert started == sorted(started)
    for i, ids in prompts.items():
        assert tokens(events[i]) == expected_answer(ids, 6)
    assert decoder.open_samplers == 0


def test_the_waiting_hear_of_their_place() -> None:
    scheduler, _ = make(slots=1)
    for i in (1, 2, 3):
        scheduler.submit(Request(i, prompt(range(i, i + 4)), 2))
    events = run(scheduler)
    assert [event.position for event in events[3] if isinstance(event, Waiting)] == [1, 0]


def test_a_second_turn_computes_only_what_is_new() -> None:
    scheduler, decoder = make(piece=64)
    first = prompt(range(1, 30))
    scheduler.submit(Request(1, first, 5))
    answer = tokens(run(scheduler)[1])
    second = (*first, *answer, 90, 91, 92)
    decoder.batches.clear()
    scheduler.submit(Request(2, second, 4))
    events = run(scheduler)[2]
    assert tokens(events) == expected_answer(second, 4)
    cached = len(first) + len(answer) - 1  # the last token was chosen, not evaluated
    assert events[0] == PrefillProgress(cached, len(second), cached)
    assert len(decoder.batches[0]) == len(second) - cached


def test_the_same_prompt_again_evaluates_one_token() -> None:
    scheduler, decoder = make(piece=64)
    ids = prompt(range(1, 30))
    scheduler.submit(Request(1, ids, 3))
    run(scheduler)
    decoder.batches.clear()
    scheduler.submit(Request(2, ids, 3))
    assert tokens(run(scheduler)[2]) == expected_answer(ids, 3)
    assert len(decoder.batches[0]) == 1


def test_a_prefix_of_a_running_stream_is_shared() -> None:
    scheduler, _ = make(piece=64)
    scheduler.submit(Request(1, prompt(range(1, 30), 99), 30))
    take_step(scheduler)
    scheduler.submit(Request(2, prompt(range(1, 30), 98), 3))
    events = run(scheduler)
    assert events[2][0] == PrefillProgress(29, 30, 29)
    assert tokens(events[2]) == expected_answer(prompt(range(1, 30), 98), 3)
    assert tokens(events[1]) == expected_answer(prompt(range(1, 30), 99), 30)[1:]  # the first came with the step


def test_a_long_conversation_is_not_overwritten_for_a_short_common_beginning() -> None:
    scheduler, _ = make(piece=64)
    long = prompt(range(1, 60))
    scheduler.submit(Request(1, long, 2))
    run(scheduler)
    scheduler.submit(Request(2, prompt(1, 2, 3, 77, 78), 2))
    assert run(scheduler)[2][0] == PrefillProgress(3, 5, 3)
    scheduler.submit(Request(3, (*long, 80), 2))
    first = run(scheduler)[3][0]
    assert isinstance(first, PrefillProgress)
    assert first.cached >= len(long)


def test_what_prompts_have_in_common_is_computed_once_when_they_come_together() -> None:
    scheduler, decoder = make(slots=4, piece=16)
    prompts = {i: prompt(range(1, 40), range(50 + i, 60 + i)) for i in range(4)}
    for i, ids in prompts.items():
        scheduler.submit(Request(i, ids, 5))
    events = run(scheduler)
    for i, ids in prompts.items():
        assert tokens(events[i]) == expected_answer(ids, 5)
    prefilled = sum(row.position < len(prompts[0]) for rows in decoder.batches for row in rows)
    assert prefilled == 39 + 4 * 10
    last = [event for event in events[3] if isinstance(event, PrefillProgress)][-1]
    assert last == PrefillProgress(49, 49, 39)


def test_two_equal_requests_at_once_hold_their_cells_once() -> None:
    scheduler, decoder = make(piece=16)
    ids = prompt(range(1, 31))
    for i in (1, 2):
        scheduler.submit(Request(i, ids, 10))
    events = run(scheduler)
    assert tokens(events[1]) == tokens(events[2]) == expected_answer(ids, 10)
    assert scheduler.slots.used == decoder.used == 30 + 9
    assert len(scheduler.slots.cached_sequences) == 1


def test_shared_cells_are_promised_once() -> None:
    scheduler, decoder = make(cells=100)
    for i in (1, 2, 3):
        scheduler.submit(Request(i, prompt(range(1, 60), 60 + i), 10))
    while len(scheduler.slots.in_state(SlotState.DECODE)) < 3:
        take_step(scheduler)
    events = run(scheduler)
    assert tokens(events[3]) == expected_answer(prompt(range(1, 60), 63), 10)[1:]  # the first came before
    assert decoder.most_cells <= 100


def test_only_as_much_is_dropped_as_is_needed_and_only_when_it_is_needed() -> None:
    scheduler, decoder = make(cells=200, piece=64)
    first, second = prompt(range(1, 101)), prompt(range(101, 181))
    scheduler.submit(Request(1, first, 1))
    run(scheduler)
    scheduler.submit(Request(2, second, 100))  # promised 180 cells, uses fewer
    while not scheduler.slots.in_state(SlotState.DECODE):
        take_step(scheduler)
    assert decoder.used == 180
    scheduler.cancel(2)
    scheduler.submit(Request(3, prompt(range(200, 250)), 1))
    run(scheduler)
    scheduler.submit(Request(4, (*first, 99), 1))
    progress = run(scheduler)[4][0]
    assert isinstance(progress, PrefillProgress)
    assert 60 <= progress.cached < 100  # the end of it was dropped, not all


def test_a_prompt_goes_on_where_it_was_cut_and_the_rest_of_the_old_one_stays() -> None:
    scheduler, _ = make(piece=64)
    old, new = prompt(range(1, 50)), prompt(range(1, 25), 99)
    for i, ids in enumerate((old, new, (*old, 98), (*new, 97))):
        scheduler.submit(Request(i, ids, 1))
        progress = run(scheduler)[i][0]
        assert isinstance(progress, PrefillProgress)
        assert progress.cached == (0, 24, 49, 25)[i]


def test_a_model_that_cannot_cut_its_memory_goes_on_with_whole_sequences() -> None:
    scheduler, _ = make(piece=64, can_share=False)
    first = prompt(range(1, 30))
    scheduler.submit(Request(1, first, 3))
    answer = tokens(run(scheduler)[1])
    second = (*first, *answer, 98, 99)
    scheduler.submit(Request(2, second, 3))
    events = run(scheduler)[2]
    assert events[0] == PrefillProgress(31, 34, 31)
    assert tokens(events) == expected_answer(second, 3)


def test_a_model_that_cannot_cut_its_memory_starts_anew() -> None:
    scheduler, _ = make(piece=64, can_share=False)
    ids = prompt(range(1, 30))
    for i in (1, 2):
        scheduler.submit(Request(i, ids, 3))
        events = run(scheduler)[i]
        assert tokens(events) == expected_answer(ids, 3)
        assert events[0] == PrefillProgress(0, 29, 0)


def test_a_short_prompt_overtakes_a_long_one_but_not_for_ever() -> None:
    scheduler, decoder = make(slots=3, cells=4000, piece=8)
    scheduler.submit(Request(1, prompt(range(1, 400)), 1))
    done: list[int] = []
    submitted = 1
    for _ in range(400):
        while submitted - 1 < len(done) + 2:  # two short ones are always there
            submitted += 1
            scheduler.submit(Request(submitted, (submitted % 40 + 1,) * 24, 1))
        done += [i for i, event in take_step(scheduler) if isinstance(event, Finished)]
        if 1 in done:
            break
    assert done[0] != 1
    assert 1 in done
    assert decoder.most_cells <= decoder.cells


def test_a_prefill_beside_streams_leaves_each_stream_its_token_a_step() -> None:
    scheduler, _ = make(slots=3, cells=2000, piece=64)
    scheduler.submit(Request(1, prompt(3, 4), 40))
    take_step(scheduler)
    scheduler.submit(Request(2, prompt(range(1, 500)), 1))
    events = take_step(scheduler)
    assert [i for i, event in events if isinstance(event, Sampled)] == [1]
    assert any(isinstance(event, PrefillProgress) and event.done > 0 for i, event in events if i == 2)


def test_what_does_not_fit_waits_and_what_never_fits_is_refused() -> None:
    scheduler, decoder = make(slots=3, cells=100)
    scheduler.submit(Request(1, prompt(range(1, 41)), 20))
    scheduler.submit(Request(2, prompt(range(41, 81)), 20))
    scheduler.submit(Request(3, prompt(range(1, 81)), 21))
    first = [i for i, event in take_step(scheduler) if isinstance(event, PrefillProgress)]
    assert set(first) == {1}
    events = run(scheduler)
    assert tokens(events[2]) == expected_answer(range(41, 81), 20)
    refusal = events[3][-1]
    assert isinstance(refusal, Failed)
    assert refusal.fault == "request"
    assert decoder.most_cells <= 100


def test_cancel_in_a_prefill_frees_the_slot_and_keeps_what_was_read() -> None:
    scheduler, _ = make(slots=1, piece=8)
    ids = prompt(range(1, 50))
    scheduler.submit(Request(1, ids, 5))
    scheduler.submit(Request(2, ids, 5))
    take_step(scheduler)
    take_step(scheduler)
    scheduler.cancel(1)
    events = run(scheduler)
    assert 1 not in events
    assert events[2][0] == PrefillProgress(16, 49, 16)
    assert tokens(events[2]) == expected_answer(ids, 5)


def test_cancel_of_the_waiting_and_of_strangers() -> None:
    scheduler, _ = make(slots=1)
    for i in (1, 2):
        scheduler.submit(Request(i, prompt(range(1, 6)), 2))
    scheduler.cancel(2)
    scheduler.cancel(99)
    assert set(run(scheduler)) == {1}


def test_an_aborted_batch_is_done_again() -> None:
    scheduler, decoder = make(piece=8)
    scheduler.submit(Request(1, prompt(range(1, 20)), 4))
    take_step(scheduler)
    decoder.aborts = 3
    assert tokens(run(scheduler)[1]) == expected_answer(range(1, 20), 4)


def test_a_batch_that_fails_ends_the_running_and_spares_the_waiting() -> None:
    scheduler, decoder = make(slots=1)
    for i in (1, 2):
        scheduler.submit(Request(i, prompt(range(i, i + 5)), 3))
    decoder.errors = 1
    events = run(scheduler)
    assert isinstance(events[1][-1], Failed)
    assert tokens(events[2]) == expected_answer(range(2, 7), 3)


def test_a_grammar_that_cannot_be_met_fails_its_own_request_only() -> None:
    scheduler, decoder = make()
    scheduler.submit(Request(1, prompt(range(1, 9)), 5, TokenSampling(grammar=FakeGrammar(2))))
    scheduler.submit(Request(2, prompt(range(2, 9)), 5))
    scheduler.submit(Request(3, prompt(range(3, 9)), 5, TokenSampling(grammar=UNREADABLE)))
    events = run(scheduler)
    assert len(tokens(events[1])) == 2
    assert isinstance(events[1][-1], Failed)
    assert isinstance(events[3][-1], Failed)
    assert tokens(events[2]) == expected_answer(range(2, 9), 5)
    assert decoder.open_samplers == 0


def test_a_choice_that_takes_too_long_ends_its_own_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    plain = FakeSampler.pick

    def pick(sampler: FakeSampler, row: int) -> Pick:
        nonlocal now
        now += 6 if sampler.slow else 0
        return plain(sampler, row)

    monkeypatch.setattr(FakeSampler, "pick", pick)
    scheduler = Scheduler(FakeDecoder(4, 200), slots=2, cells=200, clock=lambda: now)
    scheduler.submit(Request(1, prompt(range(1, 9)), 5, TokenSampling(grammar=FakeGrammar(9))))
    scheduler.submit(Request(2, prompt(range(2, 9)), 5))
    events = run(scheduler)
    assert events[1][-1] == Failed("What was asked for makes each word take too long. Ask for less.", "request")
    assert tokens(events[2]) == expected_answer(range(2, 9), 5)


class Machine(RuleBasedStateMachine):
    """Whatever is submitted, cancelled and aborted: right answers, no lost request, no leaked cell."""

    sequences = 8
    can_share = True
    offload_cells = 0

    def __init__(self) -> None:
        super().__init__()
        self.scheduler, self.decoder = make(
            slots=3,
            cells=60,
            piece=4,
            sequences=self.sequences,
            can_share=self.can_share,
            offload_cells=self.offload_cells,
        )
        self.requests: dict[int, Request] = {}
        self.answers: dict[int, list[int]] = {}
        self.ids = 0

    @rule(start=st.integers(1, 3), length=st.integers(1, 30), tail=st.integers(60, 62), answer=st.integers(1, 20))
    def submit(self, start: int, length: int, tail: int, answer: int) -> None:
        self.ids += 1
        request = Request(self.ids, (*range(start, start + length), tail), answer)
        self.requests[request.id] = request
        self.answers[request.id] = []
        self.scheduler.submit(request)

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        request_id = data.draw(st.sampled_from(sorted(self.requests)))
        self.scheduler.cancel(request_id)
        del self.requests[request_id]

    @rule(aborted=st.booleans())
    def step(self, aborted: bool) -> None:
        self.decoder.aborts = int(aborted)
        for request_id, event in take_step(self.scheduler):
            request = self.requests[request_id]  # a cancelled request is never heard of again
            if isinstance(event, Sampled):
                self.answers[request_id].append(event.pick.token)
            elif isinstance(event, Finished):
                assert self.answers[request_id] == expected_answer(request.prompt, request.max_tokens)
                del self.requests[request_id]

    @invariant()
    def the_books_agree_with_the_cache(self) -> None:
        slots, decoder = self.scheduler.slots, self.decoder
        assert slots.used == decoder.used <= decoder.cells  # no cell leaks
        assert slots.promised <= decoder.cells  # no stream runs out
        assert decoder.open_samplers == len(slots)
        for slot in slots:
            assert slot.tokens == decoder.cached(slot.sequence)
        for sequence in slots.cached_sequences:
            assert slots.tree.tokens_to(slots.tree.end_of(sequence)) == decoder.cached(sequence)
        known = slots.cached_sequences | {slot.sequence for slot in slots}
        assert all(not decoder.held[sequence] for sequence in set(range(decoder.sequences)) - known)

    def teardown(self) -> None:
        for _ in range(5000):
            if not self.scheduler.busy:
                break
            self.step(False)
        assert not self.requests


class FewSequences(Machine):
    """No sequence to spare: what is cached gives way to every new request."""

    sequences = 3


class Offloading(Machine):
    """What no request needs just now is offloaded, and restored."""

    offload_cells = 80

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("server.engine.slots.IDLE_CELLS", 5)

    def teardown(self) -> None:
        super().teardown()
        self.patch.undo()

    @invariant()
    def what_is_offloaded_is_bounded(self) -> None:
        assert self.scheduler.slots.offloaded.cells <= self.offload_cells


class UnsharedMemory(Machine):
    can_share = False


TestScheduler = Machine.TestCase
TestFewSequences = FewSequences.TestCase
TestOffloading = Offloading.TestCase
TestUnsharedMemory = UnsharedMemory.TestCase
