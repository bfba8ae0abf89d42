"""A prompt to the answer that the model writes, its citations checked while it streams."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from indexer.passages import Retrieved
from server.answering.abstention import refuse
from server.answering.checker import CheckedText, Checker
from server.answering.claims import goes_in_circles
from server.answering.context_window import Prompt
from server.answering.events import Answer, AnswerEvent, Citation, Clock, Evidence, Progress, Question, Sources, Text
from server.answering.extractive import choose_sentences, quote_instead
from server.answering.quotes import quotes_beneath
from server.errors import Unavailable
from server.llm.generator import Completed, Generator, Piece, Prefilling, Queued, TokenLogprob, Usage


async def write(
    question: Question,
    prompt: Prompt,
    generator: Generator,
    checker: Checker,
    retrieved: Retrieved | None,
    clock: Clock,
) -> AsyncGenerator[AnswerEvent, None]:
    """Progress and Text up to one Answer; Sources again before words that rest on a passage of an earlier turn.

    Where nothing of what the model writes may be shown, the answer is what was `retrieved`, quoted. A model that has
    lost its way is stopped. Raises RequestError; closing the iterator frees the model at once.
    """
    draft = _Draft(checker, clock, prompt.evidence)
    completed: Completed | None = None
    async with aclosing(generator.generate(prompt.messages, question.sampling)) as events:
        async for event in events:
            match event:
                case Queued() | Prefilling():
                    yield waiting(event, prompt)
                case Piece(text, new):
                    if not draft.raw:
                        yield Progress("writing")
                    draft.wrote(text, new)
                    for said in draft.hand_out(await asyncio.to_thread(checker.feed, text)):
                        yield said
                    if question.is_cited and (checker.is_over or goes_in_circles(draft.raw)):
                        break
                case Completed():
                    completed = event
    cut = completed is None or completed.reason == "length"
    completed = completed or Completed("stop", await asyncio.to_thread(_used, generator, prompt, draft.raw))
    last = await asyncio.to_thread(checker.flush, cut=cut)
    if question.is_cited and not checker.text:
        for said in _instead(question, retrieved, draft.sources, clock, completed.usage):
            yield said
        return
    for said in draft.hand_out(last, ended=True):
        yield said
    yield Answer(
        text=checker.text,
        raw=without_marks(checker.text, checker.citations) if checker.dropped else draft.raw,
        answered=True,
        mode="model",
        reason=completed.reason,
        citations=tuple(checker.citations),
        quotes=quotes_beneath(checker.text, checker.citations, retrieved, draft.sources) if question.is_cited else (),
        unsupported=tuple(checker.unsupported),
        usage=completed.usage,
        took_ms=clock.timing(),
    )


def _used(generator: Generator, prompt: Prompt, written: str) -> Usage:
    """What an answer took that was stopped, counted here since the generator had no occasion to."""
    return Usage(generator.count(prompt.messages), generator.count_text(written))


def waiting(event: Queued | Prefilling, prompt: Prompt) -> Progress:
    """What the asker waits for while the model has not begun."""
    if isinstance(event, Queued):
        return Progress("queued", done=event.position)
    return Progress("reading", done=event.done, total=event.total, detail=str(len(prompt.evidence)))


@dataclass
class _Draft:
    """An answer that is being written: what was handed out of it."""

    checker: Checker
    clock: Clock
    sources: tuple[Evidence, ...]
    raw: str = ""
    _tokens: list[tuple[int, TokenLogprob]] = field(default_factory=list)  # not out yet, and where in `raw` they begin
    _added: int = 0  # passages of earlier turns among the sources

    def wrote(self, text: str, tokens: Sequence[TokenLogprob]) -> None:
        """The model's next words."""
        self._tokens += [(len(self.raw), token) for token in tokens]
        self.raw += text

    def hand_out(self, checked: CheckedText, *, ended: bool = False) -> Iterator[AnswerEvent]:
        """What may be shown of what was checked, its sources before it."""
        if added := self.checker.cited_again[self._added :]:
            self.sources = (*self.sources, *added)
            self._added += len(added)
            yield Sources(self.sources)
        logprobs = self._logprobs(ended=ended) if checked.delta or ended else ()
        if checked.delta or logprobs:
            self.clock.wrote()
            yield Text(checked.delta, tuple(checked.citations), logprobs)

    def _logprobs(self, *, ended: bool) -> tuple[TokenLogprob, ...]:
        """Of the tokens whose sentences are judged; those of what was dropped are kept back, as its words are."""
        judged = [(at, token) for at, token in self._tokens if ended or at < self.checker.judged]
        self._tokens = self._tokens[len(judged) :]
        return tuple(token for at, token in judged if not any(d.start <= at < d.end for d in self.checker.dropped))


def without_marks(text: str, citations: Sequence[Citation]) -> str:
    """What is shown without its marks: what a model reads of it later, where it wrote more than may be shown."""
    kept, done = "", 0
    for cited in citations:
        kept += text[done : cited.at].rstrip(" ")
        done = cited.at + len(f"[{cited.n}]")
    return kept + text[done:]


def _instead(
    question: Question, retrieved: Retrieved | None, sources: Sequence[Evidence], clock: Clock, usage: Usage
) -> Iterator[AnswerEvent]:
    """What is said where nothing of what the model wrote may be shown. Raises Unavailable.

    Whether the documents answer at all was judged before it wrote: then their own words are the answer.
    """
    if retrieved is None:
        raise Unavailable(
            "The language model wrote nothing that can be shown.", "Ask in other words.", code="nothing_written"
        )
    if choose_sentences(retrieved):
        yield from quote_instead(question, retrieved, sources, clock, usage)
        return
    *before, answer = refuse(retrieved, clock.timing())
    yield from before
    yield replace(answer, usage=usage) if isinstance(answer, Answer) else answer
