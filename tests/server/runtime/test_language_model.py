"""The language model comes behind the page: questions go on meanwhile, and it writes from then on without a restart."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from indexer.errors import BusyError, StorageError
from server.answering.events import Answer, Question
from server.app import Parts, make_services
from server.errors import Unavailable
from server.llm.catalogue import CatalogueModel
from server.llm.choose import open_generator
from server.llm.generator import Generator, GeneratorState
from server.llm.model_pull import PullError
from server.runtime.language_model import LanguageModel
from server.runtime.loading import Loading
from server.runtime.metrics import Metrics
from server.runtime.services import Services
from server.settings import ServerSettings
from tests.server.arriving import ScriptedPull, model_of
from tests.server.fakes import HANDBOOK, ScriptedGenerator, fill, open_fake_retriever
from tests.tiny_gguf import TinyModel, write_tiny_gguf

ASKED = "How many days of annual leave do employees have?"
WAIT = 20.0  # seconds until a test gives up
PLENTY = 64 << 30


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not true():  # noqa: ASYNC110 (the product has no event for it)
            await asyncio.sleep(0.005)


@dataclass
class Server:
    """A server's parts with a scripted pull, and the generators that it opened."""

    services: Services
    pull: ScriptedPull
    opened: list[ServerSettings]
    generators: list[ScriptedGenerator]

    @property
    def stage(self) -> str:
        return self.services.arrival.state.stage

    async def reaches(self, stage: str) -> None:
        await until(lambda: self.stage == stage)

    async def answer(self) -> Answer:
        events = [event async for event in self.services.answer(Question(ASKED, self.services.catalog.everything()))]
        assert isinstance(events[-1], Answer)
        return events[-1]


@asynccontextmanager
async def starting(
    settings: ServerSettings,
    models: Sequence[CatalogueModel] | None = None,
    *,
    memory: int = PLENTY,
    state: GeneratorState | None = None,
    pull: ScriptedPull | None = None,
    real: bool = False,
) -> AsyncIterator[Server]:
    """`state` is that of every generator that is opened; `real` opens GGUF files."""
    if not settings.knowledge_path.exists():
        fill(settings, {"handbook": HANDBOOK})
    pull = pull or ScriptedPull()
    services, _ = make_services(settings, Parts(), Metrics())
    server = Server(services, pull, [], [])

    def open_scripted(settings: ServerSettings) -> Generator | None:
        server.opened.append(settings)
        server.generators.append(ScriptedGenerator(state=state or GeneratorState("ready")))
        return server.generators[-1]

    model = LanguageModel(
        services,
        open_generator if real else open_scripted,
        pull,
        (model_of(pull.data),) if models is None else models,
        memory=lambda: memory,
        held=0.01,
    )
    running = asyncio.create_task(Loading(services, open_fake_retriever, model, follow=0.01).run())
    try:
        yield server
    finally:
        running.cancel()
        await asyncio.wait({running})
        if services.generator is not None:
            await services.generator.aclose()


async def test_a_question_goes_on_with_quotations_until_the_model_is_there(settings: ServerSettings) -> None:
    async with starting(settings) as server:
        await server.reaches("fetching")
        assert (await server.answer()).mode == "extractive"
        assert server.services.generator is None

        server.pull.gate.set()
        await server.reaches("ready")
        assert (await server.answer()).mode == "model"
        assert [Path(one.model).name for one in server.opened] == ["tiny.gguf"]


async def test_a_real_model_file_writes_once_it_has_arrived(settings: ServerSettings, tmp_path: Path) -> None:
    """The same with llama.cpp: what it writes is noise, of which nothing is shown, but the model writes it."""
    data = write_tiny_gguf(tmp_path / "made.gguf", TinyModel(context=4096)).read_bytes()
    async with starting(settings, pull=ScriptedPull(data), real=True) as server:
        await server.reaches("fetching")
        before = await server.answer()
        assert (before.mode, before.usage.completion_tokens) == ("extractive", 0)
        assert "25 days" in before.text

        server.pull.gate.set()
        await server.reaches("ready")
        after = await server.answer()
        assert (after.mode, "25 days" in after.text) == ("extractive", True)
        assert after.usage.completion_tokens > 0
        assert server.services.model_name == "tiny"


