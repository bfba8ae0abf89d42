"""Scores stay within their bounds, and being better in either way never ranks lower."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.search.fuse import first_look, fuse, sentence_scores, turn_shares

SHARE = st.floats(0, 1, width=32)
COSINE = st.floats(-1, 1, width=32)


@pytest.mark.parametrize("turns", range(7))
def test_shares_add_up_and_the_last_turn_always_counts(turns: int) -> None:
    shares = turn_shares(turns)
    assert sum(shares) == pytest.approx(1)
    assert len(shares) == min(turns + 1, 3)
    assert min(shares) > 0


@given(COSINE, COSINE, SHARE, SHARE)
def test_scores_are_bounded_and_monotone(one: float, other: float, few: float, many: float) -> None:
    cosine = np.sort(np.array([one, other], np.float32))
    words = np.sort(np.array([few, many], np.float32))
    for score in (first_look, sentence_scores, fuse):
        low, high = score(cosine, words)
        assert -1 <= low <= high <= 1


def test_nothing_scores_nothing() -> None:
    nothing = np.zeros(0, np.float32)
    assert (
        len(first_look(nothing, nothing)) == len(sentence_scores(nothing, nothing)) == len(fuse(nothing, nothing)) == 0
    )
