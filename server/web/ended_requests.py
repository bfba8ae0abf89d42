"""ASGI: a request that the end of the server cancels is answered, if it still can be, and leaves no traceback."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import server_stops
from server.web.problems import describe, respond


class EndedRequests:
    """The outermost of all: what it swallows, the server would take for a failure of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except asyncio.CancelledError:
            if scope["type"] != "http" or not scope["app"].state.services.ending.begun:
                raise
            if not started:
                await respond(scope["path"], describe(server_stops()))(scope, receive, send)
