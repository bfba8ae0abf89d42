"""A prompt that fits the context: older turns or evidence go first, in that order of the asker's wishes.

A conversation in the page drops its oldest turns in blocks, so that the cached prefix is rebuilt seldom; an API call
shrinks its evidence and is then refused, since a client's messages are not ours to forget. One passage always stays:
without any the model would say that the documents do not answer, which nobody has checked.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from server.answering.events import Evidence, Exchange, Question
from server.answering.prompt import build_messages
from server.errors import ContextTooLong
from server.llm.generator import Generator, Message

BLOCK_SHARE = 2
"""Turns are dropped in blocks of at most one in this many of those that fit."""
LEAST_ANSWER = 64
"""Tokens that an answer must at least have room for."""


def fit_prompt(
    question: Question, evidence: tuple[Evidence, ...], generator: Generator
) -> tuple[tuple[Evidence, ...], list[Message]]:
    """The evidence and messages that leave room for an answer. Raises ContextTooLong, Unavailable."""
    limit = generator.context - min(question.sampling.max_tokens, LEAST_ANSWER)

    def fits(dropped: int) -> bool:
        return generator.count(build_messages(question, evidence, question.history[dropped:])) <= limit

    kept: Sequence[Exchange] = question.history
    if question.forgetful and kept and not fits(0):
        kept = kept[_dropped(len(kept), fits) :]
    while True:
        messages = build_messages(question, evidence, kept)
        tokens = generator.count(messages)
        if tokens <= limit:
            return evidence, messages
        if question.forgetful and kept:
            kept = ()
        elif len(evidence) > 1:
            evidence = evidence[:-1]
        else:
            raise ContextTooLong(tokens, limit)


def _dropped(turns: int, fits: Callable[[int], bool]) -> int:
    """How many of the oldest turns go: the fewest that must, up to the end of their block.

    Blocks are powers of two counted from the first turn, so that a conversation that grows by a turn mostly drops the
    same ones as before.
    """
    fewest = bisect_left(range(turns), True, key=fits)
    block = 1 << (max(1, (turns - fewest) // BLOCK_SHARE).bit_length() - 1)
    return min(turns, -(-fewest // block) * block)
