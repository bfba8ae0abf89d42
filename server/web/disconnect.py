"""Follow a generator on behalf of a client that may go away.

A response that is not streamed is not cancelled when its client disconnects, and a stream only where the ASGI server
says so: here both are, at once, so that the model's slot is free for the next question.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

CLIENT_GONE = 499
"""The status of a request whose client went away: nobody reads it; it is what the metrics count."""

T = TypeVar("T")


async def while_connected(request: Request, events: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same events. Raises ClientDisconnect, having closed `events`, when the client is gone.

    Read the request's body first: what is left of it would be taken here.
    """
    queue: asyncio.Queue[T | None] = asyncio.Queue()

    async def pump() -> None:  # one task from beginning to end, because `events` may hold cancel scopes
        async with aclosing(events) as stream:
            async for event in stream:
                queue.put_nowait(event)

    pumping = asyncio.create_task(pump())
    leaving = asyncio.create_task(_disconnected(request))

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not call it never retrieved when nobody is left to hear
        queue.put_nowait(None)

    pumping.add_done_callback(ended)
    leaving.add_done_callback(ended)
    leaving.add_done_callback(lambda _: pumping.cancel())  # at once, whether or not somebody reads on here
    try:
        while (event := await queue.get()) is not None:
            yield event
        if leaving.done() and (pumping.cancelled() or not pumping.done()):
            raise ClientDisconnect
        await pumping  # raises what the events raised
    finally:
        leaving.cancel()
        pumping.cancel()
        await asyncio.wait({leaving, pumping})


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
