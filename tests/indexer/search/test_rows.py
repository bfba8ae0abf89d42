"""Rows grow, end and are found by scope as a plain list of them would; copies of a text beyond a few are left out."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.search.rows import COPIES, Rows, rows_of

ADDED = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.lists(st.sampled_from(["a", "b", "a  b", "a b"]), max_size=6)),
    max_size=8,
)


@given(ADDED, st.sets(st.integers(1, 5)), st.frozensets(st.integers(1, 4)))
def test_they_are_what_a_plain_list_would_be(
    added: list[tuple[int, int, list[str]]], ended: set[int], ids: frozenset[int]
) -> None:
    rows = Rows()
    plain: list[tuple[int, int, str]] = []
    for document, collection, texts in added:
        fresh = rows_of(document, collection, range(len(plain), len(plain) + len(texts)), texts)
        rows = rows.after([], [fresh[:1], fresh[1:]])
        plain += [(document, collection, " ".join(text.split())) for text in texts]
    left = rows.after(sorted(ended), [])
    expected = searched(plain, lambda document, collection: document not in ended and collection in ids)
    assert left.of_collections(ids).tolist() == expected
    expected = searched(plain, lambda document, _: document not in ended and document in ids)
    assert left.of_documents(ids).tolist() == expected
    assert len(rows) == len(left) == len(plain)
    assert left.alive == sum(document not in ended for document, _, _ in plain)
    assert rows.alive == len(plain), "those before are as they were"
    assert Rows(left.values.copy()).of_documents(ids).tolist() == expected


def searched(plain: list[tuple[int, int, str]], counts: Callable[[int, int], bool]) -> list[bool]:
    """Of the rows that count, those whose text no `COPIES` earlier ones have."""
    seen: Counter[str] = Counter()
    expected = []
    for document, collection, text in plain:
        seen[text] += counts(document, collection)
        expected.append(counts(document, collection) and seen[text] <= COPIES)
    return expected


def test_the_oldest_copies_are_those_with_the_lowest_ids() -> None:
    rows = Rows(rows_of(1, 1, [9, 8, 7, 6], ["same"] * 4))
    kept = rows.values["chunk"][rows.of_collections({1})]
    assert sorted(kept.tolist()) == [6, 7, 8, 9][:COPIES]


def test_what_are_no_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="not rows"):
        Rows(np.zeros(3))
