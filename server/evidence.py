"""Passages to numbered evidence: the sentences worth their tokens, within a budget (pure).

On a processor each prompt token costs some 40 ms, so a passage is cut to the sentences that bear on the question, in
the order of the document. Evidence is append-only in a conversation: a passage that an earlier turn has shown keeps its
number and is not shown again, so that what the model has cached stays true.
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
    """Every passage whole and numbered, for answers that need no prompt."""
    return _numbered([(passage, passage.text) for passage in retrieved.passages], earlier)


def select_evidence(
    retrieved: Retrieved, budget: int, count: TokenCount, earlier: Sequence[Evidence] = ()
) -> tuple[Evidence, ...]:
    """The best sentences of the first passages, at most `budget` tokens of them, by passage in rank order."""
    chosen: defaultdict[int, set[int]] = defaultdict(set)  # passage number -> indexes of its sentences
    left = budget
    for scored in score_sentences(retrieved, PASSAGES):
        cost = count(scored.sentence.text)
        if cost > left:
            continue
        left -= cost
        chosen[scored.n].add(scored.passage.sentences.index(scored.sentence))
    cut = [
        (passage, _joined(passage, sorted(chosen[n])))
        for n, passage in enumerate(retrieved.passages[:PASSAGES], start=1)
        if chosen[n]
    ]
    return _numbered(cut, earlier)


def _joined(passage: Passage, indexes: list[int]) -> str:
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
    """Numbers go on where the conversation's evidence ended; a passage it has already shown keeps its own."""
    following = max((evidence.n for evidence in earlier), default=0) + 1
    numbered: list[Evidence] = []
    for passage, text in cut:
        shown = next((e for e in earlier if _same_words(e, passage, text)), None)
        if shown is not None:
            numbered.append(shown)
            continue
        numbered.append(Evidence(following, passage, text))
        following += 1
    return tuple(dict.fromkeys(numbered))


def _same_words(evidence: Evidence, passage: Passage, text: str) -> bool:
    return evidence.passage.document_id == passage.document_id and text in evidence.text
