"""The thread that owns the model, with a decoder that has none."""

import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from server.engine.hot_prefixes import HotPrefixes
from server.engine.memory_fit import ModelRefused
from server.engine.passage_reading import PassageReader
from server.engine.passage_store import PassageStore, PassageTokens
from server.engine.scheduler import Event, Failed, Finished, PrefillProgress, Request, Row, Sampled, Waiting
from server.engine.state_folder import StateFolder
from server.engine.worker import Loaded, QueueFull, Stopped, Worker
from tests.server.engine.fake_decoder import FakeDecoder, expected_answer
from tests.waiting import until

PROMPT = tuple(range(1, 30))
SECONDS = 20  # longest wait of a test that has gone wrong


class HeldDecoder(FakeDecoder):
    """Evaluates a batch only when the test lets it, or until it is aborted."""

    def __init__(self, sequences: int = 2) -> None:
        super().__init__(sequences, 400)
        self.free = threading.Event()
        self.free.set()
        self.inside = threading.Event()
        self.aborted = threading.Event()
        self.closed = threading.Event()
        self.broken = False
        self.least_held = 1  # sequences in a batch that waits

    def decode(self, rows: Sequence[Row]) -> bool:
        self.inside.set()
        is_held = len({row.sequence for row in rows}) >= self.least_held
        while not self.free.wait(0.001 if is_held else 0.01) and is_held:
            if self.aborted.is_set():
                return False
        if self.broken:
            raise RuntimeError("not foreseen")
        return super().decode(rows)

    def abort(self) -> None:
        self.aborted.set()

    def resume(self) -> None:
        self.aborted.clear()

    def close(self) -> None:
        self.closed.set()


class Client:
    """Receives the events of one request."""

    def __init__(self, worker: Worker, prompt: tuple[int, ...] = PROMPT, max_tokens: int = 6) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.id, self.ahead = worker.submit(Request(0, prompt, max_tokens, public=len(prompt)), self.events.put)

    def next(self) -> Event:
        return self.events.get(timeout=SECONDS)

    def all(self) -> list[Event]:
        events = [self.next()]
        while not isinstance(events[-1], Finished | Failed):
            events.append(self.next())
        return events

    def tokens(self) -> list[int]:
        return [event.pick.token for event in self.all() if isinstance(event, Sampled)]


@pytest.fixture
def decoder() -> HeldDecoder:
    return HeldDecoder()


@pytest.fixture
def failures() -> list[Exception]:
    return []


@pytest.fixture
def worker(decoder: HeldDecoder, failures: list[Exception]) -> Iterator[Worker]:
    worker = Worker(lambda: Loaded(decoder, 2, 400), slots=2, queue_limit=3, on_failure=failures.append)
    worker.start()
    yield worker
    worker.close(SECONDS)


def test_a_step_that_does_not_end_is_given_up_and_with_it_what_it_was_for(decoder: HeldDecoder) -> None:
    worker = Worker(lambda: Loaded(decoder, 2, 400), slots=2, queue_limit=3, on_failure=pytest.fail, step_seconds=2.0)
    worker.start()
    stream = Client(worker, max_tokens=300)
    while not isinstance(stream.next(), Sampled):
        pass
    decoder.least_held = 2  # the stream alone goes on until the other one is there
    decoder.free.clear()
    stuck = Client(worker, PROMPT[::-1])
    assert isinstance(stuck.all()[-1], Failed)
    decoder.free.set()
    assert len(stream.tokens()) > 200, "it was not for the stream that the batch took so long"
    assert Client(worker).tokens() == expected_answer(PROMPT, 6)
    assert worker.step_seconds == 0
    worker.close(SECONDS)


def test_what_is_read_for_later_keeps_nobody_waiting_however_long_it_takes(decoder: HeldDecoder) -> None:
    store = PassageStore(1000)
    store.ask(PassageTokens("key", (1, 2), (3, 4, 5), "source"))
    decoder.free.clear()
    loaded = Loaded(decoder, 2, 400, passages=PassageReader(store, decoder))
    worker = Worker(lambda: loaded, slots=2, queue_limit=3, on_failure=pytest.fail)
    worker.start()
    assert decoder.inside.wait(SECONDS)
    assert worker.step_seconds == 0, "or nobody would be sent here"
    client = Client(worker)
    until(lambda: worker.step_seconds > 0)  # the question's own step
    decoder.free.set()
    assert client.tokens() == expected_answer(PROMPT, 6)
    until(lambda: store.next_unread() is None)  # the fake's cells cannot be kept, and that ends nothing
    assert Client(worker).tokens() == expected_answer(PROMPT, 6)
    worker.close(SECONDS)


