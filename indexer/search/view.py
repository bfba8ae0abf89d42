"""What one search sees: the index at one moment, through one scope."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.knowledge.tables import Chunk
from indexer.passages import Scope
from indexer.search.spelling import corrected
from indexer.search.state import State
from indexer.search.vectors import Vectors
from indexer.text.terms import stem, words

CANDIDATES = 100
"""Rows that each kind of search puts forward."""
SPELT_ROWS = 200
"""Rows with a word's stem that are read to see whether the word itself stands there."""


@dataclass(frozen=True)
class Candidates:
    """Rows that any of the queries found, with all scores of each: arrays (n,) and (queries, n)."""

    chunk_ids: NDArray[np.int64]
    document_ids: NDArray[np.int64]
    cosine: NDArray[np.float32]
    bm25: NDArray[np.float32]  # of the row or of its best entry
    entry_cosine: NDArray[np.float32]  # of its nearest entry, 0 where it has none or none was near


@dataclass(frozen=True)
class View:
    """Finds the same however often it is asked, whatever the store takes up meanwhile. Thread-safe; holds no lock.

    A row outside the scope is neither scored nor counted.
    """

    scope: Scope
    state: State
    mask: NDArray[np.bool_]  # (rows of the state,): those that the scope searches
    engine: Engine

    def search(self, vectors: Vectors, queries: Sequence[list[str]], count: int = CANDIDATES) -> Candidates:
        """The best rows by cosine with each vector (float32 (queries, dim), unit rows) and by BM25 for each's terms,
        `count` of each kind."""
        if not self.mask.any():
            nothing, none = np.zeros(0, np.int64), np.zeros((len(queries), 0), np.float32)
            return Candidates(nothing, nothing, none, none, none)
        found = [self.state.vectors.nearest(vectors, self.mask, count)[0].ravel()]
        bm25 = np.stack([self.state.keywords.scores(query, self.mask) for query in queries])
        entry_cosine = np.zeros_like(bm25)
        for number, hits in enumerate(self.state.entries.search(vectors, queries, self.mask)):
            np.maximum.at(bm25[number], hits.rows, hits.bm25)
            entry_cosine[number, hits.rows] = hits.cosine
            found += [hits.rows, self._best(bm25[number], count)]
        rows = np.unique(np.concatenate(found))
        rows = rows[rows >= 0]
        cosine = vectors @ self.state.vectors.of(rows).T  # (queries, n)
        known = self.state.rows.values[rows]
        return Candidates(known["chunk"], known["document"], cosine, bm25[:, rows], entry_cosine[:, rows])

    def copies(self, chunk_ids: Sequence[int]) -> dict[int, list[int]]:
        """For each of these chunks that has any: other chunks with the same words, the oldest first, whether the asker
        may read them or not: who shows them checks that."""
        return self.state.rows.copies(chunk_ids)

    def _best(self, bm25: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Rows with the highest scores above 0, of equal ones those of the oldest chunks; in no order."""
        found = np.flatnonzero(bm25)
        if len(found) <= count:
            return found
        scores = bm25[found]
        least = np.partition(scores, -count)[-count]
        above, equal = found[scores > least], found[scores == least]
        left = count - len(above)
        oldest = np.argpartition(self.state.rows.values["chunk"][equal], left - 1)[:left]
        return np.concatenate([above, equal[oldest]])

    def idf(self, query: Sequence[str]) -> dict[str, float]:
        """How much each term tells inside the scope: 0 for one that stands in every chunk."""
        return self.state.keywords.idf(query, self.mask)

    def corrected(self, text: str) -> str:
        """The text, misspelt words replaced by words that the scope's documents hold (indexer.search.spelling)."""
        return corrected(text, lambda term: len(self.state.keywords.rows(term, self.mask)), self._spells)

    def _spells(self, word: str) -> bool:
        """Whether the scope's documents spell a folded word just so, and not another one with its stem."""
        spellings, rows = self.state.spellings, len(self.mask)
        if self.scope.is_whole_collections:
            granted = [spellings[id_] for id_ in self.scope.collections if id_ in spellings]
            return any(spelt.get(word, rows) < rows for spelt in granted)
        return any(word in spelt for spelt in list(spellings.values())) and self._stands_in_a_row(word)

    def _stands_in_a_row(self, word: str) -> bool:
        """Asked of the database where a collection is readable in part, since spellings are known by collection."""
        held = self.state.keywords.rows(stem(word), self.mask)[:SPELT_ROWS]
        chunks = select(Chunk.prefix, Chunk.body).where(
            col(Chunk.id).in_(self.state.rows.values["chunk"][held].tolist())
        )
        with Session(self.engine) as session:
            return any(word in words(f"{prefix}\n{body}") for prefix, body in session.exec(chunks))
