"""The documents' own sentences beneath a written answer: those it rests on, then the best of what was found (pure).

A small model writes some twenty words and leaves out a fact of two; the sentences that it read hold them. Of 39
employees' questions the written part holds all facts for .41 and with three sentences beneath it for .59.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from indexer.passages import Retrieved
from indexer.text.terms import content_terms
from server.answering.citations import citation
from server.answering.events import BENEATH, Citation, Evidence
from server.answering.evidence import source_of
from server.answering.extractive import REPEATS, quotable
from server.answering.negation import denies

QUOTES = 3
"""Most sentences beneath an answer; with five .62 of the questions have all facts held."""
WORTH, WORTH_BESIDE = 2.0, 6.0
"""A sentence that nothing cites is quoted only while its score is at most so far below the best one's, the second of
the documents that the answer cites. By themselves the sentences within 2 of clapnq's best hold .69 of its answers'
numbers and names, those within 6 .80: most of them stand in one document. Where a fact of one line was asked, sentences
of other documents that are so far below are about something else."""

_MARK = re.compile(r"\[\d{1,4}\]")


def quotes_beneath(
    written: str, citations: Sequence[Citation], retrieved: Retrieved | None, sources: Sequence[Evidence]
) -> tuple[Citation, ...]:
    """At most QUOTES, in the order of the sources and their documents; each is of a passage among the sources.

    A sentence that says nothing beyond what is `written` takes no place from one that does: it is quoted where all of
    them are such.
    """
    candidates = [replace(cited, at=BENEATH) for cited in citations]
    beside = {cited.document_id for cited in citations}
    candidates += _best(retrieved, sources, beside) if retrieved is not None else []
    adding = _first([quote for quote in candidates if not adds_nothing(quote.quote, written)])
    chosen = adding or _first(candidates)
    return tuple(sorted(chosen, key=lambda quote: (quote.n, quote.start)))


def adds_nothing(quote: str, written: str) -> bool:
    """Whether most of a quotation's words are `written`, and every number of it, and no other "not"."""
    written = _MARK.sub(" ", written)
    terms = set(content_terms(quote))
    new = terms - set(content_terms(written))
    if len(new) > (1 - REPEATS) * len(terms) or any(term.isdecimal() for term in new):
        return False
    return not denies(quote, written)


def _best(retrieved: Retrieved, sources: Sequence[Evidence], beside: Set[int]) -> Iterator[Citation]:
    """The sentences that bear most on the question, where they stand in a source; more of the documents `beside`."""
    scored = quotable(retrieved)
    for one in scored:
        source = source_of(one.passage.document_id, one.sentence.start, one.sentence.end, sources)
        worth = WORTH_BESIDE if one.passage.document_id in beside else WORTH
        if source is not None and one.score >= scored[0].score - worth:
            cited = citation(source.passage, one.sentence.start, one.sentence.end, one.sentence.heading, 0, BENEATH)
            yield replace(cited, n=source.number)


def _first(quotes: Iterable[Citation]) -> list[Citation]:
    """At most QUOTES, none of which shares a stretch with another or says the same words."""
    chosen: list[Citation] = []
    for quote in quotes:
        if len(chosen) < QUOTES and not any(_overlap(quote, other) or _same(quote, other) for other in chosen):
            chosen.append(quote)
    return chosen


def _overlap(one: Citation, other: Citation) -> bool:
    return one.document_id == other.document_id and other.start < one.end and one.start < other.end


def _same(one: Citation, other: Citation) -> bool:
    return one.quote.casefold().split() == other.quote.casefold().split()