def test_how_long_the_reading_for_later_hung_is_said_as_it_is(
    decoder: HeldDecoder, caplog: pytest.LogCaptureFixture
) -> None:
    store = PassageStore(1000)
    store.ask(PassageTokens("key", (1, 2), (3, 4, 5), "source"))
    decoder.free.clear()
    loaded = Loaded(decoder, 2, 400, passages=PassageReader(store, decoder))
    worker = Worker(lambda: loaded, slots=2, queue_limit=3, on_failure=pytest.fail, step_seconds=1.5)
    worker.start()
    until(lambda: "is given up" in caplog.text)
    assert "takes over 0 s" not in caplog.text
    decoder.free.set()
    worker.close(SECONDS)


def test_a_stream_that_does_not_get_on_is_given_up(decoder: HeldDecoder) -> None:
    worker = Worker(lambda: Loaded(decoder, 2, 400), slots=2, queue_limit=3, on_failure=pytest.fail, step_seconds=2.0)
    worker.start()
    stream = Client(worker, max_tokens=300)
    while not isinstance(stream.next(), Sampled):
        pass
    decoder.free.clear()
    assert isinstance(stream.all()[-1], Failed)
    decoder.free.set()
    worker.close(SECONDS)


def test_an_answer(worker: Worker) -> None:
    client = Client(worker)
    assert client.ahead is None
    assert client.tokens() == expected_answer(PROMPT, 6)


@pytest.mark.parametrize("speculates", [False, True])
def test_guessed_tokens_are_counted(decoder: HeldDecoder, failures: list[Exception], speculates: bool) -> None:
    worker = Worker(
        lambda: Loaded(decoder, 2, 400),
        slots=2,
        queue_limit=3,
        on_failure=failures.append,
        speculates=speculates,
    )
    assert worker.drafts == (0, 0)
    worker.start()
    prompt = (*range(1, 30), *range(1, 5))
    assert Client(worker, prompt, 100).tokens() == expected_answer(prompt, 100)
    drafted, accepted = worker.drafts
    assert 0 <= accepted <= drafted
    assert speculates or drafted == 0
    worker.close(SECONDS)


def test_several_threads_at_once(worker: Worker) -> None:
    found: dict[int, list[int]] = {}

    def ask(i: int) -> None:
        found[i] = Client(worker, (i, *PROMPT)).tokens()

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert found == {i: expected_answer((i, *PROMPT), 6) for i in range(5)}


def test_cancel_aborts_the_batch_that_is_being_evaluated(worker: Worker, decoder: HeldDecoder) -> None:
    decoder.free.clear()
    client = Client(worker)
    assert client.next() == PrefillProgress(0, len(PROMPT), 0)
    assert decoder.inside.wait(SECONDS)
    held = Client(worker, (7, *PROMPT))
    worker.cancel(client.id)  # the decoder is not free: only an abort lets the thread go on
    assert isinstance(held.next(), PrefillProgress)
    decoder.free.set()
    assert held.tokens() == expected_answer((7, *PROMPT), 6)


def test_the_queue_is_bounded_and_tells_the_place(worker: Worker, decoder: HeldDecoder) -> None:
    decoder.free.clear()
    clients = [Client(worker, (i, *PROMPT)) for i in range(5)]
    assert [client.ahead for client in clients] == [None, None, 0, 1, 2]
    with pytest.raises(QueueFull):
        Client(worker)
    worker.cancel(clients[4].id)
    decoder.free.set()
    for i, client in enumerate(clients[:4]):
        events = client.all()
        assert [event.pick.token for event in events if isinstance(event, Sampled)] == expected_answer((i, *PROMPT), 6)
    assert clients[4].events.empty() or isinstance(clients[4].next(), Waiting)
    assert Client(worker).tokens() == expected_answer(PROMPT, 6)


def test_close_ends_everything_in_the_middle_of_a_batch(worker: Worker, decoder: HeldDecoder) -> None:
    decoder.free.clear()
    clients = [Client(worker) for _ in range(4)]
    decoder.inside.wait(SECONDS)
    worker.close(SECONDS)
    assert decoder.closed.is_set()
    for client in clients:
        assert isinstance(client.all()[-1], Failed)
    with pytest.raises(Stopped):
        Client(worker)


def test_an_unforeseen_error_ends_every_request_and_is_reported(
    worker: Worker, decoder: HeldDecoder, failures: list[Exception]
) -> None:
    decoder.free.clear()
    clients = [Client(worker) for _ in range(4)]
    decoder.broken = True
    decoder.free.set()
    for client in clients:
        assert isinstance(client.all()[-1], Failed)
    worker.close(SECONDS)
    assert decoder.closed.is_set()
    assert [str(error) for error in failures] == ["not foreseen"]


