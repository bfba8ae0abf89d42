"""Vectors are found inside a mask alone, whatever is added meanwhile; nobody waits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.search.vectors import VectorIndex

SECONDS = 60  # that a thread is waited for before the test fails
AXES = np.eye(4, dtype=np.float32)


@given(st.lists(st.booleans(), max_size=70), st.integers(0, 70), st.integers(1, 5))
def test_only_rows_of_the_mask_are_found(mask: list[bool], behind: int, count: int) -> None:
    index = VectorIndex()
    for row in range(len(mask) + behind):
        index.add(AXES[row % 4][None, :])
    readable = np.array(mask, np.bool_)
    rows, cosine = index.nearest(AXES[:2], readable, count)
    expected = min(count, sum(mask))
    assert rows.shape == cosine.shape == (2, expected)
    for axis in (0, 1):
        assert len(set(rows[axis].tolist())) == expected
        assert readable[rows[axis]].all()
        assert cosine[axis].tolist() == sorted((rows[axis] % 4 == axis).astype(float), reverse=True)


def test_an_index_without_vectors_finds_nothing() -> None:
    index = VectorIndex()
    assert (len(index), index.dimension) == (0, None)
    assert index.nearest(AXES, np.zeros(0, np.bool_), 3)[0].shape == (4, 0)
    assert index.of(np.zeros(0, np.int64)).shape == (0, 0)


def test_vectors_of_another_length_are_refused() -> None:
    index = VectorIndex()
    index.add(AXES)
    for length in (1, 3):
        with pytest.raises(ValueError, match=f"vectors of length {length}, not 4"):
            index.add(np.ones((2, length), np.float32))
    assert len(index) == 4


def test_the_first_vectors_are_written_and_come_back(tmp_path: Path) -> None:
    index = VectorIndex()
    index.add(AXES)
    index.write(tmp_path / "three", 3)
    again = VectorIndex.read(tmp_path / "three")
    assert again.of(np.arange(3)).tolist() == AXES[:3].tolist()
    again.add(AXES)
    assert again.of(np.arange(7)).tolist() == [*AXES[:3].tolist(), *AXES.tolist()]
    with pytest.raises(OSError, match="nowhere"):
        index.write(tmp_path / "nowhere" / "three", 3)


def test_neither_a_search_nor_an_addition_waits_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both searches are held up inside FAISS until an addition that has to move all vectors is done."""
    inside, added = threading.Barrier(3), threading.Event()
    search = faiss.knn_inner_product

    def held_up(*arguments: Any) -> None:
        inside.wait(SECONDS)
        assert added.wait(SECONDS)
        search(*arguments)

    monkeypatch.setattr(faiss, "knn_inner_product", held_up)
    index = VectorIndex(AXES)
    with ThreadPoolExecutor() as pool:
        searches = [pool.submit(index.nearest, AXES[:1], np.ones(4, np.bool_), 1) for _ in range(2)]
        inside.wait(SECONDS)
        pool.submit(index.add, AXES).result(SECONDS)
        added.set()
        assert [search.result(SECONDS)[0].tolist() for search in searches] == [[[0]], [[0]]]
    assert len(index) == 8
