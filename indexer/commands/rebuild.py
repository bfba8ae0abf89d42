"""`indexer rebuild`: chunks, vectors and indexes anew, with the settings as they are now."""

from indexer.commands.after_change import calibrate_if_due, save_snapshot
from indexer.embed import SentenceTransformerEmbedder
from indexer.knowledge.database import open_knowledge
from indexer.progress import ingest_progress, message
from indexer.rebuild import rebuild_index
from indexer.settings import IndexerSettings


def run() -> None:
    settings = IndexerSettings()
    engine = open_knowledge(settings)
    embedder = SentenceTransformerEmbedder(settings)
    with ingest_progress() as progress:
        documents, chunks = rebuild_index(settings, engine, embedder, progress.update)
    save_snapshot(settings, engine)
    calibrate_if_due(settings, engine, lambda: embedder)
    message(f"Rebuilt {chunks} passages of {documents} documents.")
