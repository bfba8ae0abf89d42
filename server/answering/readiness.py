"""Whether there is a language model that can write, and waiting until it can."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeGuard

from server.answering.events import Progress
from server.llm.generator import Generator

POLL = 0.2  # seconds


def can_write(generator: Generator | None) -> TypeGuard[Generator]:
    """False where there is none, and where it failed to load."""
    return generator is not None and generator.state.state != "failed"


async def until_ready(generator: Generator | None) -> AsyncIterator[Progress]:
    """Says that the model loads, until it is ready or has failed; ends at once where there is none."""
    said = None
    while generator is not None and (state := generator.state).state == "loading":
        if state.detail != said:
            said = state.detail
            yield Progress("loading", detail=said)
        await asyncio.sleep(POLL)
