"""Which of the texts that a model wrote about a passage are worth searching (pure).

Small models write questions that a passage does not answer, the same question twice, and questions that fit any
passage. What is kept has words of its own, is near to the passage, is not a repeat, and finds the passage again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.embed import Vectors
from indexer.enrich.writer import Draft
from indexer.text.terms import content_terms

LEAST_TERMS = 2
"""Content words of a question or summary; "What is this about?" has one."""
LEAST_COSINE = 0.3
"""Of an entry with its passage: below it a text speaks of something else."""
REPEAT_COSINE = 0.95
"""Two entries of one passage that are nearer than this say the same."""
LONGEST = 300  # characters of an entry
LONGEST_KEYWORD = 60
WORDS_OF_TEXT_ITSELF = frozenset(
    content_terms("passage text document section paragraph page author title content article summary information topic")
)
"""A question of these alone asks about the text and not about what it says."""


@dataclass(frozen=True)
class Proposed:
    """A text that may become an entry."""

    kind: str  # question | summary | keywords
    text: str


def proposed(draft: Draft) -> list[Proposed]:
    """The texts of a draft, tidied; keywords are one text, since each alone says little."""
    questions = [Proposed("question", _tidy(text)) for text in draft.questions]
    keywords = list(dict.fromkeys(_tidy(word) for word in draft.keywords))
    joined = ", ".join(word for word in keywords if 0 < len(word) <= LONGEST_KEYWORD)
    return [*questions, Proposed("summary", _tidy(draft.summary)), Proposed("keywords", joined)]


def worth_keeping(
    texts: Sequence[Proposed],
    encode: Callable[[Sequence[str]], Vectors],
    passage: Vectors,
    finds_passage: Callable[[str], bool],
) -> list[tuple[Proposed, Vectors]]:
    """What passes, with its vector. `passage`: float32 (dim,), unit length; `finds_passage`: a search for a question
    has the passage among its first."""
    likely = [one for one in texts if _says_something(one)]
    kept: list[tuple[Proposed, Vectors]] = []
    for one, vector in zip(likely, encode([one.text for one in likely]), strict=True):
        repeats = any(float(vector @ other) > REPEAT_COSINE for _, other in kept)
        near = float(vector @ passage) >= LEAST_COSINE
        if near and not repeats and (one.kind != "question" or finds_passage(one.text)):
            kept.append((one, np.asarray(vector, np.float32)))
    return kept


def _says_something(one: Proposed) -> bool:
    if not 0 < len(one.text) <= LONGEST * (3 if one.kind == "keywords" else 1):
        return False
    own = set(content_terms(one.text)) - WORDS_OF_TEXT_ITSELF
    return len(own) >= (1 if one.kind == "keywords" else LEAST_TERMS)


def _tidy(text: str) -> str:
    """One line of readable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
