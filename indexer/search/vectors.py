"""Vectors in memory: the nearest of those that may be looked at. The only importer of FAISS."""

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

SPARE = 0.25
"""Room for as many more, as a share of the vectors, is made with each move of all of them: it must be rare,
though nobody waits for it."""
LEAST_SPARE = 1_024


class VectorIndex:
    """Unit vectors of one length, numbered from 0 in the order of `add`, compared by cosine.

    They stand in an array of ours, since a FAISS index moves its vectors under the searches as it grows. Any number of
    threads may search while one adds, and nobody waits: `_room` is replaced as a whole when it is full, what is in it
    is never written again, and a search looks at nothing behind its mask, so that what is added after a mask was made
    changes nothing of what is found through it.
    """

    def __init__(self, vectors: Vectors | None = None) -> None:
        """`vectors`: float32 (n, dim), not written to from now on; without them the first addition says the length."""
        self._room = np.zeros((0, 0), np.float32) if vectors is None else vectors
        self._count = len(self._room)

    def __len__(self) -> int:
        return self._count

    @property
    def dimension(self) -> int | None:
        return self._room.shape[1] or None

    def add(self, vectors: Vectors) -> None:
        """Append vectors: float32 (n, dim). Raises ValueError where they are of another length."""
        if self._count and vectors.shape[1] != self.dimension:
            raise ValueError(f"vectors of length {vectors.shape[1]}, not {self.dimension}")
        end = self._count + len(vectors)
        if end > len(self._room):
            room = np.empty((end + max(int(SPARE * end), LEAST_SPARE), vectors.shape[1]), np.float32)
            if self._count:
                room[: self._count] = self._room[: self._count]
            self._room = room
        self._room[self._count : end] = vectors
        self._count = end

    def nearest(self, vectors: Vectors, mask: NDArray[np.bool_], count: int) -> tuple[NDArray[np.int64], Vectors]:
        """(rows, cosines) of the nearest rows inside the mask for each vector, best first: (vectors, at most `count`).

        `mask`: bool (n,), for the first n rows. Where FAISS found fewer, the rest of the rows are -1.
        """
        wanted = min(count, int(mask.sum()))
        rows, cosine = np.empty((len(vectors), wanted), np.int64), np.empty((len(vectors), wanted), np.float32)
        if not wanted:
            return rows, cosine
        asked, known = np.ascontiguousarray(vectors, np.float32), self._room[: len(mask)]
        bitmap = np.packbits(mask, bitorder="little")
        faiss.knn_inner_product(  # all that an IndexFlatIP's search does
            *(faiss.swig_ptr(asked), faiss.swig_ptr(known), known.shape[1], len(asked), len(known)),
            *(wanted, faiss.swig_ptr(cosine), faiss.swig_ptr(rows)),
            faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap)),
        )
        return rows, cosine

    def of(self, rows: NDArray[np.int64]) -> Vectors:
        """The vectors of some rows: float32 (rows, dim)."""
        return self._room[rows]

    def write(self, path: Path, count: int) -> None:
        """The first `count`, one at least, as a FAISS index; a copy of them is made for it. Raises OSError."""
        known = self._room[:count]
        index = faiss.IndexFlatIP(known.shape[1])
        index.add(known)
        try:
            faiss.write_index(index, str(path))
        except RuntimeError as error:  # how FAISS says that the disk is full
            raise OSError(str(error)) from error

    @classmethod
    def read(cls, path: Path) -> "VectorIndex":
        """Raises RuntimeError for damaged bytes."""
        index = faiss.read_index(str(path))
        return cls(np.asarray(index.reconstruct_n(0, index.ntotal), np.float32))
