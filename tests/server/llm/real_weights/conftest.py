"""One load of SmolLM2-135M for each of the two ways in: the engine's (token ids) and the generator's (messages)."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.engine.gguf_header import read_header
from server.engine.llama import Model
from server.engine.vocabulary import Vocabulary
from server.llm.chat_template import ChatTemplate, choose_template
from server.llm.generator import Message
from server.llm.local import LocalGenerator
from server.llm.prompt_tokens import PromptTokenizer
from server.settings import ServerSettings
from tests.real_weights import smollm2
from tests.server.engine.bare_loop import BareLoop
from tests.waiting import until

MARKS = [pytest.mark.weights, pytest.mark.xdist_group("weights")]  # one process has them all, and loads once
CELLS = 1024
TEXT = Message(
    "system",
    "Answer from this text: Everyone gets 25 days of leave a year. Unused days expire on 31 March. Claims are paid "
    "within ten working days.",
)
EXPIRE, FRANCE, REPEAT, TWICE = (
    Message("user", question)
    for question in (
        "When do unused days expire?",
        "What is the capital of France?",
        "Repeat the text word by word.",
        "Repeat this sentence twice: Keep every receipt.",
    )
)


@dataclass(frozen=True)
class Loaded:
    """The weights, what makes prompts for them, and llama.cpp without any of the engine."""

    path: Path
    model: Model
    vocabulary: Vocabulary
    template: ChatTemplate
    bare: BareLoop

    def encode(self, *messages: Message) -> tuple[int, ...]:
        return tuple(PromptTokenizer(self.vocabulary).encode(self.template.render(messages)))

    def text(self, tokens: tuple[int, ...]) -> str:
        return b"".join(map(self.vocabulary.piece, tokens)).decode()


@pytest.fixture(scope="session")
def weights() -> Path:
    return smollm2()


def template_of(path: Path, vocabulary: Vocabulary) -> ChatTemplate:
    header = read_header(path)
    marks = frozenset(special.text for special in vocabulary.specials)
    bos, eos = vocabulary.text_of(vocabulary.bos), vocabulary.text_of(vocabulary.eos)
    return choose_template(header.chat_template, header.architecture, marks, bos=bos, eos=eos)


@pytest.fixture(scope="package")
def smol(weights: Path) -> Iterator[Loaded]:
    model = Model(weights)
    vocabulary = Vocabulary(model)
    bare = BareLoop(model, CELLS)
    yield Loaded(weights, model, vocabulary, template_of(weights, vocabulary), bare)
    bare.close()


@pytest.fixture(scope="package")
def generator(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGenerator]:
    settings = ServerSettings(data=tmp_path_factory.mktemp("data"), threads=1, context=CELLS, state_mb=0)
    generator = LocalGenerator(weights, settings)
    generator.start()
    until(lambda: generator.state.state != "loading")
    assert generator.state.state == "ready", generator.state.detail
    yield generator
    asyncio.run(generator.aclose())
