"""Rebuilds that are ended as by a kill, and embedders to tell one generation of vectors from another."""

from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import Engine, event

from indexer.embed import ChunkVectors, EmbeddingInput
from tests.word_embedder import WordEmbedder


class Ended(Exception):  # noqa: N818 (as a kill, no error)
    """The rebuild ends here, as by a kill: what is committed stays."""


class TurnedEmbedder(WordEmbedder):
    """Another model of the same dimension: what it says of a text is the opposite of what the first one says."""

    digest, sign = "turned", -1

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        return np.asarray(self.sign * super().encode_queries(texts), np.float32)

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        found = super().encode_chunks(chunks)  # whose sentences are turned already
        return [ChunkVectors(np.asarray(self.sign * one.vector, np.float32), one.sentences) for one in found]


class Meanwhile(TurnedEmbedder):
    """Does something at a call, when documents were read and nothing of them is written yet."""

    def __init__(self, do: Callable[[], object], at: int = 1, digest: str = "turned", sign: int = -1) -> None:
        self.do, self.left, self.digest, self.sign = do, at, digest, sign

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        self.left -= 1
        if self.left == 0:
            self.do()
        return super().encode_chunks(chunks)


def ended_after(engine: Engine, commits: int) -> Callable[[], None]:
    """Let nothing be committed after so many commits."""
    left = commits

    def count(_connection: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Ended

    event.listen(engine, "commit", count)

    def restore() -> None:
        event.remove(engine, "commit", count)
        engine.dispose()  # as the end of a process: what is open is rolled back

    return restore
