"""What is taken from the cache instead of computed changes no token: llama.cpp itself, on a tiny random model."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import pytest

from server.engine.hot_prefixes import HotPrefixes
from server.engine.llama import Context, Model, build
from server.engine.scheduler import Event, Failed, PrefillProgress, Request, Sampled, Scheduler
from server.engine.state_folder import StateFolder, model_key
from server.engine.vocabulary import Vocabulary
from tests.server.engine.stepping import take_step
from tests.tiny_gguf import TinyModel, write_tiny_gguf

CELLS = 512
COMMON = tuple(range(300, 340))
BRANCHES = [(*COMMON, *range(first, first + length)) for first, length in ((340, 30), (350, 11), (360, 1), (345, 20))]


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf", TinyModel(ends=False))


@pytest.fixture(scope="module")
def model(gguf: Path) -> Model:
    return Model(gguf)


@pytest.fixture
def context(model: Model) -> Iterator[Context]:
    context = Context(model, Vocabulary(model), cells=CELLS, sequences=16, batch=128, threads=1)
    yield context
    context.close()


@pytest.fixture(scope="module")
def reference(gguf: Path) -> Iterator[llama_cpp.Llama]:
    llama = llama_cpp.Llama(str(gguf), n_ctx=CELLS, n_threads=1, verbose=False)
    yield llama
    llama.close()


def greedy(reference: llama_cpp.Llama, prompt: tuple[int, ...], count: int) -> list[int]:
    reference.reset()
    found: list[int] = []
    for token in reference.generate(list(prompt), temp=0.0, reset=True):
        found.append(token)
        if len(found) == count:
            break
    return found


def run(scheduler: Scheduler, *requests: Request) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Each request's answer and how many of its prompt's tokens were cached."""
    for request in requests:
        scheduler.submit(request)
    answers: dict[int, list[int]] = {}
    cached: dict[int, int] = {}
    while scheduler.busy:
        note(take_step(scheduler), answers, cached)
    return answers, cached


def note(events: list[tuple[int, Event]], answers: dict[int, list[int]], cached: dict[int, int]) -> None:
    for request_id, event in events:
        assert not isinstance(event, Failed), event
        if isinstance(event, Sampled):
            answers.setdefault(request_id, []).append(event.pick.token)
        elif isinstance(event, PrefillProgress):
            cached[request_id] = event.cached


@pytest.mark.parametrize("piece", [1, 3, 4, 7, 16, 33, 64, 128])
def test_beginnings_shared_by_prompts_that_come_together(
    context: Context, reference: llama_cpp.Llama, piece: int
) -> None:
    scheduler = Scheduler(context, slots=4, cells=CELLS, piece=piece)
    answers, cached = run(scheduler, *(Request(i, prompt, 12) for i, prompt in enumerate(BRANCHES)))
    for i, prompt in enumerate(BRANCHES):
        assert answers[i] == greedy(reference, prompt, 12)
    assert sum(cached.values()) >= 3 * len(COMMON)


@pytest.mark.parametrize("piece", [1, 5, 64])
def test_equal_prompts_at_once_whose_cells_become_one(context: Context, reference: llama_cpp.Llama, piece: int) -> None:
    scheduler = Scheduler(context, slots=4, cells=CELLS, piece=piece)
    answers, _ = run(scheduler, *(Request(i, BRANCHES[0], 16) for i in range(4)))
    assert list(answers.values()) == [greedy(reference, BRANCHES[0], 16)] * 4
    second = (*BRANCHES[0], *answers[0], 341)
    answers, cached = run(scheduler, Request(9, second, 8))
    assert answers[9] == greedy(reference, second, 8)
    assert cached[9] == len(second) - 2  # all but the answer's last token, which was never evaluated, and the new one


def test_interleaved_conversations_compute_only_what_is_new(context: Context, reference: llama_cpp.Llama) -> None:
    scheduler = Scheduler(context, slots=4, cells=CELLS)
    histories = [(*COMMON, first) for first in (341, 342, 343, 344)]
    for turn in range(3):
        for i, history in enumerate(histories):
            prompt = (*history, *range(300 + turn, 310 + turn))
            answers, cached = run(scheduler, Request(i, prompt, 6))
            assert answers[i] == greedy(reference, prompt, 6)
            expected = len(history) - 1 if turn else len(COMMON) if i else 0
            assert cached[i] == expected
            histories[i] = (*prompt, *answers[i])


