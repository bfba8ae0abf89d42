"""The store's rows in memory: which chunk each is of, whether it still counts, and which of them an asker may find.

A text may stand many times: a file that was copied, a page that every folder has. Of the rows with the same words in a
scope only the `COPIES` oldest chunks' are searched and counted, so that copies neither fill the answer nor make their
words look common; `copies` leads from it to the others. Which they are is decided in each scope for itself: what may
not be read hides nothing.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indexer.text.folding import folded

ROW = np.dtype(
    [("chunk", np.int64), ("document", np.int64), ("collection", np.int64), ("text", np.int64), ("alive", np.bool_)]
)
COPIES = 1
"""Multi-turn asks for all places of a text: recall@5 .933 with 1, where those that are named count, .926 with 3."""
FINGERPRINTS = "2"
"""Raised whenever the same texts would have other fingerprints, so that those of a snapshot are made anew."""


class Rows:
    """Never changed: `after` makes others."""

    def __init__(self, values: NDArray[np.void] | None = None) -> None:
        """`values`: (n,) of ROW, not written to from now on. Raises ValueError for an array of another kind."""
        self.values = np.zeros(0, ROW) if values is None else values
        if self.values.dtype != ROW or self.values.ndim != 1:
            raise ValueError("they are not rows")

    def __len__(self) -> int:
        return len(self.values)

    @property
    def alive(self) -> int:
        return int(self.values["alive"].sum())

    def after(self, ended: Sequence[int], added: Sequence[NDArray[np.void]]) -> "Rows":
        """These, of which those of the `ended` documents do not count any more, and behind them the `added` ones."""
        values = np.concatenate([self.values, *added])
        values["alive"][: len(self)] &= ~np.isin(self.values["document"], ended)
        return Rows(values)

    def copies(self, chunk_ids: Sequence[int]) -> dict[int, list[int]]:
        """For each of these chunks that has any: the chunks of other living rows with its words, the oldest first."""
        wanted = np.array(chunk_ids, np.int64)
        texts, by_text = self._orders["text"]
        chunks, by_chunk = self._orders["chunk"]
        found: dict[int, list[int]] = {}
        for place in np.searchsorted(chunks, wanted[np.isin(wanted, chunks)]).tolist():
            chunk, text = chunks[place].item(), self.values["text"][by_chunk[place]]
            first, last = np.searchsorted(texts, text, "left"), np.searchsorted(texts, text, "right")
            same = self.values["chunk"][by_text[first:last]].tolist()
            if len(same) > 1:
                found[chunk] = sorted(id_ for id_ in same if id_ != chunk)
        return found

    @cached_property
    def _orders(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """The living rows' values of a field in ascending order, and the rows in that order."""
        alive = np.flatnonzero(self.values["alive"])
        orders = {field: alive[np.argsort(self.values[field][alive])] for field in ("text", "chunk")}
        return {field: (self.values[field][order], order) for field, order in orders.items()}

    def of_collections(self, ids: Collection[int]) -> NDArray[np.bool_]:
        """Which rows a search of these collections looks at: bool (n,)."""
        return self._searched("collection", ids)

    def of_documents(self, ids: Collection[int]) -> NDArray[np.bool_]:
        """Which rows a search of these documents looks at: bool (n,)."""
        return self._searched("document", ids)

    def _searched(self, field: str, ids: Collection[int]) -> NDArray[np.bool_]:
        """Of the living rows with one of these ids, those whose text no `COPIES` older chunks have."""
        among = np.flatnonzero(self.values["alive"] & np.isin(self.values[field], list(ids)))
        text, chunk = self.values["text"][among], self.values["chunk"][among]
        order = np.lexsort((chunk, text))
        sorted_text = text[order]
        kept = np.ones(len(among), np.bool_)
        kept[COPIES:] = sorted_text[COPIES:] != sorted_text[:-COPIES]
        mask = np.zeros(len(self), np.bool_)
        mask[among[order[kept]]] = True
        return mask


def rows_of(document_id: int, collection_id: int, chunk_ids: Sequence[int], texts: Iterable[str]) -> NDArray[np.void]:
    """The chunks of a document as rows that count: (chunks,) of ROW."""
    rows = np.zeros(len(chunk_ids), ROW)
    rows["chunk"], rows["document"], rows["collection"] = chunk_ids, document_id, collection_id
    rows["text"], rows["alive"] = [fingerprint(text) for text in texts], True
    return rows


def fingerprint(text: str) -> int:
    """64 bits that differ for texts with other words; white space and case do not count."""
    digest = hashlib.blake2b(folded(text).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
