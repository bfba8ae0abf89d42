"""What the local generator need not compute again: over the turns of a conversation, and after a restart."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from indexer.passages import Scope
from server.answering.events import Exchange, Question
from server.answering.prompt import build_messages
from server.engine.gguf_header import read_header
from server.engine.llama import Model
from server.engine.vocabulary import Vocabulary
from server.llm.chat_template import choose_template
from server.llm.generator import Completed, Message, Sampling
from server.llm.local import LocalGenerator
from server.llm.prompt_tokens import PromptTokenizer
from server.settings import ServerSettings
from tests.server.llm.test_local import collect, completed, loaded, text
from tests.server.passages import numbered
from tests.tiny_gguf import TinyModel, write_tiny_gguf

TOOL = Path(__file__).parents[3] / ".." / "shared" / "tools" / "make_phi3_gguf.py"
OURS = "be as the one and the other of it, in and out of the way, for all of their time " * 2
SYSTEM = Message("system", OURS, public=len(OURS))


@asynccontextmanager
async def running(path: Path, **settings: object) -> AsyncIterator[LocalGenerator]:
    generator = LocalGenerator(path, ServerSettings(data=path.parent, threads=1, **settings))  # type: ignore[arg-type]
    generator.start()
    try:
        yield await loaded(generator)
    finally:
        await generator.aclose()


async def ask(generator: LocalGenerator, *messages: Message) -> Completed:
    return completed(await collect(generator, messages, Sampling(max_tokens=4)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_gguf(tmp_path / "tiny.gguf", TinyModel(ends=False, context=512))


async def test_what_several_questions_begin_with_outlives_a_restart(model: Path) -> None:
    async with running(model) as generator:
        first = await ask(generator, SYSTEM, Message("user", "what is it"))
        second = await ask(generator, SYSTEM, Message("user", "in the other way"))
        assert first.usage.cached_tokens == 0
        assert second.usage.cached_tokens > 32
    async with running(model) as generator:
        third = await ask(generator, SYSTEM, Message("user", "out of the time"))
        assert third.usage.cached_tokens >= second.usage.cached_tokens
    (index,) = (model.parent / "state").glob("*.json")
    assert index.stat().st_mode & 0o077 == 0


async def test_nothing_is_kept_where_the_operator_does_not_want_it(model: Path) -> None:
    for mb in (64, 0):
        async with running(model, state_mb=mb) as generator:
            await ask(generator, SYSTEM, Message("user", "what is it"))
            await ask(generator, SYSTEM, Message("user", "in the other way"))
        assert bool(list((model.parent / "state").glob("*"))) is (mb > 0)


async def test_another_model_or_another_context_restores_nothing(model: Path) -> None:
    async with running(model) as generator:
        await ask(generator, SYSTEM, Message("user", "what is it"))
        await ask(generator, SYSTEM, Message("user", "in the other way"))
    async with running(model, context=300) as generator:
        assert (await ask(generator, SYSTEM, Message("user", "what is it"))).usage.cached_tokens == 0
    write_tiny_gguf(model, TinyModel(ends=False, context=512, seed=7))
    async with running(model) as generator:
        assert (await ask(generator, SYSTEM, Message("user", "what is it"))).usage.cached_tokens == 0


async def test_a_second_turn_computes_only_what_is_new(model: Path) -> None:
    async with running(model) as generator:
        messages = [SYSTEM]
        before = 0
        for question in ("what is it", "in the other way", "out of the time"):
            messages.append(Message("user", question))
            events = await collect(generator, messages, Sampling(max_tokens=8))
            usage = completed(events).usage
            assert usage.cached_tokens >= before
            before = usage.prompt_tokens
            messages.append(Message("assistant", text(events)))


@pytest.fixture(scope="module")
def phi3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of random weights with the vocabulary and the template of Phi-3-mini."""
    if not TOOL.exists():
        pytest.skip("the real Phi-3 vocabulary is not here")
    path = tmp_path_factory.mktemp("models") / "phi3.gguf"
    subprocess.run([sys.executable, str(TOOL), str(path), "--preset", "tiny"], check=True, capture_output=True)
    return path


def turns() -> Iterator[tuple[list[Message], str]]:
    """Each turn's messages, as Docent's own prompt builds them, and its answer."""
    answers = [
        "The notice period is 4 weeks [1].",
        "It doesn't apply to  part-time\nemployees [2].",
        "- One\n- Two [3]",
    ]
    texts = [f"The notice period of group {i} is {i + 2} weeks (see §{i}). " * 20 for i in range(len(answers))]
    history: list[Exchange] = []
    for evidence, answer in zip(numbered(*texts), answers, strict=True):
        question = Question(f"How long is it for {evidence.n}?", Scope(frozenset({1})))
        yield build_messages(question, [evidence], history), answer
        history.append(Exchange(question.text, answer, (evidence,)))


def test_a_turn_begins_with_the_tokens_of_the_one_before_and_of_its_answer(phi3: Path) -> None:
    """As the model writes them, where it cuts its words as its tokeniser does."""
    vocabulary = Vocabulary(Model(phi3))
    marks = frozenset(special.text for special in vocabulary.specials)
    template = choose_template(read_header(phi3).chat_template, "phi3", marks, bos="<s>", eos="<|endoftext|>")
    tokenizer = PromptTokenizer(vocabulary)
    cached: list[int] = []
    for messages, answer in turns():
        prompt = tokenizer.encode(template.render(messages))
        assert prompt[: len(cached)] == cached
        cached = [*prompt, *vocabulary.tokenize(answer)]


async def test_three_turns_with_the_vocabulary_of_phi_3(phi3: Path) -> None:
    """Random weights cut words as no tokeniser does: the text of their answer is read again, nothing else is."""
    async with running(phi3, context=4096, state_mb=0) as generator:
        known, messages = 0, []
        for turn, _ in turns():
            messages = [*messages, turn[-1]] if messages else turn
            events = await collect(generator, messages, Sampling(max_tokens=24))
            usage = completed(events).usage
            assert usage.cached_tokens >= known
            assert usage.prompt_tokens > known + 300
            known = usage.prompt_tokens
            messages.append(Message("assistant", text(events)))
