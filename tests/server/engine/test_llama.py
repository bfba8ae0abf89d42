"""llama.cpp itself, on tiny random models: token for token what llama_cpp.Llama gives."""

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest
from numpy.typing import NDArray

from server.engine.grammar import Grammars
from server.engine.llama import Context, Model
from server.engine.memory_fit import ModelRefused
from server.engine.sampling import TokenSampler
from server.engine.scheduler import Failed, Finished, Request, Row, Sampled, Scheduler
from server.engine.token_sampling import Pick, SamplingError, TokenSampling
from server.engine.vocabulary import Vocabulary
from tests.server.engine.stepping import take_step
from tests.tiny_gguf import USER_DEFINED, TinyModel, write_tiny_gguf

SHARED = Path(__file__).parents[3] / ".." / "shared"
PROMPTS = ["the one of it and the other", "what is it", "their number is with her and with him", "a", "in out up " * 12]


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf", TinyModel(ends=False))


@pytest.fixture(scope="module")
def model(gguf: Path) -> Model:
    return Model(gguf)


@pytest.fixture(scope="module")
def vocabulary(model: Model) -> Vocabulary:
    return Vocabulary(model)


@pytest.fixture
def context(model: Model, vocabulary: Vocabulary) -> Iterator[Context]:
    context = Context(model, vocabulary, cells=512, sequences=4, batch=128, threads=1)
    yield context
    context.close()


@pytest.fixture(scope="module")
def reference(gguf: Path) -> llama_cpp.Llama:
    return llama_cpp.Llama(str(gguf), n_ctx=512, n_threads=1, verbose=False)


def greedy(reference: llama_cpp.Llama, ids: list[int], count: int, *scorers: Any) -> list[int]:
    """What the package's own class generates."""
    reference.reset()
    found: list[int] = []
    processors = llama_cpp.LogitsProcessorList(scorers)
    for token in reference.generate(ids, temp=0.0, reset=True, logits_processor=processors):
        if len(found) == count or llama_cpp.llama_vocab_is_eog(reference._model.vocab, token):
            break
        found.append(token)
    return found


def answers(
    context: Context, requests: list[Request], piece: int = 64, scheduler: Scheduler | None = None
) -> dict[int, list[int]]:
    for sequence in range(4):
        context.truncate(sequence, 0)
    scheduler = scheduler or Scheduler(context, slots=4, cells=512, piece=piece)
    for request in requests:
        scheduler.submit(request)
    found: dict[int, list[int]] = {}
    while scheduler.busy:
        for request_id, event in take_step(scheduler):
            assert not isinstance(event, Failed), event
            if isinstance(event, Sampled):
                found.setdefault(request_id, []).append(event.pick.token)
    return found


def encode(vocabulary: Vocabulary, text: str) -> tuple[int, ...]:
    return (vocabulary.bos, *vocabulary.tokenize(text))


@pytest.mark.parametrize("piece", [1, 3, 4, 32, 128])
def test_greedy_equals_llama_cpp_for_every_piece_size(
    context: Context, vocabulary: Vocabulary, reference: llama_cpp.Llama, piece: int
) -> None:
    ids = encode(vocabulary, PROMPTS[-1])
    assert answers(context, [Request(1, ids, 24)], piece)[1] == greedy(reference, list(ids), 24)


def test_greedy_equals_llama_cpp_for_more_streams_than_slots(
    context: Context, vocabulary: Vocabulary, reference: llama_cpp.Llama
) -> None:
    requests = [Request(i, encode(vocabulary, text), 20) for i, text in enumerate(PROMPTS * 2)]
    found = answers(context, requests, piece=16)
    for request in requests:
        assert found[request.id] == greedy(reference, list(request.prompt), 20)


def test_greedy_equals_llama_cpp_when_a_prefix_is_reused(
    context: Context, vocabulary: Vocabulary, reference: llama_cpp.Llama
) -> None:
    scheduler = Scheduler(context, slots=4, cells=512)
    history = encode(vocabulary, PROMPTS[0])
    for turn, text in enumerate(PROMPTS[1:]):
        ids = (*history, *vocabulary.tokenize(text))
        scheduler.submit(Request(turn, ids, 10))
        found = []
        while scheduler.busy:
            found += [event.pick.token for _, event in take_step(scheduler) if isinstance(event, Sampled)]
        assert found == greedy(reference, list(ids), 10)
        history = (*ids, *found)


