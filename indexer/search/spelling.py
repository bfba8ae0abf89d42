"""Misspelt words of a question to words that the readable documents hold (pure).

A word is taken for misspelt when neither it nor a word of the same stem stands in them, it is no English word and no
name, and is replaced by the most frequent word that is one slip away: a letter too many, too few or wrong, or two
swapped, and not the first one. A word with a capital inside a sentence is a name.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from indexer.text.dictionary import is_english
from indexer.text.terms import fold, stem

LEAST_LETTERS = 5
"""Shorter words are one slip away from too many others."""
MOST_LETTERS = 40
"""Longer ones are no words: one of 4,000 letters is one slip away from 216,000 others, which took over a second."""
MOST_WORDS = 8
"""Words of one question that are looked at; a pasted page in a foreign language would otherwise take long."""
SHOUTED = 3
"""Where so many words follow the first and all have capitals, as in a heading or a shout, capitals tell no names."""

_WORD = re.compile(r"[^\W_]+")
_NOT = re.compile(r"['’]t\b", re.IGNORECASE)  # of which "couldn" is a right half
_BEGINS_SENTENCE = re.compile(r"(?:^|[.?!:\n])[^\w]*\Z")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def corrected(
    text: str,
    chunks_with: Callable[[str], int],
    is_word: Callable[[str], bool],
    is_right: Callable[[str], bool] = is_english,
) -> str:
    """`chunks_with`: readable chunks that hold a stem. `is_word`: whether they spell a folded word just so. `is_right`:
    whether a folded word is right, though they do not hold it."""
    chunks_with = cache(chunks_with)  # a long question repeats its words
    unknown = 0
    capitals_tell = _capitals_tell(text)

    def replaced(match: re.Match[str]) -> str:
        nonlocal unknown
        word = fold(match[0])
        if (
            unknown == MOST_WORDS
            or not LEAST_LETTERS <= len(word) <= MOST_LETTERS
            or not word.isalpha()
            or chunks_with(stem(word))
        ):
            return match[0]
        if (
            is_right(word)
            or _NOT.match(text, match.end())
            or (capitals_tell and match[0][0].isupper() and not _begins_sentence(text, match.start()))
        ):
            return match[0]
        unknown += 1
        near = {other for other in _one_slip_away(word) if is_word(other)}
        counted = [(chunks_with(stem(other)), other) for other in near]
        return max((one for one in counted if one[0]), default=(0, match[0]))[1]

    return _WORD.sub(replaced, text)


def _capitals_tell(text: str) -> bool:
    following = [word[0].isupper() for word in _WORD.findall(text)[1:]]
    return len(following) < SHOUTED or not all(following)


def _begins_sentence(text: str, at: int) -> bool:
    return _BEGINS_SENTENCE.search(text, max(0, at - 20), at) is not None


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
