"""Texts to search terms (pure): folded, split at non-letters, stemmed with Snowball's English rules.

Chinese, Japanese and Korean, which part words by no spaces or not as a search needs, become pairs of characters.
What is joined by signs and holds a digit or an underscore ("SF-1449", "10.2.3", "E_FAIL") is also a term as a whole.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

import Stemmer

VERSION = "2"
"""Raised whenever the same text would have other terms, so that a snapshot made of the older ones is not used."""

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(r"[^\W_]+")
_RUN = re.compile(rf"([{_CJK}]+)|[^\W_{_CJK}]+")
_JOINED = re.compile(
    r"(?<![^\W_])[^\W_]++(?:[-_./][^\W_]++)+"
)  # from the beginning of a word alone, or it were quadratic
_TELLS_IT_APART = re.compile(r"[\d_]")
_VOICED = frozenset("\u3099\u309a")  # marks that make another syllable in Japanese, not an accent
_STEMMER = Stemmer.Stemmer("english")

QUERY_LIMIT = 64
"""Most terms of a query that are looked up; a pasted page would otherwise cost seconds."""

STOP_WORDS = frozenset(
    "a an and are as at be been but by can could did do does for from had has have how i if in into is it its me my no "
    "not of on or our she should so some such than that the their them then there these they this those to us was we "
    "were what when where which while who whom whose why will with would you your".split()
)
"""Words that say nothing of what is asked. They are indexed (a query of nothing else still finds something)."""


def fold(text: str) -> str:
    """Lower case without accents, in compatibility form: "Über" and "UBER" become the same."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in decomposed if not unicodedata.combining(c) or c in _VOICED)
    return unicodedata.normalize("NFC", kept)  # Hangul and voiced kana together again


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Of a folded word."""
    return str(_STEMMER.stemWord(word))


def words(text: str) -> list[str]:
    """Folded words, unstemmed, in order."""
    folded = fold(text)
    if folded.isascii():
        return _WORD.findall(folded)
    found: list[str] = []
    for run in _RUN.finditer(folded):
        if run[1] and len(run[1]) > 1:
            found += map("".join, pairwise(run[1]))
        else:
            found.append(run[0])
    return found


def identifiers(text: str) -> list[str]:
    """Numbers, codes and names that signs hold together, in order: "SF-1449" as "sf1449", "10.2.3" as it is."""
    return [re.sub(r"[-_/]", "", joined) for joined in _JOINED.findall(fold(text)) if _TELLS_IT_APART.search(joined)]


def terms(text: str) -> list[str]:
    """Stemmed terms in order, repeats kept, and after them the identifiers."""
    return [*map(stem, words(text)), *identifiers(text)]


def content_terms(text: str) -> list[str]:
    """Stemmed terms without stop words, in order, repeats kept."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def query_terms(text: str) -> list[str]:
    """The distinct terms to look up for a query: content words, or all words where there are no others."""
    found = content_terms(text) or terms(text)
    return list(dict.fromkeys([*found, *identifiers(text)]))[:QUERY_LIMIT]
