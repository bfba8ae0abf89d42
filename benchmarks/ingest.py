"""Ingest speed: against the embedder's own, after a change of few files, and what many small files cost.

    python benchmarks/ingest.py FOLDER... [--rounds 5] [--small 4000]

For each folder, in turn in one process and on the same chunks, with the model loaded before: `ingest`, which reads,
chunks, embeds (with the sentences' vectors) and commits; a plain batched `encode` of the finished texts in a list; and
an ingest again after 1% of the files changed (of those that are plain text, at least one; the folder is copied first).
Then, with reading and embedding replaced by what costs nothing, processor time and fsyncs of each of many small files.
`encode` has the threads that torch takes by itself; they are printed. The last line is JSON.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from sqlmodel import Session, select

from indexer.documents.chunk import ChunkDraft
from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.documents.reading import ReadFile
from indexer.documents.scan import ScannedFile
from indexer.embed import BATCH, ChunkVectors, EmbeddingInput, SentenceTransformerEmbedder
from indexer.ingest import ingest
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Chunk, Document
from indexer.settings import IndexerSettings
from tests.fsyncs import counting_fsyncs

PLAIN = (".md", ".txt", ".html", ".csv")
LONG_AGO = 1_600_000_000  # seconds; a file that has just been written is read again whatever its time says
DIMENSION = 384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", default=[Path("docs")])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", type=int, default=4000)
    arguments = parser.parse_args()
    embedder = SentenceTransformerEmbedder(IndexerSettings())
    embedder.load()
    embedder.encode_queries(["The first forward pass is slower."])
    print(f"{torch.get_num_threads()} threads for encode")
    figures: dict[str, Any] = {"benchmark": "ingest", "threads": torch.get_num_threads(), "folders": []}
    for folder in arguments.folders:
        figures["folders"].append(measure(folder, embedder, arguments.rounds))
    figures["small"] = time_small(arguments.small) if arguments.small else None
    print(json.dumps(figures))


def measure(folder: Path, embedder: SentenceTransformerEmbedder, rounds: int) -> dict[str, Any]:
    print(folder.name)
    speeds, changes = [], []
    for _ in range(rounds):
        texts, full, again = time_ingest(folder, embedder)
        plain = time_encode(texts, embedder)
        speeds.append((len(texts) / full, len(texts) / plain))
        print(f"  ingest {speeds[-1][0]:6.1f} chunks/s   encode {speeds[-1][1]:6.1f} chunks/s   of {len(texts)} chunks")
        if again is not None:
            changes.append(full / again)
            print(f"  {full:.2f} s for all files, {again:.2f} s after 1% of them changed: 1/{full / again:.0f}")
    ratio = statistics.median(ours / theirs for ours, theirs in speeds)
    print(f"  median ratio {ratio:.2f}" + (f", median 1/{statistics.median(changes):.0f}" if changes else ""))
    return {
        "folder": folder.name,
        "chunks": len(texts),
        "rounds": speeds,
        "median_ratio": round(ratio, 3),
        "full_over_changed": round(statistics.median(changes), 1) if changes else None,
    }


def time_ingest(original: Path, embedder: SentenceTransformerEmbedder) -> tuple[list[str], float, float | None]:
    """The texts that were embedded, the seconds from the first file to the last commit, and those of the run after 1%
    of the files changed; None where that would be no file."""
    with tempfile.TemporaryDirectory() as data:
        folder = Path(data) / "documents"
        shutil.copytree(original, folder)
        for path in folder.rglob("*"):
            os.utime(path, (LONG_AGO, LONG_AGO))
        settings = IndexerSettings(data=Path(data) / "data")
        engine = open_knowledge(settings)
        started = time.perf_counter()
        ingest([folder], settings, engine, lambda: embedder)
        full = time.perf_counter() - started
        with Session(engine) as session:
            texts = [f"{prefix}\n{body}" for prefix, body in session.exec(select(Chunk.prefix, Chunk.body))]
            paths = sorted(session.exec(select(Document.path)))
        changed = change(folder, paths)
        started = time.perf_counter()
        report = ingest([folder], settings, engine, lambda: embedder)
        again = time.perf_counter() - started
        assert report.counts["indexed"] == changed
        engine.dispose()
    return texts, full, again if changed else None


def change(folder: Path, paths: Sequence[str]) -> int:
    """Add a sentence to 1% of the documents, spread over the plain texts among them. How many were changed."""
    plain = [folder / path for path in paths if path.endswith(PLAIN)]
    count = min(-(-len(paths) // 100), len(plain))
    for path in plain[:: max(1, len(plain) // count)][:count] if count else []:
        with path.open("a") as file:
            file.write("\n\nThis was added later.\n")
        os.utime(path, (LONG_AGO + 1, LONG_AGO + 1))
    return count


def time_encode(texts: list[str], embedder: SentenceTransformerEmbedder) -> float:
    started = time.perf_counter()
    embedder.model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
    return time.perf_counter() - started


def time_small(count: int) -> dict[str, Any]:
    """Processor time (milliseconds) and fsyncs of a file of one chunk, beside reading and embedding."""
    with tempfile.TemporaryDirectory() as data, counting_fsyncs() as fsyncs:
        folder = Path(data) / "documents"
        folder.mkdir()
        for number in range(count):
            path = folder / f"{number:06}.md"
            path.write_text(small_text(number))
            os.utime(path, (LONG_AGO, LONG_AGO))
        settings = IndexerSettings(data=Path(data) / "data")
        engine = open_knowledge(settings)
        before, started, spent = fsyncs.count, time.perf_counter(), time.process_time()
        with mock.patch("indexer.ingest.read_ahead", read_nothing):
            report = ingest([folder], settings, engine, NoEmbedder)  # type: ignore[arg-type]
        spent, took, synced = time.process_time() - spent, time.perf_counter() - started, fsyncs.count - before
        assert report.counts["indexed"] == count
        spent_again = time.process_time()
        ingest([folder], settings, engine, NoEmbedder)  # type: ignore[arg-type]
        spent_again = time.process_time() - spent_again
        engine.dispose()
    figures = {
        "files": count,
        "ms_a_file": round(spent / count * 1000, 3),
        "fsyncs_a_file": round(synced / count, 3),
        "ms_an_unchanged_file": round(spent_again / count * 1000, 3),
        "files_a_second": round(count / took),
    }
    print(f"{count} small files, beside reading and embedding: {figures}")
    return figures


def small_text(number: int) -> str:
    return f"Leave number {number} is granted. Ask your manager first."


def read_nothing(files: Sequence[ScannedFile], _settings: IndexerSettings) -> Iterator[ReadFile]:
    """Instead of `read_ahead`: the files that `time_small` wrote, without a look at them."""
    for number, file in enumerate(files):
        text = small_text(number)
        document = ExtractedDocument(file.path, text, (Block("paragraph", 0, len(text)),))
        draft = ChunkDraft(file.path, ((0, ""),), None, 0, len(text), ((0, len(text)),))
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        yield ReadFile(file, sha256, time.time_ns(), document, [draft])


class NoEmbedder:
    dimension = DIMENSION
    vector = np.full(DIMENSION, DIMENSION**-0.5, np.float32)

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        return [ChunkVectors(self.vector, self.vector[None, :].repeat(len(one.sentences), 0)) for one in chunks]


if __name__ == "__main__":
    main()
