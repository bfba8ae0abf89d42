"""Vectors are found inside a mask alone, and never added while somebody searches."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import faiss
import numpy as np
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


class SlowIndex:
    """FAISS whose searches last until all have begun and may leave; it knows how many ran when something was added."""

    d = 4

    def __init__(self, searches: int) -> None:
        self._index = faiss.IndexFlatIP(self.d)
        self.together = threading.Barrier(searches + 1)
        self.leave = threading.Event()
        self.under_way: list[threading.Thread] = []
        self.seen_by_add: list[int] = []

    @property
    def ntotal(self) -> int:
        return int(self._index.ntotal)

    def search(self, *arguments: Any, **named: Any) -> Any:
        self.under_way.append(threading.current_thread())
        self.together.wait(SECONDS)
        self.leave.wait(SECONDS)
        found = self._index.search(*arguments, **named)
        self.under_way.remove(threading.current_thread())
        return found

    def add(self, vectors: Any) -> None:
        self.seen_by_add.append(len(self.under_way))
        self._index.add(vectors)


def test_searches_run_beside_each_other_and_an_addition_waits_for_them() -> None:
    slow = SlowIndex(searches=2)
    index = VectorIndex(slow)  # type: ignore[arg-type]
    index.add(AXES)
    with ThreadPoolExecutor() as pool:
        searches = [pool.submit(index.nearest, AXES[:1], np.ones(4, np.bool_), 1) for _ in range(2)]
        slow.together.wait(SECONDS)  # both are inside
        adding = pool.submit(index.add, AXES)
        assert not adding.done()
        slow.leave.set()
        adding.result(SECONDS)
        assert [search.result(SECONDS)[0].tolist() for search in searches] == [[[0]], [[0]]]
    assert slow.seen_by_add == [0, 0]
    assert len(index) == 8
