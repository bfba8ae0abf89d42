"""A prompt to the answer that the model writes, its citations checked while it streams."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from indexer.passages import Passage
from server.answering.citations import Checker
from server.answering.context_window import Prompt
from server.answering.events import Answer, AnswerEvent, Citation, Clock, Evidence, Progress, Question, Sources, Text
from server.answering.prompt import is_refusal
from server.llm.generator import Completed, Generator, Piece, Prefilling, Queued, TokenLogprob


async def write(
    question: Question,
    prompt: Prompt,
    generator: Generator,
    checker: Checker,
    closest: tuple[Passage, ...],
    clock: Clock,
) -> AsyncGenerator[AnswerEvent, None]:
    """Progress and Text up to one Answer; Sources again before words that rest on a passage of an earlier turn.

    `closest` are the passages shown where the model finds no answer. Raises RequestError; closing the iterator frees
    the model at once.
    """
    sources = prompt.evidence
    logprobs: list[TokenLogprob] = []  # of tokens whose text is not out yet
    raw, completed = "", Completed("length")
    async with aclosing(generator.generate(prompt.messages, question.sampling)) as events:
        async for event in events:
            match event:
                case Queued(position):
                    yield Progress("queued", done=position)
                case Prefilling(done, total):
                    yield Progress("reading", done=done, total=total, detail=str(len(prompt.evidence)))
                case Piece(text, new):
                    clock.wrote()
                    raw += text
                    logprobs += new
                    checked = await asyncio.to_thread(checker.feed, text)
                    if cited := _cited_again(checked.citations, prompt.earlier, sources):
                        sources = cited + sources
                        yield Sources(sources)
                    if checked.delta:
                        yield Text(checked.delta, tuple(checked.citations), tuple(logprobs))
                        logprobs = []
                case Completed():
                    completed = event
    last = await asyncio.to_thread(checker.flush)
    if cited := _cited_again(last.citations, prompt.earlier, sources):
        yield Sources(cited + sources)
    if last.delta or logprobs:
        yield Text(last.delta, tuple(last.citations), tuple(logprobs))
    answered = not question.is_cited or bool(checker.citations) or not is_refusal(raw)
    yield Answer(
        text=checker.text,
        raw=raw,
        answered=answered,
        mode="model",
        reason=completed.reason,
        citations=tuple(checker.citations),
        closest=() if answered else closest,
        unsupported=tuple(checker.unsupported) if answered else (),
        usage=completed.usage,
        took_ms=clock.timing(),
    )


def _cited_again(
    citations: Sequence[Citation], earlier: Sequence[Evidence], sources: Sequence[Evidence]
) -> tuple[Evidence, ...]:
    """The passages of earlier turns that these are the first to cite: they become sources of this answer too."""
    known, cited = {source.n for source in sources}, {citation.n for citation in citations}
    return tuple(passage for passage in earlier if passage.n in cited - known)
