"""Whether the words of a sentence rest on a passage, and on which of its words (pure).

A sentence of an answer is supported by a span of a passage, one or two of its sentences, that holds enough of its
content words and every one of its numbers. Where no passage has such a span, the passages' sentence that is nearest in
meaning and holds the numbers supports it, if it is near enough and there are vectors. A sentence that says the opposite
in the same words ("may not" for "may") is supported too, but doubted. Numbers up to 99 may be written out on either
side; "two", "three" and "four" may count what a passage only lists, where it has no other number.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexer.passages import Passage, Sentence
from indexer.text.names import written_numbers
from indexer.text.sentences import sentence_spans
from indexer.text.terms import content_terms
from server.answering.events import Evidence, Reason
from server.answering.negation import denies
from server.answering.other_language import languages_apart

MARKED = 0.4
"""Share of a sentence's content words that a passage must hold when the model named that passage."""
UNMARKED = 0.6
"""The same where the model named none: the server finds the passage itself, so it asks for more."""

CODE = 0.8
"""The same for a line of code, which is not looked for by meaning: another word is another command."""

NEAR_MARKED = 0.6
"""Least cosine with a sentence of a passage that the model named, where words alone do not tell."""
NEAR_UNMARKED = 0.7
"""The same where the model named none. Of 663 sentences of multi-turn's written answers the gold passages support, and
the others that were found do: by words .721 and .056, with .6 .824 and .145, with .7 .771 and .078, with .8 .729, .059.
Of clapnq's 329, which keep to the passages' words: .994 and .003, with .6 1.000 and .009, with .7 .997 and .003."""
OWN = 0.25
"""Share of a sentence's own content words, those that the question does not have, that the quoted words must hold where
they share words of the question, and it has two or more. A sentence that says anything else in the question's words is
near too: of 483 cited sentences of five sets the 15 with less were read, and one is what the quoted words say."""
LEAST_TERMS = 3
"""Content words of a sentence that is looked for by meaning; "That is so." is near to many."""

Encode = Callable[[str], NDArray[np.float32]]
"""A sentence to its vector, (dim,), unit length, as the passages' sentences have theirs."""

_AMBIGUOUS = frozenset(("0", "1"))
"""Written out, these are often no numbers: "one of them", "no one"."""
_COUNTS = frozenset(("2", "3", "4"))

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)*")


@dataclass(frozen=True)
class Support:
    """The words of a passage that a sentence rests on: code points [start, end) of the document's text."""

    evidence: Evidence
    start: int
    end: int
    share: float  # of the sentence's content words that they hold, or their cosine with it
    heading: str = ""  # over those words, " › " between levels

    @property
    def text(self) -> str:
        passage = self.evidence.passage
        return passage.text[self.start - passage.start : self.end - passage.start]


Says = Callable[[Support], bool]
"""Whether quoted words say what a sentence says, beyond what the question says."""


def find_support(
    text: str, evidence: Sequence[Evidence], named: Sequence[int], encode: Encode | None = None, question: str = ""
) -> list[Support]:
    """What supports the sentence: each passage of the numbers `named` that does, else the one of all that does best.

    Empty where none does, or only in the words of the `question`. Without `encode` only words are compared.
    """
    says = partial(_holds_own, text, question)
    by_number = {e.n: e for e in evidence}
    marked = [by_number[n] for n in dict.fromkeys(named) if n in by_number]
    supports = _by_words(text, marked, MARKED, says)
    if supports:
        return supports
    supports = _by_words(text, evidence, UNMARKED, says)
    if supports:
        return [max(supports, key=lambda s: s.share)]
    if encode is None or len(_terms(text)) < LEAST_TERMS:
        return []
    vector = encode(text)
    nearest = _nearest(text, vector, marked, NEAR_MARKED, says) or _nearest(text, vector, evidence, NEAR_UNMARKED, says)
    return [nearest] if nearest else []


def _holds_own(text: str, question: str, support: Support) -> bool:
    """Whether the quoted words, with the headings over them, have more of a sentence than the question's words."""
    terms, asked = claim_terms(text), _terms(question)
    held = _terms(support.text) | _terms(support.evidence.passage.prefix)
    own = terms - asked
    if len(own) < 2 or len(own & held) >= OWN * len(own) or not terms & asked & held:
        return True
    if (_all_numbers(text) - _all_numbers(question)) & _all_numbers(support.text):
        return True  # written in another way: "1,500" and "1500", "twelve" and "12"
    return languages_apart(text, [support.text]) is not None  # a sentence in another language shares names at most


def _by_words(text: str, evidence: Sequence[Evidence], least: float, says: Says) -> list[Support]:
    """Of each passage what supports the sentence, from a share of `least` of its words on."""
    return [s for s in (support(text, e, says) for e in evidence) if s is not None and s.share >= least]


