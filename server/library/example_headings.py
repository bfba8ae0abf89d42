"""Headings of documents to questions that an employee might ask (pure): for where no model has written any.

A heading that asks is a question as it stands, "How to book leave" becomes "How do I book leave?", and of any other
heading it is asked what the documents say. A heading is often understood only under its title ("What does this
mean?"), or asks nothing in particular ("How do I get help?"): the best of each document come first, and of equals what
a document begins with.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from indexer.text.terms import STOP_WORDS, content_terms, fold, stem

FEWEST, MOST = 2, 14  # words of a heading that says what its section is about
ENOUGH = 5  # words of a question that is understood without its document
TELLING = 2
"""Words of a question that name something, so that two documents seldom answer it."""
DULL = frozenset(
    {"introduction", "overview", "contents", "table of contents", "summary", "appendix", "index", "notes", "links"}
)

_ASKS = re.compile(
    r"(?:(?:so|but|and|if [^,?]+,) )?(?:how|what|when|where|who|whom|whose|which|why|can|could|do|does|did|is|are|am"
    r"|may|must|should|shall|will|would|has|have)\b[^?]*\?\Z",
    re.IGNORECASE,
)
_HOW_TO = re.compile(r"how (?:do you|can you|to) (?=[a-z])", re.IGNORECASE)
_POINTS = re.compile(
    r"\b(?:this|these|those|that(?=\W*\Z| (?:is|was|mean|means|work)\b)|here|above|below|following|else|such|same|each"
    r"|more(?! than))\b",
    re.IGNORECASE,
)
"""Words that point at something which only a reader of the page has before the eyes."""
_STANDS_FOR = re.compile(r"\b(?:it|its|they|them|he|she|there|one)\b", re.IGNORECASE)
"""Words that may stand for something that the question has named before."""
_OWN = re.compile(r"\b(?:i|my|me|we|our|us|you|your)\b", re.IGNORECASE)
_NAMES_NOTHING = frozenset(
    map(
        stem,
        "get got ask help use used using need want know make made go find found happen happens happened mean "
        "means do done thing things way ways information question questions user users type types kind page part "
        "section name details example examples important different best good other about start begin begins go come "
        "practice reviewed updated contact available possible expect see look say tell give take keep put set".split(),
    )
)


@dataclass(frozen=True)
class Candidate:
    question: str
    document_id: int


def choose(headings: Iterable[tuple[int, str]], count: int) -> list[Candidate]:
    """The best questions of (document, heading path), one a document while there are enough."""
    found: dict[str, Candidate] = {}
    place: dict[str, int] = {}  # among the headings of its document
    passed: Counter[int] = Counter()
    for document, path in headings:
        passed[document] += 1
        heading = last_heading(path)
        if says_enough(heading):
            question = as_question(heading)
            found.setdefault(question.casefold(), Candidate(question, document))
            place.setdefault(question, passed[document])
    ranked = sorted(found.values(), key=lambda one: (*_rank(one.question), place[one.question]))
    chosen: list[Candidate] = []
    documents: set[int] = set()
    for one in ranked:
        if one.document_id not in documents:
            documents.add(one.document_id)
            chosen.append(one)
    return [*chosen, *(one for one in ranked if one not in chosen)][:count]


def last_heading(path: str) -> str:
    """The innermost heading of a heading path, on one line."""
    return " ".join(path.rpartition(" › ")[2].split())


def says_enough(heading: str) -> bool:
    """Whether a heading says what its section is about."""
    return FEWEST <= len(heading.split()) <= MOST and heading.lower() not in DULL and not heading[0].isdigit()


def asks(heading: str) -> bool:
    """Whether it is a question, or nearly one."""
    return _ASKS.match(heading) is not None or _HOW_TO.match(heading) is not None


def as_question(heading: str) -> str:
    if _ASKS.match(heading):
        return heading
    how_to = _HOW_TO.match(heading)
    if how_to:
        return f"How do I {_in_a_sentence(heading[how_to.end() :].rstrip('?.:! '))}?"
    return f"What do the documents say about “{heading}”?"


def _in_a_sentence(words: str) -> str:
    """The rest of a heading that may be set like a title: its verb and its small words without capitals."""
    small = [word.lower() if not at or fold(word) in STOP_WORDS else word for at, word in enumerate(words.split())]
    return " ".join(small if words[1:2].islower() else words.split())


def stands_alone(question: str) -> bool:
    """Whether a question is understood without its document, and asks for something in particular."""
    stands_for = _STANDS_FOR.search(question)
    named = question[: stands_for.start()] if stands_for else question
    return len(question.split()) >= ENOUGH and _telling(named) >= TELLING and not _POINTS.search(question)


def _telling(text: str) -> int:
    return len({term for term in content_terms(text) if term not in _NAMES_NOTHING})


def _rank(question: str) -> tuple[bool, bool, bool]:
    """Small is good: it asks, stands alone, and is one's own affair."""
    asks = _ASKS.match(question) is not None and "“" not in question
    return not asks, not stands_alone(question), not _OWN.search(question)
