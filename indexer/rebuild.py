"""Chunks and vectors anew from the stored texts: after a change of the embedding model or of the chunker.

One transaction: until it commits, searches go on over the old chunks, and a kill leaves them as they were.
"""

from collections.abc import Callable

from filelock import FileLock, Timeout
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.chunk import chunk_document
from indexer.embed import SPECIAL_TOKENS, SentenceTransformerEmbedder
from indexer.errors import BusyError
from indexer.extract.document import ExtractedDocument, blocks_from_json
from indexer.index_info import describe_index
from indexer.ingest import Progress, embedding_input
from indexer.models import Document, LedgerEntry
from indexer.records import put_chunks
from indexer.settings import IndexerSettings


def rebuild_index(
    settings: IndexerSettings,
    engine: Engine,
    embedder: SentenceTransformerEmbedder,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[int, int]:
    """(documents, chunks) made. Raises StartError."""
    lock = FileLock(settings.data / "ingest.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BusyError(f"Another `indexer` is writing to {settings.data}.", "Wait until it has finished.") from error
    limit = settings.chunk_tokens - SPECIAL_TOKENS
    chunks = 0
    try:
        with Session(engine) as session:
            ids = session.exec(select(Document.id)).all()
            describe_index(session, settings, embedder.dimension)
            for done, id_ in enumerate(ids, start=1):
                document = session.get_one(Document, id_)
                extracted = ExtractedDocument(
                    document.title, document.text, blocks_from_json(document.blocks), document.pages
                )
                drafts = chunk_document(extracted, embedder.tokenizer.offsets, limit)
                vectors = embedder.encode_chunks([embedding_input(document.text, draft) for draft in drafts])
                put_chunks(session, id_ or 0, document.text, drafts, vectors)
                _update_ledger(session, document, len(drafts))
                session.flush()
                session.expire_all()
                chunks += len(drafts)
                on_progress(Progress(done, len(ids), chunks))
            session.commit()
    finally:
        lock.release()
    return len(ids), chunks


def _update_ledger(session: Session, document: Document, chunks: int) -> None:
    entry = session.exec(
        select(LedgerEntry).where(
            LedgerEntry.collection_id == document.collection_id,
            LedgerEntry.root == document.root,
            LedgerEntry.path == document.path,
        )
    ).first()
    if entry is not None:
        entry.chunks = chunks
