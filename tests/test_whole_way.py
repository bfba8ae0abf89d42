"""The whole way with nothing made small but the language model: real processes, the real embedder, real files.

indexer ingest -> docent serve -> openai, `docent ask`, `indexer search` -> a changed file -> an answer that knows it
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from sqlmodel import Session, select

from indexer.embed import EmbeddingInput, SentenceTransformerEmbedder
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Chunk, Document
from indexer.settings import IndexerSettings
from tests.tiny_gguf import TinyModel, write_tiny_gguf
from tests.waiting import WAIT, until

pytestmark = pytest.mark.models

LEAVE = """---
title: Leave
---

# Leave

## Annual leave

Everyone gets 25 days of annual leave a year. Unused days expire on 31 March.

## Parental leave

Parents get 16 weeks of paid parental leave. Ask the people team three months ahead.
"""
WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from indexer.cli import main; main(sys.argv[1:])"
TRAVEL = "Travel expenses\n\nKeep every receipt. Claims are paid within ten working days after they were approved.\n"


@dataclass(frozen=True)
class Place:
    """A data folder, a folder of documents, and how commands are run on them."""

    data: Path
    documents: Path

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", *command], env=self.environment(), capture_output=True, text=True, timeout=WAIT
        )

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCENT_")}
        return {**kept, "DOCENT_DATA": str(self.data), "HF_HUB_OFFLINE": "1", **settings}

    def ingest(self) -> dict[str, Any]:
        done = self.run("indexer", "ingest", str(self.documents), "--json")
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def server(self, **settings: str) -> Iterator[str]:
        """Starts `docent serve` and gives its address once it is ready; ends it afterwards."""
        url = f"http://127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "server", "serve", "--port", url.rpartition(":")[2]]
        process = subprocess.Popen(command, env=self.environment(**settings), stderr=subprocess.DEVNULL)
        try:
            wait_for(url)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(url: str) -> None:
    """Until the server there is ready. One client for all tries: making one takes 24 ms of a core."""
    with httpx.Client(trust_env=False, timeout=5) as client:
        until(lambda: answers(client, f"{url}/readyz"), pause=0.2)


def answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("whole")
    place = Place(folder / "data", folder / "handbook")
    place.documents.mkdir()
    (place.documents / "leave.md").write_text(LEAVE)
    (place.documents / "travel.txt").write_text(TRAVEL)
    (place.documents / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    report = place.ingest()
    assert {name: report[name] for name in ("indexed", "skipped", "failed")} == {
        "indexed": 2, "skipped": 1, "failed": 0,
    }  # fmt: skip
    return place


@pytest.fixture(scope="module")
def extractive(place: Place) -> Iterator[str]:
    yield from place.server()


def ask(url: str, question: str) -> Any:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
    return client.chat.completions.create(model="docent", messages=[{"role": "user", "content": question}])


def test_an_answer_quotes_the_document_and_links_to_its_words(extractive: str) -> None:
    completion = ask(extractive, "How many days of annual leave do I get?")
    assert "Everyone gets 25 days of annual leave a year." in completion.choices[0].message.content
    citation = completion.docent["citations"][0]
    assert (citation["document"], citation["heading"]) == ("leave.md", "Annual leave")
    annotation = completion.choices[0].message.annotations[0].url_citation
    page = httpx.get(annotation.url.partition("#")[0], trust_env=False)
    assert f'<mark id="quote">{citation["quote"]}</mark>' in page.text
    assert completion.usage.total_tokens == 0, "no model was asked"


def test_what_the_documents_do_not_say_is_not_answered(extractive: str) -> None:
    completion = ask(extractive, "Who won the football world cup in 1954?")
    assert completion.docent["answered"] is False
    assert completion.docent["citations"] == []


def test_commands_ask_the_running_server(place: Place, extractive: str) -> None:
    asked = place.run("server", "ask", "When do unused days of leave expire?", "--json")
    answer = json.loads(asked.stdout)
    assert asked.returncode == 0
    assert set(answer) == {"answer", "answered", "mode", "citations", "quotes", "usage", "took_ms"}
    assert "31 March" in answer["answer"]
    for citation in answer["citations"]:
        assert set(citation) == {"n", "document", "title", "page", "quote", "start", "end"}
    found = json.loads(place.run("indexer", "search", "receipts", "--json").stdout)
    assert found["passages"][0]["document"] == "travel.txt"
    assert set(found["passages"][0]) == {
        "rank", "score", "document", "title", "heading", "page", "start", "end", "text",
    }  # fmt: skip


def test_a_running_server_takes_up_changed_new_and_deleted_documents(place: Place, extractive: str) -> None:
    (place.documents / "leave.md").write_text(LEAVE.replace("25 days", "27 days"))
    (place.documents / "dogs.md").write_text("# Dogs\n\nDogs may come to the office on Fridays.\n")
    place.ingest()
    until(lambda: "27 days" in ask(extractive, "How many days of annual leave do I get?").choices[0].message.content)
    until(lambda: "Fridays" in ask(extractive, "May I bring my dog to the office?").choices[0].message.content)
    (place.documents / "dogs.md").unlink()
    refused = place.run("indexer", "ingest", str(place.documents))
    assert refused.returncode == 2, "one document of three is more than a fifth"
    assert "--prune" in refused.stderr
    assert place.run("indexer", "ingest", str(place.documents), "--prune").returncode == 0
    until(lambda: "Fridays" not in ask(extractive, "May I bring my dog to the office?").choices[0].message.content)


def test_an_ingest_of_a_small_file_beside_a_server_loads_no_model(place: Place, tmp_path: Path) -> None:
    """It gets the vectors that its own model would have given, but for the order in which floats were added."""
    small = tmp_path / "bicycles.txt"
    small.write_text("Company bicycles stand in the yard. Their lock has the code 4711.")
    other = Place(tmp_path / "data", place.documents)
    other.ingest()
    for url in other.server():
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, "ingest", str(small), "--collection", "handbook"],
            env=other.environment(), capture_output=True, text=True, timeout=WAIT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        until(partial(is_found_first, url, "What is the code of the lock?", "bicycles.txt"))
    engine = open_knowledge(IndexerSettings(data=other.data))
    with Session(engine) as session:
        chunk = session.exec(select(Chunk).join(Document).where(Document.path == "bicycles.txt")).one()
    engine.dispose()
    spans = [(start, end) for start, end in np.frombuffer(chunk.sentences, np.int32).reshape(-1, 2).tolist()]
    given = EmbeddingInput(chunk.prefix, chunk.body, tuple(spans))
    (own,) = SentenceTransformerEmbedder(IndexerSettings()).encode_chunks([given])
    assert np.frombuffer(chunk.vector, np.float32) == pytest.approx(own.vector, abs=1e-5)
    stored = np.frombuffer(chunk.sentence_vectors, np.float16).reshape(own.sentences.shape)
    assert stored == pytest.approx(own.sentences, abs=1e-3)


def test_an_uploaded_file_is_found(extractive: str) -> None:
    sent = {"files": ("garden.txt", b"The gardener waters the lemon trees on Tuesdays.")}
    httpx.post(f"{extractive}/documents/upload", data={"collection": "garden"}, files=sent, trust_env=False)
    until(lambda: is_found_first(extractive, "When are the lemon trees watered?", "garden.txt"))


def is_found_first(url: str, question: str, document: str) -> bool:
    found = httpx.post(f"{url}/v1/search", json={"query": question}, trust_env=False).json()["passages"]
    return bool(found) and found[0]["document"] == document


def test_a_language_model_reads_the_passages_and_noise_is_not_shown(place: Place, tmp_path: Path) -> None:
    model = write_tiny_gguf(tmp_path / "tiny.gguf", TinyModel(context=4096))
    other = Place(tmp_path / "data", place.documents)
    other.ingest()
    for url in other.server(DOCENT_MODEL=str(model)):
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
        stream = client.chat.completions.create(
            model="docent",
            messages=[{"role": "user", "content": "How many days of annual leave do I get?"}],
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        final = next(chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason)
        assert final.model_extra is not None
        assert final.model_extra["docent"]["mode"] == "extractive", "its weights are random"
        assert final.model_extra["docent"]["sources"][0]["document"] == "leave.md"
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text.startswith("> Everyone gets 2")
        assert "days of annual leave a year." in text, "the documents' own words"
        usage = chunks[-1].usage
        assert usage is not None
        assert usage.prompt_tokens > 50, "the passages were put before the model"
        assert 0 < usage.completion_tokens <= 8
