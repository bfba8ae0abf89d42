"""Entries in memory, beside the store's rows: a text that is found leads to the row of its passage.

They have an index of their own, so that the passages' word statistics stay those of the documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.search.keywords import KeywordIndex
from indexer.text.terms import terms

NEAREST = 200
"""Entries that each kind of search looks at: a passage has up to seven."""


@dataclass(frozen=True)
class Led:
    """Rows of passages that entries lead to; all arrays (n,), rows distinct and ascending."""

    rows: NDArray[np.int64]
    cosine: NDArray[np.float32]  # of the row's nearest entry, 0 where none was near
    bm25: NDArray[np.float32]  # of its best entry, 0 where no term occurs


class EntryIndex:
    def __init__(self) -> None:
        self._faiss: faiss.Index | None = None
        self._keywords = KeywordIndex()
        self._rows = np.zeros(0, np.int64)  # entry -> the store's row of its passage

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Sequence[int], texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Append entries; `vectors`: float32 (n, dim), unit rows."""
        if self._faiss is None:
            self._faiss = faiss.IndexFlatIP(vectors.shape[1])
        self._faiss.add(np.ascontiguousarray(vectors))
        for text in texts:
            self._keywords.add(terms(text))
        self._rows = np.append(self._rows, np.array(rows, np.int64))

    def search(self, vector: NDArray[np.float32], query: list[str], readable: NDArray[np.bool_]) -> Led:
        """The passages whose entries are nearest; `readable`: bool, one for each row of the store."""
        if self._faiss is None:
            nothing = np.zeros(0, np.float32)
            return Led(np.zeros(0, np.int64), nothing, nothing)
        mask = readable[self._rows]
        near, cosine = (found[0] for found in nearest(self._faiss, vector[None, :], mask, NEAREST))
        near, cosine = near[near >= 0], cosine[near >= 0]
        bm25 = self._keywords.scores(query, mask)
        found = np.flatnonzero(bm25)
        best = found[np.argsort(-bm25[found], kind="stable")[:NEAREST]]
        rows = np.unique(self._rows[np.concatenate([near, best])])
        cosines, words = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.float32)
        np.maximum.at(cosines, np.searchsorted(rows, self._rows[near]), cosine)
        np.maximum.at(words, np.searchsorted(rows, self._rows[best]), bm25[best])
        return Led(rows, cosines, words)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The index as plain arrays for a snapshot; none where it is empty."""
        if self._faiss is None:
            return {}
        vectors = self._faiss.reconstruct_n(0, self._faiss.ntotal)
        return {"rows": self._rows, "vectors": vectors} | {
            f"bm25{name}": values for name, values in self._keywords.arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> "EntryIndex":
        """Raises KeyError, ValueError for arrays that are not those of `arrays`."""
        index = cls()
        if arrays:
            vectors = arrays["vectors"].astype(np.float32)
            index._faiss = faiss.IndexFlatIP(vectors.shape[1])
            index._faiss.add(vectors)
            index._rows = arrays["rows"].astype(np.int64)
            index._keywords = KeywordIndex.from_arrays({k[4:]: v for k, v in arrays.items() if k.startswith("bm25")})
            if not len(index._rows) == len(index._keywords) == len(vectors):
                raise ValueError("its entries are of different lengths")
        return index


def nearest(
    index: faiss.Index, vectors: NDArray[np.float32], mask: NDArray[np.bool_], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(rows, cosines) of the nearest rows inside the mask for each vector, best first: (vectors, at most `count`).

    Where FAISS found fewer, the rest of the rows are -1.
    """
    bitmap = np.packbits(mask, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(bitmap))
    wanted = min(count, int(mask.sum()))
    if not wanted:
        return np.zeros((len(vectors), 0), np.int64), np.zeros((len(vectors), 0), np.float32)
    cosine, rows = index.search(vectors, wanted, params=faiss.SearchParameters(sel=selector))  # type: ignore[call-arg]
    return rows, cosine
