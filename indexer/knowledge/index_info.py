"""What the vectors in a database were made with; another model or chunker may not add to them or search them."""

import uuid

from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents.chunk import VERSION
from indexer.errors import IndexMismatchError
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
    """Raises IndexMismatchError when the database was made with something else. An empty one fits everything.

    `dimension` is what the model says once it is loaded: the folder of a name may hold another model by now.
    """
    with Session(engine) as session:
        stored = {row.key: row.value for row in session.exec(select(IndexInfo))}
    expected = wanted(settings) | ({"dimension": str(dimension)} if dimension else {})
    for key, value in expected.items():
        if key in stored and stored[key] != value:
            raise IndexMismatchError(
                f"The index in {settings.data} was made with {NAMES[key]} {stored[key]}, but {value} is set now.",
                "Run `indexer rebuild` to make it anew, or set the old value again.",
            )


def describe_index(session: Session, settings: IndexerSettings, dimension: int) -> None:
    """Write into the session what the vectors are made with. Vectors always have unit length."""
    described = {**wanted(settings), "dimension": str(dimension), "normalised": "yes"}
    if session.get(IndexInfo, "database") is None:
        described["database"] = uuid.uuid4().hex
    for key, value in described.items():
        session.merge(IndexInfo(key=key, value=value))
