"""Writes of knowledge.db inside a session that the caller commits: a document with all that belongs to it, at once."""

import json
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Insert, bindparam, insert
from sqlmodel import Session, SQLModel, col, delete, select

from indexer.documents.chunk import ChunkDraft
from indexer.documents.extract.document import READER_VERSION, ExtractedDocument, blocks_to_json
from indexer.documents.reading import ReadFile
from indexer.documents.scan import ScannedFile
from indexer.embed import ChunkVectors
from indexer.knowledge.alike import sign
from indexer.knowledge.entries import Kept, put_entries, take_entries
from indexer.knowledge.generations import current
from indexer.knowledge.tables import Change, Chunk, Document, KeptBrief, LedgerEntry, known_id, now

WRITTEN_AT_ONCE = 500
"""Chunks that are held as rows in memory: a large document has a hundred times as many."""


def put_document(
    session: Session,
    collection_id: int,
    file: ScannedFile,
    sha256: str,
    extracted: ExtractedDocument,
    drafts: list[ChunkDraft],
    vectors: list[ChunkVectors],
) -> None:
    """Add the document, or replace its older version under the same id, with its chunks and a note for the indexes."""
    document = find_document(session, collection_id, str(file.root), file.path)
    values = {
        "title": extracted.title,
        "media_type": file.absolute.suffix.lower().removeprefix("."),
        "sha256": sha256,
        "pages": extracted.pages,
        "text": extracted.text,
        "blocks": blocks_to_json(extracted.blocks),
        "boxes": extracted.boxes or None,
        "indexed_at": now(),
        "deleted_at": None,  # its file changed, or someone asked for it
    }
    if document is None:
        place = {"collection_id": collection_id, "root": str(file.root), "path": file.path}
        id_ = insert_row(session, Document, {**place, **values})
    else:
        id_ = known_id(document)
        document.sqlmodel_update(values)
        session.add(document)
        session.flush()
        session.exec(delete(KeptBrief).where(col(KeptBrief.document_id) == id_))  # it tells of the words before
    put_chunks(session, id_, extracted.text, drafts, vectors, is_new=document is None)
    sign(session, id_, extracted.text, is_new=document is None)


def put_chunks(
    session: Session,
    document_id: int,
    text: str,
    drafts: list[ChunkDraft],
    vectors: list[ChunkVectors],
    *,
    is_new: bool = False,
) -> None:
    """Replace the document's chunks, of every generation, under new ids, and tell the indexes. Entries stay with the
    words they are of."""
    kept: Kept = {} if is_new else take_entries(session, document_id)
    if not is_new:
        session.exec(delete(Chunk).where(col(Chunk.document_id) == document_id))
    add_chunks(session, document_id, current(session), text, 0, list(zip(drafts, vectors, strict=True)), kept)
    insert_row(session, Change, {"document_id": document_id, "operation": "put"})


def add_chunks(
    session: Session,
    document_id: int,
    generation: int,
    text: str,
    first: int,
    made: Sequence[tuple[ChunkDraft, ChunkVectors]],
    kept: Kept,
) -> None:
    """Chunks of a document from the one that is numbered `first`, with what was written about passages of their
    words."""
    numbered = enumerate(made, first)
    while part := list(islice(numbered, WRITTEN_AT_ONCE)):
        rows = [_chunk(document_id, generation, text, ordinal, *one) for ordinal, one in part]
        if not kept:
            session.connection().execute(_INSERT[Chunk], rows)
            continue
        chunks = [Chunk(**row) for row in rows]
        session.add_all(chunks)
        session.flush()  # gives the chunks their ids
        put_entries(session, kept, chunks)
        for chunk in chunks:
            session.expunge(chunk)


def _chunk(
    document_id: int, generation: int, text: str, ordinal: int, draft: ChunkDraft, vectors: ChunkVectors
) -> dict[str, Any]:
    return {
        "generation": generation,
        "document_id": document_id,
        "ordinal": ordinal,
        "prefix": draft.prefix,
        "sections": json.dumps(draft.sections, ensure_ascii=False),
        "page": draft.page,
        "start": draft.start,
        "end": draft.end,
        "body": text[draft.start : draft.end],
        "vector": np.asarray(vectors.vector, np.float32).tobytes(),
        "sentences": np.array(draft.sentences, np.int32).reshape(-1, 2).tobytes(),
        "sentence_vectors": np.asarray(vectors.sentences, np.float16).tobytes(),
    }


