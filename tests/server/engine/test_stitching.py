"""Prompts stitched of passages that were read alone, with a fake decoder that knows every cell.

The fake decoder's next token depends on all tokens and on nothing else: a stitched answer must be the full read's. To
see that nothing approximate reaches an exact request, other tests put false tokens into the passages' cells.
"""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.scheduler import Failed, PrefillProgress, Request, Sampled, Scheduler
from server.engine.slots import ReadPassage
from tests.server.engine.fake_decoder import FakeDecoder, expected_answer
from tests.server.engine.stepping import take_step

BEFORE = tuple(range(1, 12))
PASSAGES = [(12, 13, *range(first, first + length)) for first, length in ((14, 9), (20, 14), (30, 5), (35, 12))]
FALSE = 1  # added to the tokens of a false passage's cells


class Engine:
    def __init__(
        self, *, cells: int = 400, slots: int = 3, piece: int = 8, sequences: int = 8, offload: int = 0
    ) -> None:
        self.decoder = FakeDecoder(sequences, cells)
        self.scheduler = Scheduler(self.decoder, slots=slots, cells=cells, piece=piece, offload_cells=offload)
        self.requests = 0
        self.placed = 0

    def request(
        self, numbers: Sequence[int], question: Sequence[int], *, false: bool = False, **parts: object
    ) -> Request:
        """Passages in this order behind BEFORE, each under a label, then the question."""
        prompt, passages = list(BEFORE), []
        for place, number in enumerate(numbers):
            prompt += [40 + place] if place else []
            start, tokens = len(prompt), PASSAGES[number]
            prompt += tokens
            if place or not false:
                passages.append(ReadPassage(start, len(prompt), lambda s=start, t=tokens: self.place(s, t, false)))  # type: ignore[misc]
        fork = len(BEFORE) + len(PASSAGES[numbers[0]]) if numbers else None
        self.requests += 1
        values: dict[str, object] = {"passages": tuple(passages), "fork": fork} | parts
        return Request(self.requests, (*prompt, *question), 6, **values)  # type: ignore[arg-type]

    def place(self, start: int, tokens: tuple[int, ...], false: bool) -> list[tuple[int, int]] | None:
        self.placed += 1
        return [(start + i, token + FALSE * false) for i, token in enumerate(tokens)]

    def run(self, *requests: Request) -> tuple[dict[int, list[int]], dict[int, int]]:
        """Answers, and how many tokens were not computed."""
        for request in requests:
            self.scheduler.submit(request)
        answers: dict[int, list[int]] = {request.id: [] for request in requests}
        cached: dict[int, int] = {}
        while self.scheduler.busy:
            for request_id, event in take_step(self.scheduler):
                assert not isinstance(event, Failed), event
                if isinstance(event, Sampled):
                    answers[request_id].append(event.pick.token)
                elif isinstance(event, PrefillProgress):
                    cached[request_id] = event.cached
            assert self.scheduler.slots.used == self.decoder.used
        return answers, cached


orders = st.lists(
    st.permutations(range(4)).flatmap(lambda p: st.integers(1, 4).map(lambda n: p[:n])), min_size=1, max_size=5
)


@given(orders, st.integers(1, 20), st.sampled_from([150, 400]), st.integers(1, 3), st.sampled_from([0, 300]))
def test_stitched_answers_are_those_of_a_full_read_where_cells_are_true(
    numbers: list[tuple[int, ...]], piece: int, cells: int, slots: int, offload: int
) -> None:
    engine = Engine(cells=cells, piece=piece, slots=slots, offload=offload)
    requests = [engine.request(order, (45, 46 + i % 3)) for i, order in enumerate(numbers)]
    answers, _ = engine.run(*requests)
    for request in requests:
        assert answers[request.id] == expected_answer(request.prompt, 6)


@given(orders, st.integers(1, 20), st.lists(st.integers(0, 40), max_size=6))
def test_aborted_batches_change_nothing(numbers: list[tuple[int, ...]], piece: int, aborts: list[int]) -> None:
    engine = Engine(piece=piece)
    requests = [engine.request(order, (45, 46 + i % 3)) for i, order in enumerate(numbers)]
    for request in requests:
        engine.scheduler.submit(request)
    answers: dict[int, list[int]] = {}
    step = 0
    while engine.scheduler.busy:
        engine.decoder.aborts = int(step in aborts)
        for request_id, event in take_step(engine.scheduler):
            if isinstance(event, Sampled):
                answers.setdefault(request_id, []).append(event.pick.token)
        step += 1
    assert all(answers.get(r.id, []) == expected_answer(r.prompt, 6) for r in requests)


