"""A question is encoded at once, whatever is being encoded for an ingest."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexer.embed import ChunkVectors, EmbeddingInput, Vectors
from server.runtime import questions_first
from server.runtime.questions_first import TEXTS_AT_ONCE, QuestionsFirst
from tests.word_embedder import WordEmbedder

WAIT = 20  # seconds until a test that waits for another thread gives up
CHUNKS = [EmbeddingInput("", f"text number {n}", ((0, 4),)) for n in range(3 * TEXTS_AT_ONCE)]


class Gated(WordEmbedder):
    """Stops in each question, and after the first texts of a document, until it may go on; writes down the order."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.asked, self.answer = threading.Event(), threading.Event()
        self.encoding, self.go_on = threading.Event(), threading.Event()

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        if texts == ["question"]:
            self.asked.set()
            assert self.answer.wait(WAIT)
            self.order.append("question")
        return super().encode_queries(texts)

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        self.encoding.set()
        assert self.go_on.wait(WAIT)
        self.order.append(f"{len(chunks)} texts")
        return super().encode_chunks(chunks)


def test_a_question_does_not_wait_and_the_next_texts_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions_first, "PATIENCE_SECONDS", WAIT)
    gated = Gated()
    shared = QuestionsFirst(gated)
    with ThreadPoolExecutor() as threads:
        encoded = threads.submit(shared.encode_chunks, CHUNKS)
        assert gated.encoding.wait(WAIT)
        question = threads.submit(shared.encode_queries, ["question"])
        assert gated.asked.wait(WAIT), "it does not wait for the texts that are being encoded"
        gated.go_on.set()
        gated.answer.set()
        vectors = encoded.result(WAIT)
        question.result(WAIT)
    assert gated.order.count(f"{TEXTS_AT_ONCE} texts") == 3
    assert gated.order.index("question") <= 1, "no more than the texts under way come before it"
    for one, other in zip(vectors, WordEmbedder().encode_chunks(CHUNKS), strict=True):
        assert np.array_equal(one.vector, other.vector)
        assert np.array_equal(one.sentences, other.sentences)


def test_ceaseless_questions_do_not_keep_texts_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions_first, "PATIENCE_SECONDS", 0.01)
    gated = Gated()
    gated.go_on.set()
    shared = QuestionsFirst(gated)
    with ThreadPoolExecutor() as threads:
        question = threads.submit(shared.encode_queries, ["question"])
        assert gated.asked.wait(WAIT)
        assert len(threads.submit(shared.encode_chunks, CHUNKS).result(WAIT)) == len(CHUNKS)
        gated.answer.set()
        question.result(WAIT)
