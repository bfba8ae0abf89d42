"""Work that the language model does while nobody asks: it ends at once when somebody does.

The model is one for all. What is written ahead of anybody's wish must cost no question anything, so it is not put into
the queue behind questions but cancelled by the first of them, in the middle of a prompt too, and done again later.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from server.answering.events import AnswerEvent

T = TypeVar("T")


class Idle:
    """Knows whether a question is being answered. For the event loop alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answering = 0
        self._since = clock()  # when the last answer ended
        self._work: set[asyncio.Task[Any]] = set()

    @property
    def seconds(self) -> float:
        """For how long nobody has asked; 0 while somebody is answered."""
        return 0.0 if self._answering else self._clock() - self._since

    async def answering(self, events: AsyncGenerator[AnswerEvent, None]) -> AsyncGenerator[AnswerEvent, None]:
        """The same events; what is done meanwhile ends before the first of them."""
        self._answering += 1
        try:
            for work in self._work:
                work.cancel()
            async with aclosing(events) as stream:
                async for event in stream:
                    yield event
        finally:
            self._answering -= 1
            self._since = self._clock()

    async def unless_asked(self, work: Awaitable[T]) -> T | None:
        """What `work` gives; None where a question came before its end, or is there already. Raises what it raises."""
        if self._answering:
            asyncio.ensure_future(work).cancel()
            return None
        task = asyncio.ensure_future(work)
        self._work.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._work.discard(task)
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        return None if task.cancelled() else task.result()
