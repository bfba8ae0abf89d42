"""Briefs under way: they give way to questions, are shared, stopped, kept while the document is as it was."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

import pytest
from sqlmodel import Session, select

from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Document, KeptBrief, now
from server.answering.events import AnswerEvent, Text
from server.answering.means import Means
from server.errors import TooBusy, Unavailable
from server.runtime import briefs as module
from server.runtime.briefs import GONE, BriefRun, Briefs
from server.runtime.idle import Idle
from server.settings import ServerSettings
from tests.server.fakes import LEAVE, ScriptedGenerator, _put, fill, open_fake_retriever

SAID = "Employees have 25 days of annual leave."


class Setting:
    """Briefs over a real database, with a model that writes what it is told."""

    def __init__(self, settings: ServerSettings) -> None:
        fill(settings, {"handbook": {"leave.md": LEAVE, "travel.md": "Book trains early. Taxis need a receipt."}})
        self.engine = open_knowledge(settings)
        self.generator = ScriptedGenerator((SAID,))
        self.idle = Idle()
        self.means = Means(
            settings=settings,
            catalog=Catalog(self.engine),
            retriever=open_fake_retriever(settings, self.engine),
            generator=self.generator,
        )
        self.briefs = Briefs(self.means, self.idle, grace=0.05)
        self.scope = self.means.catalog.everything()

    def text(self, document_id: int = 1) -> str:
        with Session(self.engine) as session:
            return session.get_one(Document, document_id).text

    async def start(self, document_id: int = 1) -> BriefRun:
        return await self.briefs.start(document_id, self.text(document_id), self.scope)

    async def ended(self, run: BriefRun) -> BriefRun:
        async with asyncio.timeout(10), aclosing(self.briefs.follow(run)) as steps:
            async for _ in steps:
                pass
        return run

    def rows(self) -> list[KeptBrief]:
        with Session(self.engine) as session:
            return list(session.exec(select(KeptBrief)))


@pytest.fixture
def setting(settings: ServerSettings) -> Iterator[Setting]:
    setting = Setting(settings)
    yield setting
    setting.engine.dispose()


async def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


async def test_a_brief_is_written_cited_and_kept(setting: Setting) -> None:
    run = await setting.ended(await setting.start())
    assert run.state == "done", run.why
    brief = setting.briefs.kept(1, setting.text())
    assert brief is not None
    assert brief.whole.text == f"{SAID[:-1]} [1]."
    (cited,) = brief.whole.citations
    assert setting.text()[cited.start : cited.end] == cited.quote == SAID
    assert brief.read == brief.total
    later = Briefs(setting.means, setting.idle)
    assert later.kept(1, setting.text()) == brief, "after a restart too"
    setting.generator.name = "another"
    assert later.kept(1, setting.text()) is None, "of another model it is written anew"
    assert later.kept(1, "Other words.") is None


async def test_a_question_goes_first(setting: Setting) -> None:
    async def answer() -> AsyncGenerator[AnswerEvent, None]:
        yield Text("a")
        yield Text("b")

    setting.generator.waits_first = True
    setting.generator.gate.clear()
    run = await setting.start()
    following = asyncio.create_task(setting.ended(run))
    await until(setting.generator.begun.is_set)
    events = setting.idle.answering(answer())
    await anext(events)
    await until(setting.generator.closed.is_set)
    await until(lambda: run.state == "waiting")
    assert run.why == "Questions go first."
    setting.generator.waits_first = False
    await events.aclose()
    assert (await following).state == "done"
    assert len(setting.generator.prompts) == 2, "what was interrupted was begun again"


async def test_who_stops_it_stops_it_for_oneself(setting: Setting) -> None:
    setting.generator.waits_first = True
    setting.generator.gate.clear()
    run = await setting.start()
    assert await setting.start() is run, "the same one for everybody"
    others = [asyncio.create_task(setting.ended(run)) for _ in range(2)]
    await until(lambda: run.watchers == 2)
    await setting.briefs.stop(run)
    assert not run.ended
    others[0].cancel()
    await until(lambda: run.watchers == 1)
    await setting.briefs.stop(run)
    assert run.state == "stopped"
    await others[1]
    assert setting.rows() == []


async def test_it_ends_when_nobody_follows(setting: Setting) -> None:
    setting.generator.waits_first = True
    setting.generator.gate.clear()
    run = await setting.start()
    await until(lambda: run.ended)
    assert run.state == "stopped"


async def test_a_document_that_is_deleted_in_midway_ends_it(setting: Setting) -> None:
    setting.generator.waits_first = True
    setting.generator.gate.clear()
    run = await setting.start()
    following = asyncio.create_task(setting.ended(run))
    await until(setting.generator.begun.is_set)
    with Session(setting.engine) as session:
        session.get_one(Document, 1).deleted_at = now()
        session.commit()
    setting.generator.gate.set()
    assert ((await following).state, run.why) == ("failed", GONE)
    assert setting.rows() == []


async def test_it_goes_with_its_document_and_with_its_words(setting: Setting) -> None:
    await setting.ended(await setting.start())
    setting.generator.words = ("Taxis need a receipt.",)
    await setting.ended(await setting.start(2))
    assert len(setting.rows()) == 2
    with Session(setting.engine) as session:
        _put(session, 1, "leave.md", "Employees have 30 days of annual leave now.")
        session.commit()
    assert [row.document_id for row in setting.rows()] == [2]
    assert setting.briefs.kept(1, setting.text()) is None
    with Session(setting.engine) as session:
        session.delete(session.get_one(Document, 2))
        session.commit()
    assert setting.rows() == []


async def test_what_cannot_be_written_says_why(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.generator.words = ("Parrots dance on every third moon of the year.",)
    run = await setting.ended(await setting.start())
    assert run.state == "failed"
    assert "nothing that the document supports" in run.why
    setting.generator.fails_after = 0
    run = await setting.ended(await setting.start())
    assert (run.state, run.why) == ("failed", module.FAILED)
    monkeypatch.setattr(module, "MOST_OPEN", 0)
    with pytest.raises(TooBusy):
        await setting.start()
    setting.means.generator = None
    with pytest.raises(Unavailable):
        await setting.start()


async def test_one_document_after_the_other(setting: Setting) -> None:
    setting.generator.waits_first = True
    setting.generator.gate.clear()
    first, second = await setting.start(), await setting.start(2)
    both = [asyncio.create_task(setting.ended(run)) for run in (first, second)]
    await until(setting.generator.begun.is_set)
    await until(lambda: "first" in second.why)
    assert len(setting.generator.prompts) == 1
    setting.generator.gate.set()
    setting.generator.waits_first = False
    await asyncio.gather(*both)
    await setting.briefs.aclose()
