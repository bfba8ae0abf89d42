"""Ingest speed against the embedder's own: chunks a second of `indexer ingest` and of a plain batched `encode`.

    python benchmarks/ingest.py FOLDER [--rounds 3] [--json]

Both sides run in turn in one process, on the same chunks; loading the model is left out of both. Ingest reads, chunks,
embeds (with the sentences' vectors) and commits; `encode` gets the finished texts in a list. The last line is JSON.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from sqlmodel import Session, select

from indexer.embed import BATCH, SentenceTransformerEmbedder
from indexer.ingest import ingest
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Chunk
from indexer.settings import IndexerSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs"))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    embedder = SentenceTransformerEmbedder(IndexerSettings())
    embedder.load()
    rounds = []
    for _ in range(arguments.rounds):
        texts, ingest_seconds = time_ingest(arguments.folder, embedder)
        encode_seconds = time_encode(texts, embedder)
        rounds.append((len(texts) / ingest_seconds, len(texts) / encode_seconds))
        print(f"ingest {rounds[-1][0]:6.1f} chunks/s   encode {rounds[-1][1]:6.1f} chunks/s   of {len(texts)} chunks")
    ratio = statistics.median(ours / plain for ours, plain in rounds)
    print(f"median ratio {ratio:.2f}")
    figures = {"benchmark": "ingest", "chunks": len(texts), "rounds": rounds, "median_ratio": round(ratio, 3)}
    print(json.dumps(figures))


def time_ingest(folder: Path, embedder: SentenceTransformerEmbedder) -> tuple[list[str], float]:
    """The texts that were embedded, and the seconds from the first file to the last commit."""
    with tempfile.TemporaryDirectory() as data:
        settings = IndexerSettings(data=Path(data))
        engine = open_knowledge(settings)
        started = time.perf_counter()
        ingest([folder], settings, engine, lambda: embedder)
        seconds = time.perf_counter() - started
        with Session(engine) as session:
            texts = [f"{prefix}\n{body}" for prefix, body in session.exec(select(Chunk.prefix, Chunk.body))]
        engine.dispose()
    return texts, seconds


def time_encode(texts: list[str], embedder: SentenceTransformerEmbedder) -> float:
    started = time.perf_counter()
    embedder.model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
