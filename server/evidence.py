"""Passages to numbered evidence: the sentences worth their tokens, within a budget (pure).

On a processor each prompt token costs some 40 ms, so a passage is cut to the sentences that bear on the question, in
the order of the document. Evidence is append-only in a conversation: a passage that an earlier turn has shown keeps its
number and is not shown again, so that what the model has cached stays true. A passage without sentences is a heading
alone and is no evidence.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from indexer.models import Passage
from indexer.retrieve import Retrieved
from server.events import Evidence
from server.extractive import score_sentences

PASSAGES = 5
"""Passages whose sentences compete for the budget."""
GAP = " … "
"""Stands where sentences were left out."""

TokenCount = Callable[[str], int]


def whole_evidence(retrieved: Retrieved, earlier: Sequence[Evidence] = ()) -> tuple[Evidence, ...]:
    """Every passage whole and numbered, one for each, for answers that need no prompt."""
    return _numbered([(passage, passage.text) for passage in retrieved.passages], earlier)


def select_evidence(
    retrieved: Retrieved, budget: int, count: TokenCount, earlier: Sequence[Evidence] = ()
) -> tuple[Evidence, ...]:
    """The best sentences of the first passages, at most `budget` tokens of them, by passage in rank order.

    The best sentence is always among them, however long it is: half of it could say another thing, and without it a
    model would have nothing to answer from.
    """
    chosen: defaultdict[int, list[int]] = defaultdict(list)  # passage number -> indexes of its sentences, in order
    spent: defaultdict[int, int] = defaultdict(int)  # passage number -> tokens of its text so far
    for scored in score_sentences(retrieved, PASSAGES):
        left = budget - sum(spent.values())
        if spent and count(scored.sentence.text) > left:
            continue
        indexes = sorted([*chosen[scored.n], scored.passage.sentences.index(scored.sentence)])
        tokens = count(_joined(scored.passage, indexes))
        if not spent or tokens - spent[scored.n] <= left:
            chosen[scored.n], spent[scored.n] = indexes, tokens
    cut = [
        (passage, _joined(passage, chosen[n]))
        for n, passage in enumerate(retrieved.passages[:PASSAGES], start=1)
        if chosen[n]
    ]
    return tuple(dict.fromkeys(_numbered(cut, earlier)))


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


def _numbered(cut: Sequence[tuple[Passage, str]], earlier: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Numbers go on where the conversation's evidence ended; words that it has already shown keep their number."""
    following = max((evidence.n for evidence in earlier), default=0) + 1
    numbered: list[Evidence] = []
    for passage, text in cut:
        shown = next((e for e in earlier if text in e.text and _still_stands(e.passage, passage)), None)
        numbered.append(shown or Evidence(following, passage, text))
        following += shown is None
    return tuple(numbered)


def _still_stands(shown: Passage, found: Passage) -> bool:
    """Whether a passage shown earlier says, where it overlaps with one found now, what the document says now."""
    start, end = max(shown.start, found.start), min(shown.end, found.end)
    return (
        shown.document_id == found.document_id
        and start < end
        and shown.text[start - shown.start : end - shown.start] == found.text[start - found.start : end - found.start]
    )
