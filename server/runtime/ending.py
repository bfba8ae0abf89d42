"""The end of a running server: answers under way are given some seconds, then each ends with words for its asker.

run()                  once, when the server was told to end: nothing new begins, what runs may finish for a while
until_the_end(events)  around each answer
begins_within(seconds) between two looks of a stream that has no end of its own
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

from server.errors import server_stops

DRAIN_SECONDS = 3.0  # for answers under way; what an operator waits for as well

T = TypeVar("T")


@dataclass
class Ending:
    """Whether the server ends, and the answers that it ends. In the server's event loop only."""

    begun: bool = False
    _answers: set[asyncio.Timeout] = field(default_factory=set)
    _none_left: asyncio.Event = field(default_factory=asyncio.Event)
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, seconds: float = DRAIN_SECONDS) -> None:
        """Returns when no answer is under way any more, but for those that take no notice."""
        self.begun = True
        self._told.set()
        if not self._answers:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._none_left.wait()
        for answer in list(self._answers):
            answer.reschedule(0)  # a moment long ago: now
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._none_left.wait()

    async def begins_within(self, seconds: float) -> bool:
        """Whether the server ends by then; at once when it does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()
        return self.begun

    async def until_the_end(self, events: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """The same events. Raises Unavailable when the server ends. One task reads it, and waits for nothing else."""
        if self.begun:
            raise server_stops()
        try:
            async with asyncio.timeout(None) as answer:
                self._answers.add(answer)
                try:
                    async with aclosing(events) as stream:
                        async for event in stream:
                            yield event
                finally:
                    self._answers.discard(answer)
        except TimeoutError:
            if not answer.expired():
                raise
            raise server_stops() from None
        finally:
            if not self._answers:
                self._none_left.set()
