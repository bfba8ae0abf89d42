"""Whether one text denies what another says in the same words (pure).

A text denies a word when "not", "never", "no" and the like stand shortly before it wherever it stands. That the sense
is turned round otherwise ("refuses", "unless", "at most" for "not more than") is not seen.
"""

import re

from indexer.text.terms import STOP_WORDS, content_terms, fold, stem, words

_ANSWERS_NO = re.compile(r"^\W*no\s*[-–—,.;:!]")
"""Before the sentence that says so: "No, crowns are not covered" denies no crowns."""
_SHORT_FORMS = re.compile(r"\b\w+n['’]t\b")  # don't, isn't, can't
_DENIES = frozenset("not never no nor neither cannot without".split())
_REACH = 4
"""Words after a "not" among which the denied one is looked for."""


def denies(claim: str, source: str) -> bool:
    """Whether a word that both hold is denied in one of them alone."""
    claimed, said = denied_terms(claim), denied_terms(source)
    return bool((claimed ^ said) & set(content_terms(claim)) & set(content_terms(source)))


def denied_terms(text: str) -> frozenset[str]:
    """The stemmed content words that a text holds only denied; the first after each "not" is taken for denied."""
    spoken = words(_SHORT_FORMS.sub("not", _ANSWERS_NO.sub("", fold(text))))
    places = set()
    for at, word in enumerate(spoken):
        if word in _DENIES and spoken[at + 1 : at + 2] != ["only"]:
            following = range(at + 1, min(at + 1 + _REACH, len(spoken)))
            places.add(next((place for place in following if _tells(spoken[place])), -1))
    affirmed = {stem(word) for at, word in enumerate(spoken) if at not in places}
    return frozenset(stem(spoken[at]) for at in places if at >= 0) - affirmed


def _tells(word: str) -> bool:
    return word not in STOP_WORDS and word not in _DENIES
