"""BM25 against the formula written out plainly, and what the asker may not read moves nothing."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.search.keywords import K1, B, KeywordIndex

ROWS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=12), min_size=1, max_size=20)
QUERY = st.lists(st.sampled_from("abcdefz"), max_size=4, unique=True)


def build(rows: Sequence[list[str]]) -> KeywordIndex:
    index = KeywordIndex()
    for row in rows:
        index.add(row)
    return index


def everything(index: KeywordIndex) -> np.ndarray:
    return np.ones(len(index), np.bool_)


def reference(rows: Sequence[list[str]], query: list[str]) -> list[float]:
    """Okapi BM25 with Lucene's idf, a document and a term at a time."""
    mean = max(sum(map(len, rows)) / len(rows), 1)
    scores = []
    for row in rows:
        score = 0.0
        for term in query:
            holding = sum(term in other for other in rows)
            idf = math.log(1 + (len(rows) - holding + 0.5) / (holding + 0.5))
            count = row.count(term)
            score += idf * count * (K1 + 1) / (count + K1 * (1 - B + B * len(row) / mean)) if count else 0
        scores.append(score)
    return scores


@given(ROWS, QUERY)
def test_scores_are_bm25(rows: list[list[str]], query: list[str]) -> None:
    index = build(rows)
    assert index.scores(query, everything(index)).tolist() == pytest.approx(reference(rows, query), rel=1e-5)


@given(ROWS, QUERY, st.data())
def test_masked_rows_might_as_well_not_exist(rows: list[list[str]], query: list[str], data: st.DataObject) -> None:
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), np.bool_)
    index = build(rows)
    scores = index.scores(query, mask)
    alone = build([row for row, readable in zip(rows, mask, strict=True) if readable])
    assert scores[mask].tolist() == alone.scores(query, everything(alone)).tolist()
    assert not scores[~mask].any()
    assert index.idf(query, mask) == alone.idf(query, everything(alone))


@given(ROWS, ROWS, QUERY)
def test_arrays_bring_the_first_rows_back(rows: list[list[str]], later: list[list[str]], query: list[str]) -> None:
    index = build(rows)
    again = KeywordIndex.from_arrays(build([*rows, *later]).arrays(len(rows)))
    assert again.scores(query, everything(again)).tolist() == index.scores(query, everything(index)).tolist()
    for more in (index, again):
        more.add(["a", "z"])
    assert again.scores(["a", "z"], everything(again)).tolist() == index.scores(["a", "z"], everything(index)).tolist()


def test_an_empty_index_has_no_scores() -> None:
    index = KeywordIndex.from_arrays(KeywordIndex().arrays(0))
    assert len(index) == 0
    assert index.scores(["a"], everything(index)).tolist() == []
    assert index.idf(["a"], everything(index))["a"] > 0


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    arrays = build([["a", "b"], ["b"]]).arrays(2)
    with pytest.raises(ValueError, match="zip"):
        KeywordIndex.from_arrays({**arrays, "sizes": arrays["sizes"][:1]})


def test_a_term_repeated_beyond_counting_is_no_error() -> None:
    index = build([["a"] * 70_000, ["b"]])
    assert index.scores(["a"], everything(index))[0] > 0


def test_terms_of_any_script_survive() -> None:
    index = KeywordIndex.from_arrays(build([["отпуск", "休暇", "🙂"]]).arrays(1))
    assert all(index.scores([term], everything(index))[0] > 0 for term in ("отпуск", "休暇", "🙂"))
