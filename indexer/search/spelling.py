"""Misspelt words of a question to words that the readable documents hold (pure).

A word is taken for misspelt when neither it nor a word of the same stem stands in them, and is replaced by the most
frequent word that is one slip away: a letter too many, too few or wrong, or two swapped, and not the first one.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from indexer.text.terms import fold, stem

LEAST_LETTERS = 5
"""Shorter words are one slip away from too many others."""
MOST_WORDS = 8
"""Words of one question that are looked at; a pasted page in a foreign language would otherwise take long."""

_WORD = re.compile(r"[^\W_]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def corrected(text: str, chunks_with: Callable[[str], int], is_word: Callable[[str], bool]) -> str:
    """`chunks_with`: readable chunks that hold a stem. `is_word`: whether they spell a folded word just so."""
    chunks_with = cache(chunks_with)  # a long question repeats its words
    unknown = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal unknown
        word = fold(match[0])
        if unknown == MOST_WORDS or len(word) < LEAST_LETTERS or not word.isalpha() or chunks_with(stem(word)):
            return match[0]
        unknown += 1
        near = {other for other in _one_slip_away(word) if is_word(other)}
        counted = [(chunks_with(stem(other)), other) for other in near]
        return max((one for one in counted if one[0]), default=(0, match[0]))[1]

    return _WORD.sub(replaced, text)


def _one_slip_away(word: str) -> Iterator[str]:
    for at in range(1, len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]
