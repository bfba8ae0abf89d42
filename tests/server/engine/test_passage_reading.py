"""Passages are read alone while nobody asks, and give way to who does: llama.cpp itself, on a tiny random model."""

import queue
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from server.engine.cell_state import CellState
from server.engine.llama import Context, Model
from server.engine.passage_reading import PassageReader
from server.engine.passage_store import PassageStore, PassageTokens, passage_key
from server.engine.scheduler import Event, Failed, Finished, Request, Row, Sampled
from server.engine.vocabulary import Vocabulary
from server.engine.worker import Loaded, Worker
from tests.server.engine.cell_states import cell_state
from tests.tiny_gguf import TinyModel, write_tiny_gguf
from tests.waiting import until

SECONDS = 60  # longest wait of a test that has gone wrong
CELLS = 512
BEFORE = tuple(range(300, 320))


def passage(first: int, count: int = 40) -> PassageTokens:
    tokens = tuple(range(first, first + count))
    return PassageTokens(passage_key("m", BEFORE, tokens), BEFORE, tokens, f"s{first}")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(write_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf", TinyModel(ends=False)))


def context_of(model: Model) -> Context:
    return Context(model, Vocabulary(model), cells=CELLS, sequences=16, batch=72, threads=1)


@pytest.fixture
def store() -> PassageStore:
    return PassageStore(1 << 20)


@pytest.fixture
def worker(model: Model, store: PassageStore) -> Iterator[Worker]:
    def load() -> Loaded:
        context = context_of(model)
        return Loaded(context, 2, CELLS, passages=PassageReader(store, context))

    worker = Worker(load, slots=2, queue_limit=8, on_failure=lambda error: None)
    yield worker
    worker.close(SECONDS)


def ask(worker: Worker, *prompt: int, count: int = 3) -> list[int]:
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    worker.submit(Request(0, prompt, count), events.put)
    found: list[int] = []
    while not isinstance(event := events.get(timeout=SECONDS), Finished):
        assert not isinstance(event, Failed), event
        found += [event.pick.token] if isinstance(event, Sampled) else []
    return found


def read_here(model: Model, one: PassageTokens) -> np.ndarray:
    """The cells as llama.cpp computes them in one batch, without the engine."""
    context = context_of(model)
    try:
        tokens = (*one.before, *one.tokens)
        context.decode([Row(token, i, 0, False) for i, token in enumerate(tokens)])
        return CellState(context.read_state(0)).alone(len(one.before))
    finally:
        context.close()


def assert_as_read_alone(store: PassageStore, model: Model, passage: PassageTokens) -> None:
    """What is kept of it is what the model makes of it in an empty cache."""
    found = store.ask(passage)
    assert found is not None
    ours, theirs = CellState(found), CellState(read_here(model, passage))
    assert ours.positions == theirs.positions == list(range(len(BEFORE), len(BEFORE) + len(passage.tokens)))
    for left, right in zip(ours.keys, theirs.keys, strict=True):
        assert np.allclose(left, right, rtol=0.01, atol=0.01)


def test_what_was_asked_for_is_read_when_there_is_time(model: Model, worker: Worker, store: PassageStore) -> None:
    wanted = [passage(320), passage(340), passage(301)]
    for one in wanted:
        assert store.ask(one) is None
    worker.start()
    ask(worker, *BEFORE, 333)
    until(lambda: store.next_unread() is None)
    for one in wanted:
        assert_as_read_alone(store, model, one)


def test_where_places_in_the_cache_were_freed_it_is_read_as_well(
    model: Model, worker: Worker, store: PassageStore
) -> None:
    """llama.cpp copies cells as they lie in the cache: there, low ones are used again by what is read last."""
    worker.start()
    ask(worker, *range(301, 341), count=3)  # other words in the lowest cells, then those before every passage
    ask(worker, *BEFORE, 333)
    for k in range(8):  # more than there are cells
        ask(worker, *range(350 - k * 3, 290 - k * 3, -1), *BEFORE, count=20)
        ask(worker, *BEFORE, 340 - k)
    for first in range(300, 336, 3):
        one = passage(first)
        store.ask(one)
        ask(worker, *BEFORE, first + 1)
        until(lambda: store.next_unread() is None)
        assert_as_read_alone(store, model, one)


@pytest.mark.parametrize("order", [range(59), [*range(59), 58], range(1, 61)])
def test_cells_that_are_not_just_those_of_its_tokens_are_not_kept(
    model: Model, worker: Worker, store: PassageStore, monkeypatch: pytest.MonkeyPatch, order: Sequence[int]
) -> None:
    monkeypatch.setattr(Context, "read_state", lambda context, sequence: cell_state(0, 61, order=order))
    store.ask(passage(320))
    worker.start()
    until(lambda: store.next_unread() is None)
    assert store.ask(passage(320)) is None
    assert ask(worker, *BEFORE, 301)


def test_it_begins_without_any_question_and_again_after_each(worker: Worker, store: PassageStore) -> None:
    store.ask(passage(320))
    worker.start()
    until(lambda: store.next_unread() is None)
    store.ask(passage(330))
    ask(worker, *BEFORE, 301)  # nothing wakes the thread but a question
    until(lambda: store.next_unread() is None)


def test_questions_come_first_and_their_answers_are_the_same(model: Model, worker: Worker, store: PassageStore) -> None:
    for first in range(300, 340):
        store.ask(passage(first, 60))
    worker.start()
    prompts = [(*BEFORE, *range(first, first + 25)) for first in (310, 330, 345, 305)]
    answers = [ask(worker, *prompt) for prompt in prompts]
    alone = Worker(lambda: Loaded(context_of(model), 2, CELLS), slots=2, queue_limit=8, on_failure=lambda error: None)
    alone.start()
    assert answers == [ask(alone, *prompt) for prompt in prompts]
    alone.close(SECONDS)
    until(lambda: store.next_unread() is None)


def test_one_that_does_not_fit_is_given_up(worker: Worker, store: PassageStore) -> None:
    store.ask(PassageTokens("k", BEFORE, (305,) * 2 * CELLS, "s"))
    store.ask(passage(320))
    worker.start()
    until(lambda: store.next_unread() is None)
    assert store.ask(passage(320)) is not None


def test_one_whose_document_goes_meanwhile_is_not_kept(worker: Worker, store: PassageStore) -> None:
    store.ask(passage(320))
    store.forget({"s320"})
    worker.start()
    ask(worker, *BEFORE, 301)
    assert store.figures().memory == 0


def test_closing_ends_it(worker: Worker, store: PassageStore) -> None:
    for first in range(300, 340):
        store.ask(passage(first, 60))
    worker.start()
    until(lambda: store.figures().memory > 0)
    worker.close(SECONDS)
    assert worker.closing


def test_reading_leaves_the_cache_to_conversations(worker: Worker, store: PassageStore, model: Model) -> None:
    conversation = (*BEFORE, *range(310, 350))
    worker.start()
    ask(worker, *conversation)
    for first in range(300, 330):
        store.ask(passage(first, 60))  # together more than there are cells
    ask(worker, *BEFORE, 301)
    until(lambda: store.next_unread() is None)
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    worker.submit(Request(0, (*conversation, 349), 1), events.put)
    first = events.get(timeout=SECONDS)
    assert getattr(first, "cached", 0) >= len(conversation), "the conversation was evicted"
