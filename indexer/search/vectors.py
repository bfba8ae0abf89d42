"""Vectors in memory: the nearest of those that may be looked at. The only importer of FAISS."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class VectorIndex:
    """Unit vectors of one length, numbered from 0 in the order of `add`, compared by cosine.

    Thread-safe. Searches run beside each other, an addition runs alone, since FAISS moves its vectors to another place
    as they grow: `_guard` sees to both. A search looks at no vector behind its mask, so what is added after a mask was
    made changes nothing of what is found through it.
    """

    def __init__(self, index: faiss.Index | None = None) -> None:
        """`index`: an IndexFlatIP; without one the first vectors that are added say how long all of them are."""
        self._index = index
        self._guard = _ReadersWriter()

    def __len__(self) -> int:
        return 0 if self._index is None else int(self._index.ntotal)

    @property
    def dimension(self) -> int | None:
        return None if self._index is None else int(self._index.d)

    def add(self, vectors: Vectors) -> None:
        """Append vectors: float32 (n, dim). Waits for the searches that are under way, and those to come for it."""
        with self._guard.writing():
            if self._index is None:
                self._index = faiss.IndexFlatIP(vectors.shape[1])
            self._index.add(np.ascontiguousarray(vectors))

    def nearest(self, vectors: Vectors, mask: NDArray[np.bool_], count: int) -> tuple[NDArray[np.int64], Vectors]:
        """(rows, cosines) of the nearest rows inside the mask for each vector, best first: (vectors, at most `count`).

        `mask`: bool (n,), for the first n rows. Where FAISS found fewer, the rest of the rows are -1.
        """
        wanted = min(count, int(mask.sum()))
        if not wanted or self._index is None:
            return np.zeros((len(vectors), 0), np.int64), np.zeros((len(vectors), 0), np.float32)
        bitmap = np.packbits(mask, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap))  # the rows behind it are not selected
        selected = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        with self._guard.reading():
            cosine, rows = self._index.search(vectors, wanted, params=selected)
        return rows, cosine

    def of(self, rows: NDArray[np.int64]) -> Vectors:
        """The vectors of some rows: float32 (rows, dim)."""
        if self._index is None:
            return np.zeros((len(rows), 0), np.float32)
        with self._guard.reading():
            return np.asarray(self._index.reconstruct_batch(rows), np.float32)

    def write(self, path: Path) -> None:
        """Raises OSError. There must be vectors: where none were added nothing says how long they are."""
        assert self._index is not None  # noqa: S101 (said above)
        with self._guard.reading():
            try:
                faiss.write_index(self._index, str(path))
            except RuntimeError as error:  # how FAISS says that the disk is full
                raise OSError(str(error)) from error

    @classmethod
    def read(cls, path: Path) -> "VectorIndex":
        """Raises RuntimeError for damaged bytes."""
        return cls(faiss.read_index(str(path)))


class _ReadersWriter:
    """Many read or one writes; who waits to write goes before those who come to read later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # around both fields below
        self._readers = 0
        self._is_writing = False  # or waits for the last reader

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_writing)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_writing)
            self._is_writing = True
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self._readers)
            yield
        finally:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
