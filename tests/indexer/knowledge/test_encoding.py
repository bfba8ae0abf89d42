"""Batches are encoded in order, one ahead of who uses them; large ones are not held two at a time."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from indexer.documents.chunk import ChunkDraft
from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.documents.reading import ReadFile, small_together
from indexer.documents.scan import ScannedFile
from indexer.embed import ChunkVectors, EmbeddingInput
from indexer.knowledge.encoding import AT_ONCE, CHUNKS_AHEAD, encode_ahead
from tests.word_embedder import WordEmbedder, word_vector

WAIT = 20  # seconds that nothing here takes


def read_file(name: str, chunks: int = 1) -> ReadFile:
    text = f"word{name}"
    document = ExtractedDocument(name, text, (Block("paragraph", 0, len(text)),), None, ())
    draft = ChunkDraft("", ((0, ""),), None, 0, len(text), ((0, len(text)),))
    return ReadFile(ScannedFile(Path("/docs"), name), "", 0, document, [draft] * chunks)


class Asked:
    """Batches of files, and how many of them were asked for."""

    def __init__(self, *batches: list[ReadFile]) -> None:
        self.batches = batches
        self.count = 0

    def __iter__(self) -> Iterator[list[ReadFile]]:
        for batch in self.batches:
            self.count += 1
            yield batch


def test_batches_keep_their_order_and_their_vectors() -> None:
    asked = Asked(*[[read_file(f"{number}.a"), read_file(f"{number}.b")] for number in range(5)])
    with closing(encode_ahead(iter(asked), WordEmbedder)) as encoded:
        for number, (batch, parts) in enumerate(encoded):
            vectors = [one for part in parts for one in part]
            assert [file.file.path for file in batch] == [f"{number}.a", f"{number}.b"]
            for file, found in zip(batch, vectors, strict=True):
                assert (found.vector == word_vector(f"\n{file.document.text}")).all()
    assert number == 4


def test_the_next_batch_is_asked_for_while_one_is_encoded() -> None:
    asked = Asked([read_file("1")], [read_file("2")], [read_file("3")])
    goes_on = threading.Event()

    class Waiting(WordEmbedder):
        def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
            assert goes_on.wait(WAIT)
            return super().encode_chunks(chunks)

    with closing(encode_ahead(iter(asked), Waiting)) as encoded:
        next(encoded)
        assert asked.count == 2, "one is awaited, and one more was read"
        goes_on.set()
        assert len(list(encoded)) == 2


def test_a_large_document_is_used_before_more_is_read() -> None:
    large = read_file("large", CHUNKS_AHEAD + 1)
    asked = Asked([read_file("1")], [large], [read_file("3")])
    with closing(encode_ahead(iter(asked), WordEmbedder)) as encoded:
        assert next(encoded)[0] == asked.batches[0]
        batch, parts = next(encoded)
        assert batch == [large]
        sizes = [len(part) for part in parts]
        assert asked.count == 2, "what comes after it waits until its vectors are used"
    assert sum(sizes) == CHUNKS_AHEAD + 1
    assert max(sizes) == AT_ONCE


def test_what_fails_is_raised_where_it_is_used_and_nothing_after_it_is_encoded() -> None:
    tried: list[str] = []

    class Failing(WordEmbedder):
        def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
            tried.append(chunks[0].body)
            if chunks[0].body == "word2":
                raise MemoryError
            return super().encode_chunks(chunks)

    asked = Asked(*[[read_file(str(number))] for number in range(1, 6)])
    with closing(encode_ahead(iter(asked), Failing)) as encoded:
        _, parts = next(encoded)
        assert len(list(parts)) == 1
        _, parts = next(encoded)
        with pytest.raises(MemoryError):
            list(parts)
    assert tried[:2] == ["word1", "word2"]
    assert "word5" not in tried


def test_no_embedder_is_opened_where_there_is_nothing_to_encode() -> None:
    def opened() -> WordEmbedder:
        raise AssertionError

    assert list(encode_ahead(iter([]), opened)) == []


def test_small_files_are_put_together_and_large_ones_stand_alone() -> None:
    files = [read_file(str(at), chunks) for at, chunks in enumerate([1, 2, 9, 1, 1, 3, 1])]
    assert [[len(file.drafts) for file in some] for some in small_together(files, 4)] == [[1, 2], [9], [1, 1], [3, 1]]
    assert list(small_together([], 4)) == []
