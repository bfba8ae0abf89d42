"""Chunks and vectors anew from the stored texts: after a change of the embedding model or of the chunker.

One transaction: until it commits, searches go on over the old chunks, and a kill leaves them as they were.
"""

from collections.abc import Callable

from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents.chunk import chunk_document
from indexer.documents.extract.document import ExtractedDocument, blocks_from_json
from indexer.embed import Embedder, model_folder
from indexer.ingest import RunProgress
from indexer.knowledge.calibration import forget
from indexer.knowledge.database import writing
from indexer.knowledge.encoding import encoded
from indexer.knowledge.entries import encode_entries
from indexer.knowledge.index_info import describe_index
from indexer.knowledge.records import put_chunks
from indexer.knowledge.tables import Document, LedgerEntry
from indexer.settings import IndexerSettings
from indexer.text.word_pieces import SPECIAL_TOKENS, WordPieces


def rebuild_index(
    settings: IndexerSettings,
    engine: Engine,
    embedder: Embedder,
    on_progress: Callable[[RunProgress], None] = lambda _: None,
) -> tuple[int, int]:
    """(documents, chunks) made. Raises StartError."""
    pieces = WordPieces(model_folder(settings.embedder))
    limit = settings.chunk_tokens - SPECIAL_TOKENS
    chunks = 0
    with writing(settings), Session(engine) as session:
        ids = session.exec(select(Document.id)).all()
        describe_index(session, settings, embedder.dimension)
        forget(session)
        for done, id_ in enumerate(ids, start=1):
            document = session.get_one(Document, id_)
            extracted = ExtractedDocument(
                document.title, document.text, blocks_from_json(document.blocks), document.pages
            )
            drafts = chunk_document(extracted, pieces.offsets, limit)
            vectors = [one for part in encoded([(document.text, draft) for draft in drafts], embedder) for one in part]
            put_chunks(session, id_ or 0, document.text, drafts, vectors)
            encode_entries(session, id_ or 0, embedder.encode_queries)
            _update_ledger(session, document, len(drafts))
            session.flush()
            session.expire_all()
            chunks += len(drafts)
            on_progress(RunProgress(done, len(ids), chunks))
        session.commit()
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
