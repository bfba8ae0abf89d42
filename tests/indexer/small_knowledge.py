"""Documents put straight into a knowledge.db, without files: what the store and the search are tested on."""

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, event
from sqlmodel import Session, col, select

from indexer.documents.chunk import ChunkDraft
from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.documents.scan import ScannedFile
from indexer.embed import EmbeddingInput
from indexer.knowledge.index_info import describe_index
from indexer.knowledge.records import put_document, remove_document
from indexer.knowledge.tables import Collection, Document
from indexer.settings import IndexerSettings
from indexer.text.sentences import sentence_spans
from tests.word_embedder import WordEmbedder

ROOT = Path("/documents")


def limit_parameters(engine: Engine) -> None:
    """As many parameters of a statement as SQLite takes where nobody changed it: some systems' builds take more."""
    engine.dispose()  # a pooled connection keeps the limit that it has

    @event.listens_for(engine, "connect")
    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)


class Knowledge:
    """Puts and deletes documents; each paragraph is a chunk."""

    def __init__(self, engine: Engine, settings: IndexerSettings) -> None:
        self.engine = engine
        self.settings = settings

    def collection(self, name: str) -> int:
        with Session(self.engine) as session:
            found = session.exec(select(Collection).where(Collection.name == name)).first() or Collection(name=name)
            session.add(found)
            session.commit()
            session.refresh(found)
            return found.id or 0

    def put(
        self,
        path: str,
        *paragraphs: str,
        collection: str = "docs",
        pages: list[int] | None = None,
        root: Path = ROOT,
    ) -> int:
        """The document's id. Each paragraph is a chunk, on the page at its place in `pages` where they are given."""
        text = "\n\n".join(paragraphs)
        blocks, drafts, at = [], [], 0
        for number, paragraph in enumerate(paragraphs):
            at = text.index(paragraph, at)
            end = at + len(paragraph)
            page = pages[number] if pages else None
            blocks.append(Block("paragraph", at, end, page=page))
            drafts.append(ChunkDraft(path, "", page, at, end, tuple(sentence_spans(text, at, end))))
            at = end
        inputs = [
            EmbeddingInput(d.prefix, text[d.start : d.end], tuple((a - d.start, b - d.start) for a, b in d.sentences))
            for d in drafts
        ]
        extracted = ExtractedDocument(path, text, tuple(blocks), pages[-1] if pages else None)
        collection_id = self.collection(collection)
        embedder = WordEmbedder()
        with Session(self.engine) as session:
            describe_index(session, self.settings, embedder.dimension)
            vectors = embedder.encode_chunks(inputs)
            put_document(session, collection_id, ScannedFile(root, path), "0", extracted, drafts, vectors)
            session.commit()
            found = session.exec(
                select(Document.id).where(
                    Document.collection_id == collection_id, col(Document.root) == str(root), col(Document.path) == path
                )
            ).one()
        return found or 0

    def delete(self, path: str, collection: str = "docs") -> None:
        collection_id = self.collection(collection)
        with Session(self.engine) as session:
            remove_document(session, collection_id, str(ROOT), path)
            session.commit()
