"""Work for idle hours ends as soon as somebody asks."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from server.answering.events import AnswerEvent, Progress
from server.runtime.idle import Idle


class Work:
    """Goes on until it is let go, and notes how it ended."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.ended = ""

    async def __call__(self) -> str:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "done"
        return "written"


async def answer(*, fails: bool = False) -> AsyncGenerator[AnswerEvent, None]:
    yield Progress("searching")
    await asyncio.sleep(0.01)
    if fails:
        raise RuntimeError("broken")
    yield Progress("writing")


async def test_work_that_nobody_interrupts_gives_its_result() -> None:
    idle, work = Idle(), Work()
    work.go.set()
    assert await idle.unless_asked(work()) == "written"


async def test_a_question_ends_the_work_before_its_first_event() -> None:
    idle, work = Idle(), Work()
    doing = asyncio.create_task(idle.unless_asked(work()))
    await work.begun.wait()
    events = [event async for event in idle.answering(answer())]
    assert events == [Progress("searching"), Progress("writing")]
    assert await doing is None
    assert work.ended == "cancelled"


async def test_nothing_begins_while_somebody_is_answered() -> None:
    idle, work = Idle(), Work()
    events = idle.answering(answer())
    await anext(events)
    assert await idle.unless_asked(work()) is None
    assert not work.begun.is_set()
    assert idle.seconds == 0
    await events.aclose()
    work.go.set()
    assert await idle.unless_asked(work()) == "written"


async def test_how_long_nobody_asked_is_known() -> None:
    now = 100.0
    idle = Idle(lambda: now)
    now = 130.0
    assert idle.seconds == 30
    with pytest.raises(RuntimeError):
        [event async for event in idle.answering(answer(fails=True))]
    assert idle.seconds == 0
    now = 135.0
    assert idle.seconds == 5


async def test_what_the_work_raises_is_raised() -> None:
    async def fail() -> str:
        raise ValueError("no such table")

    with pytest.raises(ValueError, match="no such table"):
        await Idle().unless_asked(fail())


async def test_whoever_ends_the_waiting_ends_the_work() -> None:
    idle, work = Idle(), Work()
    doing = asyncio.create_task(idle.unless_asked(work()))
    await work.begun.wait()
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert work.ended == "cancelled"
