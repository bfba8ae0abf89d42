"""Whether the words of a sentence rest on a passage, and on which of its words (pure).

A sentence is supported by a stretch of a passage that holds enough of its content words and every one of its numbers.
Where no passage does, a sentence of theirs that is near enough in meaning supports it, numbers included, if there are
vectors. What says the opposite in the same words ("may not" for "may") is supported too, but is doubted. Numbers that
are written out ("twenty-five") are words.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexer.passages import Passage, Sentence
from indexer.text.terms import content_terms
from server.answering.events import Evidence, Reason
from server.answering.negation import denies

MARKED = 0.4
"""Share of a sentence's content words that a passage must hold when the model named that passage."""
UNMARKED = 0.6
"""The same where the model named none: the server finds the passage itself, so it asks for more."""

NEAR_MARKED = 0.6
"""Least cosine with a sentence of a passage that the model named, where words alone do not tell."""
NEAR_UNMARKED = 0.7
"""The same where the model named none. Of 663 sentences of multi-turn's written answers the gold passages support, and
the others that were found do: by words .721 and .056, with .6 .824 and .145, with .7 .771 and .078, with .8 .729, .059.
Of clapnq's 329, which keep to the passages' words: .994 and .003, with .6 1.000 and .009, with .7 .997 and .003."""
LEAST_TERMS = 3
"""Content words of a sentence that is looked for by meaning; "That is so." is near to many."""

Encode = Callable[[str], NDArray[np.float32]]
"""A sentence to its vector, (dim,), unit length, as the passages' sentences have theirs."""

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)*")


@dataclass(frozen=True)
class Support:
    """The words of a passage that a sentence rests on: code points [start, end) of the document's text."""

    evidence: Evidence
    start: int
    end: int
    share: float  # of the sentence's content words, or the cosine by which it was found
    heading: str = ""  # over those words, " › " between levels


def find_support(
    text: str, evidence: Sequence[Evidence], named: Sequence[int], encode: Encode | None = None
) -> list[Support]:
    """What supports the sentence: each named passage that does, else the one that does best. Empty where none does."""
    by_number = {e.n: e for e in evidence}
    known = [by_number[n] for n in dict.fromkeys(named) if n in by_number]
    claimed = [support(text, e) for e in known]
    kept = [s for s in claimed if s is not None and s.share >= MARKED]
    if kept:
        return kept
    found = [s for s in (support(text, e) for e in evidence) if s is not None and s.share >= UNMARKED]
    if found:
        return [max(found, key=lambda s: s.share)]
    if encode is None or len(_terms(text)) < LEAST_TERMS:
        return []
    vector = encode(text)
    near = _nearest(text, vector, known, NEAR_MARKED) or _nearest(text, vector, evidence, NEAR_UNMARKED)
    return [near] if near else []


def _nearest(text: str, vector: NDArray[np.float32], evidence: Sequence[Evidence], least: float) -> Support | None:
    """The sentence that is nearest in meaning and holds all the numbers, from a cosine of `least` on."""
    numbers = _numbers(text)
    near = [
        (float(sentence.vector @ vector), e, sentence)
        for e in evidence
        for sentence in e.passage.sentences
        if len(sentence.vector) == len(vector)  # those of earlier turns come back without one
        and numbers <= _numbers(e.passage.prefix) | _numbers(sentence.text)
    ]
    cosine, rests_on, sentence = max(near, key=lambda one: one[0], default=(0.0, None, None))
    if rests_on is None or sentence is None or cosine < least:
        return None
    return Support(rests_on, sentence.start, sentence.end, cosine, sentence.heading)


def doubt(text: str, evidence: Sequence[Evidence], found: Sequence[Support]) -> Reason | None:
    """Why a sentence should not be relied on, given what supports it; None where nothing speaks against it."""
    if found:
        return "negation" if all(denies(text, _words_of(support)) for support in found) else None
    held = frozenset[str]().union(*(_numbers(f"{e.passage.prefix}\n{e.passage.text}") for e in evidence))
    return "words" if _numbers(text) <= held else "number"


def _words_of(support: Support) -> str:
    passage = support.evidence.passage
    return passage.text[support.start - passage.start : support.end - passage.start]


def support(text: str, evidence: Evidence) -> Support | None:
    """The one or two sentences of the passage that hold most of the sentence's words and all its numbers.

    The passage's prefix may lend words and numbers, but not all of them. A passage without sentences supports nothing.
    """
    wanted = frozenset(content_terms(text))
    numbers = _numbers(text)
    above = evidence.passage.prefix
    best: Support | None = None
    for stretch in _stretches(evidence.passage):
        own = frozenset().union(*(_terms(sentence.text) for sentence in stretch)) & wanted
        share = len(own | (_terms(above) & wanted)) / max(1, len(wanted))
        if not own or (best is not None and share <= best.share):
            continue
        if numbers <= _numbers(above).union(*(_numbers(sentence.text) for sentence in stretch)):
            best = Support(evidence, stretch[0].start, stretch[-1].end, share, stretch[0].heading)
    return best


def _stretches(passage: Passage) -> Iterator[Sequence[Sentence]]:
    """Each sentence alone, then each two neighbours: the shorter stretch wins where both hold as much."""
    yield from ((sentence,) for sentence in passage.sentences)
    yield from pairwise(passage.sentences)


@lru_cache(maxsize=4096)  # the same passages are read again for each sentence of an answer
def _terms(text: str) -> frozenset[str]:
    return frozenset(content_terms(text))


@lru_cache(maxsize=4096)
def _numbers(text: str) -> frozenset[str]:
    """The numbers in a text as one writes them plainly: "1,000" and "1,000.00" are "1000"."""
    return frozenset(re.sub(r"\.0+$", "", number.replace(",", "")) for number in _NUMBER.findall(text))