def test_greedy_equals_llama_cpp_beside_a_cancelled_neighbour(
    context: Context, vocabulary: Vocabulary, reference: llama_cpp.Llama
) -> None:
    scheduler = Scheduler(context, slots=4, cells=512, piece=4)
    kept, cancelled = encode(vocabulary, PROMPTS[0]), encode(vocabulary, PROMPTS[-1])
    scheduler.submit(Request(1, kept, 16))
    scheduler.submit(Request(2, cancelled, 16))
    found = []
    for step in range(200):
        if step == 4:
            scheduler.cancel(2)
        found += [event.pick.token for i, event in take_step(scheduler) if i == 1 and isinstance(event, Sampled)]
        if not scheduler.busy:
            break
    assert found == greedy(reference, list(kept), 16)
    assert answers(context, [Request(3, cancelled, 8)])[3] == greedy(reference, list(cancelled), 8)


def always_drafting(context: Context) -> Scheduler:
    """Every batch seems to take a second, so rows of drafts seem to cost nothing."""
    return Scheduler(context, slots=4, cells=512, clock=itertools.count().__next__)


FEW = (300, 310, 320)  # answers of these tokens alone repeat themselves, rightly and wrongly


@pytest.mark.parametrize("streams", [1, 3])
def test_greedy_equals_llama_cpp_with_drafts(
    context: Context, vocabulary: Vocabulary, reference: llama_cpp.Llama, streams: int
) -> None:
    few = TokenSampling(logit_bias=tuple((token, 100.0) for token in FEW))
    requests = [Request(i, encode(vocabulary, text), 80, few) for i, text in enumerate(PROMPTS[:streams])]

    def prefer(_ids: object, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        scores[list(FEW)] += 100
        return scores

    scheduler = always_drafting(context)
    found = answers(context, requests, scheduler=scheduler)
    assert 0 < scheduler.accepted < scheduler.drafted
    for request in requests:
        assert found[request.id] == greedy(reference, list(request.prompt), 80, prefer)


class Dictated(Context):
    """Chooses what it is told, with the model's own log probabilities."""

    script: tuple[int, ...] = ()

    def sampler(self, sampling: TokenSampling) -> TokenSampler:
        context = self

        class Scripted(TokenSampler):
            def pick(self, row: int) -> Pick:
                token = context.script[self.place]
                self.place += 1
                return self._with_logprobs(token, context.logits(row))

            place = 0

        return Scripted(self._lib, self.logits, sampling)


def test_a_copied_answer_takes_few_steps_and_has_the_same_probabilities(model: Model, vocabulary: Vocabulary) -> None:
    context = Dictated(model, vocabulary, cells=512, sequences=4, batch=128, threads=1)
    passage = encode(vocabulary, "the number of them is not in it but on all their words and out with her " * 3)
    context.script = passage[10:50]
    request = Request(1, passage[:70], len(context.script), TokenSampling(logprobs=3))
    picks: dict[bool, list[Pick]] = {}
    for scheduler in (Scheduler(context, slots=4, cells=512, speculates=False), always_drafting(context)):
        context.truncate(0, 0)
        scheduler.submit(request)
        steps, found = 0, []
        while scheduler.busy:
            new = [event.pick for _, event in take_step(scheduler) if isinstance(event, Sampled)]
            steps += bool(new)
            found += new
        picks[bool(scheduler.drafted)] = found
    assert len(context.script) / steps >= 2.5
    assert [pick.token for pick in picks[True]] == [pick.token for pick in picks[False]] == list(context.script)
    for drafted, plain in zip(picks[True], picks[False], strict=True):
        assert drafted.logprob == pytest.approx(plain.logprob, abs=1e-4)
    context.close()


@pytest.mark.parametrize(
    ("sampling", "pattern"),
    [
        (TokenSampling(0.7, seed=3, top_k=4), ""),
        (TokenSampling(1.0, top_p=0.5, seed=9, presence_penalty=0.3, logprobs=2), ""),
        (TokenSampling(), "^(the |of |the of )+$"),
        (TokenSampling(0.5, seed=4), "^(the of a ){12}$"),
        (TokenSampling(frequency_penalty=0.1, repeat_penalty=1.1), ""),
    ],
)
def test_every_way_of_choosing_gives_the_same_with_drafts(
    context: Context, vocabulary: Vocabulary, sampling: TokenSampling, pattern: str
) -> None:
    if pattern:
        schema = json.dumps({"type": "string", "pattern": pattern})
        sampling = replace(sampling, grammar=Grammars(vocabulary).of_schema(schema))
    else:
        sampling = replace(sampling, logit_bias=tuple((token, 20.0) for token in FEW))
    request = Request(1, encode(vocabulary, PROMPTS[-1]), 60, sampling)
    plain = answers(context, [request], scheduler=Scheduler(context, slots=4, cells=512, speculates=False))
    scheduler = always_drafting(context)
    assert answers(context, [request], scheduler=scheduler) == plain
    assert scheduler.accepted > 0


@pytest.mark.skipif(
    not (SHARED / "tools" / "make_phi3_gguf.py").exists(), reason="the real Phi-3 vocabulary is not here"
)
def test_with_the_real_vocabulary_of_phi_3(tmp_path: Path) -> None:
    path = tmp_path / "phi3-tiny.gguf"
    tool = SHARED / "tools" / "make_phi3_gguf.py"
    subprocess.run([sys.executable, str(tool), str(path), "--preset", "tiny"], check=True, capture_output=True)
    model = Model(path)
    vocabulary = Vocabulary(model)
    assert vocabulary.is_end(32007)
    assert vocabulary.is_end(32000)
    assert vocabulary.text_of(32007) == "<|end|>"
    assert not set(vocabulary.tokenize("stop <|end|> here <|system|>")) & set(range(32000, 32011))
    context = Context(model, vocabulary, cells=512, sequences=4, batch=64, threads=1)
    reference = llama_cpp.Llama(str(path), n_ctx=512, n_threads=1, verbose=False)
    for text in PROMPTS:
        ids = encode(vocabulary, text)
        assert list(ids[1:]) == reference.tokenize(text.encode(), add_bos=False, special=True)
        assert answers(context, [Request(1, ids, 16)], piece=8).get(1, []) == greedy(reference, list(ids), 16)
    context.close()
    reference.close()


def test_an_abort_leaves_the_cache_as_it_was(context: Context, vocabulary: Vocabulary) -> None:
    ids = encode(vocabulary, PROMPTS[0])
    rows = [Row(token, position, 0, position == len(ids) - 1) for position, token in enumerate(ids)]
    context.abort()
    assert context.decode(rows) is False
    assert context.decode(rows) is False  # until it is told to go on
    context.resume()
    assert context.decode(rows) is True
    first = context.logits(len(ids) - 1).copy()
    context.truncate(0, 0)
    assert context.decode(rows) is True
    assert np.array_equal(context.logits(len(ids) - 1), first)


def test_a_request_of_a_full_cache_is_an_error_and_not_a_crash(model: Model, vocabulary: Vocabulary) -> None:
    context = Context(model, vocabulary, cells=256, sequences=1, batch=100, threads=1)
    scheduler = Scheduler(context, slots=1, cells=10_000, piece=100)  # a lie about the cells
    scheduler.submit(Request(1, (5,) * 290, 4))
    events = [event for _ in range(3) for _, event in take_step(scheduler)]
    assert isinstance(events[-1], Failed)
    assert "full" in events[-1].what
    scheduler.submit(Request(2, (5,) * 20, 4))
    assert [event for _, event in take_step(scheduler) if isinstance(event, Sampled)]
    context.close()


def test_a_seed_repeats_and_another_does_not(context: Context, vocabulary: Vocabulary) -> None:
    ids = encode(vocabulary, PROMPTS[0])

    def sampled(seed: int, top_p: float = 1.0) -> list[int]:
        return answers(context, [Request(1, ids, 24, TokenSampling(1.0, top_p, seed))])[1]

    assert sampled(7) == sampled(7)
    assert sampled(7) != sampled(8)
    assert sampled(7, top_p=1e-6) == answers(context, [Request(1, ids, 24)])[1]  # a nucleus of one is greedy


def test_logprobs_come_from_the_raw_logits(context: Context, vocabulary: Vocabulary) -> None:
    ids = encode(vocabulary, PROMPTS[0])
    scheduler = Scheduler(context, slots=4, cells=512)
    scheduler.submit(Request(1, ids, 5, TokenSampling(logprobs=3)))
    picks = []
    while scheduler.busy:
        for _, event in take_step(scheduler):
            if isinstance(event, Sampled):
                logits = context.logits(0 if picks else len(ids) - 1).astype(np.float64)
                probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
                assert event.pick.logprob == pytest.approx(np.log(probabilities[event.pick.token]), abs=1e-6)
                assert [i for i, _ in event.pick.top] == list(np.argsort(-probabilities)[:3])
                picks.append(event.pick)
    assert len(picks) == 5


@pytest.mark.parametrize(
    ("schema", "begins"),
    [
        ({"type": "object"}, "{"),
        ({"type": "object", "properties": {"one": {"type": "boolean"}}, "required": ["one"]}, '{"one":'),
        ({"enum": ["yes", "no"]}, '"'),
    ],
)
def test_a_schema_shapes_the_answer(
    context: Context, vocabulary: Vocabulary, schema: dict[str, object], begins: str
) -> None:
    sampling = TokenSampling(1.0, 1.0, 5, Grammars(vocabulary).of_schema(json.dumps(schema)))
    found = answers(context, [Request(1, encode(vocabulary, PROMPTS[0]), 60, sampling)])[1]
    text = b"".join(vocabulary.piece(token) for token in found).decode("utf-8", "replace")
    assert text.replace(" ", "").replace("\n", "").startswith(begins)


class Broken:
    """A grammar and the way through it: whatever is said, nothing fits after so many tokens."""

    def __init__(self, tokens: int, size: int) -> None:
        self._left = tokens
        self._size = size

    def begin(self) -> "Broken":
        return self

    def mask(self) -> NDArray[np.bool_]:
        if not self._left:
            raise SamplingError("No token fits.")
        return np.ones(self._size, np.bool_)

    def accept(self, token: int) -> None:
        self._left -= 1


def test_a_grammar_that_no_token_fits_fails_the_request_not_the_process(
    context: Context, vocabulary: Vocabulary
) -> None:
    scheduler = Scheduler(context, slots=4, cells=512)
    for number, fits in [(1, 3), (2, 0)]:
        sampling = TokenSampling(grammar=Broken(fits, vocabulary.size))
        scheduler.submit(Request(number, encode(vocabulary, "a"), 30, sampling))
    scheduler.submit(Request(3, encode(vocabulary, "a"), 30))
    last = {}
    while scheduler.busy:
        last.update(dict(take_step(scheduler)))
    assert [last[1], last[2]] == [Failed("No token fits.", "request")] * 2
    assert last[3] == Finished("length")


def test_tokens_and_text_go_round(vocabulary: Vocabulary) -> None:
    for text in ("the one", "  two  spaces", "Straße €5 \U0001f600", "tab\tline\n", ""):
        ids = vocabulary.tokenize(text)
        assert b"".join(vocabulary.piece(token) for token in ids).decode().removeprefix(" ") == text


def test_user_defined_marks_are_reported_as_always_parsed(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "old.gguf", TinyModel(mark_type=USER_DEFINED))
    vocabulary = Vocabulary(Model(path))
    assert {special.text for special in vocabulary.specials if special.always_parsed} >= {"<|user|>", "<|system|>"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data[: len(data) - 4096], "incomplete"),
        (lambda data: data.replace(b"phi3", b"phi9"), "does not know"),
        (lambda data: b"GGUF" + b"\xff" * 400, "could not be loaded"),
        (lambda data: b"junk" * 100, "could not be loaded"),
        (lambda data: b"", "could not be loaded"),
    ],
)
def test_files_that_cannot_be_loaded_are_explained(gguf: Path, tmp_path: Path, change: object, says: str) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(change(gguf.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ModelRefused, match=says) as caught:
        Model(broken)
    assert caught.value.advice


def test_loading_can_be_stopped(gguf: Path) -> None:
    with pytest.raises(ModelRefused):
        Model(gguf, progress=lambda fraction: False)


def test_nothing_is_written_to_standard_error(gguf: Path) -> None:
    code = (
        "import logging, sys; from pathlib import Path; from server.engine.llama import *\n"
        "logging.getLogger('docent').addHandler(logging.NullHandler())\n"
        "model = Model(Path(sys.argv[1])); vocabulary = Vocabulary(model)\n"
        "Context(model, vocabulary, cells=256, sequences=1, batch=8, threads=1).close()\n"
        "try: Model(Path('/nonexistent.gguf'))\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(gguf)], capture_output=True, text=True, check=True)
    assert "could not be loaded" in done.stdout
    assert done.stderr == ""


def test_an_abort_from_another_thread_ends_a_long_batch(model: Model, vocabulary: Vocabulary) -> None:
    context = Context(model, vocabulary, cells=512, sequences=1, batch=512, threads=1)
    rows = [Row(5, position, 0, False) for position in range(500)]
    stop = threading.Thread(target=context.abort)
    for _ in range(200):
        stop = threading.Thread(target=context.abort)
        stop.start()
        finished = context.decode(rows)
        stop.join()
        context.resume()
        context.truncate(0, 0)
        if not finished:
            break
    else:
        pytest.fail("no batch was aborted")
    context.close()
