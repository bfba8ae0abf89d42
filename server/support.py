"""Whether the words of a sentence rest on a passage, and on which of its words (pure).

A sentence is supported by a stretch of a passage that holds enough of its content words and every one of its numbers.
Words are compared, not meanings: a true sentence in other words is not supported, and one that says the opposite in the
same words ("may not" for "may") is, but is doubted. Numbers that are written out ("twenty-five") are words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from indexer.models import Passage, Sentence
from indexer.terms import content_terms
from server.events import Evidence, Reason
from server.negation import denies

MARKED = 0.4
"""Share of a sentence's content words that a passage must hold when the model named that passage."""
UNMARKED = 0.6
"""The same where the model named none: the server finds the passage itself, so it asks for more."""

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)*")


@dataclass(frozen=True)
class Support:
    """The words of a passage that a sentence rests on: code points [start, end) of the document's text."""

    evidence: Evidence
    start: int
    end: int
    share: float  # of the sentence's content words
    heading: str = ""  # over those words, " › " between levels


def find_support(text: str, evidence: Sequence[Evidence], named: Sequence[int]) -> list[Support]:
    """What supports the sentence: each named passage that does, else the one that does best. Empty where none does."""
    by_number = {e.n: e for e in evidence}
    claimed = [support(text, by_number[n]) for n in dict.fromkeys(named) if n in by_number]
    kept = [s for s in claimed if s is not None and s.share >= MARKED]
    if kept:
        return kept
    found = [s for s in (support(text, e) for e in evidence) if s is not None and s.share >= UNMARKED]
    return [max(found, key=lambda s: s.share)] if found else []


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
