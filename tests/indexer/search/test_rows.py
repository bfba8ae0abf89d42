"""Rows grow, end and are found by scope as a plain list of them would; copies of a text beyond a few are left out."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.passages import Scope
from indexer.search.rows import COPIES, Rows

ADDED = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.lists(st.sampled_from(["a", "b", "a  b", "a b"]), max_size=6)),
    max_size=8,
)


@given(ADDED, st.sets(st.integers(1, 5)), st.frozensets(st.integers(1, 4)))
def test_they_are_what_a_plain_list_would_be(
    added: list[tuple[int, int, list[str]]], ended: set[int], collections: frozenset[int]
) -> None:
    rows = Rows()
    plain: list[tuple[int, int, str]] = []
    for document, collection, texts in added:
        rows.add(document, collection, range(len(plain), len(plain) + len(texts)), texts)
        plain += [(document, collection, " ".join(text.split())) for text in texts]
    before = rows.readable(Scope(collections))
    rows.end(sorted(ended))
    seen: Counter[str] = Counter()
    expected = []
    for document, collection, text in plain:
        counts = document not in ended and collection in collections
        seen[text] += counts
        expected.append(counts and seen[text] <= COPIES)
    assert rows.readable(Scope(collections)).tolist() == expected
    assert len(rows) == len(plain) == len(before)
    assert rows.alive == sum(document not in ended for document, _, _ in plain)
    again = Rows(rows.values.copy())
    assert again.readable(Scope(collections)).tolist() == expected


def test_the_oldest_copies_are_those_with_the_lowest_ids() -> None:
    rows = Rows()
    rows.add(1, 1, [9, 8, 7, 6], ["same"] * 4)
    kept = rows.values["chunk"][rows.readable(Scope(frozenset({1})))]
    assert sorted(kept.tolist()) == [6, 7, 8, 9][:COPIES]


def test_what_are_no_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="not rows"):
        Rows(np.zeros(3))
