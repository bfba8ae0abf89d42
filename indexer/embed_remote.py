"""Vectors from the running server, whose embedding model is loaded already: an ingest of a few files loads no torch.

    POST /local/vectors   {"model", "digest", "chunks": [{"prefix", "body", "sentences": [[start, end], ...]}, ...]}
                       -> {"dimension", "vectors", "sentences"}

Both are base64 of little-endian float32: (chunks, dim), and the sentences of all chunks one after the other (sentences,
dim). Nothing is rounded: what is stored is what the server's model gave. The digest is that of the model's files as the
command finds them: a server that loaded others before they were replaced refuses.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from indexer.client import LocalServer, find_server
from indexer.embed import (
    ChunkVectors,
    Embedder,
    EmbeddingInput,
    SentenceTransformerEmbedder,
    Vectors,
    model_digest,
    model_folder,
)
from indexer.errors import DocentError
from indexer.settings import IndexerSettings
from indexer.text.word_pieces import WordPieces

VECTORS_PATH = "/local/vectors"
MOST_CHUNKS = 32  # of one request; some two seconds of one core
MOST_CHARACTERS = 100_000  # of one request, which may have 1 MiB: four bytes a character, and what JSON adds
ENCODE_SECONDS = 30.0
"""A request takes some two seconds of one core, and waits for questions: a server that needs longer hangs, or is busier
than this machine can bear. It is asked once: a run that could not reach it goes on with a model of its own."""

FEW_CHUNKS = 128
"""Fewer chunks at once come from the server. Two cores read 32 a second, so the one thread of a server some 16; loading
torch takes some 5 s. By that about 160 chunks take as long either way (reckoned, not measured), and more of them would
only slow the server's questions."""


class RemoteEmbedder:
    """The server's model. Its methods raise DocentError where the server does not give vectors of this model."""

    def __init__(self, server: LocalServer, name: str) -> None:
        self._server = server
        self._name = name

    @cached_property
    def digest(self) -> str:
        return model_digest(model_folder(self._name))

    @property
    def dimension(self) -> int:
        return self._ask([])[0]

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        return [vectors for part in _parts(chunks) for vectors in self._ask(part)[1]]

    def _ask(self, chunks: Sequence[EmbeddingInput]) -> tuple[int, list[ChunkVectors]]:
        asked = vectors_request(self._name, self.digest, chunks)
        answer = self._server.post(VECTORS_PATH, asked, seconds=ENCODE_SECONDS)
        try:
            return read_vectors(answer, chunks)
        except (KeyError, TypeError, ValueError) as error:
            raise DocentError(f"The server's vectors cannot be read ({error!r}).") from error


class SparingEmbedder:
    """An `Embedder` that has few chunks encoded by the running server, and loads its own model only for more, or where
    no server can do it."""

    def __init__(
        self,
        settings: IndexerSettings,
        open_own: Callable[[IndexerSettings], Embedder] = SentenceTransformerEmbedder,
    ) -> None:
        self.name = settings.embedder
        self._settings = settings
        self._open_own = open_own
        self._own: Embedder | None = None  # loaded once it is needed, and used from then on

    @cached_property
    def digest(self) -> str:
        return model_digest(model_folder(self.name))

    @cached_property
    def dimension(self) -> int:
        if (remote := self._remote()) is not None:
            try:
                return remote.dimension
            except DocentError:
                pass  # the model here says it too
        return self._opened().dimension

    @cached_property
    def tokenizer(self) -> WordPieces:
        return WordPieces(model_folder(self.name))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._opened().encode_queries(texts)

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        if len(chunks) < FEW_CHUNKS and (remote := self._remote()) is not None:
            try:
                return remote.encode_chunks(chunks)
            except DocentError:
                pass  # it went away, still loads, or has another model: nothing is lost but this moment
        return self._opened().encode_chunks(chunks)

    def _opened(self) -> Embedder:
        if self._own is None:
            self._own = self._open_own(self._settings)
        return self._own

    def _remote(self) -> RemoteEmbedder | None:
        """Looked for each time: a server may come and go while a folder is watched."""
        server = find_server(self._settings) if self._own is None else None
        return None if server is None else RemoteEmbedder(server, self.name)


def server_searches(settings: IndexerSettings) -> bool:
    """Whether a running server searches with this embedding model: it takes up what a command changes, saves the index
    and calibrates it. One that runs, but whose search does not work, does neither."""
    server = find_server(settings)
    if server is None:
        return False
    try:
        return RemoteEmbedder(server, settings.embedder).dimension > 0
    except DocentError:
        return False


def vectors_request(name: str, digest: str, chunks: Sequence[EmbeddingInput]) -> dict[str, Any]:
    return {
        "model": name,
        "digest": digest,
        "chunks": [{"prefix": one.prefix, "body": one.body, "sentences": one.sentences} for one in chunks],
    }


def vectors_answer(dimension: int, vectors: Sequence[ChunkVectors]) -> dict[str, Any]:
    return {
        "dimension": dimension,
        "vectors": _as_base64([one.vector for one in vectors]),
        "sentences": _as_base64([one.sentences for one in vectors]),
    }


def read_vectors(answer: dict[str, Any], chunks: Sequence[EmbeddingInput]) -> tuple[int, list[ChunkVectors]]:
    """(dimension, vectors of each chunk). Raises KeyError, TypeError, ValueError where they are not of these chunks."""
    dimension = int(answer["dimension"])
    ends = np.cumsum([len(chunk.sentences) for chunk in chunks], dtype=np.int64).tolist()
    vectors = _from_base64(answer["vectors"], len(chunks), dimension)
    sentences = _from_base64(answer["sentences"], ends[-1] if ends else 0, dimension)
    starts = [0, *ends]
    return dimension, [
        ChunkVectors(vector, sentences[start:end]) for vector, start, end in zip(vectors, starts, ends, strict=False)
    ]


def _parts(chunks: Sequence[EmbeddingInput]) -> Iterator[list[EmbeddingInput]]:
    """Neighbouring chunks, as many as one request may have."""
    part: list[EmbeddingInput] = []
    characters = 0
    for chunk in chunks:
        size = len(chunk.prefix) + len(chunk.body)
        if part and (len(part) == MOST_CHUNKS or characters + size > MOST_CHARACTERS):
            yield part
            part, characters = [], 0
        part.append(chunk)
        characters += size
    if part:
        yield part


def _as_base64(arrays: Sequence[Vectors]) -> str:
    return base64.b64encode(b"".join(array.astype("<f4").tobytes() for array in arrays)).decode("ascii")


def _from_base64(text: str, rows: int, dimension: int) -> Vectors:
    """float32 (rows, dimension). Raises ValueError where there are not as many."""
    stored = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
    return stored.reshape(rows, dimension).astype(np.float32)
