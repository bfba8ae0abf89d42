"""Writes of knowledge.db inside a session that the caller commits: a document with all that belongs to it, at once."""

import json
from itertools import islice

import numpy as np
from sqlmodel import Session, col, delete, select

from indexer.documents.chunk import ChunkDraft
from indexer.documents.extract.document import ExtractedDocument, blocks_to_json
from indexer.documents.scan import ScannedFile
from indexer.embed import ChunkVectors
from indexer.knowledge.entries import put_entries, take_entries
from indexer.knowledge.tables import Change, Chunk, Document, LedgerEntry, known_id, now

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
    document = find_document(session, collection_id, str(file.root), file.path) or Document(
        collection_id=collection_id, root=str(file.root), path=file.path, title="", media_type="", sha256="",
        text="", blocks="[]",
    )  # fmt: skip
    document.title = extracted.title
    document.media_type = file.absolute.suffix.lower().removeprefix(".")
    document.sha256 = sha256
    document.pages = extracted.pages
    document.text = extracted.text
    document.blocks = blocks_to_json(extracted.blocks)
    document.indexed_at = now()
    document.deleted_at = None  # its file changed, or someone asked for it
    session.add(document)
    session.flush()
    put_chunks(session, known_id(document), extracted.text, drafts, vectors)


def put_chunks(
    session: Session, document_id: int, text: str, drafts: list[ChunkDraft], vectors: list[ChunkVectors]
) -> None:
    """Replace the document's chunks, under new ids, and tell the indexes. Entries stay with the words they are of."""
    kept = take_entries(session, document_id)
    session.exec(delete(Chunk).where(col(Chunk.document_id) == document_id))
    numbered = enumerate(zip(drafts, vectors, strict=True))
    while part := list(islice(numbered, WRITTEN_AT_ONCE)):
        chunks = [_chunk(document_id, text, ordinal, draft, vector) for ordinal, (draft, vector) in part]
        session.add_all(chunks)
        session.flush()  # gives the chunks their ids
        put_entries(session, kept, chunks)
        for chunk in chunks:
            session.expunge(chunk)
    session.add(Change(document_id=document_id, operation="put"))


def _chunk(document_id: int, text: str, ordinal: int, draft: ChunkDraft, vectors: ChunkVectors) -> Chunk:
    return Chunk(
        document_id=document_id,
        ordinal=ordinal,
        prefix=draft.prefix,
        sections=json.dumps(draft.sections, ensure_ascii=False),
        page=draft.page,
        start=draft.start,
        end=draft.end,
        body=text[draft.start : draft.end],
        vector=np.asarray(vectors.vector, np.float32).tobytes(),
        sentences=np.array(draft.sentences, np.int32).reshape(-1, 2).tobytes(),
        sentence_vectors=np.asarray(vectors.sentences, np.float16).tobytes(),
    )


def remove_document(session: Session, collection_id: int, root: str, path: str) -> None:
    """Delete the document and its chunks, if it is there, and tell the indexes."""
    document = find_document(session, collection_id, root, path)
    if document is not None:
        session.exec(delete(Chunk).where(col(Chunk.document_id) == document.id))
        session.add(Change(document_id=known_id(document), operation="delete"))
        session.delete(document)


def find_document(session: Session, collection_id: int, root: str, path: str) -> Document | None:
    return session.exec(
        select(Document).where(Document.collection_id == collection_id, Document.root == root, Document.path == path)
    ).first()


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
) -> LedgerEntry:
    """The file's ledger entry, brought up to date. `chunks` None keeps their number: an older version is searched.
    `limits` are those of reading where it failed for want of time or memory.

    A failure that somebody has seen stays seen while the same file fails for the same reason.
    """
    entry = session.exec(
        select(LedgerEntry).where(
            LedgerEntry.collection_id == collection_id,
            LedgerEntry.root == str(file.root),
            LedgerEntry.path == file.path,
        )
    ).first() or LedgerEntry(collection_id=collection_id, root=str(file.root), path=file.path, state=state)
    if (entry.state, entry.reason, entry.size, entry.mtime_ns) != (state, reason, file.size, file.mtime_ns):
        entry.seen_at = None
    entry.state, entry.reason = state, reason
    entry.size, entry.mtime_ns, entry.read_ns = file.size, file.mtime_ns, read_ns
    entry.sha256, entry.pages, entry.limits = sha256, pages, limits
    entry.updated_at, entry.deleted_at = now(), None
    if chunks is not None:
        entry.chunks = chunks
    session.add(entry)
    return entry
