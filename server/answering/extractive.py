"""The answer without a language model: the sentences of the documents that answer, quoted and cited (pure).

At most three, fewer where one stands out; a short list is quoted whole and counts as one, an item of a long one comes
with the line that leads in to it, and a first sentence that points back ("It ...") with the one before it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import zip_longest

from indexer.passages import Passage, Retrieved
from indexer.text.terms import content_terms
from server.answering.abstention import refuse
from server.answering.antecedents import antecedent, between, lead_in, short_list_of
from server.answering.citations import citation
from server.answering.events import (
    Answer,
    AnswerEvent,
    Citation,
    Clock,
    Evidence,
    Question,
    Sources,
    Text,
    Timing,
)
from server.answering.evidence import numbered, source_of, whole_evidence
from server.answering.negation import denies
from server.answering.orders import asks_for_words, gives_orders
from server.answering.relevance import ScoredSentence, score_sentences
from server.answering.small_talk import NEEDS_MODEL
from server.errors import Unavailable
from server.llm.generator import Usage

SENTENCES = 3
"""Most sentences of an answer, about 90 tokens; a line that leads in to a list is not counted, and a list is one."""
LIST = 1000
"""Code points of a list that is quoted whole: three quotations hold all facts of .39 of handbook's questions instead of
.29, of .73 of contoso's instead of .64, in 83 words instead of 61."""
OF_A_SIDE = 2
"""Passages of a side or part that are added to those of the whole question."""
SURE = 4.0
"""A further sentence is quoted only while its score is at most so far below the best one's: 2.2 sentences an answer on
squad, which hold the gold answer for .932; always three .935, with 3.0 1.9 sentences for .929."""
REPEATS = 0.8
"""A sentence that says so much of another's words again, no other number and no other "not", is not quoted: always
three sentences hold clapnq's answer for .973 (.966 without)."""

