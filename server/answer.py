"""The whole way of a question:

contextualise and search -> abstain or choose evidence -> prompt -> generate -> check citations -> answer
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

from indexer.retrieve import Retrieved, Retriever
from server.citations import CitationChecker
from server.events import Answer, AnswerEvent, Evidence, Progress, Question, Sources, Text, Timing
from server.evidence import select_evidence, whole_evidence
from server.extractive import extractive_answer, says_nothing
from server.fit import fit_prompt
from server.generate import Completed, Generator, Piece, Prefilling, Queued, TokenLogprob
from server.prompt import NOT_FOUND
from server.settings import ServerSettings

LOADING_POLL = 0.2  # seconds


async def answer(
    question: Question, retriever: Retriever, generator: Generator | None, settings: ServerSettings
) -> AsyncIterator[AnswerEvent]:
    """Events up to one `Answer`. Raises RequestError; closing the iterator frees the model at once."""
    clock = Clock()
    retrieved = None
    if question.retrieval:
        yield Progress("searching")
        asked_before = [exchange.question for exchange in question.history]
        retrieved = await asyncio.to_thread(
            retriever.retrieve, question.text, asked_before, question.scope, question.top_k
        )
        clock.retrieved()
        if question.abstain and says_nothing(retrieved):
            yield Sources(())
            text = NOT_FOUND
            yield Text(text)
            yield Answer(text, text, False, "extractive", closest=retrieved.passages, took_ms=clock.timing())
            return
    async for event in _wait_for(generator):
        yield event
    if generator is None or generator.state.state == "failed":
        if retrieved is not None:
            sources = whole_evidence(retrieved)
            yield Sources(sources)
            for extracted in extractive_answer(retrieved, [source.n for source in sources], clock.timing):
                yield extracted
        return
    generated = _generate(question, retrieved, generator, settings, clock)
    async with aclosing(generated) as written:  # type: ignore[type-var]
        async for passed_on in written:
            yield passed_on


async def _generate(
    question: Question, retrieved: Retrieved | None, generator: Generator, settings: ServerSettings, clock: "Clock"
) -> AsyncIterator[AnswerEvent]:
    evidence: tuple[Evidence, ...] = ()
    if retrieved is not None:
        earlier = tuple(e for exchange in question.history for e in exchange.evidence)
        evidence = select_evidence(retrieved, settings.evidence_tokens, generator.count_text, earlier)
    evidence, messages = fit_prompt(question, evidence, generator)
    yield Sources(evidence)
    checker = CitationChecker(evidence) if question.retrieval and question.sampling.json_schema is None else None
    raw = ""
    logprobs: list[TokenLogprob] = []  # of tokens whose text is not out yet
    completed = Completed("length")
    async with aclosing(generator.generate(messages, question.sampling)) as events:  # type: ignore[type-var]
        async for event in events:
            if isinstance(event, Queued):
                yield Progress("queued", done=event.position)
            elif isinstance(event, Prefilling):
                yield Progress("reading", done=event.done, total=event.total, detail=str(len(evidence)))
            elif isinstance(event, Piece):
                clock.wrote()
                raw += event.text
                logprobs += event.logprobs
                checked = checker.feed(event.text) if checker else None
                if checked is None:
                    yield Text(event.text, (), event.logprobs)
                elif checked.delta:
                    yield Text(checked.delta, tuple(checked.citations), tuple(logprobs))
                    logprobs.clear()
            elif isinstance(event, Completed):
                completed = event
    if checker and ((last := checker.flush()).delta or logprobs):
        yield Text(last.delta, tuple(last.citations), tuple(logprobs))
    answered = not raw.strip().startswith(NOT_FOUND.rstrip("."))
    yield Answer(
        text=checker.text if checker else raw,
        raw=raw,
        answered=answered,
        mode="model",
        reason=completed.reason,
        citations=tuple(checker.citations) if checker else (),
        closest=() if answered or retrieved is None else retrieved.passages,
        unsupported=tuple(checker.unsupported) if checker and answered else (),
        usage=completed.usage,
        took_ms=clock.timing(),
    )


async def _wait_for(generator: Generator | None) -> AsyncIterator[Progress]:
    """Says that the model loads, until it is ready or has failed."""
    said = ""
    while generator is not None and (state := generator.state).state == "loading":
        if state.detail != said:
            said = state.detail
            yield Progress("loading", detail=said)
        await asyncio.sleep(LOADING_POLL)


class Clock:
    """Milliseconds since the question came."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._retrieve = 0
        self._first = 0

    def retrieved(self) -> None:
        self._retrieve = self._now()

    def wrote(self) -> None:
        self._first = self._first or self._now()

    def timing(self) -> Timing:
        return Timing(self._retrieve, self._first or self._now(), self._now())

    def _now(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
