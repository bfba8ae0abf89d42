"""A prompt that fits the context: older turns or evidence go first, in that order of the asker's wishes.

A conversation in the page drops its oldest turns in blocks, so that the cached prefix is rebuilt seldom; an API call
shrinks its evidence and is then refused, since a client's messages are not ours to forget.
"""

from collections.abc import Sequence

from server.errors import ContextTooLong
from server.events import Evidence, Exchange, Question
from server.generate import Generator, Message
from server.prompt import build_messages

DROPPED_SHARE = 2
"""One part in this many of the turns is dropped at once."""
LEAST_ANSWER = 64
"""Tokens that an answer must at least have room for."""


def fit_prompt(
    question: Question, evidence: tuple[Evidence, ...], generator: Generator
) -> tuple[tuple[Evidence, ...], list[Message]]:
    """The evidence and messages that leave room for an answer. Raises ContextTooLong, Unavailable."""
    limit = generator.context - min(question.sampling.max_tokens, LEAST_ANSWER)
    history: Sequence[Exchange] = question.history
    while True:
        messages = build_messages(question, evidence, history)
        tokens = generator.count(messages)
        if tokens <= limit:
            return evidence, messages
        if question.forgetful and history:
            history = history[max(1, len(history) // DROPPED_SHARE) :]
        elif evidence:
            evidence = evidence[:-1]
        else:
            raise ContextTooLong(tokens, limit)
