"""The documents' own sentences beneath a written answer: those it rests on, then the best of what was found (pure).

A small model writes some twenty words and leaves out a fact of two; the sentences that it read hold them. Of 39
employees' questions the written part holds all facts for .41 and with three sentences beneath it for .59. A sentence
of a list is quoted with its list, and the first one with its paragraph, since the next fact stands there.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import zip_longest

from indexer.passages import Retrieved
from indexer.text.terms import content_terms
from server.answering.antecedents import paragraph_of
from server.answering.citations import citation
from server.answering.events import BENEATH, Citation, Evidence
from server.answering.evidence import source_of
from server.answering.extractive import REPEATS, quotable, whole_list
from server.answering.negation import denies
from server.answering.orders import gives_orders

QUOTES = 3
"""Most sentences beneath an answer; with five .62 of the questions have all facts held."""
WORTH, WORTH_BESIDE = 2.0, 6.0
"""A sentence that nothing cites is quoted only while its score is at most so far below the best one's, the second of
the documents that the answer cites. By themselves the sentences within 2 of clapnq's best hold .69 of its answers'
numbers and names, those within 6 .80: most of them stand in one document. Where a fact of one line was asked, sentences
of other documents that are so far below are about something else."""

PARAGRAPH = 400
"""Code points of the first quotation with what stands around it: three hold .92 of squad's answers instead of .90, and
of multi-turn's numbers and names .64 instead of .59; with 700 .655, each in 18 words more."""

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
    question = retrieved.question if retrieved is not None else ""
    adding = _first([quote for quote in candidates if not adds_nothing(quote.quote, written)], sources, question)
    chosen = adding or _first(candidates, sources, question)
    return tuple(sorted(chosen, key=lambda quote: (quote.n, quote.start)))


def best_quote(retrieved: Retrieved, sources: Sequence[Evidence]) -> Citation | None:
    """What would be quoted alone: the words that bear most on the question, with their list or paragraph."""
    return next(iter(_first(_best(retrieved, sources, frozenset()), sources, retrieved.question)), None)


def adds_nothing(quote: str, written: str) -> bool:
    """Whether most of a quotation's words are `written`, and every number of it, and no other "not"."""
    written = _MARK.sub(" ", written)
    terms = set(content_terms(quote))
    new = terms - set(content_terms(written))
    if len(new) > (1 - REPEATS) * len(terms) or any(term.isdecimal() for term in new):
        return False
    return not denies(quote, written)


def _best(retrieved: Retrieved, sources: Sequence[Evidence], beside: Set[int]) -> list[Citation]:
    """The sentences that bear most on the question, where they stand in a source; where parts or sides of it were
    searched for by themselves, the best of each in turn."""
    found = [_best_of(one, sources, beside) for one in retrieved.sides or (retrieved,)]
    return [quote for row in zip_longest(*found) for quote in row if quote is not None]


def _best_of(retrieved: Retrieved, sources: Sequence[Evidence], beside: Set[int]) -> Iterator[Citation]:
    """The same of one search; more of the documents `beside`."""
    scored = quotable(retrieved)
    for one in scored:
        source = source_of(one.passage.document_id, one.sentence.start, one.sentence.end, sources)
        worth = WORTH_BESIDE if one.passage.document_id in beside else WORTH
        if source is not None and one.score >= scored[0].score - worth:
            cited = citation(source.passage, one.sentence.start, one.sentence.end, one.sentence.heading, 0, BENEATH)
            yield replace(cited, n=source.number)


def _first(quotes: Iterable[Citation], sources: Sequence[Evidence], question: str) -> list[Citation]:
    """At most QUOTES with what belongs to them, none of which shares a stretch with another or says the same words."""
    chosen: list[Citation] = []
    said: list[Citation] = []  # of each of them the sentence for which it was chosen
    for quote in quotes:
        if (
            len(chosen) == QUOTES
            or any(_overlap(quote, other) for other in chosen)
            or any(_same(quote, o) for o in said)
        ):
            continue
        whole = _whole(quote, sources, question, 0 if chosen else PARAGRAPH)
        chosen.append(quote if any(_overlap(whole, other) for other in chosen) else whole)
        said.append(quote)
    return chosen


def _whole(quote: Citation, sources: Sequence[Evidence], question: str, most: int) -> Citation:
    """With the list that its first sentence belongs to, or with at most `most` code points of its paragraph; as it is
    where one of those sentences gives orders to who answers."""
    source = source_of(quote.document_id, quote.start, quote.end, sources)
    if source is None:
        return quote
    passage = source.passage
    at = next((at for at, one in enumerate(passage.sentences) if one.start <= quote.start < one.end), None)
    if at is None:
        return quote
    around = sorted(whole_list(passage, at, question)) or [*paragraph_of(passage, at, most)]
    first, last = passage.sentences[around[0]], passage.sentences[around[-1]]
    if last.end < quote.end or any(gives_orders(passage.sentences[one].text, question) for one in around):
        return quote
    return replace(citation(passage, first.start, last.end, quote.heading, 0, BENEATH), n=quote.n)


def _overlap(one: Citation, other: Citation) -> bool:
    return one.document_id == other.document_id and other.start < one.end and one.start < other.end


def _same(one: Citation, other: Citation) -> bool:
    return one.quote.casefold().split() == other.quote.casefold().split()
