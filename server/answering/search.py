"""A question, in its conversation, to what is found for it."""

import asyncio
from dataclasses import replace

from indexer.passages import Retrieved
from indexer.search.retrieve import Retriever
from server.answering.events import Question
from server.answering.readiness import can_write
from server.answering.small_talk import rewrites
from server.answering.standalone import standalone
from server.llm.generator import Generator
from server.settings import ServerSettings


async def search(
    question: Question, retriever: Retriever, generator: Generator | None, settings: ServerSettings
) -> Retrieved:
    """As it was asked, with the questions before it; where the operator wants it, alone in a model's words."""
    text = await _searchable(question, generator, settings)
    if text == question.text:
        before = _asked_before(question)
        return await asyncio.to_thread(retriever.retrieve, text, before, question.scope, question.top_k)
    retrieved = await asyncio.to_thread(retriever.retrieve, text, [], question.scope, question.top_k)
    return replace(retrieved, searched=retrieved.searched or text)


async def _searchable(question: Question, generator: Generator | None, settings: ServerSettings) -> str:
    """The question, or where the operator wants it, a follow-up as the model would ask it alone."""
    before = _asked_before(question)
    if settings.standalone and before and can_write(generator):
        return await standalone(question.text, before, generator)
    return question.text


def _asked_before(question: Question) -> list[str]:
    """The questions before it, except those that only asked for another form of an answer."""
    return [exchange.question for exchange in question.history if not rewrites(exchange.question)]
