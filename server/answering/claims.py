"""What a language model writes that is no answer, whatever the passages say (pure).

Seen by hand in answers of small models: a sentence said twice, the question said back as if it were its own answer,
and that the passages do not say; names that stand nowhere.
"""

import re
from collections.abc import Iterable, Set

from indexer.text.names import numbers_and_names
from indexer.text.terms import content_terms, words
from server.answering.negation import denied_terms

_READ = r"(?:the |these |this |any |provided |given |company's )*(?:passages?|documents?|texts?|context|information)"
_SAYS = r"(?:say|state|mention|provide|contain|specify|give|include|answer|address|indicate|cover|detail|explain|have)"
_KNOWS_NOT = re.compile(
    rf"\b{_READ}(?: \w+){{0,3}} (?:do not|does not|don't|doesn't|did not|cannot|can't) (?:\w+ ){{0,2}}{_SAYS}"
    rf"|\bno (?:specific |clear |direct |explicit )?(?:information|mention|answer|passage)\b"
    rf"|(?:\bnot|n't) (?:\w+ ){{0,2}}(?:mentioned|stated|specified|provided|given|included|found|addressed|covered"
    rf"|listed|available|described|discussed)\b(?: \w+){{0,3}} (?:in|by|from) {_READ}"
    r"|\b(?:it|polic(?:y|ies)|handbook|guide|section)(?: \w+){0,2} (?:do not|does not|don't|doesn't) (?:\w+ ){0,2}"
    r"(?:say|state|mention|specify|indicate)\b"
    r"|^(?:i am |i'm )?(?:sorry|afraid)|^i (?:do not|don't|cannot|can't|am not able|am unable)",
    re.I,
)
_THE_READ = r"(?:the |these |this )?(?:provided |given )?(?:passages?|documents?|texts?|context|information)"
_PREAMBLE = re.compile(
    rf"(?P<blank>\s*)(?:(?:according to|based on|as (?:stated|mentioned|described) in) "
    rf"(?:(?:the )?(?:information|details) (?:provided |given |stated )?in )?{_THE_READ}(?: provided| given)?,\s+"
    rf"|{_THE_READ} (?:states?|says?|mentions?|indicates?)(?: that|:) )(?=[\w\"“])",
    re.I,
)
_ELLIPSIS = re.compile(r"(?P<blank>\s*)…\s*(?=\w)")
_NO_INCHES = re.compile(r"(?<!\d)\"")
_EXAMPLE = re.compile(r"[\s*_>-]*(?:for (?:example|instance)|e\.g\.)\b", re.I)
_ANEW = re.compile(r"\||:(?=[\s*_])|[–—]")
_YES_OR_NO = frozenset(("yes", "no"))
_CIRCLE, _ROUNDS, _LOOKED_AT = 48, 4, 1200
"""Code points that come again, how often, and among how many last ones: sooner than a tenth of the longest answer."""
_TELLING = 4  # letters; "get" and "too" stand in no passage either
_FAMILY = 5  # letters that words of one family share
_CHOOSES = re.compile(
    r"(?:^|[.,;:!?]\s+|\b(?:and|but|so|then|if|whether)\s+)"
    r"(?:is|are|was|were|am|do|does|did|can|could|may|might|must|shall|should|will|would|has|have|had|need)(?:n['’]?t)?\b"
    r"|\bor\b",
    re.I,
)
"""Of a question that is answered with yes or no, or with one of what it names: its own words are then an answer."""


def knows_not(sentence: str) -> bool:
    """Whether it says that the passages hold no answer. That is the server's to judge, and a small model says it too
    often: of 42 questions that the passages answered to .74, where its instructions offered it. A document may say so
    of others ("No information may be given"): compare with what supports it."""
    return bool(_KNOWS_NOT.search(" ".join(sentence.replace("’", "'").split()).strip(' *_>"“”')))


def says_back(sentence: str, question: str, *, supported: bool) -> bool:
    """Whether it has no content word that the question does not have: "The transit benefit is a benefit."

    With "yes" or "no" before it, it says something; and where a passage supports it, so does "Employees may carry leave
    over" where that was asked, or "not" where the question has none.
    """
    said = words(sentence)
    if not said or said[0] in _YES_OR_NO or not set(content_terms(sentence)) <= set(content_terms(question)):
        return False
    return not supported or not (_CHOOSES.search(question) or denied_terms(sentence) - denied_terms(question))


def goes_in_circles(written: str) -> bool:
    """Whether what was written last stands there again and again: "a radio, a whistle, a radio, a whistle, ..."."""
    last = written[-_CIRCLE:]
    return len(set(words(last))) > 1 and written[-_LOOKED_AT:].count(last) >= _ROUNDS


def without_preamble(sentence: str) -> str:
    """Without the "According to the passages," before it, which says nothing to who asks the documents."""
    match = _PREAMBLE.match(sentence)
    if match is None:
        return sentence
    rest = sentence[match.end() :]
    return match["blank"] + rest[:1].upper() + rest[1:]


def without_loose_marks(sentence: str, at: int = 0) -> tuple[str, int]:
    """Without the ellipsis before it, and without its quotation marks where one has no other: a quotation of several
    sentences is shown sentence by sentence. Also where its code point `at` is then."""
    removed: set[int] = set()
    if match := _ELLIPSIS.match(sentence):
        removed |= set(range(match.end("blank"), match.end()))
    if sentence.count('"') % 2:
        removed |= {match.start() for match in _NO_INCHES.finditer(sentence)}
    if sentence.count("“") != sentence.count("”"):
        removed |= {place for place, character in enumerate(sentence) if character in "“”"}
    kept = "".join(character for place, character in enumerate(sentence) if place not in removed)
    return kept, at - sum(place < at for place in removed)


def is_example(sentence: str) -> bool:
    """Whether it gives an example, which is no answer where nothing was said before it."""
    return bool(_EXAMPLE.match(sentence))


def agrees_blindly(sentence: str, question: str, passages: Iterable[str]) -> bool:
    """Whether it begins with "yes" and takes over a word of the question, of four letters or more, that none of the
    passages has: a small model says "Yes, they pay for your wifi" because passages speak of what they pay for."""
    said = words(sentence)
    if not said or said[0] != "yes":
        return False
    taken_over = set(content_terms(sentence)) & set(content_terms(question))
    held = {_beginning(term) for passage in passages for term in content_terms(passage)}
    return any(len(term) >= _TELLING and _beginning(term) not in held for term in taken_over)


def _beginning(term: str) -> str:
    """Enough of a word to know its family by."""
    return term[:_FAMILY]


def unknown(sentence: str, known: Set[str]) -> list[str]:
    """Its numbers and names that are not among `known`. A cell of a table, and what follows a colon, begins anew."""
    return [fact for fact in numbers_and_names(_ANEW.sub("\n", sentence)) if fact not in known]


def known_facts(texts: Iterable[str]) -> frozenset[str]:
    """All that numbers and names may be compared with: every word and number of the texts."""
    return frozenset(fact for text in texts for fact in numbers_and_names(text, everywhere=True))
