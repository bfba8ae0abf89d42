"""The local generator as the rest of the server sees it, with tiny models of random weights."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from server.engine.gguf_header import read_header
from server.engine.llama import library
from server.errors import BadRequest, ContextTooLong, TooBusy, Unavailable
from server.llm.generator import (
    Completed,
    GenerationEvent,
    Generator,
    Message,
    Piece,
    Prefilling,
    Queued,
    Sampling,
    can_write,
)
from server.llm.local import STATE_FOLDER, LocalGenerator, open_generator
from server.llm.machine import SLOTS
from server.settings import ServerSettings
from tests.json_schemas import HOSTILE
from tests.tiny_gguf import TinyModel, write_tiny_gguf

QUESTION = [Message("system", "be as the one"), Message("user", "what is it")]
LONG = [Message("user", "the one of it and the other " * 12)]


async def loaded(generator: LocalGenerator) -> LocalGenerator:
    while generator.state.state == "loading":  # noqa: ASYNC110 (the seam is polled)
        await asyncio.sleep(0.005)
    return generator


async def collect(
    generator: LocalGenerator, messages: Sequence[Message] = tuple(QUESTION), sampling: Sampling | None = None
) -> list[GenerationEvent]:
    return [event async for event in generator.generate(messages, sampling or Sampling(max_tokens=12))]


def text(events: Sequence[GenerationEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))


def completed(events: Sequence[GenerationEvent]) -> Completed:
    last = events[-1]
    assert isinstance(last, Completed)
    return last


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    (tmp_path / "models").mkdir()
    return ServerSettings(data=tmp_path, model="", threads=1, queue=2)


@pytest.fixture
async def generator(settings: ServerSettings) -> AsyncIterator[LocalGenerator]:
    write_tiny_gguf(settings.models_path / "tiny.gguf", TinyModel(ends=False))
    generator = open_generator(settings)
    assert generator is not None
    yield await loaded(generator)
    await generator.aclose()


def test_without_a_model_there_is_no_generator(settings: ServerSettings) -> None:
    assert open_generator(settings) is None


async def test_it_is_a_generator_that_becomes_ready(generator: LocalGenerator) -> None:
    seam: Generator = generator
    assert seam.state.state == "ready"
    assert seam.name == "tiny"
    assert seam.context == 512


async def test_one_line_says_which_memory_was_decided_on(
    settings: ServerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "docent.model")
    path = write_tiny_gguf(settings.models_path / "tiny.gguf")
    generator = LocalGenerator(path, settings, available_memory=lambda: 3 << 30)
    generator.start()
    await loaded(generator)
    await generator.aclose()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "docent.model"]
    assert line.startswith(f"tiny.gguf: context 512 tokens, cache for 4,096 and 4,096 beside it, up to {SLOTS} ")
    assert line.endswith("of 3.0 GiB free; 1 threads")


async def test_events_come_in_their_order_and_usage_counts(generator: LocalGenerator) -> None:
    events = await collect(generator)
    kinds = [type(event) for event in events]
    assert kinds.index(Prefilling) < kinds.index(Piece)
    done = completed(events)
    assert done.reason == "length"
    assert done.usage.completion_tokens == 12
    assert done.usage.prompt_tokens == generator.count(QUESTION)
    assert done.usage.cached_tokens == 0
    assert completed(await collect(generator)).usage.cached_tokens == generator.count(QUESTION) - 1


async def test_a_model_that_ends_stops(settings: ServerSettings) -> None:
    path = write_tiny_gguf(settings.models_path / "tiny.gguf")
    generator = LocalGenerator(path, settings)
    generator.start()
    await loaded(generator)
    reasons = set()
    for seed in range(40):
        sampling = Sampling(max_tokens=100, temperature=1.5, seed=seed)
        events = await collect(generator, sampling=sampling)
        assert "<|" not in text(events)
        reasons.add(completed(events).reason)
    assert "stop" in reasons
    await generator.aclose()


async def test_many_at_once_answer_as_one_alone(generator: LocalGenerator) -> None:
    questions = [[Message("user", f"what is the {word} of it")] for word in ("one", "other", "way", "time", "in")]
    alone = [text(await collect(generator, question)) for question in questions]
    together = await asyncio.gather(*(collect(generator, question) for question in questions))
    assert [text(events) for events in together] == alone


async def test_a_seed_repeats_the_text(generator: LocalGenerator) -> None:
    def sampling(seed: int | None) -> Sampling:
        return Sampling(max_tokens=20, temperature=1.0, seed=seed)

    first, again, other = [text(await collect(generator, sampling=sampling(seed))) for seed in (5, 5, 6)]
    assert first == again
    assert first != other
    unseeded = {text(await collect(generator, sampling=sampling(None))) for _ in range(3)}
    assert len(unseeded) > 1


async def test_a_stop_string_ends_the_answer_before_it(generator: LocalGenerator) -> None:
    whole = text(await collect(generator, sampling=Sampling(max_tokens=40)))
    for start in range(1, 8):
        stop = whole[start : start + 3]
        events = await collect(generator, sampling=Sampling(max_tokens=40, stop=("never there", stop)))
        assert text(events) == whole[: whole.index(stop)]
        assert completed(events).reason == "stop"


async def test_logprobs_cover_every_token_once(generator: LocalGenerator) -> None:
    events = await collect(generator, sampling=Sampling(max_tokens=30, logprobs=2))
    found = [logprob for event in events if isinstance(event, Piece) for logprob in event.logprobs]
    assert len(found) == completed(events).usage.completion_tokens
    assert all(len(logprob.top) == 2 and logprob.logprob == logprob.top[0][1] for logprob in found)


async def test_json_by_schema(generator: LocalGenerator) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    for seed in range(5):
        sampling = Sampling(max_tokens=300, temperature=1.0, seed=seed, json_schema=schema)
        events = await collect(generator, sampling=sampling)
        if completed(events).reason == "stop":
            assert isinstance(json.loads(text(events))["a"], bool)
            break
    else:
        pytest.fail("no answer was complete")


@pytest.mark.parametrize("schema", [{"$ref": "http://example.org/x"}, {"type": "no such type"}])
async def test_a_schema_that_cannot_be_used_is_a_bad_request(generator: LocalGenerator, schema: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as caught:
        await collect(generator, sampling=Sampling(json_schema=schema))
    assert caught.value.param == "response_format"


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_schema_keeps_another_request_from_its_answer(generator: LocalGenerator, name: str) -> None:
    sampling = Sampling(max_tokens=20, temperature=1.0, seed=1, json_schema=HOSTILE[name])
    hostile, plain = await asyncio.gather(
        collect(generator, sampling=sampling), collect(generator), return_exceptions=True
    )
    assert not isinstance(plain, BaseException), plain
    assert completed(plain).reason == "length"
    if not isinstance(hostile, BadRequest):
        assert not isinstance(hostile, BaseException), hostile
        assert completed(hostile)
    again = await collect(generator)
    assert text(again) == text(plain)


async def test_one_that_does_not_get_on_says_so(generator: LocalGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_write(generator)
    monkeypatch.setattr(type(generator._worker), "step_seconds", 33.3)
    assert generator.state.state == "stalled"
    assert "has not got on with its work for 33 seconds" in generator.state.detail
    assert not can_write(generator)


async def test_a_bias_for_a_token_that_does_not_exist_is_a_bad_request(generator: LocalGenerator) -> None:
    with pytest.raises(BadRequest) as caught:
        await collect(generator, sampling=Sampling(logit_bias=((10**9, 1.0),)))
    assert caught.value.param == "logit_bias"


async def test_penalties_change_the_words(generator: LocalGenerator) -> None:
    plain = text(await collect(generator, sampling=Sampling(max_tokens=40)))
    assert text(await collect(generator, sampling=Sampling(max_tokens=40, top_k=10**9, min_p=0.0))) == plain
    penalised = await collect(generator, sampling=Sampling(max_tokens=40, presence_penalty=2.0, repeat_penalty=10.0))
    assert text(penalised) != plain


async def test_a_prompt_over_the_context_is_refused_before_anything(generator: LocalGenerator) -> None:
    for times in (200, 100_000):
        messages = [Message("user", "the one of it " * times)]
        with pytest.raises(ContextTooLong) as caught:
            await anext(generator.generate(messages, Sampling()))
        assert caught.value.code == "context_length_exceeded"


async def test_max_tokens_are_cut_to_the_room_that_is_left(generator: LocalGenerator) -> None:
    words = 0
    while generator.count([Message("user", "the " * (words + 1))]) < 508:
        words += 1
    events = await collect(generator, [Message("user", "the " * words)], Sampling(max_tokens=10**9))
    usage = completed(events).usage
    assert usage.prompt_tokens + usage.completion_tokens == 512
    assert completed(events).reason == "length"


async def test_a_vocabulary_without_a_token_that_ends_is_bounded_by_the_context(settings: ServerSettings) -> None:
    marks = ("<|a|>", "<|b|>", "<|c|>")
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    plain = TinyModel(name="plain", marks=marks, template=template, ends=False)
    path = write_tiny_gguf(settings.models_path / "tiny.gguf", plain)
    generator = LocalGenerator(path, settings)
    generator.start()
    await loaded(generator)
    events = await collect(generator, sampling=Sampling(max_tokens=10**9))
    usage = completed(events).usage
    assert completed(events).reason == "length"
    assert usage.prompt_tokens + usage.completion_tokens == 512
    stopped = await collect(generator, sampling=Sampling(max_tokens=10**9, stop=(text(events)[5:8],)))
    assert completed(stopped).reason == "stop"
    await generator.aclose()


async def test_of_what_was_asked_again_and_again_nothing_but_our_own_words_is_saved(settings: ServerSettings) -> None:
    path = write_tiny_gguf(settings.models_path / "tiny.gguf", TinyModel(ends=False))
    ours, theirs = "the one of it and the other " * 4, "with her words and out of all the number "
    system = Message("system", f"{ours}{theirs}", public=len(ours))
    for _start in range(2):
        generator = LocalGenerator(path, settings)
        generator.start()
        await loaded(generator)
        for _ in range(3):
            await collect(generator, [system, Message("user", "their words in the number")])
        vocabulary = generator._ready().vocabulary
        own = vocabulary.tokenize(ours)
        await generator.aclose()
        saved = json.loads((settings.data / STATE_FOLDER / "prefixes.json").read_text())
        (tokens,) = [each["tokens"] for each in saved]
        said = b"".join(map(vocabulary.piece, tokens)).decode()
        assert said.strip() in ours
        assert len(tokens) > len(own) - 3


async def test_closing_in_a_prefill_frees_the_slot(generator: LocalGenerator) -> None:
    streams = [generator.generate(LONG, Sampling(max_tokens=2)) for _ in range(30)]
    for stream in streams:
        assert isinstance(await anext(stream), Prefilling | Queued)
        await stream.aclose()  # type: ignore[attr-defined]
    assert completed(await collect(generator)).usage.completion_tokens == 12


async def test_cancelling_the_task_in_an_answer_frees_the_slot(generator: LocalGenerator) -> None:
    for _ in range(2 * SLOTS):
        task = asyncio.create_task(collect(generator, sampling=Sampling(max_tokens=400)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert completed(await collect(generator)).usage.completion_tokens == 12


async def test_the_queue_is_bounded_and_places_are_told(generator: LocalGenerator) -> None:
    tasks = [
        asyncio.create_task(collect(generator, [Message("user", f"what is {i}")], Sampling(max_tokens=60)))
        for i in range(40)
    ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    served = [result for result in results if not isinstance(result, BaseException)]
    assert refused
    assert all(isinstance(error, TooBusy) and error.retry_after > 0 for error in refused)
    assert len(served) >= SLOTS + 2
    assert any(isinstance(event, Queued) for events in served for event in events)
    assert all(completed(events).usage.completion_tokens == 60 for events in served)
    assert completed(await collect(generator)).usage.completion_tokens == 12


async def test_counts(generator: LocalGenerator) -> None:
    assert generator.count_text("") == 0
    assert 0 < generator.count_text("what is it") < generator.count(QUESTION)
    assert generator.count_text("<|end|>") > 1


async def test_closing_ends_what_runs_and_what_comes_after(settings: ServerSettings) -> None:
    write_tiny_gguf(settings.models_path / "tiny.gguf", TinyModel(ends=False))
    generator = open_generator(settings)
    assert generator is not None
    await loaded(generator)
    running = asyncio.create_task(collect(generator, sampling=Sampling(max_tokens=400)))
    await asyncio.sleep(0.02)
    await generator.aclose()
    with pytest.raises(Unavailable):
        await running
    with pytest.raises(Unavailable):
        await collect(generator)
    with pytest.raises(Unavailable):
        generator.count(QUESTION)
    await generator.aclose()  # twice is no error


async def test_closing_while_it_loads(settings: ServerSettings) -> None:
    write_tiny_gguf(settings.models_path / "tiny.gguf")
    generator = open_generator(settings)
    assert generator is not None
    await generator.aclose()
    assert generator.state.state == "failed"


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_by_a_little(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def junk(path: Path) -> None:
    path.write_bytes(b"this is no model" * 100)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    write_tiny_gguf(path, TinyModel(architecture="unheard-of"))


def small(path: Path) -> None:
    write_tiny_gguf(path, TinyModel(name="Phi-3-small-8k"))


def without_read_permission(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (truncated, "incomplete"),
        (cut_by_a_little, "incomplete"),
        (junk, "not a GGUF"),
        (empty, "empty"),
        (foreign, "the architecture unheard-of, which this version of llama.cpp does not know"),
        (small, "Phi-3-small"),
        (without_read_permission, "cannot be read"),
    ],
)
async def test_a_model_that_cannot_be_used_says_why_and_what_to_do(
    settings: ServerSettings, spoil: Callable[[Path], None], says: str
) -> None:
    path = write_tiny_gguf(settings.models_path / "bad.gguf")
    spoil(path)
    generator = LocalGenerator(path, settings)
    assert generator.state.state == "loading"
    assert "bad loads" in generator.state.detail
    generator.start()
    await loaded(generator)
    assert generator.state.state == "failed"
    assert says in generator.state.detail
    assert "docent models" in generator.state.detail
    with pytest.raises(Unavailable, match=says):
        await collect(generator)
    await generator.aclose()


async def test_a_model_larger_than_memory_is_refused_before_it_is_loaded(settings: ServerSettings) -> None:
    path = write_tiny_gguf(settings.models_path / "tiny.gguf")
    available = read_header(path).file_size  # not enough for the KV cache as well
    generator = LocalGenerator(path, settings, available_memory=lambda: available)
    generator.start()
    await loaded(generator)
    assert generator.state.state == "failed"
    assert "free" in generator.state.detail
    await generator.aclose()


async def test_two_conversations_of_a_whole_context_run_side_by_side(generator: LocalGenerator) -> None:
    words = "the one of it and the other " * 30
    streams = [generator.generate([Message("user", f"{i} {words}")], Sampling(max_tokens=10**9)) for i in range(2)]
    for stream in streams:
        assert not isinstance(await anext(stream), Queued)
    kinds = [{type(await anext(stream)) for _ in range(12)} for stream in streams]  # in turn: neither waits
    assert all(Queued not in kind for kind in kinds)
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]


async def test_a_graphics_card_that_the_build_has_not_is_said(settings: ServerSettings) -> None:
    path = write_tiny_gguf(settings.models_path / "tiny.gguf")
    generator = LocalGenerator(path, settings.model_copy(update={"gpu_layers": 20}))
    generator.start()
    await loaded(generator)
    if library().llama_supports_gpu_offload():
        assert generator.state.state == "ready"
    else:
        assert "DOCENT_GPU_LAYERS=20" in generator.state.detail
        assert "GGML_CUDA" in generator.state.detail
    await generator.aclose()


async def test_requests_while_it_loads_are_unavailable(settings: ServerSettings) -> None:
    generator = LocalGenerator(write_tiny_gguf(settings.models_path / "tiny.gguf"), settings)
    assert generator.context == 0
    with pytest.raises(Unavailable, match="loads") as caught:
        await collect(generator)
    assert caught.value.code == "model_loading"


def test_importing_and_opening_do_not_import_llama_cpp_here() -> None:
    code = "import server.llm.local, sys; sys.exit('llama_cpp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_the_first_word_has_no_space_before_it(generator: LocalGenerator) -> None:
    starts = {
        text(await collect(generator, sampling=Sampling(max_tokens=2, temperature=1.0, seed=seed)))[:1]
        for seed in range(60)
    }
    assert len(starts) > 10
    assert " " not in starts
