"""How much each sentence of the passages bears on a question (pure): evidence and quotations are chosen by it.

A sentence's score is a sum of six features, a log-odds: of two sentences the one with the score higher by 1 holds the
answer 2.7 times as often. The weights are those of a softmax over a question's sentences that was fitted to where the
gold answer of squad stands, rounded. It is in the best sentence for .820 of squad's questions (.788 with .65 cosine and
.35 of the question's terms); docs/decisions.md has what each feature is worth, on five sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from indexer.passages import Passage, Retrieved, Sentence
from indexer.text.terms import content_terms, words
from server.answering.answer_kind import asked_for, holds

PASSAGES = 8
"""Passages whose sentences are weighed: squad .920, with 3 .907. Three sentences of them hold all facts for .410 of 39
employees' questions, of five passages for .385."""

COSINE = 12.0
"""Of the cosine with the question."""
IN_CONTEXT = 6.0
"""Of the share of the question's terms that stand in title, heading, the sentence before and the sentence."""
IN_SENTENCE = 4.0
"""Of the share that stands in title, heading and the sentence, the beginning of a long word being enough."""
PASSAGE = 6.0
"""Of the passage's own score: evidence for squad has 183 tokens, with 3.0 194, with 9.0 174, and as many answers."""
KIND = 2.0
"""For a number, a date, a place, a reason or a way of doing where the question asks for one."""
TOGETHER = 1.0
"""Of the share of the question's neighbouring terms that stand together here too."""

BEGINNING = 5
"""Letters that two longer words share when they are of one family: "analysis" and "analyzed"."""
NEAR = 2
"""Terms at most so far apart stand together."""


@dataclass(frozen=True)
class ScoredSentence:
    """A sentence with the passage it stands in; `n` is the passage's number, from 1, `index` its place there."""

    n: int
    index: int
    passage: Passage
    sentence: Sentence
    score: float


def score_sentences(retrieved: Retrieved, among: Sequence[Passage] | None = None) -> list[ScoredSentence]:
    """The sentences of the first passages found, or of those `among`, best first. What stands twice is kept once.

    Where there are others, headings and the headers of tables are left out.
    """
    asked = _Compared(retrieved)
    scored: dict[str, ScoredSentence] = {}
    headings: dict[str, ScoredSentence] = {}
    for n, passage in enumerate(retrieved.passages[:PASSAGES] if among is None else among, start=1):
        for one in _score_passage(asked, n, passage):
            kept = headings if _is_heading(one.passage, one.sentence) else scored
            key = " ".join(one.sentence.text.split()).casefold()
            if key not in kept or kept[key].score < one.score:
                kept[key] = one
    return sorted((scored or headings).values(), key=lambda s: (-s.score, s.n, s.index))


def _is_heading(passage: Passage, sentence: Sentence) -> bool:
    """Whether a sentence is a line of its own that says no more than the headings over it."""
    after = passage.text[sentence.end - passage.start :]
    if sentence.start > passage.start and after and not after.startswith("\n"):
        return False
    above = {*content_terms(f"{passage.title} {passage.prefix} {sentence.heading}")}
    return set(content_terms(sentence.text)) <= above


class _Compared:
    """What is compared with every sentence."""

    def __init__(self, retrieved: Retrieved) -> None:
        self.vector = retrieved.vector
        total = sum(retrieved.terms.values()) or 1.0
        self.shares = {term: weight / total for term, weight in retrieved.terms.items()}
        self.words = frozenset(words(retrieved.question))
        self.kind = asked_for(retrieved.question)
        self.pairs = list(pairwise(dict.fromkeys(content_terms(retrieved.question))))

    def share(self, held: set[str]) -> float:
        return sum(share for term, share in self.shares.items() if term in held)

    def family_share(self, held: set[str], above: set[str]) -> float:
        beginnings = {term[:BEGINNING] for term in held if len(term) >= BEGINNING}
        return sum(
            share
            for term, share in self.shares.items()
            if term in held or term in above or (len(term) >= BEGINNING and term[:BEGINNING] in beginnings)
        )

    def together(self, terms: Sequence[str]) -> float:
        first = {term: at for at, term in reversed(list(enumerate(terms)))}
        found = [a in first and b in first and abs(first[a] - first[b]) <= NEAR for a, b in self.pairs]
        return sum(found) / max(1, len(found))


def _score_passage(asked: _Compared, n: int, passage: Passage) -> list[ScoredSentence]:
    if not passage.sentences:
        return []
    cosines = (np.stack([sentence.vector for sentence in passage.sentences]) @ asked.vector).tolist()
    scored = []
    before: set[str] = set()
    for index, (sentence, cosine) in enumerate(zip(passage.sentences, cosines, strict=True)):
        terms = content_terms(sentence.text)
        held, above = set(terms), set(content_terms(f"{passage.title} {sentence.heading}"))
        score = (
            COSINE * cosine
            + IN_CONTEXT * asked.share(held | above | before)
            + IN_SENTENCE * asked.family_share(held, above)
            + PASSAGE * passage.score
            + KIND * holds(asked.kind, sentence.text, asked.words)
            + TOGETHER * asked.together(terms)
        )
        scored.append(ScoredSentence(n, index, passage, sentence, score))
        before = held
    return scored
