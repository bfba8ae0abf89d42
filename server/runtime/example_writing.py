"""Has the language model write example questions, once what was read has settled and while nobody asks.

Only a model on this machine is asked: another server would be sent passages that nobody has asked about.
"""

import asyncio
import logging
from contextlib import aclosing

from server.errors import ContextTooLong, RequestError
from server.library.example_questions import (
    SAMPLING,
    Asked,
    messages,
    passages_to_ask_about,
    question_in,
)
from server.library.examples import KEPT
from server.llm.generator import Generator, Piece
from server.runtime.services import Services

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
QUIET_SECONDS = 20.0
"""Without a question before one is written: people who talk to Docent think for about so long."""
RETRY_SECONDS = 300.0  # after the model or the database failed
TRIED = 2
"""Passages that are asked about, for each question that is wanted: one takes some 5 s of two cores with a 1.5B."""


class ExampleWriting:
    """The example questions of one server that a model writes; `Examples` keeps them."""

    def __init__(self, services: Services, *, look: float = LOOK_SECONDS, quiet: float = QUIET_SECONDS) -> None:
        self._services = services
        self._look = look
        self._quiet = quiet
        self._tried: set[int] = set()  # documents of which a passage was asked about
        self._done = -1  # the change at which nothing was left to write

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._look)
            try:
                await self.write_when_due()
            except Exception:  # the page does with headings
                log.exception("no example questions are written; it is tried again in %d seconds", RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)

    async def write_when_due(self) -> None:
        """One look: writes until somebody asks, enough are there or nothing is left to ask about."""
        services, change = self._services, self._services.change
        if change in (0, self._done) or not await asyncio.to_thread(self._has_settled):
            return
        scope = await asyncio.to_thread(services.catalog.everything)
        examples = await asyncio.to_thread(services.examples.written, scope)
        without = self._tried | {one.document_id for one in examples}
        wanted = KEPT - len(examples)
        passages = await asyncio.to_thread(
            passages_to_ask_about, services.catalog.engine, scope, without, TRIED * max(0, wanted)
        )
        others = [one.question for one in examples]
        for passage in passages:
            generator = services.generator
            if len(others) == KEPT or generator is None:
                break
            if services.idle.seconds < self._quiet:
                return
            written = await services.idle.unless_asked(_write(generator, passage))
            if written is None:
                return
            self._tried.add(passage.document_id)
            question = question_in(written, passage, others)
            if not question:
                continue
            if await asyncio.to_thread(services.finds, question, scope, passage.document_id):
                await asyncio.to_thread(services.examples.add, question, passage.document_id)
                others.append(question)
        self._done = change

    def _has_settled(self) -> bool:
        """Whether the model is there and nothing is read or calibrated. Blocks."""
        services = self._services
        generator = services.generator
        if generator is None or generator.state.state != "ready" or services.settings.generator_url:
            return False
        busy = services.calibrating or services.jobs.any_open
        return not busy and not services.catalog.running(services.catalog.everything())


async def _write(generator: Generator, passage: Asked) -> str | None:
    """What the model writes; None where it cannot just now."""
    text = ""
    try:
        async with aclosing(generator.generate(messages(passage), SAMPLING)) as events:
            async for event in events:
                if isinstance(event, Piece):
                    text += event.text
    except ContextTooLong:  # of a model with a very small one
        return ""
    except RequestError:  # what is wrong with the model is told elsewhere
        return None
    return text