def test_a_load_that_fails_is_reported_and_waiting_requests_hear_of_it(failures: list[Exception]) -> None:
    gate = threading.Event()

    def load() -> Loaded:
        gate.wait(SECONDS)
        raise ModelRefused("No such model.")

    worker = Worker(load, slots=1, queue_limit=3, on_failure=failures.append)
    worker.start()
    client = Client(worker)
    gate.set()
    assert isinstance(client.next(), Failed)
    worker.close(SECONDS)
    assert [str(error) for error in failures] == ["No such model."]


COMMON = tuple(range(1, 49))


class Disk(HeldDecoder):
    """Its files are written only when the test lets them be."""

    def __init__(self) -> None:
        super().__init__(sequences=8)
        self.writable = threading.Event()
        self.writing = threading.Event()
        self.threads: dict[str, str] = {}

    def read_state(self, sequence: int) -> list[tuple[int, int]]:
        self.threads["copies"] = threading.current_thread().name
        return super().read_state(sequence)

    def state_file(self, tokens: Sequence[int], data: list[tuple[int, int]]) -> tuple[bytes]:
        self.threads["writes"] = threading.current_thread().name
        self.writing.set()
        assert self.writable.wait(SECONDS)
        return super().state_file(tokens, data)


def saving(folder: Path, decoder: HeldDecoder) -> Worker:
    hot = HotPrefixes(StateFolder(folder, "one", 100_000), decoder, 100_000)
    worker = Worker(lambda: Loaded(decoder, 2, 400, hot=hot), slots=2, queue_limit=3, on_failure=print)
    worker.start()
    return worker


def heat(worker: Worker, common: tuple[int, ...] = COMMON) -> None:
    for last in (50, 51):
        assert Client(worker, (*common, last)).tokens() == expected_answer((*common, last), 6)


def test_what_is_hot_is_saved_at_the_end_and_there_at_the_start(tmp_path: Path) -> None:
    worker = saving(tmp_path, HeldDecoder())
    heat(worker)
    worker.close(SECONDS)
    worker = saving(tmp_path, HeldDecoder())
    assert Client(worker, (*COMMON, 52)).next() == PrefillProgress(48, 49, 48)
    worker.close(SECONDS)


def test_a_question_does_not_wait_for_what_is_written_when_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.engine.worker.IDLE_SECONDS", 0.01)
    decoder = Disk()
    worker = saving(tmp_path, decoder)
    heat(worker)
    assert decoder.writing.wait(SECONDS)
    assert decoder.threads == {"copies": "docent-engine", "writes": "docent-state"}
    assert Client(worker, (*COMMON, 53)).tokens() == expected_answer((*COMMON, 53), 6)
    assert not list(tmp_path.glob("*.kv")), "it is being written all the while"
    decoder.writable.set()
    worker.close(SECONDS)
    assert len(list(tmp_path.glob("*.kv"))) == 1


def test_memory_that_is_not_there_for_a_copy_ends_no_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.worker.IDLE_SECONDS", 0.01)
    decoder = HeldDecoder()
    refused = threading.Event()

    def no_memory(_sequence: int) -> list[tuple[int, int]]:
        refused.set()
        raise MemoryError

    with monkeypatch.context() as small:
        small.setattr(decoder, "read_state", no_memory)
        worker = saving(tmp_path, decoder)
        heat(worker)
        assert refused.wait(SECONDS)
        assert Client(worker, (*COMMON, 53)).tokens() == expected_answer((*COMMON, 53), 6)
        worker.close(SECONDS)
    assert not list(tmp_path.glob("*.kv"))
    assert decoder.closed.is_set()


def test_closing_waits_for_what_is_written_and_saves_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Disk()
    worker = saving(tmp_path, decoder)
    heat(worker)
    heat(worker, tuple(range(100, 140)))
    monkeypatch.setattr("server.engine.worker.IDLE_SECONDS", 0.01)
    heat(worker)  # the thread reads the constant when it waits next
    assert decoder.writing.wait(SECONDS)
    closing = threading.Event()
    monkeypatch.setattr(decoder, "abort", closing.set)
    closer = threading.Thread(target=worker.close, args=(SECONDS,))
    closer.start()
    assert closing.wait(SECONDS)
    assert not decoder.closed.is_set(), "a file is being written"
    decoder.writable.set()
    closer.join(SECONDS)
    assert decoder.closed.is_set()
    assert len(list(tmp_path.glob("*.kv"))) == 2
    assert "docent-state" not in {thread.name for thread in threading.enumerate()}
