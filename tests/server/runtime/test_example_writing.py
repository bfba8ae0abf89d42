"""A model writes example questions when nothing else is to be done, and a question of anybody's comes first."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from sqlmodel import Session

from indexer.knowledge.database import writing
from indexer.knowledge.tables import IngestRun, now
from server.answering.events import Answer, Question
from server.app import Parts, make_services
from server.errors import Unavailable
from server.library.job import Job
from server.llm.generator import GenerationEvent, GeneratorState, Message, Sampling
from server.runtime.example_writing import ExampleWriting
from server.runtime.metrics import Metrics
from server.runtime.services import Services
from server.settings import ServerSettings
from tests.server.fakes import ScriptedGenerator, fill, no_generator, open_fake_retriever
from tests.waiting import WAIT

RULES = {
    "leave.md": "You may take 25 days of annual leave. Five days may carry over. Ask your lead first.",
    "taxis.md": "You must keep each taxi receipt. Trips over 50 dollars need approval. Pay by card.",
}
LEAVE = "How many days of annual leave may carry over?"
TAXI = "Which taxi trips over 50 dollars need approval?"


class Asker(ScriptedGenerator):
    """Writes a question about what it reads; for a person's question it writes an answer."""

    def generate(self, messages: list[Message], sampling: Sampling) -> AsyncIterator[GenerationEvent]:  # type: ignore[override]
        read = messages[-1].content
        if "Write only the question" in read:
            self.words = (LEAVE,) if "annual leave" in read else (TAXI,)
        else:
            self.words = ("You may take 25 days.",)
        return super().generate(messages, sampling)

    @property
    def written_for(self) -> int:
        return sum("Write only the question" in prompt[-1].content for prompt in self.prompts)


@pytest.fixture
def model() -> Asker:
    return Asker()


@pytest.fixture
def services(settings: ServerSettings, model: Asker) -> Iterator[Services]:
    fill(settings, {"handbook": RULES})
    services, _ = make_services(settings, Parts(open_fake_retriever, no_generator), Metrics())
    services.retriever = open_fake_retriever(settings, services.catalog.engine)
    services.generator = model
    services.opened.set()
    services.model_opened.set()
    yield services
    services.catalog.engine.dispose()


def known(services: Services) -> list[str]:
    return sorted(services.examples.known(services.catalog.everything()))


async def test_each_document_is_asked_about_once(services: Services, model: Asker) -> None:
    writing = ExampleWriting(services, quiet=0)
    await writing.write_when_due()
    assert known(services) == [LEAVE, TAXI]
    assert all(sampling.max_tokens <= 40 for sampling in model.samplings)
    await writing.write_when_due()
    await ExampleWriting(services, quiet=0).write_when_due()  # after a restart
    assert model.written_for == 2
    fill(services.settings, {"handbook": {"dental.md": "You may get 2 cleanings a year. Crowns cost. You must ask."}})
    assert services.retriever is not None
    services.retriever.follow()
    await writing.write_when_due()
    assert model.written_for == 3


async def test_what_the_search_does_not_lead_back_from_is_not_kept(services: Services) -> None:
    services.finds = lambda question, _scope, _id: "taxi" in question  # type: ignore[method-assign]
    await ExampleWriting(services, quiet=0).write_when_due()
    assert known(services) == [TAXI]


async def test_a_question_ends_the_writing_and_it_goes_on_later(services: Services, model: Asker) -> None:
    model.waits_first = True
    model.gate.clear()
    writing = ExampleWriting(services, quiet=0)
    doing = asyncio.create_task(writing.write_when_due())
    await asyncio.to_thread(model.begun.wait, WAIT)
    model.waits_first = False
    asked = Question("How many days of annual leave do I have?", services.catalog.everything())
    events = [event async for event in services.answer(asked)]
    assert isinstance(events[-1], Answer)
    assert "25 days" in events[-1].text
    await doing
    assert known(services) == []
    await writing.write_when_due()
    assert known(services) == [LEAVE, TAXI]


async def test_nothing_is_written_while_people_talk_to_docent(services: Services, model: Asker) -> None:
    writing = ExampleWriting(services, quiet=1000)
    await writing.write_when_due()
    assert model.prompts == []


def loads(services: Services) -> None:
    assert isinstance(services.generator, Asker)
    services.generator.state = GeneratorState("loading", "It loads.")


def has_none(services: Services) -> None:
    services.generator = None


def is_elsewhere(services: Services) -> None:
    services.settings.generator_url = "http://gpu.example/v1"


def calibrates(services: Services) -> None:
    services.calibrating = True


def waits_for_uploads(services: Services) -> None:
    services.jobs._jobs.append(Job("handbook", []))


def has_no_search(services: Services) -> None:
    services.retriever = None


@pytest.mark.parametrize("what", [loads, has_none, is_elsewhere, calibrates, waits_for_uploads, has_no_search])
async def test_nothing_is_written_when_it_is_not_the_time(
    what: Callable[[Services], None], services: Services, model: Asker
) -> None:
    what(services)
    await ExampleWriting(services, quiet=0).write_when_due()
    assert model.prompts == []


async def test_nothing_is_written_while_an_ingest_goes_on(services: Services, model: Asker) -> None:
    with writing(services.settings), Session(services.catalog.engine) as session:
        run = IngestRun(collection_id=1)
        session.add(run)
        session.commit()
        await ExampleWriting(services, quiet=0).write_when_due()
        assert model.prompts == []
        run.finished_at = now()
        session.commit()
    await ExampleWriting(services, quiet=0).write_when_due()
    assert known(services) == [LEAVE, TAXI]


async def test_a_model_that_fails_is_asked_again_later(services: Services, model: Asker) -> None:
    def broken(_messages: object, _sampling: object) -> AsyncIterator[GenerationEvent]:
        raise Unavailable("The model is gone.")

    usual, model.generate = model.generate, broken  # type: ignore[assignment, method-assign]
    writing = ExampleWriting(services, look=0, quiet=0)
    await writing.write_when_due()
    assert known(services) == []
    model.generate = usual  # type: ignore[method-assign]
    await writing.write_when_due()
    assert known(services) == [LEAVE, TAXI]