async def test_what_only_a_model_can_do_is_refused_with_how_far_it_is(settings: ServerSettings) -> None:
    async with starting(settings) as server:
        await server.reaches("fetching")
        question = Question(ASKED, server.services.catalog.everything(), retrieval=False)
        with pytest.raises(Unavailable, match="on its way") as refused:
            await anext(server.services.answer(question))
        assert refused.value.code == "model_fetching"


async def test_a_model_that_is_there_is_not_fetched(settings: ServerSettings) -> None:
    pull = ScriptedPull()
    settings.models_path.mkdir(parents=True)
    (settings.models_path / "tiny.gguf").write_bytes(pull.data)
    async with starting(settings, pull=pull) as server:
        assert (await server.answer()).mode == "model"
        assert (pull.pulled, server.stage) == ([], "none")


async def test_without_being_asked_for_nothing_is_fetched(settings: ServerSettings) -> None:
    async with starting(settings, models=()) as server:
        await server.answer()
        assert server.pull.pulled == []


async def test_cancel_keeps_the_quotations_and_again_fetches_it(settings: ServerSettings) -> None:
    async with starting(settings) as server:
        await server.reaches("fetching")
        await asyncio.to_thread(server.pull.half_way.wait, WAIT)
        server.services.arrival.cancel()
        assert server.stage == "cancelled"
        assert (await server.answer()).mode == "extractive"
        server.services.arrival.again()
        await until(lambda: len(server.pull.pulled) == 2)
        server.pull.gate.set()
        await server.reaches("ready")
        assert (await server.answer()).mode == "model"


async def test_a_fetch_that_fails_says_why_and_is_tried_again(settings: ServerSettings) -> None:
    async with starting(settings) as server:
        reasons = "No source gives it. The hub cannot be reached. The index has no such package."
        server.pull.error = PullError(reasons, "Fetch the file by hand.")
        server.pull.gate.set()
        await server.reaches("failed")
        state = server.services.arrival.state
        assert state.why == "tiny could not be fetched. No source gives it."
        assert state.advice == "The hub cannot be reached. The index has no such package. Fetch the file by hand."
        assert (await server.answer()).mode == "extractive"

        server.pull.error = None
        server.services.arrival.again()
        await server.reaches("ready")
        assert (await server.answer()).mode == "model"


async def test_a_disk_that_fills_meanwhile_is_told(settings: ServerSettings) -> None:
    async with starting(settings) as server:
        server.pull.error = StorageError("The disk is full.", "Make room; what has arrived is kept.")
        server.pull.gate.set()
        await server.reaches("failed")
        assert server.services.arrival.state.headline == (
            "There is no language model. tiny could not be fetched. The disk is full. Answers are quotations."
        )


