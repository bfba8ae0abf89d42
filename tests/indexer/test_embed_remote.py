"""Vectors from a running server: the same as its embedder's own, and an own model where no server can give them."""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import embed_remote
from indexer.client import ServerAddress, write_address
from indexer.embed import ChunkVectors, EmbeddingInput
from indexer.embed_remote import FEW_CHUNKS, MOST_CHUNKS, SparingEmbedder, vectors_answer
from indexer.settings import IndexerSettings
from tests.word_embedder import DIMENSION, WordEmbedder

CHUNK = EmbeddingInput("Leave", "Annual leave is thirty days. Ask first. 日本語 🙂", ((0, 28), (29, 39)))
HEADING = EmbeddingInput("Leave", "Heading", ())


class Server:
    """Answers POST /local/vectors with the word embedder's vectors, or with `says`; breaks off after `lives` times."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.status = 200
        self.says: object = None
        self.lives = 1_000
        self.hangs: threading.Event | None = None  # until it is set

    def answer(self, body: dict[str, Any]) -> object:
        self.asked.append(body)
        chunks = [
            EmbeddingInput(one["prefix"], one["body"], tuple(map(tuple, one["sentences"]))) for one in body["chunks"]
        ]
        return self.says or vectors_answer(DIMENSION, WordEmbedder().encode_chunks(chunks))


@pytest.fixture
def server(settings: IndexerSettings) -> Iterator[Server]:
    scripted = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(200, {})

        def do_POST(self) -> None:
            assert (self.path, self.headers["Authorization"]) == ("/local/vectors", "Bearer token")
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if scripted.hangs is not None:
                scripted.asked.append(body)
                scripted.hangs.wait(20)
                return
            scripted.lives -= 1
            if scripted.lives >= 0:
                self.reply(scripted.status, scripted.answer(body))

        def reply(self, status: int, answer: object) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    settings.data.mkdir(parents=True)
    write_address(settings.server_file, ServerAddress(f"http://127.0.0.1:{http.server_port}", os.getpid(), "token"))
    yield scripted
    http.shutdown()
    http.server_close()
    thread.join()


class Own(WordEmbedder):
    """The model that a command loads itself: counts how often it was."""

    opened = 0

    def __call__(self, _settings: IndexerSettings) -> "Own":
        self.opened += 1
        return self


@pytest.fixture
def own() -> Own:
    return Own()


def assert_same(found: Sequence[ChunkVectors], chunks: Sequence[EmbeddingInput]) -> None:
    """Bit for bit: nothing is rounded on the way."""
    expected = WordEmbedder().encode_chunks(chunks)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.vector.dtype == one.sentences.dtype == np.float32
        assert np.array_equal(one.vector, other.vector)
        assert np.array_equal(one.sentences, other.sentences)
        assert one.sentences.shape == other.sentences.shape


def test_a_few_chunks_come_from_the_server_and_nothing_is_loaded(
    settings: IndexerSettings, server: Server, own: Own
) -> None:
    embedder = SparingEmbedder(settings, own)
    assert embedder.dimension == DIMENSION
    chunks = [CHUNK, HEADING] * 40
    assert_same(embedder.encode_chunks(chunks), chunks)
    assert [len(one["chunks"]) for one in server.asked] == [0, MOST_CHUNKS, MOST_CHUNKS, 80 - 2 * MOST_CHUNKS]
    assert {one["model"] for one in server.asked} == {settings.embedder}
    assert own.opened == 0


def test_the_server_is_told_which_files_the_model_has(
    settings: IndexerSettings, server: Server, own: Own, tmp_path: Path
) -> None:
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "weights").write_bytes(b"before")
    settings = settings.model_copy(update={"embedder": str(tmp_path)})
    for written in (b"longer than before", b"LONGER THAN BEFORE"):
        SparingEmbedder(settings, own).encode_chunks([CHUNK])
        (tmp_path / "weights").write_bytes(written)
        os.utime(tmp_path / "weights", ns=(0, len(server.asked)))
    SparingEmbedder(settings, own).encode_chunks([CHUNK])
    SparingEmbedder(settings, own).encode_chunks([CHUNK])
    digests = [one["digest"] for one in server.asked]
    assert len(set(digests)) == 3
    assert digests[2] == digests[3]


def test_a_server_that_hangs_is_asked_once(
    settings: IndexerSettings, server: Server, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed_remote, "ENCODE_SECONDS", 0.01)
    server.hangs = threading.Event()
    embedder = SparingEmbedder(settings, own)
    try:
        for _ in range(2):
            assert_same(embedder.encode_chunks([CHUNK]), [CHUNK])
    finally:
        server.hangs.set()
    assert embedder.dimension == DIMENSION
    assert own.opened == 1
    assert len(server.asked) <= 1


def test_long_chunks_are_sent_in_smaller_parts(settings: IndexerSettings, server: Server, own: Own) -> None:
    long = EmbeddingInput("", "🙂" * (embed_remote.MOST_CHARACTERS // 3), ())
    SparingEmbedder(settings, own).encode_chunks([long] * 7)
    assert [len(one["chunks"]) for one in server.asked] == [3, 3, 1]


def test_many_chunks_load_the_own_model_which_then_stays(settings: IndexerSettings, server: Server, own: Own) -> None:
    embedder = SparingEmbedder(settings, own)
    many = [CHUNK] * FEW_CHUNKS
    assert_same(embedder.encode_chunks(many), many)
    assert_same(embedder.encode_chunks([HEADING]), [HEADING])
    assert (own.opened, server.asked) == (1, [])


def test_without_a_server_the_own_model_is_loaded(settings: IndexerSettings, own: Own) -> None:
    embedder = SparingEmbedder(settings, own)
    assert embedder.dimension == DIMENSION
    assert_same(embedder.encode_chunks([CHUNK]), [CHUNK])
    assert own.opened == 1


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (503, {"error": {"message": "The search model is not loaded."}}),
        (404, {"error": {"message": "This server has another embedding model."}}),
        (200, {"dimension": DIMENSION}),
        (200, {"dimension": DIMENSION, "vectors": "AAAA", "sentences": ""}),
        (200, {"dimension": DIMENSION, "vectors": "no base64!", "sentences": ""}),
        (200, {"dimension": "many", "vectors": "", "sentences": ""}),
        (200, [1, 2]),
    ],
)
def test_a_server_that_cannot_give_vectors_is_done_without(
    settings: IndexerSettings, server: Server, own: Own, status: int, says: object
) -> None:
    server.status, server.says = status, says
    embedder = SparingEmbedder(settings, own)
    assert_same(embedder.encode_chunks([CHUNK, HEADING]), [CHUNK, HEADING])
    assert own.opened == 1


def test_a_server_that_goes_away_midway_is_done_without(settings: IndexerSettings, server: Server, own: Own) -> None:
    server.lives = 2
    embedder = SparingEmbedder(settings, own)
    chunks = [CHUNK, HEADING] * 40
    assert_same(embedder.encode_chunks(chunks), chunks)
    assert len(server.asked) == 2
    assert own.opened == 1
