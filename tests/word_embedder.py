"""An embedder without a model: a text's vector counts its words, each in the dimension that its checksum names.

Texts that share words are close, others nearly not; the same text has the same vector on every machine.
"""

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np

from indexer.embed import ChunkVectors, EmbeddingInput, Vectors

DIMENSION = 64


class WordEmbedder:
    name = "words"

    @property
    def digest(self) -> str:
        return self.name

    @property
    def dimension(self) -> int:
        return DIMENSION

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 (n, DIMENSION), unit rows."""
        return np.stack([word_vector(text) for text in texts]) if texts else np.zeros((0, DIMENSION), np.float32)

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        return [
            ChunkVectors(
                word_vector(f"{chunk.prefix}\n{chunk.body}"),
                self.encode_queries([chunk.body[start:end] for start, end in chunk.sentences]),
            )
            for chunk in chunks
        ]


def word_vector(text: str) -> Vectors:
    """float32 (DIMENSION,), unit length; a text without words has the first axis."""
    vector = np.zeros(DIMENSION, np.float32)
    for word in re.findall(r"\w+", text.lower()):
        vector[crc32(word.encode()) % DIMENSION] += 1
    if not vector.any():
        vector[0] = 1
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
