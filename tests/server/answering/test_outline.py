"""A document in brief without a model: headings and sentences of the document, in its order, each at its place."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.documents.extract.document import Block
from indexer.passages import Passage, Sentence, WholeDocument
from indexer.search.central import centroid
from server.answering.outline import HEADINGS, MOST, SENTENCES, central_sentences, outline
from tests.word_embedder import word_vector

headings = st.lists(st.tuples(st.integers(1, 6), st.text("ab ", min_size=1, max_size=6)), max_size=120)


def blocks(listed: list[tuple[int, str]]) -> tuple[str, tuple[Block, ...]]:
    text, found = "", []
    for level, words in listed:
        found.append(Block("heading", len(text), len(text) + len(words), level, 1))
        text += f"{words}\n\n"
    return text, tuple(found)


@given(headings)
def test_an_outline_is_short_in_order_and_loses_the_deepest_first(listed: list[tuple[int, str]]) -> None:
    text, found = blocks(listed)
    made = outline(text, found)
    told = [(block.level, block.start) for block in found if text[block.start : block.end].strip()]
    assert len(made.headings) + made.more == len(told)
    assert len(made.headings) <= HEADINGS
    assert [one.start for one in made.headings] == sorted(one.start for one in made.headings)
    levels = {start: level for level, start in told}
    shown = {levels[one.start] for one in made.headings}
    left_out = {level for level, start in told if start not in {one.start for one in made.headings}}
    assert not shown or not left_out or max(shown) <= min(left_out) or len(made.headings) == HEADINGS
    for one in made.headings:
        assert one.text == " ".join(text[one.start : one.end].split())


def test_the_title_is_no_heading_of_its_outline() -> None:
    text, found = blocks([(1, "Annual Leave"), (2, "Booking"), (4, "Portal")])
    made = outline(text, found, "annual leave")
    assert [(one.depth, one.text) for one in made.headings] == [(1, "Booking"), (2, "Portal")]


def document(*sentences: str) -> WholeDocument:
    passages = []
    at = 0
    for rank, text in enumerate(sentences, 1):
        sentence = Sentence(at, at + len(text), text, word_vector(text), "Rules")
        passages.append(Passage(rank, 1, 0.5, 7, 1, "a.md", "A", "", None, at, at + len(text), text, "", (sentence,)))
        at += len(text) + 1
    centre = centroid(np.stack([word_vector(text) for text in sentences]))
    return WholeDocument(tuple(passages), centre, at, at)


words = st.lists(st.sampled_from(["leave", "days", "travel", "train", "rule", "must"]), min_size=3, max_size=60)
told = words.map(lambda some: " ".join(some).capitalize() + ".")


@given(st.lists(told, min_size=1, max_size=30))
def test_central_sentences_are_of_the_document_in_its_order_and_none_twice(sentences: list[str]) -> None:
    found = central_sentences(document(*sentences))
    assert len(found) <= SENTENCES
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert len({one.quote.casefold() for one in found}) == len(found)
    for one in found:
        assert one.quote in sentences
        assert 6 <= len(one.quote.split()) <= MOST
        assert one.document_id == 7


def test_what_says_nothing_by_itself_is_left_out() -> None:
    whole = "Every employee has twenty five days of paid leave."
    assert [one.quote for one in central_sentences(document(
        "These are the things that you need to bring:", "5 or more | 28 | and so on and so on.", "Too short.",
        "and it goes on in the middle of a sentence.", "no full stop at the end of this line at all", whole,
    ))] == [whole]  # fmt: skip
    assert central_sentences(document("Nothing.")) == []
