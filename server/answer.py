"""The whole way of a question:

contextualise and search -> abstain or choose evidence -> prompt -> generate -> check citations -> answer
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

from indexer.retrieve import Retrieved, Retriever
from server.abstention import refuse, says_nothing
from server.citations import CheckedText, CitationChecker
from server.errors import Unavailable
from server.events import Answer, AnswerEvent, Evidence, Progress, Question, Sources, Text, Timing
from server.evidence import select_evidence, whole_evidence
from server.extractive import choose_sentences, extractive_answer
from server.fit import fit_prompt
from server.generate import Completed, Generator, Message, Piece, Prefilling, Queued, TokenLogprob
from server.prompt import NOT_FOUND, is_refusal
from server.settings import ServerSettings
from server.small_talk import NEEDS_MODEL, rewrites

LOADING_POLL = 0.2  # seconds
EVIDENCE_SHARE = 2
"""Evidence takes at most one part in this many of the model's context, whatever the settings allow."""


async def answer(
    question: Question, retriever: Retriever, generator: Generator | None, settings: ServerSettings
) -> AsyncIterator[AnswerEvent]:
    """Events up to one `Answer`. Raises RequestError; closing the iterator frees the model at once."""
    clock = Clock()
    retrieved = None
    if question.rewrites:
        async for rewritten in _rewrite(question, generator, clock):
            yield rewritten
        return
    if question.retrieval:
        yield Progress("searching")
        asked_before = [exchange.question for exchange in question.history if not rewrites(exchange.question)]
        retrieved = await asyncio.to_thread(
            retriever.retrieve, question.text, asked_before, question.scope, question.top_k
        )
        clock.retrieved()
        if question.abstain and question.sampling.json_schema is None and says_nothing(retrieved):
            for refusing in refuse(retrieved, clock.timing):
                yield refusing
            return
    if retrieved is not None and generator is not None and generator.state.state == "loading":
        yield Sources(whole_evidence(retrieved, _earlier(question)))  # to look at until the model can count its tokens
    async for waiting in _wait_for(generator):
        yield waiting
    if generator is None or generator.state.state == "failed":
        for extracted in _extract(question, retrieved, generator, clock):
            yield extracted
        return
    evidence, messages = await asyncio.to_thread(_prompt, question, retrieved, generator, settings)
    yield Sources(evidence)
    generated = _generate(question, retrieved, evidence, messages, generator, clock)
    async with aclosing(generated) as written:  # type: ignore[type-var]
        async for passed_on in written:
            yield passed_on


async def _rewrite(question: Question, generator: Generator | None, clock: "Clock") -> AsyncIterator[AnswerEvent]:
    """The last answer as the question wants it, from the evidence it had: nothing is searched for."""
    async for waiting in _wait_for(generator):
        yield waiting
    if generator is None or generator.state.state == "failed":
        yield Text(NEEDS_MODEL)
        yield Answer(NEEDS_MODEL, NEEDS_MODEL, True, "fixed", took_ms=clock.timing())
        return
    evidence = tuple(e for e in question.history[-1].evidence if e.passage.collection_id in question.scope.collections)
    evidence, messages = await asyncio.to_thread(fit_prompt, question, evidence, generator)
    yield Sources(evidence)
    generated = _generate(question, None, evidence, messages, generator, clock)
    async with aclosing(generated) as written:  # type: ignore[type-var]
        async for event in written:
            yield event


def _prompt(
    question: Question, retrieved: Retrieved | None, generator: Generator, settings: ServerSettings
) -> tuple[tuple[Evidence, ...], list[Message]]:
    evidence: tuple[Evidence, ...] = ()
    if retrieved is not None:
        budget = min(settings.evidence_tokens, generator.context // EVIDENCE_SHARE)
        evidence = select_evidence(retrieved, budget, generator.count_text, _earlier(question))
    return fit_prompt(question, evidence, generator)


async def _generate(
    question: Question,
    retrieved: Retrieved | None,
    evidence: tuple[Evidence, ...],
    messages: list[Message],
    generator: Generator,
    clock: "Clock",
) -> AsyncIterator[AnswerEvent]:
    is_cited = question.retrieval and question.sampling.json_schema is None
    checker = CitationChecker(evidence, refusal=NOT_FOUND) if is_cited else None
    raw = ""
    logprobs: list[TokenLogprob] = []  # of tokens whose text is not out yet
    completed = Completed("length")
    async with aclosing(generator.generate(messages, question.sampling)) as events:  # type: ignore[type-var]
        async for event in events:
            match event:
                case Queued(position):
                    yield Progress("queued", done=position)
                case Prefilling(done, total):
                    yield Progress("reading", done=done, total=total, detail=str(len(evidence)))
                case Piece(text, new):
                    clock.wrote()
                    raw += text
                    logprobs += new
                    checked = checker.feed(text) if checker else CheckedText(text)
                    if checked.delta:
                        yield Text(checked.delta, tuple(checked.citations), tuple(logprobs))
                        logprobs = []
                case Completed():
                    completed = event
    last = checker.flush() if checker else CheckedText()
    if last.delta or logprobs:
        yield Text(last.delta, tuple(last.citations), tuple(logprobs))
    answered = not is_cited or bool(checker and checker.citations) or not is_refusal(raw)
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


def _extract(
    question: Question, retrieved: Retrieved | None, generator: Generator | None, clock: "Clock"
) -> Iterator[AnswerEvent]:
    """The answer without a model. Raises Unavailable where only a model can answer."""
    sampling = question.sampling
    if retrieved is None or sampling.json_schema is not None or sampling.logprobs is not None:
        why = generator.state.detail if generator else "None is installed."
        raise Unavailable(f"This needs a language model. {why}", code="model_failed")
    if not choose_sentences(retrieved):
        yield from refuse(retrieved, clock.timing)
        return
    sources = whole_evidence(retrieved, _earlier(question))
    yield Sources(tuple(dict.fromkeys(sources)))
    yield from extractive_answer(retrieved, [source.n for source in sources], clock.timing)


def _earlier(question: Question) -> tuple[Evidence, ...]:
    return tuple(evidence for exchange in question.history for evidence in exchange.evidence)


async def _wait_for(generator: Generator | None) -> AsyncIterator[Progress]:
    """Says that the model loads, until it is ready or has failed."""
    said = None
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
        self._first: int | None = None

    def retrieved(self) -> None:
        self._retrieve = self._now()

    def wrote(self) -> None:
        self._first = self._now() if self._first is None else self._first

    def timing(self) -> Timing:
        now = self._now()
        return Timing(self._retrieve, now if self._first is None else self._first, now)

    def _now(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
