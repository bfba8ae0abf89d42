"""How well what was found bears on a question, as one number: low where the documents do not say (pure).

At heart it is a cosine, half of the best sentence and half of the best passage, lifted by the share of the question's
terms that one sentence holds. What is too low is not said here: that depends on the documents (calibrate.py).

The constants were chosen on six question sets together, by the share of off-topic questions that are told at 5% false
refusals, mean of the six; docs/decisions.md has the table.
"""

import re
from dataclasses import dataclass

import numpy as np

from indexer.passages import Passage, Retrieved, Sentence
from indexer.text.terms import content_terms, fold

PASSAGES = 5
"""Passages whose sentences are looked at."""
PASSAGE_WEIGHT = 0.5
"""Share of the best passage's cosine beside the best sentence's: .932, with 0 .920, .35 and .6 .932, 1 .927."""
COVERAGE_WEIGHT = 0.2
"""Of the share, by idf, of the question's terms that stand in one sentence, its heading or its title: .932, with 0
.906, with .1 .929, with .3 .923. More costs on handbook, whose people do not use the documents' words."""
NOT_DENIED = 0.25
"""Taken off where the question asks what is *not* so and the sentences around the best one deny nothing, as in .011 of
squad-unanswerable's answerable questions and .096 of its others, and at most .008 of any other set's answerable ones:
.228 to .282 of the others are told at 10% false refusals. "Why can I not log in" is not meant."""

_NEGATION = re.compile(r"\b(?:not|never|no|none|nor|neither|without|cannot)\b|n't\b")
_ASKS_WHAT = re.compile(r"\b(?:who|whom|whose|what|which|where|when|how (?:many|much|long|old|far|often))\b")
_OWN_TROUBLE = re.compile(r"\b(?:i|my|me|we|our|us)\b")


@dataclass(frozen=True)
class _Best:
    """The sentence nearest to the question, with its passage and its place among that passage's sentences."""

    cosine: float
    passage: Passage
    at: int

    @property
    def around(self) -> str:
        """It and its neighbours, under their title and heading."""
        near = self.passage.sentences[max(0, self.at - 1) : self.at + 2]
        return " ".join([self.passage.title, near[0].heading, *(sentence.text for sentence in near)])


def answerability(retrieved: Retrieved) -> float:
    """About 0 to 1.2, or -1 where no sentence was found."""
    best = _best(retrieved)
    if best is None:
        return -1.0
    passage_cosine = max(passage.cosine for passage in retrieved.passages)
    closeness = (1 - PASSAGE_WEIGHT) * best.cosine + PASSAGE_WEIGHT * passage_cosine
    denied = NOT_DENIED if asks_what_is_not(retrieved.question) and not _denies(best.around) else 0.0
    return closeness + COVERAGE_WEIGHT * _coverage(retrieved) - denied


def asks_what_is_not(question: str) -> bool:
    """Whether a question like "What is not covered?", which a sentence about what is covered does not answer."""
    asked = _plain(question)
    return bool(_ASKS_WHAT.search(asked) and _NEGATION.search(asked) and not _OWN_TROUBLE.search(asked))


def _best(retrieved: Retrieved) -> _Best | None:
    vector = retrieved.vector / max(float(np.linalg.norm(retrieved.vector)), 1e-6)
    found = [
        _Best(float(np.dot(sentence.vector, vector)), passage, at)
        for passage in retrieved.passages[:PASSAGES]
        for at, sentence in enumerate(passage.sentences)
    ]
    return max(found, key=lambda one: one.cosine, default=None)


def _coverage(retrieved: Retrieved) -> float:
    total = sum(retrieved.terms.values()) or 1.0

    def held(passage: Passage, sentence: Sentence) -> float:
        there = set(content_terms(f"{passage.title} {sentence.heading} {sentence.text}"))
        return sum(weight for term, weight in retrieved.terms.items() if term in there) / total

    return max(held(passage, sentence) for passage in retrieved.passages[:PASSAGES] for sentence in passage.sentences)


def _denies(text: str) -> bool:
    return bool(_NEGATION.search(_plain(text)))


def _plain(text: str) -> str:
    return fold(text.replace("’", "'"))
