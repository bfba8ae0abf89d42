"""`indexer rebuild`: chunks, vectors and indexes anew, with the settings as they are now."""

from indexer.commands.after_change import save_and_calibrate
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
    save_and_calibrate(settings, engine, embedder)  # a server that still searches with the old settings soon does not
    message(f"Rebuilt {chunks} passages of {documents} documents.")
