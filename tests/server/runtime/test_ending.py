"""What the end of the server does to answers: they finish in time, or end with words."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from server.errors import Unavailable
from server.runtime.ending import Ending


class Answering:
    """Says a word, waits for `go`, says another."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = asyncio.Event()
        self.closed = False

    async def words(self) -> AsyncGenerator[str, None]:
        try:
            yield "first"
            self.begun.set()
            await self.go.wait()
            yield "last"
        finally:
            self.closed = True


async def collect(ending: Ending, answering: Answering) -> list[str]:
    async with aclosing(ending.until_the_end(answering.words())) as events:
        return [word async for word in events]


async def test_an_answer_may_finish() -> None:
    ending, answering = Ending(), Answering()
    task = asyncio.create_task(collect(ending, answering))
    await answering.begun.wait()
    ended = asyncio.create_task(ending.run(60))
    await asyncio.sleep(0)
    answering.go.set()
    await ended
    assert await task == ["first", "last"]


async def test_one_that_does_not_ends_with_words_and_is_closed() -> None:
    ending, answering = Ending(), [Answering() for _ in range(3)]
    tasks = [asyncio.create_task(collect(ending, one)) for one in answering]
    for one in answering:
        await one.begun.wait()
    await ending.run(0.01)
    for task in tasks:
        with pytest.raises(Unavailable, match="being stopped") as caught:
            await task
        assert caught.value.code == "server_stops"
    assert all(one.closed for one in answering)


async def test_nothing_new_begins() -> None:
    ending, answering = Ending(), Answering()
    await ending.run()
    with pytest.raises(Unavailable):
        await collect(ending, answering)
    assert not answering.begun.is_set()


async def test_a_stop_of_the_asker_stays_a_stop() -> None:
    ending, answering = Ending(), Answering()
    task = asyncio.create_task(collect(ending, answering))
    await answering.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ending.run()


async def test_a_timeout_of_the_answer_itself_is_not_the_end_of_the_server() -> None:
    async def fails() -> AsyncGenerator[str, None]:
        yield "first"
        raise TimeoutError("the disk")

    with pytest.raises(TimeoutError, match="the disk"):
        async for _word in Ending().until_the_end(fails()):
            pass
