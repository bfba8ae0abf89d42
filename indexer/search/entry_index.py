"""Entries in memory, beside the store's rows: a text that is found leads to the row of its passage.

They have an index of their own, so that the passages' word statistics stay those of the documents.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.search.keywords import KeywordIndex
from indexer.search.vectors import VectorIndex, Vectors
from indexer.text.terms import terms

NEAREST = 200
"""Entries that each kind of search looks at: a passage has up to seven."""


@dataclass(frozen=True)
class EntryHits:
    """Rows of passages whose entries were found; all arrays (n,), rows distinct and ascending."""

    rows: NDArray[np.int64]
    cosine: NDArray[np.float32]  # of the row's nearest entry, 0 where none was near
    bm25: NDArray[np.float32]  # of its best entry, 0 where no term occurs


class EntryIndex:
    """Entries are numbered from 0 in the order of `add`.

    Thread-safe: `_lock` is held while `_rows` and `_count` change together and while they are read together; below
    `_count` nothing is written again. The other parts are thread-safe themselves. Entries of rows behind the caller's
    mask are not looked at.
    """

    def __init__(self) -> None:
        self._vectors = VectorIndex()
        self._keywords = KeywordIndex()
        self._lock = threading.Lock()
        self._rows = np.zeros(0, np.int64)  # entry -> the store's row of its passage, with room for more
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, rows: Sequence[int], texts: Sequence[str], vectors: Vectors) -> None:
        """Append entries of a document; `rows`: the store's, behind those of all earlier calls.

        `vectors`: float32 (n, dim), unit rows.
        """
        self._vectors.add(vectors)
        for text in texts:
            self._keywords.add(terms(text))
        with self._lock:
            end = self._count + len(rows)
            if end > len(self._rows):
                room = np.zeros(2 * end, np.int64)
                room[: self._count] = self._rows[: self._count]
                self._rows = room
            self._rows[self._count : end] = rows
            self._count = end

    def search(
        self, vectors: Vectors, queries: Sequence[list[str]], readable: NDArray[np.bool_]
    ) -> Iterator[EntryHits]:
        """For each vector, (queries, dim), and its query the passages whose entries are nearest.

        `readable`: bool (n,), for the first n rows of the store, of which each document has all or none.
        """
        of_entry = self._of(len(readable))
        mask = readable[of_entry]
        for vector, query in zip(vectors, queries, strict=True):
            near, cosine = (found[0] for found in self._vectors.nearest(vector[None, :], mask, NEAREST))
            near, cosine = near[near >= 0], cosine[near >= 0]
            bm25 = self._keywords.scores(query, mask)
            found = np.flatnonzero(bm25)
            best = found[np.argsort(-bm25[found], kind="stable")[:NEAREST]]
            rows = np.unique(of_entry[np.concatenate([near, best])])
            cosines, words = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.float32)
            np.maximum.at(cosines, np.searchsorted(rows, of_entry[near]), cosine)
            np.maximum.at(words, np.searchsorted(rows, of_entry[best]), bm25[best])
            yield EntryHits(rows, cosines, words)

    def _of(self, rows: int) -> NDArray[np.int64]:
        """The store's row of each entry that belongs to one of the first `rows`: int64 (n,), ascending."""
        with self._lock:
            appended = self._rows[: self._count]
        return appended[: np.searchsorted(appended, rows)]

    def arrays(self, rows: int) -> dict[str, NDArray[np.generic]]:
        """The entries of the store's first `rows` as plain arrays for a snapshot; none where there are none."""
        of_entry = self._of(rows)
        if not len(of_entry):
            return {}
        keywords = {f"bm25{name}": values for name, values in self._keywords.arrays(len(of_entry)).items()}
        return {"rows": of_entry, "vectors": self._vectors.of(np.arange(len(of_entry))), **keywords}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> "EntryIndex":
        """Raises KeyError, ValueError for arrays that are not those of `arrays`."""
        index = cls()
        if arrays:
            index._vectors.add(arrays["vectors"].astype(np.float32))
            index._rows = arrays["rows"].astype(np.int64)
            index._count = len(index._rows)
            index._keywords = KeywordIndex.from_arrays({k[4:]: v for k, v in arrays.items() if k.startswith("bm25")})
            if not index._count == len(index._keywords) == len(index._vectors):
                raise ValueError("its entries are of different lengths")
        return index
