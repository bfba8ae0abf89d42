"""Passages that the local generator reads once, with tiny models of random weights."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.passages import Scope
from server.answering.events import Evidence, Exchange, Question
from server.answering.prompt import build_messages
from server.engine.gguf_header import read_header
from server.engine.worker import Worker
from server.errors import ContextTooLong
from server.llm.chat_template import ChatTemplate
from server.llm.choose import open_generator
from server.llm.generator import Message, Sampling, Usage
from server.llm.local import LocalGenerator
from server.llm.machine import DoesNotFit, fit_here
from server.llm.model_files import ModelNotFound
from server.llm.stitching import FOLDER
from server.settings import ServerSettings
from tests.server.llm.test_families import FAMILIES
from tests.server.llm.test_local import collect, completed, loaded, text
from tests.server.passages import numbered
from tests.tiny_gguf import TinyModel, write_tiny_gguf
from tests.waiting import until

WORDS = "the one of it and the other was there for all of their time in and out of the way"
TEXTS = [" ".join([*WORDS.split()[n:], *WORDS.split()[:n]] * 2) for n in (0, 3, 7, 11)]
SHAPES = {
    "phi3": TinyModel(ends=False, context=4096),
    "llama": TinyModel(architecture="llama", ends=False, context=4096),
    "qwen2": replace(FAMILIES["qwen-2.5"].model, ends=False, context=4096),
}
SECONDS = 60  # longest wait of a test that has gone wrong


def evidence(*order: int) -> list[Evidence]:
    """These texts in this order, with the numbers of a new conversation."""
    found = numbered(*TEXTS)
    return [replace(found[text], n=n) for n, text in enumerate(order, start=1)]


def prompt(order: Sequence[int], question: str = "what is it", sampling: Sampling | None = None) -> list[Message]:
    asked = Question(question, Scope(frozenset({1})), sampling=sampling or Sampling())
    return build_messages(asked, evidence(*order), [])


@asynccontextmanager
async def running(path: Path, **settings: object) -> AsyncIterator[LocalGenerator]:
    chosen: dict[str, object] = {"threads": 1, "state_mb": 0, "passage_cache": 16} | settings
    generator = LocalGenerator(path, ServerSettings(data=path.parent, **chosen))  # type: ignore[arg-type]
    generator.start()
    try:
        yield await loaded(generator)
    finally:
        await generator.aclose()


async def ask(
    generator: LocalGenerator, messages: Sequence[Message], sampling: Sampling | None = None
) -> tuple[str, Usage]:
    events = await collect(generator, messages, sampling or Sampling(max_tokens=8))
    return text(events), completed(events).usage


async def all_read(generator: LocalGenerator) -> None:
    async with asyncio.timeout(SECONDS):
        while (figures := generator.passages) and figures.unread:  # noqa: ASYNC110 (the seam is polled)
            await asyncio.sleep(0.01)


@pytest.fixture(params=sorted(SHAPES))
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_tiny_gguf(tmp_path / "tiny.gguf", SHAPES[request.param])


@pytest.fixture
def phi3(tmp_path: Path) -> Path:
    return write_tiny_gguf(tmp_path / "tiny.gguf", SHAPES["phi3"])


async def test_passages_in_another_order_are_not_read_again(model: Path) -> None:
    async with running(model) as generator:
        _, first = await ask(generator, prompt([0, 1, 2]))
        await all_read(generator)
        _, second = await ask(generator, prompt([2, 0, 1], "of their time"))
        assert second.prompt_tokens - second.cached_tokens < first.prompt_tokens / 4
        assert generator.passages is not None
        assert (generator.passages.asked, generator.passages.from_memory) == (6, 3)


async def test_they_outlive_a_restart_and_the_first_is_what_a_full_read_makes_of_it(model: Path) -> None:
    async with running(model) as generator:
        said, _ = await ask(generator, prompt([1]))
        await all_read(generator)
    async with running(model) as generator:
        again, stitched = await ask(generator, prompt([1]))
        assert again == said
        assert stitched.cached_tokens > 60
        assert generator.passages is not None
        assert generator.passages.from_disk == 1


async def test_they_outlive_a_start_with_another_context(model: Path) -> None:
    async with running(model, context=2048) as generator:
        await ask(generator, prompt([1]))
        await all_read(generator)
    async with running(model, context=1024) as generator:
        await ask(generator, prompt([1]))
        assert generator.passages is not None
        assert generator.passages.from_disk == 1


async def test_a_conversation_goes_on_in_its_own_prefix(model: Path) -> None:
    scope = Scope(frozenset({1}))
    async with running(model) as generator:
        await ask(generator, prompt([0, 1]))
        await ask(generator, prompt([3]))
        await all_read(generator)
        said, first = await ask(generator, prompt([1, 0]))
        then = Question("and the other", scope)
        shown = tuple(evidence(1, 0))
        messages = build_messages(then, [replace(evidence(3)[0], n=3)], [Exchange("what is it", said, shown)])
        _, second = await ask(generator, messages)
        assert second.cached_tokens > first.prompt_tokens + 50, "the new passage was read"


async def test_a_request_for_the_same_again_is_read_in_full(model: Path) -> None:
    exact = Sampling(max_tokens=8, seed=7)
    async with running(model, passage_cache=0) as generator:
        wanted = [await ask(generator, prompt(order, sampling=exact), exact) for order in ([0, 1, 2], [2, 0, 1])]
    async with running(model) as generator:
        await ask(generator, prompt([0, 1, 2]))
        await all_read(generator)
        await ask(generator, prompt([2, 0, 1]))
        found = [await ask(generator, prompt(order, sampling=exact), exact) for order in ([0, 1, 2], [2, 0, 1])]
    assert [said for said, _ in found] == [said for said, _ in wanted]
    assert all(usage.prompt_tokens - usage.cached_tokens > 150 for _, usage in found)


def test_neither_seed_nor_log_probabilities_have_passages_that_may_be_stitched() -> None:
    for sampling in (Sampling(seed=1), Sampling(logprobs=0), Sampling(json_schema={})):
        assert not any(message.passages for message in prompt([0, 1], sampling=sampling))
    assert [len(message.passages) for message in prompt([0, 1])] == [0, 2]


async def test_switched_off_nothing_is_kept_and_what_was_kept_goes(phi3: Path) -> None:
    async with running(phi3) as generator:
        await ask(generator, prompt([0, 1]))
        await all_read(generator)
    assert len(list((phi3.parent / FOLDER).iterdir())) == 2
    async with running(phi3, passage_cache=0) as generator:
        assert not list((phi3.parent / FOLDER).iterdir())
        assert generator.passages is None
        assert generator.passage_sources() == frozenset()


async def test_switched_off_a_question_costs_no_look_for_what_was_read(
    phi3: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(phi3, passage_cache=0) as generator:
        monkeypatch.setattr(Worker, "wake", lambda worker: pytest.fail("the model's thread was woken"))
        monkeypatch.setattr(ChatTemplate, "render", lambda *parts: pytest.fail("a prompt was made"))
        assert list(generator.kept_passages(prompt([0, 1]))) == []


async def test_another_model_reads_for_itself(phi3: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running(phi3) as generator:
        await ask(generator, prompt([0, 1]))
        await all_read(generator)
    write_tiny_gguf(phi3, replace(SHAPES["phi3"], seed=7))
    with caplog.at_level(logging.INFO, "docent.engine"):
        async with running(phi3) as generator:
            await ask(generator, prompt([0, 1]))
            assert generator.passages is not None
            assert generator.passages.from_disk == 0
    assert "2 kept passages were read by another model" in caplog.text


def kept(data: Path) -> list[Path]:
    return sorted((data / FOLDER).glob("*.kv"))


@pytest.fixture
async def with_passages(phi3: Path) -> Path:
    """A data folder in which two are kept, with the file of their model."""
    async with running(phi3) as generator:
        await ask(generator, prompt([0, 1]))
        await all_read(generator)
    assert len(kept(phi3.parent)) == 2
    return phi3


async def test_a_model_that_cannot_be_stitched_leaves_nothing_of_another(with_passages: Path) -> None:
    write_tiny_gguf(with_passages, TinyModel(ends=False, context=2048, trained_context=512))
    async with running(with_passages, context=2048) as generator:
        assert generator.passages is None
        assert not kept(with_passages.parent)


async def test_a_model_that_does_not_load_leaves_nothing_of_another(with_passages: Path) -> None:
    settings = ServerSettings(data=with_passages.parent, passage_cache=16)
    generator = LocalGenerator(with_passages, settings, available_memory=lambda: 0)
    generator.start()
    await asyncio.to_thread(until, lambda: generator.state.state == "failed")
    assert not kept(with_passages.parent)
    await generator.aclose()


async def test_a_cache_for_which_there_is_no_memory_is_named(phi3: Path) -> None:
    settings = ServerSettings(data=phi3.parent, passage_cache=500_000)
    generator = LocalGenerator(phi3, settings, available_memory=lambda: 8 << 30)
    generator.start()
    await asyncio.to_thread(until, lambda: generator.state.state == "failed")
    assert "DOCENT_PASSAGE_CACHE" in generator.state.detail
    assert "8.0 GiB" in generator.state.detail
    await generator.aclose()


@pytest.mark.parametrize("megabytes", [0, 100])
async def test_a_model_too_large_without_any_cache_is_refused_as_ever(phi3: Path, megabytes: int) -> None:
    with pytest.raises(DoesNotFit) as refused:
        fit_here(read_header(phi3), ServerSettings(passage_cache=megabytes), 100 << 20)
    assert "DOCENT_PASSAGE_CACHE" not in str(refused.value)


@pytest.mark.parametrize("other", [{}, {"generator_url": "http://127.0.0.1:9/v1"}, {"model": "nowhere.gguf"}])
@pytest.mark.parametrize("megabytes", [0, 16])
async def test_without_a_model_of_this_machine_nothing_stays(
    with_passages: Path, other: dict[str, object], megabytes: int
) -> None:
    settings = ServerSettings(data=with_passages.parent, passage_cache=megabytes, **other)  # type: ignore[arg-type]
    with suppress(ModelNotFound):
        generator = open_generator(settings)
        if generator is not None:
            await generator.aclose()
    assert not kept(with_passages.parent)


async def test_a_server_that_ends_while_the_model_loads_leaves_them(with_passages: Path) -> None:
    generator = LocalGenerator(with_passages, ServerSettings(data=with_passages.parent, passage_cache=16))
    generator.start()
    await generator.aclose()
    assert len(kept(with_passages.parent)) == 2


async def test_a_model_whose_keys_cannot_be_moved_reads_in_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_tiny_gguf(tmp_path / "tiny.gguf", TinyModel(ends=False, context=2048, trained_context=512))
    with caplog.at_level(logging.WARNING, "docent.model"):
        async with running(path, context=2048) as generator:
            await ask(generator, prompt([0, 1]))
            assert generator.passages is None
    assert "read in full" in caplog.text


async def test_a_rotation_that_does_not_hold_is_not_used(
    phi3: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.llm import stitching

    right = stitching.rotation_of
    monkeypatch.setattr(stitching, "rotation_of", lambda *parts: replace(right(*parts), base=9000.0))
    async with running(phi3) as generator:
        said, _ = await ask(generator, prompt([0, 1]))
        assert generator.passages is None
        assert said
    assert "does not hold" in caplog.text


@pytest.mark.parametrize("harm", ["deleted", "cut", "a file"])
async def test_a_folder_that_is_damaged_under_the_server_costs_a_full_read(
    phi3: Path, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    folder = phi3.parent / FOLDER
    async with running(phi3) as generator:
        wanted, _ = await ask(generator, prompt([0, 1]))
        await all_read(generator)
    async with running(phi3) as generator:
        if harm == "cut":
            for path in folder.iterdir():
                path.write_bytes(path.read_bytes()[:-5])
        else:
            shutil.rmtree(folder)
        if harm == "a file":
            folder.write_text("in the way")
        said, _ = await ask(generator, prompt([0, 1]))
        assert said == wanted
        assert generator.passages is not None
        assert generator.passages.from_disk == 0
        await all_read(generator)
        _, stitched = await ask(generator, prompt([1, 0]))
        assert stitched.cached_tokens > 100, "it was read again"
    assert "read by the model again" in caplog.text


async def test_of_a_document_that_is_gone_nothing_is_kept(phi3: Path) -> None:
    async with running(phi3) as generator:
        await ask(generator, prompt([0, 1]))
        await all_read(generator)
        sources = generator.passage_sources()
        assert len(sources) == 2
        generator.forget_passages(sources)
        assert generator.passage_sources() == frozenset()
        _, usage = await ask(generator, prompt([1, 0]))
        assert usage.prompt_tokens - usage.cached_tokens > 100


async def test_a_prompt_past_the_context_is_refused_as_without(phi3: Path) -> None:
    async with running(phi3, context=320) as generator:
        with pytest.raises(ContextTooLong):
            await ask(generator, prompt([0, 1, 2, 3]))
        assert generator.passages is not None
        said, usage = await ask(generator, prompt([0]))
        assert said
        assert usage.prompt_tokens < 320


async def test_some_tokens_of_each_moved_passage_may_be_read_anew(phi3: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    for anew in (0, 8):
        monkeypatch.setattr("server.llm.prompt_passages.READ_ANEW", anew)
        async with running(phi3) as generator:
            await ask(generator, prompt([0, 1, 2]))
            await all_read(generator)
        async with running(phi3) as generator:
            await ask(generator, [*prompt([0])[:1], Message("user", "what")])
            _, usage = await ask(generator, prompt([2, 0, 1]))
            read.append(usage.prompt_tokens - usage.cached_tokens)
    assert read[1] - read[0] == 2 * 8, "the first one has not moved"


async def test_many_at_once(model: Path) -> None:
    orders = [[0, 1, 2], [2, 1, 0], [1, 3, 0], [3, 2, 1], [0, 3, 2]]
    async with running(model) as generator:
        await ask(generator, prompt([0, 1, 2, 3]))
        await all_read(generator)
        alone = [await ask(generator, prompt(order, "in and out")) for order in orders]
        together = await asyncio.gather(*(ask(generator, prompt(order, "of the way")) for order in orders))
        assert max(usage.prompt_tokens - usage.cached_tokens for _, usage in [*alone, *together]) < 110