_MARKUP = re.compile(
    r"`|(?<!\s)\*|\*(?!\s)|~(?=~)|(?<=~)~|(?<![^\W_])_|_(?![^\W_])"
    r"|\](?=\()|(?<=\d)\]|<(?=[a-zA-Z/!?])|&(?=#?\w+;)|\\(?=[!-/:-@\[-`{-~])"
)
_MARKUP_AT_START = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$)))|^(?=[-+*](?:\s|$)|>|#{1,6}(?:\s|$)|-[- ]*$)")
"""What Markdown would take for markup in a line, and what at its beginning: lists, headings, quotes, rules."""


def choose_sentences(retrieved: Retrieved) -> list[tuple[int, list[int]]]:
    """What is quoted: numbers of passages, from 1, the one with the best sentence first, and indexes of sentences."""
    chosen: dict[int, set[int]] = {}
    counted: list[ScoredSentence] = []
    for one in _candidates(retrieved):
        if len(counted) == SENTENCES:
            break
        if one.index in chosen.get(one.n, ()) or any(_repeats(one, other) for other in counted):
            continue
        counted.append(one)
        chosen.setdefault(one.n, set()).update({one.index}, whole_list(one.passage, one.index, retrieved.question))
    if counted and len(counted) < SENTENCES:
        chosen[counted[0].n] |= _needed(antecedent, counted[0])
    for one in counted:
        chosen[one.n] |= _needed(lead_in, one)
    return _said_once(retrieved.passages, chosen, counted)


def _said_once(
    passages: Sequence[Passage], chosen: Mapping[int, Set[int]], counted: Sequence[ScoredSentence]
) -> list[tuple[int, list[int]]]:
    """What is chosen, without what came along with a list and stands in another one too."""
    best = {(one.n, one.index) for one in counted}
    said = {_folded(one.sentence.text) for one in counted}
    found: list[tuple[int, list[int]]] = []
    for n, indexes in chosen.items():
        kept = []
        for index in sorted(indexes):
            text = _folded(passages[n - 1].sentences[index].text)
            if (n, index) in best or text not in said:
                kept.append(index)
            said.add(text)
        found.append((n, kept))
    return found


def _folded(sentence: str) -> str:
    return " ".join(sentence.split()).casefold()


def _candidates(retrieved: Retrieved) -> list[ScoredSentence]:
    """What may be quoted, best first; where sides or parts were searched for by themselves, of each in turn."""
    if retrieved.sides:
        of_sides = [_sure([*_among(quotable(side), retrieved.passages)]) for side in retrieved.sides]
        in_turn = [one for row in zip_longest(*of_sides) for one in row if one is not None]
        if in_turn:
            return in_turn
    return _sure(quotable(retrieved))


def _with_sides(retrieved: Retrieved) -> Retrieved:
    """With the best passages of each side or part that the whole question did not find."""
    passages = list(retrieved.passages)
    for passage in (passage for side in retrieved.sides for passage in side.passages[:OF_A_SIDE]):
        if not any(_lies_in(passage, other) for other in passages):
            passages.append(passage)
    return replace(retrieved, passages=tuple(passages))


def _lies_in(passage: Passage, other: Passage) -> bool:
    return passage.document_id == other.document_id and other.start <= passage.start and passage.end <= other.end


def _sure(scored: list[ScoredSentence]) -> list[ScoredSentence]:
    return [one for one in scored if one.score >= scored[0].score - SURE]


def _among(scored: Iterable[ScoredSentence], passages: Sequence[Passage]) -> Iterator[ScoredSentence]:
    """Those that stand in one of these passages, as sentences of it."""
    places = {
        (passage.document_id, sentence.start, sentence.end): (n, index, passage)
        for n, passage in enumerate(passages, start=1)
        for index, sentence in enumerate(passage.sentences)
    }
    for one in scored:
        place = places.get((one.passage.document_id, one.sentence.start, one.sentence.end))
        if place is not None:
            n, index, passage = place
            yield replace(one, n=n, index=index, passage=passage)


def whole_list(passage: Passage, index: int, question: str) -> set[int]:
    """The indexes of the list around a sentence that is quoted with it; empty where there is none, where it is long,
    and where one of its lines gives orders to who answers."""
    found = short_list_of(passage, index, LIST)
    return set() if any(gives_orders(passage.sentences[at].text, question) for at in found) else found


def quotable(retrieved: Retrieved) -> list[ScoredSentence]:
    """Best first, without those that lead in to nothing short, that give orders to who answers, and the documents' own
    questions, where there are others."""
    scored = score_sentences(retrieved)
    orders = frozenset() if asks_for_words(retrieved.question) else _orders(scored, retrieved.question)
    return [
        one
        for one in scored
        if one.sentence.text not in orders
        and not one.sentence.text.endswith("?")
        and (not one.sentence.text.endswith(":") or whole_list(one.passage, one.index, retrieved.question))
    ] or scored


def _orders(scored: Sequence[ScoredSentence], question: str) -> frozenset[str]:
    return frozenset(one.sentence.text for one in scored if gives_orders(one.sentence.text, question))


def _repeats(one: ScoredSentence, other: ScoredSentence) -> bool:
    terms = set(content_terms(one.sentence.text))
    new = terms - set(content_terms(other.sentence.text))
    if len(new) > (1 - REPEATS) * len(terms) or any(term.isdecimal() for term in new):
        return False
    return not denies(one.sentence.text, other.sentence.text)


def _needed(finds: Callable[[Passage, int], int | None], one: ScoredSentence) -> set[int]:
    found = finds(one.passage, one.index)
    return set() if found is None else {found}


def answer_without_model(
    question: Question, retrieved: Retrieved | None, why: str, clock: Clock
) -> Iterator[AnswerEvent]:
    """Events up to one Answer. `why` there is no model. Raises Unavailable where only a model can answer."""
    if question.rewrites:
        yield Text(NEEDS_MODEL)
        yield Answer(NEEDS_MODEL, NEEDS_MODEL, True, "fixed", took_ms=clock.timing())
        return
    if retrieved is None or question.needs_model:
        raise Unavailable(f"This needs a language model. {why}", code="model_failed")
    retrieved = _with_sides(retrieved)
    if not choose_sentences(retrieved):
        yield from refuse(retrieved, clock.timing())
        return
    sources = whole_evidence(retrieved, question.shown_still, question.following)
    shown = {source.n: source.number for source in numbered(sources)}
    yield Sources(numbered(sources))
    yield from extractive_answer(retrieved, [shown[source.n] for source in sources], clock.timing)


def quote_instead(
    question: Question, retrieved: Retrieved, sources: Sequence[Evidence], clock: Clock, usage: Usage
) -> Iterator[AnswerEvent]:
    """The same after a model has written nothing that the passages support, its `usage` counted. Passages that are not
    among the `sources` are added to them."""
    retrieved = _with_sides(retrieved)
    added: list[Evidence] = []
    numbers = []
    following = max([question.following - 1, *(source.n for source in sources)]) + 1
    quoted = {n for n, _ in choose_sentences(retrieved)}
    for n, passage in enumerate(retrieved.passages, start=1):
        source = source_of(passage.document_id, passage.start, passage.end, sources)
        if source is None and n in quoted:
            number = len(sources) + len(added) + 1
            source = Evidence(following + len(added), passage, passage.text, number)
            added.append(source)
        numbers.append(source.number if source else 0)
    if added:
        yield Sources((*sources, *added))
    for event in extractive_answer(retrieved, numbers, clock.timing):
        yield replace(event, usage=usage) if isinstance(event, Answer) else event


def extractive_answer(
    retrieved: Retrieved, numbers: Sequence[int], timing: Callable[[], Timing]
) -> Iterator[Text | Answer]:
    """The chosen sentences as Markdown quotes, each with its mark. `numbers` are those of the passages, in order."""
    text = ""
    citations: list[Citation] = []
    for n, indexes in choose_sentences(retrieved):
        passage = retrieved.passages[n - 1]
        before: int | None = None
        for index in indexes:
            sentence = passage.sentences[index]
            quoted = (_joint(passage, before, index) if text else "> ") + as_markdown(sentence.text) + " "
            cited = citation(
                passage, sentence.start, sentence.end, sentence.heading, numbers[n - 1], len(text) + len(quoted)
            )
            delta = f"{quoted}[{cited.n}]"
            citations.append(cited)
            text += delta
            before = index
            yield Text(delta, (cited,))
    yield Answer(text, text, True, "extractive", citations=tuple(citations), took_ms=timing())


def _joint(passage: Passage, before: int | None, index: int) -> str:
    """What stands between two quoted sentences: they run on, are items under one line, or are quotes of their own."""
    if before is not None:
        above = lead_in(passage, index)
        if above is not None and above in (before, lead_in(passage, before)):
            return "\n> - "
        if before == index - 1 and "\n" not in between(passage, before):
            return " "
    return "\n\n> "


def as_markdown(sentence: str) -> str:
    """One line of Markdown that shows a sentence's own characters, whatever they would mean as markup."""
    line = _MARKUP.sub(r"\\\g<0>", " ".join(sentence.split()))
    return _MARKUP_AT_START.sub(r"\1\\", line, count=1)
