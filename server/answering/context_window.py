"""A prompt that fits the context, and in words why a question does not: older turns or evidence go first.

A conversation in the page drops its oldest turns in blocks, so that the cached prefix is rebuilt seldom; an API call
shrinks its evidence and is then refused, since a client's messages are not ours to forget. One passage always stays:
without any the model would say that the documents do not answer, which nobody has checked.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from indexer.passages import Scope
from indexer.search.retrieve import QUERY_CHARACTERS
from server.answering.events import Evidence, Exchange, Question
from server.answering.prompt import build_messages
from server.errors import ContextTooLong
from server.llm.generator import Generator, Message

BLOCK_SHARE = 2
"""Turns are dropped in blocks of at most one in this many of those that fit."""
LEAST_ANSWER = 64
"""Tokens that an answer must at least have room for."""
TEMPLATE_TOKENS = 256
"""More than our instructions and a chat template add; other tokens have a byte at least."""
LONGEST = 100_000
"""Characters that are looked at at all, whatever the context."""
PASSAGE = 300
"""Tokens of the one passage that always stands beside a question: a chunk has at most 256 word pieces and a heading."""
PASSAGE_SHARE = 4
"""A passage is expected to take at most one part in this many of a small context."""


@dataclass(frozen=True)
class Prompt:
    """The messages that the model reads, and the numbered passages in them."""

    messages: list[Message]
    evidence: tuple[Evidence, ...]  # of this turn
    earlier: tuple[Evidence, ...] = ()  # of the turns before it alone


def fit_prompt(question: Question, evidence: tuple[Evidence, ...], generator: Generator) -> Prompt:
    """The prompt that leaves room for an answer. Raises ContextTooLong, Unavailable."""
    limit = generator.context - min(question.sampling.max_tokens, LEAST_ANSWER)

    def fits(dropped: int) -> bool:
        return _tokens(build_messages(question, evidence, question.history[dropped:]), generator) <= limit

    kept: Sequence[Exchange] = question.history
    if question.forgetful and kept and not fits(0):
        kept = kept[_dropped(len(kept), fits) :]
    while True:
        messages = build_messages(question, evidence, kept)
        tokens = _tokens(messages, generator)
        if tokens <= limit:
            return Prompt(messages, evidence, _earlier(question, evidence, kept))
        if question.forgetful and kept:
            kept = ()
        elif len(evidence) > 1:
            evidence = evidence[:-1]
        else:
            raise ContextTooLong(tokens, limit)


def check_length(question: Question, generator: Generator | None) -> None:
    """Raises ContextTooLong for a prompt that does not fit even without evidence, found or not found."""
    if generator is None or generator.state.state != "ready":
        return
    texts = [question.text, question.system, *(e.question + e.raw_answer for e in question.history)]
    if sum(len(text.encode("utf-8", "replace")) for text in texts) > generator.context - TEMPLATE_TOKENS:
        fit_prompt(question, (), generator)


def _earlier(question: Question, evidence: Sequence[Evidence], kept: Sequence[Exchange]) -> tuple[Evidence, ...]:
    """What the kept turns show and the asker may still read, each number once, what was shown last first."""
    shown = {e.n: e for exchange in kept for e in question.readable(exchange.evidence)}
    for e in evidence:
        shown.pop(e.n, None)
    return tuple(reversed(shown.values()))


def _dropped(turns: int, fits: Callable[[int], bool]) -> int:
    """How many of the oldest turns go: the fewest that must, up to the end of their block.

    Blocks are powers of two counted from the first turn, so that a conversation that grows by a turn mostly drops the
    same ones as before.
    """
    fewest = bisect_left(range(turns), True, key=fits)
    block = 1 << (max(1, (turns - fewest) // BLOCK_SHARE).bit_length() - 1)
    return min(turns, -(-fewest // block) * block)


def why_too_long(text: str, generator: Generator | None) -> str:
    """A sentence for the asker; empty where the text can be read whole, or nobody can say because the model loads."""
    if len(text) > LONGEST:
        return f"This has {len(text):,} characters, and Docent reads at most {LONGEST:,}."
    if generator is None or generator.state.state == "failed":
        if len(text) <= QUERY_CHARACTERS:
            return ""
        return f"This has {len(text):,} characters. Without a language model Docent reads at most {QUERY_CHARACTERS:,}."
    if generator.state.state == "loading":
        return ""
    room = _room(text, generator)
    return f"This has {len(text):,} characters, and the language model reads about {room:,} of it." if room else ""


def _room(text: str, generator: Generator) -> int:
    """About how many characters of the text fit beside the instructions, a passage and an answer; 0 where all do."""
    limit = generator.context - LEAST_ANSWER - min(PASSAGE, generator.context // PASSAGE_SHARE)
    instructions = _tokens(_alone(""), generator)
    tokens = _tokens(_alone(text), generator)
    if tokens <= limit:
        return 0
    share = max(0, limit - instructions) / max(1, tokens - instructions)
    characters = int(len(text) * share)
    return max(1, characters - characters % 100)


def _tokens(messages: Sequence[Message], generator: Generator) -> int:
    """Tokens of a prompt; about how many where it is so long that nobody counts them."""
    try:
        return generator.count(messages)
    except ContextTooLong as problem:
        return problem.tokens


def _alone(text: str) -> list[Message]:
    """The prompt of a question without evidence and history."""
    return build_messages(Question(text, Scope(frozenset())), (), ())
