"""The answer without a language model: the sentences of the documents that answer, quoted and cited (pure).

A sentence is scored by its cosine with the question and by the idf-weighted share of the question's terms that it (or
its heading) holds: on every third question of squad the gold answer is among the chosen three for .92.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.models import Passage, Sentence
from indexer.retrieve import Retrieved
from indexer.terms import content_terms
from server.events import Answer, Citation, Text, Timing

COSINE_WEIGHT = 0.65
"""squad, gold answer in the best three / in the best: .920 / .764; with .6 .918 / .766, with .7 .920 / .758."""
PASSAGES = 5
"""Passages whose sentences are weighed: squad .920, with 3 .907."""
SENTENCES = 3
"""Most sentences of an answer, about 90 tokens."""
SHARE_OF_BEST = 0.6
"""A further sentence is quoted only when it scores at least this share of the best one."""

_MARKUP = re.compile(
    r"`|(?<!\s)\*|\*(?!\s)|~(?=~)|(?<=~)~|(?<![^\W_])_|_(?![^\W_])"
    r"|\](?=\()|(?<=\d)\]|<(?=[a-zA-Z/!?])|&(?=#?\w+;)|\\(?=[!-/:-@\[-`{-~])"
)
_MARKUP_AT_START = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$)))|^(?=[-+*](?:\s|$)|>|#{1,6}(?:\s|$)|-[- ]*$)")
"""What Markdown would take for markup in a line, and what at its beginning: lists, headings, quotes, rules."""


@dataclass(frozen=True)
class ScoredSentence:
    """A sentence with the passage it stands in; `n` is the passage's number, from 1."""

    n: int
    passage: Passage
    sentence: Sentence
    score: float
    cosine: float


def score_sentences(retrieved: Retrieved, passages: int = PASSAGES) -> list[ScoredSentence]:
    """The sentences of the first passages, best first. Sentences that stand twice are kept once."""
    total = sum(retrieved.terms.values()) or 1.0
    scored: dict[str, ScoredSentence] = {}
    for n, passage in enumerate(retrieved.passages[:passages], start=1):
        for sentence in passage.sentences:
            held = set(content_terms(f"{passage.title} {sentence.heading} {sentence.text}"))
            overlap = sum(weight for term, weight in retrieved.terms.items() if term in held) / total
            cosine = float(np.dot(sentence.vector, retrieved.vector))
            score = COSINE_WEIGHT * cosine + (1 - COSINE_WEIGHT) * overlap
            key = " ".join(sentence.text.split()).casefold()
            if key not in scored or scored[key].score < score:
                scored[key] = ScoredSentence(n, passage, sentence, score, cosine)
    return sorted(scored.values(), key=lambda s: (-s.score, s.n, s.sentence.start))


def choose_sentences(retrieved: Retrieved) -> list[ScoredSentence]:
    """At most three sentences that answer, the passage of the best one first, each in its order."""
    every = score_sentences(retrieved)
    scored = [s for s in every if not s.sentence.text.endswith(":")] or every  # they only lead in
    best = scored[:1] + [s for s in scored[1:SENTENCES] if s.score >= SHARE_OF_BEST * scored[0].score]
    leading = {s.n: max(other.score for other in best if other.n == s.n) for s in best}
    return sorted(best, key=lambda s: (-leading[s.n], s.n, s.sentence.start))


def extractive_answer(
    retrieved: Retrieved, numbers: Sequence[int], timing: Callable[[], Timing]
) -> Iterator[Text | Answer]:
    """The chosen sentences as Markdown quotes, each with its mark. `numbers` are those of the passages, in order."""
    text = ""
    citations: list[Citation] = []
    for chosen in choose_sentences(retrieved):
        quoted = "\n\n" * bool(text) + f"> {as_markdown(chosen.sentence.text)} "
        citation = _citation(chosen, numbers[chosen.n - 1], len(text) + len(quoted))
        citations.append(citation)
        delta = f"{quoted}[{citation.n}]"
        text += delta
        yield Text(delta, (citation,))
    yield Answer(text, text, True, "extractive", citations=tuple(citations), took_ms=timing())


def as_markdown(sentence: str) -> str:
    """One line of Markdown that shows a sentence's own characters, whatever they would mean as markup."""
    line = _MARKUP.sub(r"\\\g<0>", " ".join(sentence.split()))
    return _MARKUP_AT_START.sub(r"\1\\", line, count=1)


def _citation(chosen: ScoredSentence, n: int, at: int) -> Citation:
    passage, sentence = chosen.passage, chosen.sentence
    return Citation(
        n=n,
        at=at,
        document_id=passage.document_id,
        collection_id=passage.collection_id,
        document=passage.document,
        title=passage.title,
        heading=sentence.heading,
        page=passage.page,
        start=sentence.start,
        end=sentence.end,
        quote=sentence.text,
    )
