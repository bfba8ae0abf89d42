"""What a command that changed the knowledge does at its end: the index is saved, and calibrated if that is due."""

from collections.abc import Callable

from sqlalchemy import Engine

from indexer.embed import Embedder
from indexer.knowledge.calibration import is_due
from indexer.knowledge.catalog import Catalog
from indexer.progress import calibration_progress, message
from indexer.search.calibrate import calibrate
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.settings import IndexerSettings


def save_snapshot(settings: IndexerSettings, engine: Engine) -> None:
    """A disk that does not take it is told, and is no failure: the index is made again when it is needed."""
    store = Store(engine, settings.index_path)
    if store.is_behind():
        store.load()
        try:
            store.save()
        except OSError as error:
            message(f"The index could not be written to {settings.index_path} ({error}); it is made again when needed.")


def calibrate_if_due(settings: IndexerSettings, engine: Engine, open_embedder: Callable[[], Embedder]) -> None:
    if is_due(engine):
        store = Store(engine, settings.index_path)
        store.load()
        retriever = Retriever(engine, open_embedder(), store, settings)
        with calibration_progress() as progress:
            calibrate(retriever, Catalog(engine).everything(), progress)
