"""Time of a search among 100,000 passages inside a running server: `POST /v1/search` over loopback, embedding included.

    python benchmarks/scale.py FOLDER... [--chunks 100000] [--questions FILE...] [--identical] [--keep DATA]

Embedding so many passages takes an hour, so the folders are ingested once, and their sentences are drawn anew into as
many chunks as are wanted, each sentence with its own vector and each chunk with that of a real one, plus noise and
brought back to unit length. They go into a data folder's database as ingest would put them, and `docent serve` is
started on it. With `--identical` every chunk has the words of the first one. With `--keep` the folder stays and is used
again. The last line is JSON.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents.chunk import ChunkDraft
from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.documents.scan import ScannedFile
from indexer.embed import ChunkVectors, Vectors
from indexer.evaluate.folder import running_server
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.index_info import describe_index
from indexer.knowledge.records import put_document
from indexer.knowledge.tables import Chunk, Collection
from indexer.search.snapshot_due import is_snapshot_due
from indexer.search.store import Store
from indexer.settings import IndexerSettings

QUESTIONS = [
    "How do I install a language model without internet?",
    "What does it mean when the documents do not say?",
    "Which files can be read?",
    "how long does it take until I get my money back from the insurance",
    "Who has to approve a request for leave?",
    "Where are conversations kept?",
]
REPEATS = 3
CHUNKS_A_DOCUMENT = 20
NOISE = 0.02  # standard deviation of each of the vector's numbers, which are about 0.05
SEED = 1


@dataclass(frozen=True)
class Passages:
    """What the folders hold; sentences of all chunks one after the other."""

    prefixes: list[str]
    sizes: list[int]  # sentences a chunk
    vectors: Vectors  # (chunks, dim)
    sentences: list[str]
    sentence_vectors: Vectors  # (sentences, dim)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", default=[Path("docs")])
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=Path, nargs="*", default=[])
    parser.add_argument("--identical", action="store_true")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    questions = [
        json.loads(line)["question"] for path in arguments.questions for line in path.read_text().splitlines()
    ] or QUESTIONS
    with tempfile.TemporaryDirectory() as temporary:
        settings = IndexerSettings(data=arguments.keep or Path(temporary))
        if not settings.knowledge_path.exists():
            fill(settings, arguments.folders, arguments.chunks, arguments.identical)
        figures = {"benchmark": "scale", **snapshot(settings), **searches(settings, questions)}
    for name, value in figures.items():
        print(f"{name:24} {value}")
    print(json.dumps(figures))


def fill(settings: IndexerSettings, folders: list[Path], chunks: int, identical: bool) -> None:
    """Ingest the folders elsewhere, and put chunks of their sentences into the data folder."""
    with tempfile.TemporaryDirectory() as data:
        for folder in folders:
            command = [sys.executable, "-m", "indexer", "ingest", str(folder)]
            subprocess.run(command, env={**os.environ, "DOCENT_DATA": data}, check=True)
        source = open_knowledge(IndexerSettings(data=Path(data)))
        passages = read_passages(source)
        source.dispose()
    print(f"{chunks} chunks of {len(passages.sentences)} sentences", flush=True)
    engine = open_knowledge(settings)
    write_documents(engine, settings, passages, chunks, identical)
    engine.dispose()


def read_passages(engine: Engine) -> Passages:
    with Session(engine) as session:
        chunks = [chunk for chunk in session.exec(select(Chunk)) if chunk.sentences]
    vectors = np.stack([np.frombuffer(chunk.vector, np.float32) for chunk in chunks])
    spans = [np.frombuffer(chunk.sentences, np.int32).reshape(-1, 2) - chunk.start for chunk in chunks]
    sentences = [chunk.body[start:end] for chunk, own in zip(chunks, spans, strict=True) for start, end in own.tolist()]
    stored = b"".join(chunk.sentence_vectors for chunk in chunks)
    sentence_vectors = np.frombuffer(stored, np.float16).reshape(-1, vectors.shape[1]).astype(np.float32)
    return Passages([chunk.prefix for chunk in chunks], list(map(len, spans)), vectors, sentences, sentence_vectors)


def write_documents(
    engine: Engine, settings: IndexerSettings, passages: Passages, chunks: int, identical: bool
) -> None:
    draw = random.Random(SEED)
    noise = np.random.default_rng(SEED)
    with Session(engine) as session:
        collection = Collection(name="scale")
        session.add(collection)
        session.flush()
        collection_id = collection.id or 0
        describe_index(session, settings, passages.vectors.shape[1])
        for number in range(0, chunks, CHUNKS_A_DOCUMENT):
            count = min(CHUNKS_A_DOCUMENT, chunks - number)
            like = [draw.randrange(len(passages.sizes)) for _ in range(count)]
            drawn = [[draw.randrange(len(passages.sentences)) for _ in range(passages.sizes[one])] for one in like]
            if identical:
                like, drawn = [0] * count, [list(range(passages.sizes[0]))] * count
            document, drafts = compose(passages, like, drawn)
            vectors = [
                ChunkVectors(vector, noisy(passages.sentence_vectors[own], noise))
                for vector, own in zip(noisy(passages.vectors[like], noise), drawn, strict=True)
            ]
            file = ScannedFile(Path("/scale"), f"{number}.txt")
            put_document(session, collection_id, file, "", document, drafts, vectors)
            if number % 5_000 == 0:
                session.commit()
                session.expunge_all()
        session.commit()


def compose(passages: Passages, like: list[int], drawn: list[list[int]]) -> tuple[ExtractedDocument, list[ChunkDraft]]:
    """A text of the drawn sentences, a chunk a line, and its chunks."""
    text = ""
    drafts: list[ChunkDraft] = []
    for one, own in zip(like, drawn, strict=True):
        start = len(text)
        spans: list[tuple[int, int]] = []
        for index in own:
            spans.append((len(text), len(text) + len(passages.sentences[index])))
            text += passages.sentences[index] + " "
        text = text[:-1] + "\n"
        drafts.append(ChunkDraft(passages.prefixes[one], (), None, start, len(text) - 1, tuple(spans)))
    blocks = tuple(Block("paragraph", draft.start, draft.end) for draft in drafts)
    return ExtractedDocument("", text, blocks, None), drafts


def noisy(vectors: Vectors, noise: np.random.Generator) -> Vectors:
    moved = vectors + noise.normal(0, NOISE, vectors.shape).astype(np.float32)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def snapshot(settings: IndexerSettings) -> dict[str, Any]:
    """Seconds to build the search index from the database (where there is no snapshot yet), and to read it."""
    engine = open_knowledge(settings)
    figures: dict[str, Any] = {}
    store = Store(engine, settings.index_path)
    if is_snapshot_due(engine, settings.index_path):
        started = time.perf_counter()
        store.load()
        figures["build_s"] = round(time.perf_counter() - started, 1)
        store.save()
    fresh = Store(engine, settings.index_path)
    started = time.perf_counter()
    fresh.load()
    figures |= {"load_s": round(time.perf_counter() - started, 1), "chunks": len(fresh)}
    engine.dispose()
    return figures


def searches(settings: IndexerSettings, questions: list[str]) -> dict[str, Any]:
    """Milliseconds that a client waits for a search, and those that the server reports."""
    with running_server(settings) as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        client.post("/v1/search", json={"query": questions[0]}).raise_for_status()
        seen, told = [], []
        for question in questions * REPEATS:
            started = time.perf_counter()
            answer = client.post("/v1/search", json={"query": question}).raise_for_status().json()
            seen.append((time.perf_counter() - started) * 1000)
            told.append(answer["took_ms"])
    return {
        "searches": len(seen),
        "client_ms": {"p50": percentile(seen, 50), "p95": percentile(seen, 95)},
        "server_ms": {"p50": percentile(told, 50), "p95": percentile(told, 95)},
    }


def percentile(values: list[float], percent: int) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 1)


if __name__ == "__main__":
    main()
