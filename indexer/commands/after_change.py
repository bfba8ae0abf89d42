"""What a command that changed the knowledge does at its end: the index is saved, and calibrated, where that is due.

Not beside a server whose search works (indexer.embed_remote.server_searches): it has index and embedder in memory,
takes the change up by itself, and does both when nobody waits (server.runtime.upkeep). A rebuild does it in any case.
"""

from sqlalchemy import Engine

from indexer.embed import Embedder
from indexer.knowledge.calibration import is_due
from indexer.knowledge.catalog import Catalog
from indexer.progress import calibration_progress, message
from indexer.search.calibrate import calibrate
from indexer.search.retrieve import Retriever
from indexer.search.snapshot_due import is_snapshot_due
from indexer.search.store import Store
from indexer.settings import IndexerSettings


def save_and_calibrate(settings: IndexerSettings, engine: Engine, embedder: Embedder) -> None:
    """Whichever is due, over one index in memory."""
    to_save, to_calibrate = is_snapshot_due(engine, settings.index_path), is_due(engine)
    if not (to_save or to_calibrate):
        return
    store = Store(engine, settings.index_path)
    store.load()
    if to_save:
        _save(settings, store)
    if to_calibrate:
        with calibration_progress() as progress:
            calibrate(Retriever(engine, embedder, store, settings), Catalog(engine).everything(), progress)


def save_if_due(settings: IndexerSettings, engine: Engine) -> None:
    if is_snapshot_due(engine, settings.index_path):
        store = Store(engine, settings.index_path)
        store.load()
        _save(settings, store)


def _save(settings: IndexerSettings, store: Store) -> None:
    """A disk that does not take it is told, and is no failure: the index is made again when it is needed."""
    store.compact()
    try:
        store.save()
    except OSError as error:
        message(f"The index could not be written to {settings.index_path} ({error}); it is made again when needed.")