@pytest.mark.parametrize("idle", [0, 20, 60])
def test_what_was_offloaded_and_restored(
    context: Context, reference: llama_cpp.Llama, monkeypatch: pytest.MonkeyPatch, idle: int
) -> None:
    monkeypatch.setattr("server.engine.slots.IDLE_CELLS", idle)
    scheduler = Scheduler(context, slots=4, cells=160, offload_cells=CELLS)
    histories = [(*COMMON, first) for first in (341, 342, 343, 344)]
    for turn in range(3):
        for i, history in enumerate(histories):
            prompt = (*history, *range(300 + turn, 310 + turn))
            answers, cached = run(scheduler, Request(i, prompt, 6))
            assert answers[i] == greedy(reference, prompt, 6)
            assert cached[i] == (len(history) - 1 if turn else len(COMMON) if i else 0)
            assert scheduler.slots.used <= len(prompt) + 6 + 2 * (idle + len(prompt))
            histories[i] = (*prompt, *answers[i])
    requests = [Request(i, (*history, 345 + i), 8) for i, history in enumerate(histories[:2])]
    answers, _ = run(scheduler, *requests)
    for request in requests:
        assert answers[request.id] == greedy(reference, request.prompt, 8)


def test_what_was_cut_back_for_room(context: Context, reference: llama_cpp.Llama) -> None:
    scheduler = Scheduler(context, slots=2, cells=120)  # two prompts fit, the ends of others are given up
    for round_ in range(3):
        for i, prompt in enumerate(BRANCHES):
            answers, _ = run(scheduler, Request(i, (*prompt, 346 + round_), 10))
            assert answers[i] == greedy(reference, (*prompt, 346 + round_), 10)
            assert scheduler.slots.used <= 120


@pytest.mark.parametrize("steps", [1, 2, 5, 9, 14])
def test_a_neighbour_with_the_same_beginning_is_cancelled(
    context: Context, reference: llama_cpp.Llama, steps: int
) -> None:
    scheduler = Scheduler(context, slots=4, cells=CELLS, piece=8)
    answers: dict[int, list[int]] = {}
    for i, prompt in enumerate(BRANCHES[:3]):
        scheduler.submit(Request(i, prompt, 12))
    for _ in range(steps):
        note(take_step(scheduler), answers, {})
    scheduler.cancel(0)  # the one that computes for the others
    while scheduler.busy:
        note(take_step(scheduler), answers, {})
    for i in (1, 2):
        assert answers[i] == greedy(reference, BRANCHES[i], 12)


def test_a_restored_state(gguf: Path, model: Model, reference: llama_cpp.Llama, tmp_path: Path) -> None:
    key = model_key([gguf], [build()])

    def started() -> tuple[Context, Scheduler, HotPrefixes]:
        context = Context(model, Vocabulary(model), cells=CELLS, sequences=16, batch=128, threads=1)
        scheduler = Scheduler(context, slots=4, cells=CELLS)
        hot = HotPrefixes(StateFolder(tmp_path / "state", key, 1 << 20), context, 1 << 20)
        hot.load(scheduler.slots)
        return context, scheduler, hot

    context, scheduler, hot = started()
    run(scheduler, Request(8, tuple(range(310, 390)), 5))  # so that cells do not lie in the order of positions
    run(scheduler, *(Request(i, prompt, 3, public=len(prompt)) for i, prompt in enumerate(BRANCHES)))
    run(scheduler, *(Request(i, prompt, 3, public=len(prompt)) for i, prompt in enumerate(BRANCHES)))
    hot.save(scheduler.slots)
    context.close()
    context, scheduler, _ = started()
    answers, cached = run(scheduler, *(Request(i, prompt, 12) for i, prompt in enumerate(BRANCHES)))
    for i, prompt in enumerate(BRANCHES):
        assert answers[i] == greedy(reference, prompt, 12)
        assert cached[i] == len(prompt) - 1
    context.close()


def test_a_copy_as_a_file_is_what_llama_cpp_itself_writes(context: Context, tmp_path: Path) -> None:
    run(Scheduler(context, slots=4, cells=CELLS), Request(1, BRANCHES[0], 1))
    ids = (ctypes.c_int32 * len(BRANCHES[0]))(*BRANCHES[0])
    path = tmp_path / "state.kv"
    assert llama_cpp.llama_state_seq_save_file(context.pointer, os.fsencode(path), 0, ids, len(ids))
    assert b"".join(map(bytes, context.state_file(BRANCHES[0], context.read_state(0)))) == path.read_bytes()


def test_the_state_of_other_tokens_is_refused(context: Context, tmp_path: Path) -> None:
    scheduler = Scheduler(context, slots=4, cells=CELLS)
    run(scheduler, Request(1, BRANCHES[0], 1))
    path = tmp_path / "state.kv"
    with scheduler.slots.lend(COMMON) as sequence:
        assert sequence is not None
        path.write_bytes(b"".join(map(bytes, context.state_file(COMMON, context.read_state(sequence)))))
    used = scheduler.slots.used
    for tokens in ((*COMMON[:-1], 5), COMMON[:-1], (*COMMON, 5)):
        assert not scheduler.slots.load(tokens, lambda free, tokens=tokens: context.load_state(free, tokens, path))
    assert not scheduler.slots.load(COMMON, lambda free: context.load_state(free, COMMON, tmp_path / "missing"))
    assert scheduler.slots.used == used
    _, cached = run(scheduler, Request(2, BRANCHES[1], 3))
    assert cached[2] == len(COMMON)
