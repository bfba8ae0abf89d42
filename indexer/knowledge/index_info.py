"""What the vectors in a database were made with; another model or chunker may not add to them or search them."""

import uuid

from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents.chunk import VERSION
from indexer.errors import BusyError, IndexMismatchError
from indexer.knowledge.generations import rebuild_under_way
from indexer.knowledge.tables import IndexInfo
from indexer.settings import IndexerSettings

NAMES = {
    "embedder": "embedding model",
    "chunker": "chunker version",
    "chunk_tokens": "chunk size in tokens",
    "dimension": "vectors of length",
}


def wanted(settings: IndexerSettings) -> dict[str, str]:
    """What an index made with these settings says of itself, but for what only the loaded model knows."""
    return {"embedder": settings.embedder, "chunker": VERSION, "chunk_tokens": str(settings.chunk_tokens)}


def check_index(engine: Engine, settings: IndexerSettings, dimension: int | None = None) -> None:
    """Whether documents may be added. Raises IndexMismatchError when the database was made with something else, and
    BusyError where it is being rebuilt for just these settings. An empty one fits everything.

    `dimension` is what the model says once it is loaded: the folder of a name may hold another model by now.
    """
    with Session(engine) as session:
        _check(session, settings, wanted(settings) | ({"dimension": str(dimension)} if dimension else {}))


def check_searchable(session: Session, settings: IndexerSettings) -> None:
    """Whether its vectors are of the model that questions are encoded with: passages of another size or chunker are
    searched until a rebuild has made others. Raises as `check_index` does."""
    _check(session, settings, {"embedder": settings.embedder})


def _check(session: Session, settings: IndexerSettings, expected: dict[str, str]) -> None:
    stored = {row.key: row.value for row in session.exec(select(IndexInfo))}
    for key, value in expected.items():
        if key not in stored or stored[key] == value:
            continue
        what = f"The index in {settings.data} was made with {NAMES[key]} {stored[key]}, but {value} is set now."
        rebuild = rebuild_under_way(session)
        if rebuild is not None and rebuild.phase == "making" and wanted(settings).items() <= rebuild.made_with.items():
            raise BusyError(
                f"{what} It is being rebuilt for that.",
                "Try again when `indexer rebuild` has ended; where it was interrupted, run it again: it goes on.",
            )
        raise IndexMismatchError(
            what,
            "Run `indexer rebuild` to make it anew, or set the old value again. A server that was started before a "
            "rebuild is to be started again.",
        )


def describe_index(session: Session, settings: IndexerSettings, dimension: int) -> None:
    """Write into the session what the vectors are made with. Vectors always have unit length."""
    described = {**wanted(settings), "dimension": str(dimension), "normalised": "yes"}
    if session.get(IndexInfo, "database") is None:
        described["database"] = uuid.uuid4().hex
    for key, value in described.items():
        session.merge(IndexInfo(key=key, value=value))
