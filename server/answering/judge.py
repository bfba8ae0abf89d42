"""Whether the passages answer a question, in the model's own judgement: one token over the prompt it is about to read.

The prompt up to the question is then in the model's cache, so that the answer costs no more than without. The
judgement is a number, the log-odds of "yes" against "no": what follows from it is calibrated.
"""

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from server.errors import RequestError
from server.llm.generator import GenerationEvent, Generator, Message, Piece, Sampling, TokenLogprob

ASKED = "Do the passages state the answer to exactly this question? Reply only yes or no."
ALTERNATIVES = 20
"""Tokens that are looked at: "yes" and "no" are among the first few."""
LEAST_PROBABILITY = 1e-6

USUAL = {"qwen2.5-coder-1.5b": (1.4, 0.65)}
"""Model -> mean and standard deviation of its log-odds for questions that the passages answer, on 30 of
squad-unanswerable. Each model leans to one of the two words by itself; one that is not here is not asked."""
WEIGHT = 0.09
"""Of a standard deviation of the judgement, in units of answerability: alone the search's score tells .37 of
squad-unanswerable's questions at 10% false refusals, the judgement .43, together .53; with half of it .47."""
MOST = 3.0
"""Standard deviations that count."""


@dataclass(frozen=True)
class Judged:
    log_odds: float | None  # of "yes" against "no"; None where the generator gives no log probabilities, or refuses


async def judge(messages: Sequence[Message], generator: Generator) -> AsyncGenerator[GenerationEvent | Judged, None]:
    """What the model does meanwhile, then one Judged. Closing the iterator frees the model at once."""
    *before, last = messages
    asked = [*before, replace(last, content=f"{last.content}\n\n{ASKED}")]
    found: float | None = None
    try:
        events = generator.generate(asked, Sampling(max_tokens=1, logprobs=ALTERNATIVES))
        async with aclosing(events) as stream:
            async for event in stream:
                if isinstance(event, Piece):
                    found = log_odds(event.logprobs[0]) if event.logprobs else None
                else:
                    yield event
    except RequestError:  # the answer itself will say what is wrong with the model
        found = None
    yield Judged(found)


def lift(judged: Judged, model: str) -> float:
    """What is added to a question's answerability, whose scale is a cosine's; 0 where the model's judgement is not
    known or not calibrated."""
    usual = USUAL.get(model)
    if usual is None or judged.log_odds is None:
        return 0.0
    mean, deviation = usual
    return WEIGHT * max(-MOST, min(MOST, (judged.log_odds - mean) / deviation))


def log_odds(token: TokenLogprob) -> float | None:
    """Of "yes" against "no" as the next token; None where neither is among the likely ones."""
    likely = {(token.token, token.logprob), *token.top}
    yes, no = (sum(math.exp(logprob) for text, logprob in likely if _says(text, word)) for word in ("yes", "no"))
    if yes + no < LEAST_PROBABILITY:
        return None
    return math.log(max(yes, LEAST_PROBABILITY) / max(no, LEAST_PROBABILITY))


def _says(token: str, word: str) -> bool:
    return token.strip(" \"'*.").casefold() == word
