"""A follow-up in a model's words, so that it can be searched for alone: "and for part-timers?" with what came before.

Off unless `DOCENT_STANDALONE` is set: a search mixes the question before it in without a model, at no cost, and whether
a model's words find more depends on the model. `indexer evaluate --answers --baseline` tells.
"""

from collections.abc import Sequence
from contextlib import aclosing

from server.errors import RequestError
from server.llm.generator import Generator, Message, Piece, Sampling

TURNS = 3
"""Questions before the last one that the model sees."""
MAX_TOKENS = 64
LONGEST = 300  # characters; what is longer is no question
INSTRUCTIONS = (
    "You rewrite the last question of a conversation so that it can be understood without the others. "
    "Keep its meaning. Write only the question, on one line."
)


async def standalone(question: str, before: Sequence[str], generator: Generator) -> str:
    """The question as it stands alone; as it was asked where the model writes nothing usable."""
    asked = "\n".join(f"Question {number}: {text}" for number, text in enumerate(before[-TURNS:], start=1))
    messages = [Message("system", INSTRUCTIONS), Message("user", f"{asked}\nLast question: {question}")]
    written = ""
    try:
        async with aclosing(generator.generate(messages, Sampling(max_tokens=MAX_TOKENS, stop=("\n",)))) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, Piece):
                    written += event.text
    except RequestError:  # the answer itself will say what is wrong with the model
        return question
    written = " ".join(written.split())
    return written if 0 < len(written) <= LONGEST else question
