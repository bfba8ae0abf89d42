"""Centrality: the most central first, each once, and not twice the same."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.embed import Vectors
from indexer.search.central import by_centrality, centroid


def unit(rows: list[list[float]]) -> Vectors:
    vectors = np.asarray(rows, np.float32)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6), np.float32)


rows = st.lists(st.lists(st.floats(-1, 1, width=16), min_size=3, max_size=3), min_size=1, max_size=12)


@given(rows)
def test_every_row_comes_once_and_the_nearest_to_the_centre_first(drawn: list[list[float]]) -> None:
    vectors = unit(drawn)
    centre = centroid(vectors)
    order = list(by_centrality(vectors, centre))
    assert sorted(order) == list(range(len(drawn)))
    near = vectors @ centre
    assert near[order[0]] >= near.max() - 1e-5
    assert order == list(by_centrality(vectors, centre))
    assert np.linalg.norm(centre) < 1.001


def test_what_says_the_same_comes_later() -> None:
    vectors = unit([[1, 0.1, 0], [1, 0.1, 0], [0.6, 1, 0]])
    assert list(by_centrality(vectors, centroid(vectors))) == [0, 2, 1]


def test_opposites_have_no_centre_and_none_fails() -> None:
    vectors = unit([[1, 0, 0], [-1, 0, 0]])
    assert list(by_centrality(vectors, centroid(vectors))) == [0, 1]
