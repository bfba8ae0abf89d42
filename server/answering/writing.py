"""A prompt to the answer that the model writes, its citations checked while it streams."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from indexer.embed import Embedder
from indexer.passages import Retrieved
from server.answering.citations import CheckedText, CitationChecker
from server.answering.clock import Clock
from server.answering.events import Answer, AnswerEvent, Evidence, Progress, Question, Text
from server.answering.prompt import NOT_FOUND, is_refusal
from server.llm.generator import Completed, Generator, Message, Piece, Prefilling, Queued, TokenLogprob


async def write(
    question: Question,
    retrieved: Retrieved | None,
    evidence: Sequence[Evidence],
    messages: Sequence[Message],
    generator: Generator,
    embedder: Embedder,
    clock: Clock,
) -> AsyncIterator[AnswerEvent]:
    """Progress and Text up to one Answer. JSON, and what rests on no documents, passes unchecked.

    Raises RequestError; closing the iterator frees the model at once.
    """
    is_cited = question.retrieval and question.sampling.json_schema is None
    checker = (
        CitationChecker(evidence, NOT_FOUND, lambda text: embedder.encode_queries([text])[0]) if is_cited else None
    )
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
                    checked = await asyncio.to_thread(checker.feed, text) if checker else CheckedText(text)
                    if checked.delta:
                        yield Text(checked.delta, tuple(checked.citations), tuple(logprobs))
                        logprobs = []
                case Completed():
                    completed = event
    last = await asyncio.to_thread(checker.flush) if checker else CheckedText()
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
