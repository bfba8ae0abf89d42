"""POST /local/vectors: the embedder's own vectors, for whoever holds the local token and nobody else."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from indexer.client import LocalServer, find_server, read_address
from indexer.embed import EmbeddingInput
from indexer.embed_remote import MOST_CHUNKS, VECTORS_PATH, RemoteEmbedder, vectors_request
from indexer.errors import DocentError, StartError
from server.app import Parts
from server.settings import ServerSettings
from tests.server.fakes import (
    HANDBOOK,
    CountingEmbedder,
    app_of,
    fill,
    no_generator,
    open_fake_retriever,
    serving,
)

ADDRESS = "http://127.0.0.1:8000"
NAME = CountingEmbedder.name
CHUNKS = [EmbeddingInput("Leave", "Thirty days. Ask first.", ((0, 12), (13, 23))), EmbeddingInput("", "Heading", ())]


@pytest.fixture
def server(settings: ServerSettings) -> Iterator[LocalServer]:
    fill(settings, {"handbook": HANDBOOK})
    with serving(settings, Parts(open_retriever=open_fake_retriever, open_generator=no_generator)):
        found = find_server(settings)
        assert found is not None
        found.search("leave")  # the search model is loaded by now
        yield found


def test_the_vectors_are_the_embedders_own(server: LocalServer) -> None:
    remote = RemoteEmbedder(server, NAME)
    assert remote.dimension == CountingEmbedder().dimension
    expected = CountingEmbedder().encode_chunks(CHUNKS)
    for one, other in zip(remote.encode_chunks(CHUNKS), expected, strict=True):
        assert np.array_equal(one.vector, other.vector)
        assert np.array_equal(one.sentences, other.sentences)


def test_another_model_is_refused(server: LocalServer, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="has the embedding model all-MiniLM"):
        RemoteEmbedder(server, str(tmp_path)).encode_chunks(CHUNKS)


def test_a_model_whose_files_were_replaced_is_refused(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = CountingEmbedder().digest
    monkeypatch.setattr(CountingEmbedder, "digest", f"{loaded}, before")
    with pytest.raises(StartError, match="were replaced since this server loaded them"):
        RemoteEmbedder(server, NAME).encode_chunks(CHUNKS)


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ([{"prefix": "", "body": "short", "sentences": [[0, 6]]}], "ends behind its chunk"),
        ([{"prefix": "", "body": "short", "sentences": [[-1, 2]]}], "greater than or equal to 0"),
        ([{"prefix": "", "body": "x", "sentences": [[0, 1]] * 5000}], "at most 4096"),
        ([{"prefix": "", "body": "x", "sentences": []}] * (MOST_CHUNKS + 1), f"at most {MOST_CHUNKS}"),
        ([{"prefix": "", "body": "x" * (1 << 20), "sentences": []}], "larger than"),
        ([{"prefix": ""}], "required"),
    ],
)
def test_what_no_command_sends_is_refused(server: LocalServer, chunks: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(StartError, match=said):
        server.post(VECTORS_PATH, {"model": NAME, "digest": CountingEmbedder().digest, "chunks": chunks})


@pytest.mark.parametrize("key", ["", "the key"])
def test_nobody_but_the_holder_of_the_token_is_served(settings: ServerSettings, key: str) -> None:
    """Also where no key is set, so that whoever reaches the port may use the API."""
    settings = settings.model_copy(update={"api_key": SecretStr(key) if key else None})
    body = vectors_request(NAME, CountingEmbedder().digest, [])
    with TestClient(app_of(settings), base_url=ADDRESS) as client:
        for headers in ({}, {"Authorization": f"Bearer {key or 'any'}"}, {"Authorization": "Bearer "}):
            refused = client.post(VECTORS_PATH, json=body, headers=headers)
            assert refused.status_code == 401
            assert refused.json()["error"]["message"]
        address = read_address(settings.server_file)
        assert address is not None
        token = {"Authorization": f"Bearer {address.token}"}
        assert client.post(VECTORS_PATH, json=body, headers=token).status_code in (200, 503)
        assert client.post(VECTORS_PATH, data={"model": NAME}, headers=token).status_code == 415


def test_a_server_that_still_loads_says_so_at_once(settings: ServerSettings) -> None:
    gate = threading.Event()

    def open_slowly(settings: ServerSettings, engine: Any) -> Any:
        gate.wait(20)
        return open_fake_retriever(settings, engine)

    with serving(settings, Parts(open_retriever=open_slowly, open_generator=no_generator)):
        server = find_server(settings)
        assert server is not None
        try:
            with pytest.raises(DocentError, match="not loaded"):
                RemoteEmbedder(server, NAME).encode_chunks(CHUNKS)
        finally:
            gate.set()
