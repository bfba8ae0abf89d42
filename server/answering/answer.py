"""The whole way of a question:

contextualise and search -> abstain or choose evidence -> prompt -> generate -> check citations -> answer
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from indexer.passages import Retrieved
from indexer.search.retrieve import Retriever
from server.answering.abstention import refuse, says_nothing
from server.answering.clock import Clock
from server.answering.context_window import fit_prompt
from server.answering.events import AnswerEvent, Evidence, Progress, Question, Searched, Sources
from server.answering.evidence import select_evidence, whole_evidence
from server.answering.model_free import answer_without_model
from server.answering.readiness import can_write, until_ready
from server.answering.search import search
from server.answering.writing import write
from server.llm.generator import Generator
from server.settings import ServerSettings

EVIDENCE_SHARE = 2
"""Evidence takes at most one part in this many of the model's context, whatever the settings allow."""


async def answer(
    question: Question, retriever: Retriever, generator: Generator | None, settings: ServerSettings
) -> AsyncIterator[AnswerEvent]:
    """Events up to one `Answer`. Raises RequestError; closing the iterator frees the model at once."""
    clock = Clock()
    retrieved = None
    if question.retrieval and not question.rewrites:
        yield Progress("searching")
        retrieved = await search(question, retriever, generator, settings)
        clock.retrieved()
        if retrieved.searched or retrieved.together_with:
            yield Searched(retrieved.searched, retrieved.together_with)
        if await asyncio.to_thread(_refuses, question, retrieved, retriever, settings):
            for refusing in refuse(retrieved, clock.timing):
                yield refusing
            return
        if generator is not None and generator.state.state == "loading":
            yield Sources(whole_evidence(retrieved, question.shown))  # to look at until the model can count its tokens
    async for waiting in until_ready(generator):
        yield waiting
    if not can_write(generator):
        why = generator.state.detail if generator else "None is installed."
        for quoted in answer_without_model(question, retrieved, why, clock):
            yield quoted
        return
    chosen = await asyncio.to_thread(_evidence, question, retrieved, generator, settings)
    evidence, messages = await asyncio.to_thread(fit_prompt, question, chosen, generator)
    yield Sources(evidence)
    written = write(question, retrieved, evidence, messages, generator, retriever.embedder, clock)
    async with aclosing(written) as events:  # type: ignore[type-var]
        async for event in events:
            yield event


def _refuses(question: Question, retrieved: Retrieved, retriever: Retriever, settings: ServerSettings) -> bool:
    """Whether it is refused before anything is generated, unless the asker wants something in any case."""
    if not question.abstain or question.sampling.json_schema is not None:
        return False
    return says_nothing(retrieved, retriever.engine, settings.false_refusals)


def _evidence(
    question: Question, retrieved: Retrieved | None, generator: Generator, settings: ServerSettings
) -> tuple[Evidence, ...]:
    """What was found, cut to its budget; for another form of the last answer, the evidence that this one had."""
    if question.rewrites:
        last = question.history[-1].evidence
        return tuple(e for e in last if e.passage.is_in(question.scope))
    if retrieved is None:
        return ()
    budget = min(settings.evidence_tokens, generator.context // EVIDENCE_SHARE)
    return select_evidence(retrieved, budget, generator.count_text, question.shown)
