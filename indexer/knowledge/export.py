"""Everything that is known of each file as plain values, a file at a time, for `indexer export`."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.knowledge.database import reading
from indexer.knowledge.generations import is_current
from indexer.knowledge.readable import readable_files
from indexer.knowledge.records import find_document
from indexer.knowledge.tables import Chunk, Collection, LedgerEntry
from indexer.passages import Scope

_CHUNK = [col(column) for column in (Chunk.ordinal, Chunk.page, Chunk.start, Chunk.end, Chunk.prefix)]


def exported(engine: Engine, scope: Scope, with_chunks: bool) -> Iterator[dict[str, Any]]:
    """Every file of the ledger, by collection and path, those that were deleted by hand left out.

    `text` is None where nothing of the file is searched. Each file is as it was at one moment; what is put or deleted
    meanwhile may be in it or not. In memory are one document and the numbers of all files.
    """
    kept = (
        select(LedgerEntry.id)
        .join(Collection)
        .where(readable_files(scope), col(LedgerEntry.deleted_at).is_(None))
        .order_by(Collection.name, LedgerEntry.root, LedgerEntry.path)
    )
    with Session(engine) as session:
        entry_ids: Sequence[int | None] = session.exec(kept).all()
    for id_ in entry_ids:
        with reading(engine) as session:
            entry = session.get(LedgerEntry, id_)
            if entry is None or entry.deleted_at is not None:
                continue
            line = _line(session, entry, with_chunks)
        yield line


def _line(session: Session, entry: LedgerEntry, with_chunks: bool) -> dict[str, Any]:
    collection = session.get_one(Collection, entry.collection_id)
    document = find_document(session, entry.collection_id, entry.root, entry.path)
    line: dict[str, Any] = {
        "id": entry.path,
        "title": document.title if document else "",
        "text": document.text if document else None,
        "collection": collection.name,
        "root": entry.root,
        "document": entry.path,
        "state": entry.state,
        "reason": entry.reason,
        "pages": document.pages if document else entry.pages,
        "size": entry.size,
        "sha256": document.sha256 if document else entry.sha256,
        "indexed_at": document.indexed_at.isoformat() if document else None,
    }
    if with_chunks:
        line["chunks"] = list(_chunks(session, document.id)) if document else []
    return line


def _chunks(session: Session, document_id: int | None) -> Iterator[dict[str, Any]]:
    """Of the generation that is searched, without vectors. The words of each are `text[start:end]`."""
    rows = session.connection().execute(
        sqlalchemy.select(*_CHUNK, col(Chunk.sections), col(Chunk.sentences))
        .where(col(Chunk.document_id) == document_id, is_current())
        .order_by(col(Chunk.ordinal))
    )
    for row in rows:
        plain = row._asdict()
        yield {
            **plain,
            "sections": list(json.loads(row.sections)),
            "sentences": np.frombuffer(row.sentences, np.int32).reshape(-1, 2).tolist(),
        }
