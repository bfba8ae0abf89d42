"""Entries lead to the rows of their passages, however they were added, and none to a row that is not looked at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.search.entry_index import EntryHits, EntryIndex
from tests.word_embedder import word_vector

WORD = st.sampled_from(["leave", "pay", "room"])
DOCUMENTS = st.lists(st.lists(st.lists(WORD, max_size=3), max_size=3), max_size=6)  # rows with the entries of each


def built(documents: list[list[list[str]]], at_once: bool) -> EntryIndex:
    index = EntryIndex()
    first = 0
    waiting: list[tuple[int, str]] = []
    for rows in documents:
        waiting += [(first + row, text) for row, texts in enumerate(rows) for text in texts]
        first += len(rows)
        if waiting and not at_once:
            add(index, waiting)
            waiting = []
    if waiting:
        add(index, waiting)
    return index


def add(index: EntryIndex, entries: list[tuple[int, str]]) -> None:
    texts = [text for _, text in entries]
    index.add([row for row, _ in entries], texts, np.stack([word_vector(text) for text in texts]))


def hits(index: EntryIndex, readable: list[bool]) -> list[tuple[list[int], list[float], list[float]]]:
    vectors = np.stack([word_vector("leave"), word_vector("pay room")])
    found: list[EntryHits] = list(index.search(vectors, [["leav"], ["pay", "room"]], np.array(readable, np.bool_)))
    return [(one.rows.tolist(), one.cosine.tolist(), one.bm25.tolist()) for one in found]


@given(DOCUMENTS, st.data())
def test_a_document_at_a_time_or_all_at_once(documents: list[list[list[str]]], data: st.DataObject) -> None:
    rows = [texts for document in documents for texts in document]
    readable = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    index = built(documents, at_once=False)
    assert len(index) == sum(map(len, rows))
    found = hits(index, readable)
    assert found == hits(built(documents, at_once=True), readable)
    assert found == hits(EntryIndex.from_arrays(index.arrays(len(rows))), readable)
    for row, cosine, bm25 in zip(*found[0], strict=True):
        assert readable[row]
        assert cosine == max(float(word_vector(text) @ word_vector("leave")) for text in rows[row]) or cosine == 0
        assert (bm25 > 0) == ("leave" in rows[row])


@given(DOCUMENTS, st.integers(0, 6))
def test_what_is_added_behind_the_mask_changes_nothing(documents: list[list[list[str]]], earlier: int) -> None:
    readable = [True] * sum(map(len, documents[:earlier]))
    index, before = built(documents, at_once=False), built(documents[:earlier], at_once=True)
    assert hits(index, readable) == hits(before, readable)
    assert hits(EntryIndex.from_arrays(index.arrays(len(readable))), readable) == hits(before, readable)


def test_adding_copies_no_more_than_what_there_is_some_times_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubled when full: a copy for each document would be quadratic."""
    made: list[int] = []
    zeros = np.zeros

    def counted(shape: int, dtype: type) -> np.ndarray:
        made.append(shape)
        return zeros(shape, dtype)

    index = EntryIndex()
    monkeypatch.setattr(np, "zeros", counted)
    monkeypatch.setattr(np, "append", None)
    for row in range(500):
        index.add([row], ["leave"], np.eye(1, 4, dtype=np.float32))
    assert sum(made) < 5 * 500