def insert_row(session: Session, kind: type[SQLModel], values: dict[str, Any]) -> int:
    """A new row's id. It passes by what the session knows of rows, which takes most of the time of a small document."""
    inserted = session.connection().execute(_INSERT[kind], values)
    return int(inserted.lastrowid)


def remove_document(session: Session, collection_id: int, root: str, path: str) -> None:
    """Delete the document and its chunks, if it is there, and tell the indexes."""
    document = find_document(session, collection_id, root, path)
    if document is not None:
        session.exec(delete(Chunk).where(col(Chunk.document_id) == document.id))
        session.add(Change(document_id=known_id(document), operation="delete"))
        session.delete(document)


def find_document(session: Session, collection_id: int, root: str, path: str) -> Document | None:
    found = session.connection().execute(_DOCUMENT, _file(collection_id, root, path)).first()
    return session.get(Document, found.id) if found else None


def find_entry(session: Session, collection_id: int, root: str, path: str) -> LedgerEntry | None:
    found = session.connection().execute(_ENTRY, _file(collection_id, root, path)).first()
    return session.get(LedgerEntry, found.id) if found else None


def is_older(entry: LedgerEntry) -> bool:
    """Whether a file was read, and by an older reader than there is now."""
    return bool(entry.sha256) and entry.reader < READER_VERSION


def keep_as_stored(session: Session, entry: LedgerEntry, read: ReadFile) -> bool:
    """Whether a file has the bytes of its entry and was read, word for word, to the document that is stored; that one
    then learns where its words stand."""
    stored = find_document(session, entry.collection_id, entry.root, entry.path)
    if stored is None or stored.deleted_at is not None or entry.sha256 != read.sha256:
        return False
    new = read.document
    same_text = (stored.title, stored.pages, stored.text) == (new.title, new.pages, new.text)
    if not same_text or stored.blocks != blocks_to_json(new.blocks):
        return False
    stored.boxes = new.boxes or None
    session.add(stored)
    return True


def write_ledger(
    session: Session,
    collection_id: int,
    file: ScannedFile,
    state: str,
    reason: str,
    *,
    read_ns: int = 0,
    sha256: str = "",
    pages: int | None = None,
    chunks: int | None = None,
    limits: str = "",
) -> None:
    """Bring the file's ledger entry up to date. `chunks` None keeps their number: an older version is searched.
    `limits` are those of reading where it failed for want of time or memory.

    A failure that somebody has seen stays seen while the same file fails for the same reason.
    """
    entry = find_entry(session, collection_id, str(file.root), file.path)
    values: dict[str, Any] = {
        "state": state,
        "reason": reason,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "read_ns": read_ns,
        "sha256": sha256,
        "pages": pages,
        "limits": limits,
        "reader": READER_VERSION,
        "updated_at": now(),
        "deleted_at": None,
    }
    if chunks is not None:
        values["chunks"] = chunks
    if entry is None:
        place = {"collection_id": collection_id, "root": str(file.root), "path": file.path}
        insert_row(session, LedgerEntry, {"chunks": 0, **place, **values})
        return
    if (entry.state, entry.reason, entry.size, entry.mtime_ns) != (state, reason, file.size, file.mtime_ns):
        entry.seen_at = None
    entry.sqlmodel_update(values)
    session.add(entry)


def write_indexed(session: Session, collection_id: int, read: ReadFile, chunks: int | None = None) -> None:
    """The ledger entry of a file that was read into so many chunks; None: its chunks are those that are there, as many
    as the rebuild that made them has counted or will count."""
    write_ledger(
        session,
        collection_id,
        read.file,
        "indexed",
        read.reason,
        read_ns=read.read_ns,
        sha256=read.sha256,
        pages=read.document.pages,
        chunks=chunks,
    )


def _file(collection_id: int, root: str, path: str) -> dict[str, Any]:
    return {"collection": collection_id, "root_of": root, "path_of": path}


def _id_of_file(table: type[Document] | type[LedgerEntry]) -> Any:
    return select(table.id).where(
        table.collection_id == bindparam("collection"),
        table.root == bindparam("root_of"),
        table.path == bindparam("path_of"),
    )


# Made once: a statement takes longer to make than to run.
_DOCUMENT, _ENTRY = _id_of_file(Document), _id_of_file(LedgerEntry)
_INSERT: dict[type[SQLModel], Insert] = {
    kind: insert(SQLModel.metadata.tables[str(kind.__tablename__)]) for kind in (Document, Chunk, LedgerEntry, Change)
}
