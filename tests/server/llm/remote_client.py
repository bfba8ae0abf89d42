"""A remote generator for tests: opened, waited for, asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.llm.generator import GenerationEvent, Generator, Message, Piece, Sampling
from server.llm.remote import RemoteGenerator
from server.settings import ServerSettings

QUESTION = [Message("system", "Be brief."), Message("user", "What is new?")]
WAIT = 20  # seconds, far beyond what anything here takes


@asynccontextmanager
async def remote(
    url: str, *, state: str = "ready", silence: float = WAIT, **settings: object
) -> AsyncIterator[RemoteGenerator]:
    values = {"generator_url": url, **settings}
    generator = RemoteGenerator(ServerSettings(**values), silence=silence, check=0.02, retry=0.02)  # type: ignore[arg-type]
    generator.start()
    try:
        await becomes(generator, state)
        yield generator
    finally:
        await generator.aclose()


async def becomes(generator: Generator, state: str) -> None:
    async with asyncio.timeout(WAIT):
        while generator.state.state != state:  # noqa: ASYNC110 (the state changes on a thread)
            await asyncio.sleep(0.005)


async def collect(generator: Generator, sampling: Sampling | None = None) -> list[GenerationEvent]:
    return [event async for event in generator.generate(QUESTION, sampling or Sampling())]


def text(events: list[GenerationEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))
