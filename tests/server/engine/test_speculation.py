"""Drafts in the scheduler, with a fake decoder: the same answers in fewer steps, the books true to the cache."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.engine.scheduler import Event, Failed, Finished, Request, Sampled, Scheduler
from server.engine.slots import SlotState
from server.engine.token_sampling import TokenSampling
from tests.server.engine.fake_decoder import FakeDecoder, FakeGrammar, expected_answer
from tests.server.engine.stepping import take_step

REPEATING = (*range(1, 30), *range(1, 5))  # the fake model mostly goes on with what followed before


def make(
    *, slots: int = 3, cells: int = 400, piece: int = 16, speculates: bool = True
) -> tuple[Scheduler, FakeDecoder]:
    decoder = FakeDecoder(slots + 5, cells, batch=piece + slots)
    scheduler = Scheduler(decoder, slots=slots, cells=cells, piece=piece, speculates=speculates, clock=decoder.clock)
    return scheduler, decoder


def run(scheduler: Scheduler, *requests: Request) -> dict[int, list[Event]]:
    for request in requests:
        scheduler.submit(request)
    events: dict[int, list[Event]] = {request.id: [] for request in requests}
    while scheduler.busy:
        for request_id, event in take_step(scheduler):
            events[request_id].append(event)
    return events


def plainly(request: Request) -> list[Event]:
    """What a scheduler without drafts says of `request` alone."""
    return run(make(speculates=False)[0], request)[request.id]


def tokens(events: list[Event]) -> list[int]:
    return [event.pick.token for event in events if isinstance(event, Sampled)]


def test_an_answer_that_repeats_its_prompt_takes_fewer_steps() -> None:
    scheduler, decoder = make()
    assert tokens(run(scheduler, Request(1, REPEATING, 60))[1]) == expected_answer(REPEATING, 60)
    steps = sum(batch[0].position >= len(REPEATING) for batch in decoder.batches)
    assert 0 < scheduler.accepted <= scheduler.drafted
    assert steps == len(expected_answer(REPEATING, 60)) - 1 - scheduler.accepted
    assert steps < 40


@given(
    prompt=st.lists(st.integers(1, 6), min_size=1, max_size=40),
    answer=st.integers(1, 60),
    seed=st.integers(0, 99),
    temperature=st.sampled_from([0.0, 1.0]),
    price=st.sampled_from([0.0, 0.1, 0.4]),
)
def test_every_event_is_the_same_as_without_drafts(
    prompt: list[int], answer: int, seed: int, temperature: float, price: float
) -> None:
    request = Request(1, tuple(prompt), answer, TokenSampling(temperature, seed=seed))
    scheduler, decoder = make()
    decoder.seconds = lambda rows: 1 + price * rows
    assert run(scheduler, request)[1] == plainly(request)
    assert decoder.most_cells < len(prompt) + answer


@given(prompt=st.lists(st.integers(1, 4), min_size=8, max_size=30), failing=st.integers(0, 30))
def test_a_sampler_that_finds_no_token_ends_its_request_inside_a_draft_too(prompt: list[int], failing: int) -> None:
    request = Request(1, tuple(prompt), 30, TokenSampling(grammar=FakeGrammar(failing)))
    assert run(make()[0], request)[1] == plainly(request)


def test_rows_that_cost_too_much_are_not_drafted() -> None:
    scheduler, decoder = make()
    decoder.seconds = float
    run(scheduler, Request(1, REPEATING, 60))
    assert scheduler.drafted == 0


def test_drafts_stop_while_many_are_answered() -> None:
    """The first four rows take no longer than one, the others a second each: a small processor."""
    scheduler, decoder = make(slots=8, cells=2000)
    decoder.seconds = lambda rows: max(4.0, rows)
    for i in range(8):
        scheduler.submit(Request(i, (40 + i, *REPEATING), 120 if i == 0 else 20))
    while scheduler.busy:
        streams = len(scheduler.slots.in_state(SlotState.DECODE))
        before = scheduler.drafted
        take_step(scheduler)
        assert streams < 4 or scheduler.drafted == before
    assert scheduler.accepted > 0


def test_a_draft_waits_while_a_prompt_is_read() -> None:
    scheduler, decoder = make(cells=1000)
    scheduler.submit(Request(1, REPEATING, 100))
    for _ in range(5):
        take_step(scheduler)
    scheduler.submit(Request(2, tuple(range(20, 49)) * 4, 1))
    while scheduler.busy:
        take_step(scheduler)
    for batch in decoder.batches:
        prompts = [row for row in batch if row.sequence == 1]
        if prompts:
            assert sum(row.sequence == 0 for row in batch) <= 1


def test_models_that_cannot_take_tokens_back_are_not_drafted_for() -> None:
    decoder = FakeDecoder(2, 400)
    decoder.can_share = False
    scheduler = Scheduler(decoder, slots=2, cells=400, clock=decoder.clock)
    assert tokens(run(scheduler, Request(1, REPEATING, 60))[1]) == expected_answer(REPEATING, 60)
    assert scheduler.drafted == 0


def test_switched_off() -> None:
    scheduler, _ = make(speculates=False)
    run(scheduler, Request(1, REPEATING, 60))
    assert scheduler.drafted == 0


class Machine(RuleBasedStateMachine):
    """Whatever is submitted, cancelled, aborted and however long rows take: the cache holds what requests have."""

    def __init__(self) -> None:
        super().__init__()
        self.scheduler, self.decoder = make(slots=3, cells=150, piece=12)
        self.open: dict[int, Request] = {}
        self.texts: dict[int, list[int]] = {}  # prompt and answer so far of all there were
        self.events: dict[int, list[Event]] = {}

    @rule(
        prompt=st.lists(st.integers(1, 4), min_size=1, max_size=40),
        answer=st.integers(1, 40),
        seed=st.none() | st.integers(0, 3),
    )
    def submit(self, prompt: list[int], answer: int, seed: int | None) -> None:
        sampling = TokenSampling() if seed is None else TokenSampling(1.0, seed=seed)
        request = Request(len(self.texts), tuple(prompt), answer, sampling)
        self.open[request.id] = request
        self.texts[request.id] = list(prompt)
        self.events[request.id] = []
        self.scheduler.submit(request)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        request_id = data.draw(st.sampled_from(sorted(self.open)))
        self.scheduler.cancel(request_id)
        del self.open[request_id]

    @rule(row_seconds=st.sampled_from([0.0, 0.05, 0.3, 2.0]))
    def change_pace(self, row_seconds: float) -> None:
        self.decoder.seconds = lambda rows: 1 + row_seconds * rows

    @rule(aborted=st.booleans())
    def step(self, aborted: bool) -> None:
        self.decoder.aborts = int(aborted)
        for request_id, event in take_step(self.scheduler):
            request = self.open[request_id]
            if isinstance(event, Sampled):
                self.texts[request_id].append(event.pick.token)
                self.events[request_id].append(event)
            elif isinstance(event, Finished):
                self.events[request_id].append(event)
                wanted = [event for event in plainly(request) if isinstance(event, Sampled | Finished)]
                assert self.events[request_id] == wanted
                del self.open[request_id]
            assert not isinstance(event, Failed)

    @rule(steps=st.integers(2, 30))
    def steps(self, steps: int) -> None:
        for _ in range(steps):
            self.step(False)

    @invariant()
    def the_cache_holds_what_requests_have(self) -> None:
        for slot in self.scheduler.slots:
            held = slot.tokens
            assert held == self.decoder.cached(slot.sequence)
            assert any(held == text[: len(held)] for text in self.texts.values()) or not held
            assert len(held) <= slot.needed
            assert slot.booked <= len(held)

    def teardown(self) -> None:
        for _ in range(5000):
            if not self.scheduler.busy:
                break
            self.step(False)
        assert not self.open


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
