"""A document in brief without a model: its headings, and its most central sentences as they stand (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.documents.extract.document import Block
from indexer.passages import Passage, Sentence, WholeDocument
from indexer.search.central import by_centrality
from indexer.text.folding import folded
from server.answering.citations import citation
from server.answering.events import BENEATH, Citation
from server.answering.markdown_lines import leads_in

SENTENCES = 7  # at most; fewer of a short document
SHARE = 3  # one sentence in so many is central enough to be shown
FEWEST, MOST = 6, 45  # words of a sentence that says something by itself and can be taken in
LOOKED_AT = 60  # passages, the most central ones, whose sentences are compared
HEADINGS = 40  # of an outline
_ENDS = re.compile(r"[.!?…]['\"”’»)]*\Z")


@dataclass(frozen=True)
class OutlineHeading:
    """A heading and where it stands: code points [start, end) of the document's text."""

    depth: int  # from 1: below the headings that are shown
    text: str
    page: int | None
    start: int
    end: int


@dataclass(frozen=True)
class Outline:
    headings: tuple[OutlineHeading, ...]
    more: int  # headings that are not among them


def outline(text: str, blocks: Sequence[Block], title: str = "") -> Outline:
    """At most HEADINGS of a document's headings in its order, the deepest left out first. Its title is none."""
    found = [block for block in blocks if block.kind == "heading" and text[block.start : block.end].strip()]
    if found and folded(text[found[0].start : found[0].end]) == folded(title):
        found = found[1:]
    levels = sorted({block.level for block in found})
    deepest = _deepest(found, levels) if levels else 0
    kept = [block for block in found if block.level <= deepest]
    depths = {level: depth for depth, level in enumerate(sorted({block.level for block in kept}), 1)}
    headings = tuple(
        OutlineHeading(
            depths[block.level], " ".join(text[block.start : block.end].split()), block.page, block.start, block.end
        )
        for block in kept[:HEADINGS]
    )
    return Outline(headings, len(found) - len(headings))


def _deepest(found: Sequence[Block], levels: Sequence[int]) -> int:
    """The deepest level down to which there are no more than HEADINGS; the first one at least."""
    fitting = [level for level in levels if sum(block.level <= level for block in found) <= HEADINGS]
    return fitting[-1] if fitting else levels[0]


def central_sentences(whole: WholeDocument, most: int = SENTENCES) -> list[Citation]:
    """At most `most` sentences that say most of what the document is about, in its order, as quotations."""
    passages = sorted(whole.passages, key=lambda one: -one.cosine)[:LOOKED_AT]
    told = [
        (passage, sentence)
        for passage in sorted(passages, key=lambda one: one.start)
        for sentence in passage.sentences
        if _says_something(sentence)
    ]
    if not told:
        return []
    vectors = np.stack([sentence.vector for _, sentence in told])
    wanted = min(most, max(1, -(-len(told) // SHARE)))
    chosen: list[int] = []
    said: set[str] = set()
    for at in by_centrality(vectors, whole.centre):
        words = folded(told[at][1].text)
        if words not in said:
            said.add(words)
            chosen.append(at)
        if len(chosen) == wanted:
            break
    return [_quoted(*told[at]) for at in sorted(chosen, key=lambda at: told[at][1].start)]


def _says_something(sentence: Sentence) -> bool:
    """Whether it can be read alone: whole, no row, no line that leads in to what is not shown."""
    text = sentence.text
    whole = _ENDS.search(text) is not None and not text[0].islower() and " | " not in text
    return whole and FEWEST <= len(text.split()) <= MOST and not leads_in(text)


def _quoted(passage: Passage, sentence: Sentence) -> Citation:
    return citation(passage, sentence.start, sentence.end, sentence.heading, 0, BENEATH)
