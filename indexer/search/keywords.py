"""Keyword search: BM25 over postings in memory that grow by appending.

Written by hand because a running server takes up each newly committed document within a second: `bm25s` and SQLite's
FTS5 were weighed (docs/decisions.md); the first has to be built anew for each addition, the second takes 437 ms at the
95th percentile for OR queries over 100,000 chunks.
"""

import math
import threading
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
"""The usual constants (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009)."""

_NONE = array("I")


class KeywordIndex:
    """Rows are numbered from 0 in the order of `add`.

    Dead and unreadable rows are left out by the caller's mask, and out of the statistics too: what the asker may not
    read moves no score.

    Thread-safe: `_lock` is held while a row is appended and while the postings of one term are copied, each for
    microseconds. No row behind the mask is looked at, so what is added after a mask was made moves no score either.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, array[int]] = {}  # term -> rows that hold it, ascending
        self._counts: dict[str, array[int]] = {}  # term -> how often, beside _rows
        self._lengths = array("I")  # terms a row

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, row_terms: list[str]) -> None:
        """Append a row with these terms."""
        counted = Counter(row_terms).items()
        with self._lock:
            row = len(self._lengths)
            self._lengths.append(len(row_terms))
            for term, count in counted:
                if term not in self._rows:
                    self._rows[term] = array("I")
                    self._counts[term] = array("H")
                self._rows[term].append(row)
                self._counts[term].append(min(count, 65535))

    def scores(self, query: Iterable[str], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """BM25 of the first n rows: float32 (n,), 0 where no term occurs or `mask` (bool (n,)) is False."""
        scores = np.zeros(len(mask), np.float32)
        readable = int(mask.sum())
        if not readable:
            return scores
        with self._lock:
            appended = self._lengths[: len(mask)]
        lengths = np.array(appended, np.float32)
        norm = K1 * (1 - B + B * lengths / max(float(lengths[mask].mean()), 1.0))
        for term in query:
            rows, counts = self._postings(term, mask)
            scores[rows] += _idf(readable, len(rows)) * counts * (K1 + 1) / (counts + norm[rows])
        return scores

    def idf(self, query: Iterable[str], mask: NDArray[np.bool_]) -> dict[str, float]:
        """Inverse document frequency of each term among the rows of the mask."""
        readable = int(mask.sum())
        return {term: _idf(readable, len(self.rows(term, mask))) for term in query}

    def rows(self, term: str, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Rows of the mask that hold a term, ascending."""
        return self._postings(term, mask)[0]

    def _postings(self, term: str, mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """(rows, counts) of a term inside the mask, each (n,)."""
        stored, counted = self._copied(term, len(mask))
        rows = np.array(stored, np.int64)
        inside = mask[rows]
        return rows[inside], np.array(counted, np.float32)[inside]

    def _copied(self, term: str, rows: int) -> tuple["array[int]", "array[int]"]:
        """(rows, counts) of a term among the first `rows`. An array that is looked into cannot grow, a copy can."""
        with self._lock:
            appended = self._rows.get(term, _NONE)
            end = bisect_left(appended, rows)
            return appended[:end], self._counts.get(term, _NONE)[:end]

    def arrays(self, rows: int) -> dict[str, NDArray[np.generic]]:
        """The first `rows` as plain arrays for a snapshot."""
        with self._lock:
            lengths, terms = self._lengths[:rows], list(self._rows)
        copied = {term: self._copied(term, rows) for term in terms}
        postings = {term: found for term, found in copied.items() if found[0]}
        held = [np.array(rows, np.uint32) for rows, _ in postings.values()]
        counts = [np.array(counts, np.uint16) for _, counts in postings.values()]
        return {
            "vocabulary": np.frombuffer("\n".join(postings).encode(), np.uint8),
            "sizes": np.array([len(rows) for rows in held], np.int64),
            "rows": np.concatenate([*held, np.zeros(0, np.uint32)]),
            "counts": np.concatenate([*counts, np.zeros(0, np.uint16)]),
            "lengths": np.array(lengths, np.uint32),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> "KeywordIndex":
        index = cls()
        text = arrays["vocabulary"].tobytes().decode()
        ends = np.cumsum(arrays["sizes"].astype(np.int64))
        start = 0
        for term, end in zip(text.split("\n") if text else [], ends, strict=True):
            index._rows[term] = array("I", arrays["rows"][start:end].astype(np.uint32).tobytes())
            index._counts[term] = array("H", arrays["counts"][start:end].astype(np.uint16).tobytes())
            start = int(end)
        index._lengths = array("I", arrays["lengths"].astype(np.uint32).tobytes())
        return index


def most_bm25(idf: Iterable[float]) -> float:
    """What a row's score comes near to when it holds every term very often."""
    return (K1 + 1) * sum(idf)


def _idf(rows: int, holding: int) -> float:
    """Never negative, unlike the original (Lucene's form of Robertson and Spärck Jones's weight)."""
    return math.log1p((rows - holding + 0.5) / (holding + 0.5))
