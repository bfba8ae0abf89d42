"""Documents that are read once, on the whole way of a question: a real index, the local engine, random weights."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from server.answering.events import AnswerEvent, Question
from server.engine.passage_store import PassageStore, PassageTokens
from server.llm.generator import Sampling
from server.llm.local import LocalGenerator
from tests.server.asked_library import DENTAL_QUESTION, LEAVE_QUESTION, Library, final, sources
from tests.server.fakes import LEAVE
from tests.server.llm.test_stitching import SHAPES, all_read, running
from tests.tiny_gguf import write_tiny_gguf

QUICK = Sampling(max_tokens=6)


@pytest.fixture
async def generator(tmp_path: Path) -> AsyncIterator[LocalGenerator]:
    path = write_tiny_gguf(tmp_path / "tiny.gguf", SHAPES["phi3"])
    async with running(path) as generator:
        yield generator


async def asked(library: Library, generator: LocalGenerator, question: Question) -> list[AnswerEvent]:
    events = await library.events(question, generator)  # type: ignore[arg-type]
    await all_read(generator)
    return events


def quick(library: Library, text: str) -> Question:
    return replace(library.ask(text), sampling=QUICK)


def read(events: list[AnswerEvent]) -> int:
    """Tokens of the prompt that were not computed before."""
    usage = final(events).usage
    return usage.prompt_tokens - usage.cached_tokens


async def test_a_document_is_read_once_whatever_is_asked_of_it(library: Library, generator: LocalGenerator) -> None:
    await asked(library, generator, quick(library, LEAVE_QUESTION))
    first = generator.passages
    events = await asked(library, generator, quick(library, "Where is leave of employees booked?"))
    then = generator.passages
    assert first is not None
    assert then is not None
    assert then.from_memory > first.from_memory
    assert any(one.text == LEAVE for one in sources(events)), "it is whole"
    assert read(events) < 120


async def test_a_document_outside_the_scope_is_never_looked_for(
    library: Library, generator: LocalGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asked(library, generator, quick(library, DENTAL_QUESTION))
    kept, looked_for = generator.passage_sources(), set[str]()
    for name in ("ask", "holds"):
        monkeypatch.setattr(PassageStore, name, noting(getattr(PassageStore, name), looked_for))
    narrow = replace(library.ask(DENTAL_QUESTION, "handbook"), sampling=QUICK, abstain=False)
    events = await asked(library, generator, narrow)
    shown = {one.passage.document_id for one in sources(events)}
    assert {int(source.partition(":")[0]) for source in looked_for} <= shown
    assert kept - looked_for
    assert all(one.passage.title != "Dental" for one in sources(events))


def noting(method: Callable[[PassageStore, PassageTokens], object], sources: set[str]) -> object:
    def noted(store: PassageStore, passage: PassageTokens) -> object:
        sources.add(passage.source)
        return method(store, passage)

    return noted


async def test_who_asks_with_a_seed_gets_a_full_read(library: Library, generator: LocalGenerator) -> None:
    seeded = replace(library.ask(LEAVE_QUESTION), sampling=replace(QUICK, seed=3))
    wanted = final(await asked(library, generator, seeded))
    for _ in range(2):
        await asked(library, generator, quick(library, LEAVE_QUESTION))
    before = generator.passages
    given = final(await asked(library, generator, seeded))
    assert (given.text, given.raw) == (wanted.text, wanted.raw)
    assert generator.passages == before, "nothing was asked of what is kept"


async def test_many_questions_at_once(library: Library, generator: LocalGenerator) -> None:
    texts = [LEAVE_QUESTION, DENTAL_QUESTION, "Where is leave booked?", "What is the plan for cleanings?"]
    for _ in range(2):
        answers = await asyncio.gather(
            *(library.events(quick(library, text), generator) for text in texts)  # type: ignore[arg-type]
        )
        assert all(final(events) for events in answers)
        await all_read(generator)
