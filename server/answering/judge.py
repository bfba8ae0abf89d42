"""Whether the passages answer a question, in the model's own judgement: one token over the prompt it is about to read.

The prompt up to the question is then in the model's cache, so that the answer costs no more than without. The
judgement is a number, the log-odds of "yes" against "no": what follows from it is calibrated.
"""

import math
from collections.abc import Sequence
from contextlib import aclosing

from server.errors import RequestError
from server.llm.generator import Generator, Message, Piece, Sampling, TokenLogprob

ASKED = "Do the passages state the answer to exactly this question? Reply only yes or no."
ALTERNATIVES = 20
"""Tokens that are looked at: "yes" and "no" are among the first few."""
LEAST_PROBABILITY = 1e-6


async def judgement(messages: Sequence[Message], generator: Generator) -> float | None:
    """About -10 to 10; None where the generator gives no log probabilities, or refuses."""
    *before, last = messages
    asked = [*before, Message(last.role, f"{last.content}\n\n{ASKED}")]
    judged: float | None = None
    try:
        events = generator.generate(asked, Sampling(max_tokens=1, logprobs=ALTERNATIVES))
        async with aclosing(events) as stream:
            async for event in stream:
                if isinstance(event, Piece) and event.logprobs:
                    judged = log_odds(event.logprobs[0])
    except RequestError:  # the answer itself will say what is wrong with the model
        return None
    return judged


def log_odds(token: TokenLogprob) -> float | None:
    """Of "yes" against "no" as the next token; None where neither is among the likely ones."""
    likely = {(token.token, token.logprob), *token.top}
    yes, no = (sum(math.exp(logprob) for text, logprob in likely if _says(text, word)) for word in ("yes", "no"))
    if yes + no < LEAST_PROBABILITY:
        return None
    return math.log(max(yes, LEAST_PROBABILITY) / max(no, LEAST_PROBABILITY))


def _says(token: str, word: str) -> bool:
    return token.strip(" \"'*.").casefold() == word
