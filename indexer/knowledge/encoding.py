"""Chunks to the vectors that are stored of them, however many a document has."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from indexer.documents.chunk import ChunkDraft
from indexer.documents.reading import ReadFile
from indexer.embed import ChunkVectors, Embedder, EmbeddingInput
from indexer.errors import OverLimit

AT_ONCE = 256
"""Chunks whose vectors are asked for at once: enough to sort by length, and no more than an interrupt can wait for."""

CHUNKS_AHEAD = 1024
"""Chunks of a batch that is used before more is read: the vectors of a large document may take all the memory that
there is for a file."""

Placed = tuple[str, ChunkDraft]
"""A chunk with its document's text."""


def encoded(chunks: Sequence[Placed], embedder: Embedder) -> Iterator[list[ChunkVectors]]:
    """The vectors of chunks, some at a time; sentences in float16, as they are stored."""
    for at in range(0, len(chunks), AT_ONCE):
        yield _encode(chunks[at : at + AT_ONCE], embedder)


def encode_ahead(
    batches: Iterator[list[ReadFile]], embedder: Callable[[], Embedder]
) -> Generator[tuple[list[ReadFile], Iterator[list[ChunkVectors]]], None, None]:
    """Each batch of files with its chunks' vectors, some at a time, in order. A thread encodes one batch while the next
    is asked for and the one before is used. Closing waits for the chunks that are being encoded and drops the rest."""
    under_way: deque[tuple[list[ReadFile], list[Future[list[ChunkVectors]]]]] = deque()
    thread = ThreadPoolExecutor(1, "embed")
    try:
        for batch in batches:
            chunks = [(file.document.text, draft) for file in batch for draft in file.drafts]
            parts = [chunks[at : at + AT_ONCE] for at in range(0, len(chunks), AT_ONCE)]
            opened = embedder()
            under_way.append((batch, [thread.submit(_encode, part, opened) for part in parts]))
            while len(under_way) > 1 or (under_way and len(chunks) > CHUNKS_AHEAD):
                yield _awaited(*under_way.popleft())
        while under_way:
            yield _awaited(*under_way.popleft())
    finally:
        thread.shutdown(cancel_futures=True)


def _awaited(
    batch: list[ReadFile], parts: list[Future[list[ChunkVectors]]]
) -> tuple[list[ReadFile], Iterator[list[ChunkVectors]]]:
    return batch, (part.result() for part in parts)


def _encode(chunks: Sequence[Placed], embedder: Embedder) -> list[ChunkVectors]:
    found = embedder.encode_chunks([embedding_input(text, draft) for text, draft in chunks])
    return [ChunkVectors(one.vector, one.sentences.astype(np.float16)) for one in found]


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