def test_only_labels_and_the_question_are_computed() -> None:
    engine = Engine()
    engine.run(Request(1, (*BEFORE, 48), 2))
    engine.requests = 1
    request = engine.request((2, 0, 3), (45, 46))
    _, cached = engine.run(request)
    assert engine.placed == 3
    assert cached[request.id] == len(request.prompt) - 4  # two labels and two tokens of the question


@given(orders, orders, st.integers(1, 20))
def test_what_is_approximate_never_reaches_a_request_for_exact_cells(
    first: list[tuple[int, ...]], then: list[tuple[int, ...]], piece: int
) -> None:
    engine = Engine(piece=piece)
    engine.run(*(engine.request(order, (45, 46), false=True) for order in first))
    exact = [engine.request(order, (45, 46), passages=(), fork=None) for order in (*then, *first)]
    mixed = [engine.request(order, (45, 47), false=True) for order in then]
    answers, _ = engine.run(*(each for pair in zip(mixed, exact, strict=False) for each in pair), *exact[len(mixed) :])
    for request in exact:
        assert answers[request.id] == expected_answer(request.prompt, 6)


def test_false_cells_do_change_an_answer() -> None:
    """Or the test above would see nothing."""
    engine = Engine()
    request = engine.request((0, 1, 2), (45, 46), false=True)
    answers, _ = engine.run(request)
    assert answers[request.id] != expected_answer(request.prompt, 6)


def test_the_first_passage_is_shared_with_exact_requests() -> None:
    engine = Engine()
    engine.run(engine.request((1, 2), (45, 46)))
    request = engine.request((1, 3), (45, 46), passages=(), fork=None)
    _, cached = engine.run(request)
    assert cached[request.id] == len(BEFORE) + len(PASSAGES[1])


def test_the_next_turn_of_a_conversation_goes_on_in_its_own_prefix() -> None:
    engine = Engine()
    first = engine.request((1, 2), (45, 46))
    answers, _ = engine.run(first)
    placed = engine.placed
    prompt = (*first.prompt, *answers[first.id], 47, 48)
    second = Request(99, prompt, 6, passages=first.passages, fork=first.fork)
    answers, cached = engine.run(second)
    assert cached[99] == len(prompt) - 3  # the last token of an answer is never computed
    assert engine.placed == placed, "no passage is put there again"
    assert answers[99] == expected_answer(prompt, 6)


def test_a_passage_without_cells_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    monkeypatch.setattr(engine, "place", lambda *_: None)
    request = engine.request((1, 2, 0), (45, 46))
    answers, cached = engine.run(request)
    assert answers[request.id] == expected_answer(request.prompt, 6)
    assert cached[request.id] == 0


def test_a_copy_that_the_cache_does_not_take_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    monkeypatch.setattr(engine.decoder, "write_state", lambda *_: False)
    request = engine.request((1, 2, 0), (45, 46))
    answers, _ = engine.run(request)
    assert answers[request.id] == expected_answer(request.prompt, 6)


@given(orders)
def test_a_cache_that_is_nearly_full_of_others_cells_makes_room(numbers: list[tuple[int, ...]]) -> None:
    engine = Engine(cells=70, slots=1)
    for order in numbers:
        request = engine.request(order, (45, 46))
        answers, _ = engine.run(request)
        assert answers[request.id] == expected_answer(request.prompt, 6)
    assert engine.decoder.most_cells <= 70


def test_drafts_of_a_stitched_prompt_are_tokens_of_the_vocabulary() -> None:
    engine = Engine()
    request = engine.request((3, 3, 3), (35, 36, 37), false=False)
    engine.run(Request(request.id, request.prompt, 60, passages=request.passages, fork=request.fork))
    assert all(row.token >= 0 for batch in engine.decoder.batches for row in batch)
    assert engine.scheduler.drafted > 0


def test_of_a_passage_whose_beginning_is_cached_the_rest_is_put_there() -> None:
    """Passages of one document begin with its title."""
    engine = Engine()
    engine.run(engine.request((1,), (45, 46)))
    request = engine.request((3, 2), (45, 46))
    _, cached = engine.run(request)
    assert cached[request.id] == len(request.prompt) - 3  # a label and two tokens of the question


def test_what_is_dropped_leaves_the_beginning_that_offloaded_cells_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.slots.IDLE_CELLS", 0)
    engine = Engine(offload=400)
    conversation = Request(1, (*BEFORE, *range(20, 40)), 6)
    engine.run(conversation)
    alone = (*BEFORE, *PASSAGES[3])
    engine.run(Request(2, alone, 1))
    assert len(engine.scheduler.slots.offloaded) > 0
    engine.scheduler.slots.drop(alone)
    _, cached = engine.run(Request(3, (*conversation.prompt, 48, 49), 6))
    assert cached[3] >= len(conversation.prompt)
    assert engine.scheduler.slots.used == engine.decoder.used
