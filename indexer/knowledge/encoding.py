"""Chunks to the vectors that are stored of them, however many a document has."""

from collections.abc import Iterator, Sequence

import numpy as np

from indexer.documents.chunk import ChunkDraft
from indexer.embed import ChunkVectors, Embedder, EmbeddingInput
from indexer.errors import OverLimit

AT_ONCE = 256
"""Chunks whose vectors are asked for at once: those of all tokens of a long document would fill the memory."""


def encoded(chunks: Sequence[tuple[str, ChunkDraft]], embedder: Embedder) -> Iterator[list[ChunkVectors]]:
    """The vectors of chunks, each given with its document's text, some at a time; sentences in float16, as they are
    stored."""
    for at in range(0, len(chunks), AT_ONCE):
        found = embedder.encode_chunks([embedding_input(text, draft) for text, draft in chunks[at : at + AT_ONCE]])
        yield [ChunkVectors(one.vector, one.sentences.astype(np.float16)) for one in found]


def embedding_input(text: str, draft: ChunkDraft) -> EmbeddingInput:
    sentences = tuple((start - draft.start, end - draft.start) for start, end in draft.sentences)
    return EmbeddingInput(draft.prefix, text[draft.start : draft.end], sentences)


def check_memory(drafts: Sequence[ChunkDraft], dimension: int, memory_mb: int) -> None:
    """Raises OverLimit where the vectors of a document's chunks, float32, and sentences, float16, take more memory."""
    sentences = sum(len(draft.sentences) for draft in drafts)
    needed_mb = (4 * len(drafts) + 2 * sentences) * dimension >> 20
    if needed_mb > memory_mb:
        raise OverLimit(
            f"Its {len(drafts):,} passages with {sentences:,} sentences and rows need {needed_mb:,} MB of memory for "
            f"their vectors, more than the {memory_mb:,} MB that one file may take.",
            "Split it, or raise DOCENT_EXTRACT_MEMORY_MB.",
        )
