"""Whether the documents answer a question: judged by the search at once, then by the model that is about to answer.

Both judgements are one number, on the scale of `indexer.search.answerability`; below a limit that was calibrated for
the documents the question is refused, before anything is written.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from indexer.passages import Retrieved
from indexer.search.answerability import answerability
from server.answering.abstention import refuse, says_nothing, stands_alone
from server.answering.context_window import Prompt
from server.answering.events import Answer, AnswerEvent, Clock, Progress, Question
from server.answering.judge import USUAL, Judged, judge, lift
from server.answering.means import Means
from server.answering.writing import waiting
from server.llm.generator import Generator, Prefilling, Queued

SURELY_OFF_TOPIC = 0.01
"""The share of answerable questions that may be refused by a follow-up's own words, where with those before it it
found something, and by the search, where a model is asked as well."""
MARGIN = 0.15
"""Below the limit of the search alone: two judgements of a question differ more than one. With it .036 of handbook's
answerable questions are refused at .05, as many as by the search alone; with .1 .107."""


@dataclass(frozen=True)
class Bearing:
    """How well what was found bears on a question, and whether that is enough to answer it."""

    answerability: float | None
    answers: bool


NOT_JUDGED = Bearing(None, True)


def by_search(question: Question, retrieved: Retrieved, means: Means) -> Bearing:
    """By what was found alone. Who asks for JSON gets JSON in any case. Blocks: call it in a thread.

    A follow-up is refused by it only where it is sure, if a model will judge too: in its own words it says less than a
    question that stands for itself (multi-turn: .11 of the answerable ones were refused, nearly all of them here).
    """
    found = answerability(retrieved)
    if not question.may_be_refused or question.wants_json:
        return Bearing(found, True)
    generator = means.generator
    to_be_judged = retrieved.together_with and generator is not None and is_judged(question, generator)
    least = means.least_answerability(SURELY_OFF_TOPIC if to_be_judged else 1.0)
    return Bearing(found, not (says_nothing(retrieved, least) or _leaves(question, retrieved, means)))


def _leaves(question: Question, retrieved: Retrieved, means: Means) -> bool:
    """Whether a follow-up leaves the subject: with the questions before it something is found, for it alone nothing."""
    if not retrieved.together_with or not stands_alone(question.text) or means.retriever is None:
        return False
    alone = means.retriever.retrieve(question.text, [], question.scope, question.top_k)
    return says_nothing(alone, means.least_answerability(SURELY_OFF_TOPIC))


def is_judged(question: Question, generator: Generator) -> bool:
    """Whether the model is asked if the passages answer; only one whose judgement is calibrated is."""
    return question.may_be_refused and not question.wants_json and generator.name in USUAL


async def by_model(
    retrieved: Retrieved, prompt: Prompt, generator: Generator, means: Means
) -> AsyncGenerator[Progress | Bearing, None]:
    """What the asker waits for, then what search and model judge together."""
    async with aclosing(judge(prompt.messages, generator)) as judging:
        async for event in judging:
            if isinstance(event, Queued | Prefilling):
                yield waiting(event, prompt)
            elif isinstance(event, Judged):
                found = answerability(retrieved) + lift(event, generator.name)
                yield Bearing(found, found >= await asyncio.to_thread(means.least_answerability) - MARGIN)


def refusal(
    question: Question, retrieved: Retrieved, bearing: Bearing, means: Means, clock: Clock
) -> list[AnswerEvent]:
    """That the documents do not say, and how many files are still unread. Blocks: call it in a thread."""
    unread = sum(max(0, run.total - run.done) for run in means.catalog.running(question.scope))
    return [
        replace(event, answerability=bearing.answerability) if isinstance(event, Answer) else event
        for event in refuse(retrieved, clock.timing(), unread)
    ]
