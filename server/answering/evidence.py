"""Passages to numbered evidence: the sentences worth their tokens, within a budget (pure).

On a processor each prompt token costs some 40 ms, so a passage is cut to the sentences that bear on the question, each
with the one that it needs before it, in the order of the document. How many these are depends on the question: few
where one sentence stands out, as many as the budget holds where none does. Evidence is append-only in a conversation:
a sentence that an earlier turn has shown keeps its number and is not shown again, so that what the model has cached
stays true. A passage without sentences is a heading alone and is no evidence.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from indexer.passages import Passage, Place, Retrieved
from indexer.text.folding import folded, statements
from server.answering.answer_kind import asked_for
from server.answering.antecedents import antecedent, list_of
from server.answering.events import Evidence
from server.answering.markdown_lines import leads_in
from server.answering.relevance import ScoredSentence, score_sentences

REACH = 5.5
"""A sentence whose score is lower than the best one's by more, e^5.5 = 245 times less likely to hold the answer, is not
worth its tokens: on squad 200 tokens instead of the five passages' 802 hold the answer for .977 instead of .983."""
GAP = " … "
"""Stands where sentences were left out."""

TokenCount = Callable[[str], int]


def whole_evidence(retrieved: Retrieved, earlier: Sequence[Evidence] = (), following: int = 0) -> tuple[Evidence, ...]:
    """Every passage whole and numbered, one for each, for answers that need no prompt; new ones from `following` on.

    Without it they go on where `earlier` ends, of which what the documents do not hold any more may be left out.
    """
    following = following or _following(earlier)
    numbered: list[Evidence] = []
    for passage in retrieved.passages:
        shown = _shown(passage.text, passage, earlier)
        numbered.append(_of_now(shown, retrieved.passages) if shown else Evidence(following, passage, passage.text))
        following += shown is None
    return tuple(numbered)


def select_evidence(
    retrieved: Retrieved, budget: int, count: TokenCount, earlier: Sequence[Evidence] = (), following: int = 0
) -> tuple[Evidence, ...]:
    """The best sentences of what was found and what stands beside it, at most `budget` tokens of new ones, the
    passage with the best one first. New ones are numbered as in `whole_evidence`.

    The best sentence is always among them, however long it is: half of it could say another thing, and without it a
    model would have nothing to answer from.
    """
    chosen: defaultdict[int, set[int]] = defaultdict(set)  # passage number -> indexes of its sentences
    spent: defaultdict[int, int] = defaultdict(int)  # passage number -> tokens of its text so far
    again: defaultdict[int, list[Evidence]] = defaultdict(list)  # passage number -> what was shown of it earlier
    scored = score_sentences(retrieved, retrieved.reading)
    steps = asked_for(retrieved.question) == "way"
    for one in scored:
        if one.score < scored[0].score - REACH:
            break
        if shown := _shown(one.sentence.text, one.passage, earlier):
            again[one.n].append(_of_now(shown, retrieved.reading))
            continue
        left = budget - sum(spent.values())
        if one.index in chosen[one.n] or (spent and count(one.sentence.text) > left):
            continue
        for indexes in _with_what_it_needs(one, chosen[one.n], steps=steps):
            tokens = count(_joined(one.passage, sorted(indexes)))
            if tokens - spent[one.n] <= left or (one is scored[0] and len(indexes) == 1):
                chosen[one.n], spent[one.n] = indexes, tokens
                break
    following = following or _following(earlier)
    evidence: dict[Evidence, None] = {}
    for n in dict.fromkeys(one.n for one in scored):  # that with the best sentence first
        evidence |= dict.fromkeys(again[n])
        if chosen[n]:
            passage = retrieved.reading[n - 1]
            evidence[Evidence(following, passage, _joined(passage, sorted(chosen[n])))] = None
            following += 1
    return tuple(evidence)


