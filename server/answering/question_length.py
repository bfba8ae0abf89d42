"""Whether the whole of a question can be read, and in words why not."""

from indexer.passages import Scope
from indexer.search.retrieve import QUERY_CHARACTERS
from server.answering.context_window import LEAST_ANSWER
from server.answering.events import Question
from server.answering.prompt import build_messages
from server.errors import ContextTooLong
from server.llm.generator import Generator

LONGEST = 100_000
"""Characters that are looked at at all, whatever the context."""
PASSAGE = 300
"""Tokens of the one passage that always stands beside a question: a chunk has at most 256 word pieces and a heading."""
PASSAGE_SHARE = 4
"""A passage is expected to take at most one part in this many of a small context."""


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
    instructions = _tokens("", generator)
    tokens = _tokens(text, generator)
    if tokens <= limit:
        return 0
    share = max(0, limit - instructions) / max(1, tokens - instructions)
    characters = int(len(text) * share)
    return max(1, characters - characters % 100)


def _tokens(text: str, generator: Generator) -> int:
    try:
        return generator.count(build_messages(Question(text, Scope(frozenset())), (), ()))
    except ContextTooLong as problem:
        return problem.tokens
