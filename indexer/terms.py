"""Texts to search terms (pure): folded, split at non-letters, stemmed with Snowball's English rules."""

import re
import unicodedata
from functools import lru_cache

import Stemmer

_WORD = re.compile(r"[^\W_]+")
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
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Of a folded word."""
    return str(_STEMMER.stemWord(word))


def words(text: str) -> list[str]:
    """Folded words, unstemmed, in order."""
    return _WORD.findall(fold(text))


def terms(text: str) -> list[str]:
    """Stemmed terms in order, repeats kept."""
    return [stem(word) for word in words(text)]


def content_terms(text: str) -> list[str]:
    """Stemmed terms without stop words, in order, repeats kept."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def query_terms(text: str) -> list[str]:
    """The distinct terms to look up for a query: content words, or all words where there are no others."""
    found = content_terms(text) or terms(text)
    return list(dict.fromkeys(found))[:QUERY_LIMIT]