def _with_what_it_needs(one: ScoredSentence, chosen: set[int], *, steps: bool) -> list[set[int]]:
    """What is chosen of a passage once this sentence is: first with all that it needs, at last alone.

    `steps`: the question asks how something is done, which one item of a list does not say. A line that leads in to a
    list says nothing without it: multi-turn's evidence holds .838 of its answers' facts, without its lists .821.
    """
    alone = chosen | {one.index}
    needed = antecedent(one.passage, one.index)
    with_antecedent = alone if needed is None else alone | {needed}
    with_list = (
        with_antecedent | list_of(one.passage, one.index) if steps or leads_in(one.sentence.text) else with_antecedent
    )
    return [with_list, with_antecedent, alone]


def _joined(passage: Passage, indexes: Sequence[int]) -> str:
    """The sentences as they stand in the document; neighbours keep what is between them."""
    parts: list[str] = []
    for position, index in enumerate(indexes):
        sentence = passage.sentences[index]
        if position:
            before = passage.sentences[indexes[position - 1]]
            between = passage.text[before.end - passage.start : sentence.start - passage.start]
            parts.append(between if index == indexes[position - 1] + 1 else GAP)
        parts.append(sentence.text)
    return "".join(parts)


def numbered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Each once, with its number in the answer whose sources these are."""
    once: dict[int, Evidence] = {}  # what two searches found has other places of its words in each
    for one in evidence:
        once.setdefault(one.n, one)
    return tuple(replace(one, shown=shown) for shown, one in enumerate(once.values(), start=1))


def source_of(document_id: int, start: int, end: int, sources: Sequence[Evidence]) -> Evidence | None:
    """The source whose passage holds the words [start, end) of a document."""
    holding = (
        e for e in sources if e.passage.document_id == document_id and e.passage.start <= start and end <= e.passage.end
    )
    return next(holding, None)


def _following(earlier: Sequence[Evidence]) -> int:
    return max((evidence.n for evidence in earlier), default=0) + 1


def _shown(text: str, passage: Passage, earlier: Sequence[Evidence]) -> Evidence | None:
    """The evidence that has already shown these words of the passage; it keeps its number."""
    return next((e for e in earlier if text in e.text and _still_stands(e.passage, passage)), None)


def _of_now(shown: Evidence, found: Iterable[Passage]) -> Evidence:
    """Evidence that is shown again, with the other places of its words that the search has found now: copies come
    and go."""
    places = (place for passage in found if _still_stands(shown.passage, passage) for place in passage.also_in)
    return _elsewhere(shown, tuple(dict.fromkeys(places)))


def still_elsewhere(shown: Evidence, says: Mapping[tuple[int, int, int], str | None]) -> Evidence:
    """Evidence of an earlier turn, with those other places of its words that hold them still. `says` is what documents
    say now at (document id, start, end): None where one is gone."""
    places = (
        place
        for place in shown.passage.also_in
        if _holds(says[place.document_id, place.start, place.end], shown.passage, place)
    )
    return _elsewhere(shown, tuple(places))


def _holds(text: str | None, passage: Passage, place: Place) -> bool:
    if text is None:
        return False
    held = folded(text)
    said = [one.text for one in passage.sentences if place.of_start <= one.start and one.end <= place.of_end]
    return all(statement in held for sentence in said for statement, *_ in statements(sentence, ()))


def _elsewhere(shown: Evidence, places: tuple[Place, ...]) -> Evidence:
    if places == shown.passage.also_in:
        return shown
    return replace(shown, passage=replace(shown.passage, also_in=places))


def _still_stands(shown: Passage, found: Passage) -> bool:
    """Whether a passage shown earlier says, where it overlaps with one found now, what the document says now."""
    start, end = max(shown.start, found.start), min(shown.end, found.end)
    return (
        shown.document_id == found.document_id
        and start < end
        and shown.text[start - shown.start : end - shown.start] == found.text[start - found.start : end - found.start]
    )
