"""What a language model writes that is no answer, whatever the passages say (pure).

Seen by hand in answers of small models: a sentence said twice, the question said back as if it were its own answer,
and that the passages do not say; names that stand nowhere.
"""

import re
from collections.abc import Iterable, Set

from indexer.text.names import numbers_and_names
from indexer.text.terms import content_terms, words

_READ = r"(?:the |these |this |any |provided |given |company's )*(?:passages?|documents?|texts?|context|information)"
_SAYS = r"(?:say|state|mention|provide|contain|specify|give|include|answer|address|indicate|cover|detail|explain|have)"
_KNOWS_NOT = re.compile(
    rf"\b{_READ}(?: \w+){{0,3}} (?:do not|does not|don't|doesn't|did not|cannot|can't) (?:\w+ ){{0,2}}{_SAYS}"
    rf"|\bno (?:specific |clear |direct |explicit )?(?:information|mention|answer|passage)\b"
    rf"|\b(?:not|n't) (?:\w+ ){{0,2}}(?:mentioned|stated|specified|provided|given|included|found|addressed|covered)\b"
    rf"(?: \w+){{0,3}} (?:in|by|from) {_READ}"
    r"|^(?:i am |i'm )?(?:sorry|afraid)|^i (?:do not|don't|cannot|can't|am not able|am unable)",
    re.I,
)
_YES_OR_NO = frozenset(("yes", "no"))


def knows_not(sentence: str) -> bool:
    """Whether it says that the passages hold no answer. That is the server's to judge, and a small model says it too
    often: of 42 questions that the passages answered to .74, where its instructions offered it."""
    return bool(_KNOWS_NOT.search(sentence.replace("’", "'").strip(' \t*_>"“”')))


def says_back(sentence: str, question: str) -> bool:
    """Whether it has no content word that the question does not have: "The transit benefit is a benefit."

    With "yes" or "no" before it, it says something.
    """
    said = words(sentence)
    return bool(said) and said[0] not in _YES_OR_NO and set(content_terms(sentence)) <= set(content_terms(question))


def unknown(sentence: str, known: Set[str]) -> list[str]:
    """Its numbers and names that are not among `known`."""
    return [fact for fact in numbers_and_names(sentence) if fact not in known]


def known_facts(texts: Iterable[str]) -> frozenset[str]:
    """All that numbers and names may be compared with: every word and number of the texts."""
    return frozenset(fact for text in texts for fact in numbers_and_names(text, everywhere=True))
