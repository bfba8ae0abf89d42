"""The search model as questions and documents share it: a question never waits for more than a few texts of a document.

An ingest of a few files has them encoded here (server.web.api.local), in the process that answers questions.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from indexer.embed import ChunkVectors, Embedder, EmbeddingInput, Vectors
from indexer.text.word_pieces import WordPieces

TEXTS_AT_ONCE = 4
"""Texts of a document between looks for a question: a quarter of a second, as two cores read 32 a second."""
PATIENCE_SECONDS = 1.0  # that a document's texts wait at most, so that ceaseless questions do not keep them out


class QuestionsFirst:
    """An `Embedder` over another one. A question is encoded at once, beside what is being encoded already; texts of
    documents begin only when no question is. Thread-safe."""

    def __init__(self, embedder: Embedder) -> None:
        self.name = embedder.name
        self._embedder = embedder
        self._one_document = threading.Lock()
        self._changed = threading.Condition()
        self._questions = 0  # that are being encoded

    @property
    def digest(self) -> str:
        return self._embedder.digest

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    @property
    def tokenizer(self) -> WordPieces:
        return self._embedder.tokenizer

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        with self._question():
            return self._embedder.encode_queries(texts)

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        vectors: list[ChunkVectors] = []
        for at in range(0, len(chunks), TEXTS_AT_ONCE):
            with self._one_document:
                self._let_questions_pass()
                vectors += self._embedder.encode_chunks(chunks[at : at + TEXTS_AT_ONCE])
        return vectors

    @contextmanager
    def _question(self) -> Iterator[None]:
        with self._changed:
            self._questions += 1
        try:
            yield
        finally:
            with self._changed:
                self._questions -= 1
                self._changed.notify_all()

    def _let_questions_pass(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._questions == 0, PATIENCE_SECONDS)