async def test_the_unforeseen_is_logged_and_can_be_tried_again(
    settings: ServerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async with starting(settings) as server:
        server.pull.error = ValueError("a secret path")
        server.pull.gate.set()
        await server.reaches("failed")
        assert "secret" not in server.services.arrival.state.sentence
    assert "a secret path" in caplog.text


async def test_too_little_memory_fetches_nothing_and_says_why(settings: ServerSettings) -> None:
    async with starting(settings, memory=1 << 20) as server:
        await server.reaches("too_large")
        assert server.pull.pulled == []
        assert "too little free memory" in server.services.arrival.state.headline
        assert (await server.answer()).mode == "extractive"


async def test_a_smaller_model_comes_where_the_first_does_not_fit(settings: ServerSettings) -> None:
    small, large = model_of(b"a model"), replace(model_of(b"x", "large"), size=PLENTY)
    async with starting(settings, models=(large, small)) as server:
        await server.reaches("fetching")
        assert server.services.arrival.state.model == "tiny"
        assert "So the smaller tiny comes instead." in server.services.arrival.state.remark
        server.pull.gate.set()
        await server.reaches("ready")


async def test_while_another_program_fetches_it_this_one_waits_and_then_uses_it(settings: ServerSettings) -> None:
    async with starting(settings) as server:
        server.pull.error = BusyError("Another process is pulling tiny.gguf.")
        server.pull.gate.set()
        await server.reaches("waiting")
        assert (await server.answer()).mode == "extractive"
        settings.models_path.mkdir(parents=True, exist_ok=True)
        (settings.models_path / "tiny.gguf").write_bytes(server.pull.data)
        await server.reaches("ready")
        assert (await server.answer()).mode == "model"


async def test_the_end_of_the_server_ends_the_fetch(settings: ServerSettings) -> None:
    async with starting(settings) as server:
        await asyncio.to_thread(server.pull.half_way.wait, WAIT)
    assert server.services.arrival.state.stage == "fetching"
    assert server.services.arrival._cancelled.is_set()


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"no model at all", "cannot be used"), (b"", "cannot be used")],
    ids=["another file", "an empty file"],
)
async def test_a_file_that_is_no_model_leaves_the_quotations(settings: ServerSettings, data: bytes, words: str) -> None:
    async with starting(settings, pull=ScriptedPull(data), real=True) as server:
        server.pull.gate.set()
        await server.reaches("failed")
        assert words in server.services.arrival.state.why
        assert words in server.services.model_failure
        assert server.services.generator is None
        assert (await server.answer()).mode == "extractive"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (TinyModel(metadata={"general.architecture": "unheard"}), "the architecture unheard"),
        (TinyModel(context=8), "no room for a question"),
    ],
    ids=["unknown architecture", "no context"],
)
async def test_a_model_that_does_not_load_says_so_and_can_be_tried_again(
    settings: ServerSettings, tmp_path: Path, model: TinyModel, words: str
) -> None:
    data = write_tiny_gguf(tmp_path / "made.gguf", model).read_bytes()
    async with starting(settings, pull=ScriptedPull(data), real=True) as server:
        server.pull.gate.set()
        await server.reaches("failed")
        assert words in server.services.arrival.state.why
        assert (await server.answer()).mode == "extractive"
        server.pull.data = write_tiny_gguf(tmp_path / "good.gguf", TinyModel(context=4096)).read_bytes()
        (settings.models_path / "tiny.gguf").write_bytes(server.pull.data)  # one as large would not be fetched again
        server.services.arrival.again()
        await server.reaches("ready")


async def test_an_installed_model_that_fails_is_opened_again_when_asked(settings: ServerSettings) -> None:
    """Without a restart, once the file is mended or memory is free."""
    async with starting(settings, models=(), state=GeneratorState("failed", "Too little memory.")) as server:
        await server.reaches("failed")
        assert server.services.arrival.state.headline == (
            "There is no language model. Too little memory. Answers are quotations."
        )
        assert (await server.answer()).mode == "extractive"
        server.services.arrival.again()
        await until(lambda: len(server.generators) == 2)
        await server.reaches("failed")
        assert server.services.generator is None
        assert server.services.model_failure == "Too little memory."


async def test_a_server_that_is_away_is_no_model_that_failed(settings: ServerSettings) -> None:
    """It comes back by itself; nothing has to be clicked."""
    elsewhere = settings.model_copy(update={"generator_url": "http://gpu:8080/v1"})
    async with starting(elsewhere, models=(), state=GeneratorState("failed", "It is away.")) as server:
        assert (await server.answer()).mode == "extractive"
        assert server.stage == "none"
        assert server.services.generator is server.generators[0]


async def test_a_model_that_loads_after_its_fetch_keeps_nobody_waiting(settings: ServerSettings) -> None:
    async with starting(settings, state=GeneratorState("loading", "Tiny loads (40%).")) as server:
        server.pull.gate.set()
        await server.reaches("loading")
        await until(lambda: bool(server.generators))
        await until(lambda: "40%" in server.services.arrival.state.headline)
        assert (await server.answer()).mode == "extractive"
        server.generators[0].state = GeneratorState("ready")
        await server.reaches("ready")
        assert (await server.answer()).mode == "model"
