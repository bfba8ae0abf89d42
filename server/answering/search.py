"""A question, in its conversation, to what is found for it.

Where `DOCENT_STANDALONE` is set, a model first writes a follow-up so that it can be searched for alone: "and for
part-timers?" with what came before. It is off by default: a search mixes the question before it in without a model, at
no cost, and whether a model's words find more depends on the model. `indexer evaluate --answers --baseline` tells.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from indexer.passages import Retrieved
from indexer.search.retrieve import Retriever
from server.answering.abstention import stands_alone
from server.answering.comparison import compared
from server.answering.events import Question
from server.answering.parts import parts
from server.answering.small_talk import rewrites
from server.errors import RequestError
from server.llm.generator import Generator, Message, Piece, Sampling, can_write

TURNS = 3
"""Questions before the last one that the model sees."""
MAX_TOKENS = 64
LONGEST = 300  # characters; what is longer is no question
INSTRUCTIONS = (
    "You rewrite the last question of a conversation so that it can be understood without the others. "
    "Keep its meaning. Write only the question, on one line."
)


async def search(
    question: Question, retriever: Retriever, generator: Generator | None, *, standalone: bool
) -> Retrieved:
    """As it was asked, with the questions before it; with `standalone`, alone in a model's words.

    Words that are to be searched for exactly as they stand are neither mended nor written anew. A comparison's sides,
    and the parts of a question that asks several things, are searched for by themselves too.
    """
    before = _asked_before(question)
    found = await _found(question, before, retriever, generator, standalone=standalone)
    sides = [
        await asyncio.to_thread(retriever.retrieve, side, history, question.scope, question.top_k, exact=question.exact)
        for side, history in await asyncio.to_thread(_sides, found.question, before if found.together_with else ())
    ]
    return replace(found, sides=tuple(sides))


def _sides(text: str, before: Sequence[str]) -> list[tuple[str, list[str]]]:
    """What is searched for by itself, with what was asked before it: of a comparison the sides, else the parts, one
    that points back ("and where do I save it") after those before it."""
    asked = parts(text)
    return [(side, []) for side in compared(text)] or [
        (part, [*before] if stands_alone(part) else [*before, *asked[:number]]) for number, part in enumerate(asked)
    ]


async def _found(
    question: Question, before: Sequence[str], retriever: Retriever, generator: Generator | None, *, standalone: bool
) -> Retrieved:
    if standalone and before and not question.exact and can_write(generator):
        text = await stand_alone(question.text, before, generator)
        if text != question.text:
            found = await asyncio.to_thread(retriever.retrieve, text, [], question.scope, question.top_k)
            return replace(found, searched=found.searched or text)
    return await asyncio.to_thread(
        retriever.retrieve, question.text, before, question.scope, question.top_k, exact=question.exact
    )


async def stand_alone(question: str, before: Sequence[str], generator: Generator) -> str:
    """The question as it stands alone; as it was asked where the model writes nothing usable."""
    asked = "\n".join(f"Question {number}: {text}" for number, text in enumerate(before[-TURNS:], start=1))
    messages = [Message("system", INSTRUCTIONS), Message("user", f"{asked}\nLast question: {question}")]
    written = ""
    try:
        async with aclosing(generator.generate(messages, Sampling(max_tokens=MAX_TOKENS, stop=("\n",)))) as events:
            async for event in events:
                if isinstance(event, Piece):
                    written += event.text
    except RequestError:  # the answer itself will say what is wrong with the model
        return question
    written = " ".join(written.split())
    return written if 0 < len(written) <= LONGEST else question


def _asked_before(question: Question) -> list[str]:
    """The questions before it, except those that only asked for another form of an answer."""
    return [exchange.question for exchange in question.history if not rewrites(exchange.question)]