def _nearest(
    text: str, vector: NDArray[np.float32], evidence: Sequence[Evidence], least: float, says: Says
) -> Support | None:
    """The sentence that is nearest in meaning and holds all the numbers, from a cosine of `least` on."""
    supports = [
        Support(e, sentence.start, sentence.end, float(sentence.vector @ vector), sentence.heading)
        for e in evidence
        for sentence in e.passage.sentences
        if len(sentence.vector) == len(vector)  # those of earlier turns come back without one
        and _has_numbers(text, f"{e.passage.prefix}\n{sentence.text}")
    ]
    near = (one for one in supports if one.share >= least and says(one))
    return max(near, key=lambda s: s.share, default=None)


def doubt(text: str, evidence: Sequence[Evidence], supports: Sequence[Support]) -> Reason | None:
    """Why a sentence should not be relied on, given what supports it; None where nothing speaks against it."""
    if supports:
        return "negation" if all(denies(text, support.text) for support in supports) else None
    in_evidence = frozenset[str]().union(*(_all_numbers(f"{e.passage.prefix}\n{e.passage.text}") for e in evidence))
    return "words" if _numbers(text) | (_written_out(text) - _COUNTS) <= in_evidence else "number"


def holds_code(code: str, evidence: Sequence[Evidence]) -> bool:
    """Whether for each line of a block of code a passage holds enough of the words and all of the numbers, and does not
    say the opposite. A block without words is held by none."""
    lines = [line[start:end] for line in code.splitlines() for start, end in sentence_spans(line)]
    texts = [f"{e.passage.prefix}\n{e.passage.text}" for e in evidence]
    return bool(_terms(code)) and all(any(_holds_line(line, text) for text in texts) for line in lines)


def _holds_line(line: str, text: str) -> bool:
    enough = len(_terms(line) & _terms(text)) >= CODE * len(_terms(line))
    return enough and _numbers(line) <= _all_numbers(text) and not denies(line, text)


def support(text: str, evidence: Evidence, says: Says = lambda _: True) -> Support | None:
    """The one or two sentences of the passage that hold most of the sentence's words and all its numbers, of those that
    it `says`.

    The passage's prefix may lend words and numbers, but not all of them. A passage without sentences supports nothing.
    """
    terms = claim_terms(text)
    prefix = evidence.passage.prefix
    best: Support | None = None
    for span in _spans(evidence.passage):
        terms_held = frozenset().union(*(_terms(sentence.text) for sentence in span)) & terms
        share = len(terms_held | (_terms(prefix) & terms)) / max(1, len(terms))
        if not terms_held or (best is not None and share <= best.share):
            continue
        found = Support(evidence, span[0].start, span[-1].end, share, span[0].heading)
        if _has_numbers(text, "\n".join([prefix, *(sentence.text for sentence in span)])) and says(found):
            best = found
    return best


def _spans(passage: Passage) -> Iterator[Sequence[Sentence]]:
    """Each sentence, then each two neighbours under one heading: the shorter span wins where both hold as much."""
    yield from ((sentence,) for sentence in passage.sentences)
    yield from (two for two in pairwise(passage.sentences) if two[0].heading == two[1].heading)


@lru_cache(maxsize=4096)  # the same passages are read again for each sentence of an answer
def _terms(text: str) -> frozenset[str]:
    return frozenset(content_terms(text))


@lru_cache(maxsize=4096)
def _numbers(text: str) -> frozenset[str]:
    """The numbers in a text as one writes them plainly: "1,000" and "1,000.00" are "1000"."""
    return frozenset(re.sub(r"\.0+$", "", number.replace(",", "")) for number in _NUMBER.findall(text))


def claim_terms(text: str) -> frozenset[str]:
    """The content words of a sentence of an answer; the "yes" before it stands in no passage."""
    return _terms(text) - {"yes"}


def _has_numbers(claim: str, words: str) -> bool:
    """Whether the words have all numbers of the claim, "two" to "four" only where they have others."""
    numbers, written, held = _numbers(claim), _written_out(claim), _all_numbers(words)
    if not numbers | (written - _COUNTS) <= held:
        return False
    return written <= held or _numbers(words) | _written_out(words) <= numbers | written


@lru_cache(maxsize=4096)
def _written_out(text: str) -> frozenset[str]:
    """The numbers of a text that are written out for certain, in digits."""
    return written_numbers(text) - _AMBIGUOUS


@lru_cache(maxsize=4096)
def _all_numbers(text: str) -> frozenset[str]:
    return _numbers(text) | written_numbers(text)
