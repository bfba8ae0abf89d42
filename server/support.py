"""Whether the words of a sentence rest on a passage, and on which of its words (pure).

A sentence is supported by a stretch of a passage that holds enough of its content words and every one of its numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.models import Passage, Sentence
from indexer.terms import content_terms
from server.events import Evidence

MARKED = 0.4
"""Share of a sentence's content words that a passage must hold when the model named that passage."""
UNMARKED = 0.6
"""The same where the model named none: the server finds the passage itself, so it asks for more."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Support:
    """The words of a passage that a sentence rests on: code points [start, end) of the document's text."""

    evidence: Evidence
    start: int
    end: int
    share: float  # of the sentence's content words


def find_support(text: str, evidence: Sequence[Evidence], named: Sequence[int]) -> list[Support]:
    """What supports the sentence: each named passage that does, else the one that does best. Empty where none does."""
    by_number = {e.n: e for e in evidence}
    claimed = [support(text, by_number[n]) for n in dict.fromkeys(named) if n in by_number]
    kept = [s for s in claimed if s is not None and s.share >= MARKED]
    if kept:
        return kept
    found = [s for s in (support(text, e) for e in evidence) if s is not None and s.share >= UNMARKED]
    return [max(found, key=lambda s: s.share)] if found else []


def support(text: str, evidence: Evidence) -> Support | None:
    """The one or two sentences of the passage that hold most of the sentence's words and all its numbers."""
    wanted = set(content_terms(text))
    if not wanted:
        return None
    numbers = _numbers(text)
    best: Support | None = None
    for stretch in _stretches(evidence.passage):
        words = " ".join(sentence.text for sentence in stretch)
        if not numbers <= _numbers(f"{evidence.passage.prefix} {words}"):
            continue
        held = set(content_terms(f"{words} {evidence.passage.prefix}")) & wanted
        own = set(content_terms(words)) & wanted
        share = len(held) / len(wanted)
        if own and (best is None or share > best.share):
            best = Support(evidence, stretch[0].start, stretch[-1].end, share)
    return best


def _stretches(passage: Passage) -> list[Sequence[Sentence]]:
    """Each sentence alone, then each two neighbours: the shorter stretch wins where both hold as much."""
    singles: list[Sequence[Sentence]] = [(sentence,) for sentence in passage.sentences]
    pairs: list[Sequence[Sentence]] = list(zip(passage.sentences, passage.sentences[1:], strict=False))
    return singles + pairs


def _numbers(text: str) -> set[str]:
    """The numbers in a text, thousands separators removed: "1,000" and "1000" are the same."""
    return {re.sub(r",(?=\d{3}\b)", "", number).rstrip(".,") for number in _NUMBER.findall(text)}
