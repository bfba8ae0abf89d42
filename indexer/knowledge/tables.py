"""Tables of knowledge.db.

Ids of documents, chunks and changes are never used twice (AUTOINCREMENT): an id that came back would let an old vector
or an old citation point at another text.
"""

from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

WAITING = "waiting"  # the state of a file that was sent to the page and is not read yet
SWITCH = "rebuild"  # the operation of a change after which another generation of chunks is searched


def now() -> datetime:
    return datetime.now(UTC)


class Row(Protocol):
    """A row of any of these tables that has a number for a key."""

    id: int | None


def known_id(row: Row) -> int:
    """The id of a row that was read or flushed. Raises RuntimeError for one that was not: 0 would name no row, or a
    collection that nobody meant."""
    if row.id is None:
        raise RuntimeError(f"a {type(row).__name__} was used before the database gave it an id")
    return row.id


class Collection(SQLModel, table=True):
    """A named set of documents; the unit of permission."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = Field(default_factory=now)


class Document(SQLModel, table=True):
    """The searchable version of a file. Its id stays the same when the file changes; its chunks' ids do not.

    SQLite reads all of a text to come to the columns behind it: a query over many documents has to be answered by an
    index that covers it.
    """

    __table_args__ = (
        UniqueConstraint("collection_id", "root", "path"),
        Index("ix_document_readable", "collection_id", "deleted_at", "indexed_at"),
        Index("ix_document_title", "collection_id", "root", "path", "title"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    collection_id: int = Field(foreign_key="collection.id")
    root: str  # absolute folder that was ingested
    path: str  # relative to root, POSIX form
    title: str
    media_type: str  # the file's ending in small letters, without its dot
    sha256: str
    pages: int | None = None
    text: str  # what the extractor read; chunks and citations are code points of it
    blocks: str  # JSON list of [kind, start, end, level, page], see indexer.documents.extract.document
    indexed_at: datetime = Field(default_factory=now)
    deleted_at: datetime | None = None  # hidden from every search and page, until it is restored or purged
    boxes: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Where on its pages the text stands, see indexer.documents.extract.boxes; None where the format has no pages, and
    of a document that an older Docent read."""


class Chunk(SQLModel, table=True):
    """A passage of a document: `body` is exactly `document.text[start:end]`; `prefix` is searched but never quoted."""

    __table_args__ = (Index("ix_chunk_generation", "document_id", "generation"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    document_id: int = Field(foreign_key="document.id", ondelete="CASCADE")
    ordinal: int
    prefix: str
    sections: str  # JSON list of [start, heading path]: the sections of the document that it holds some of
    page: int | None = None
    start: int
    end: int
    body: str
    vector: bytes = Field(sa_type=LargeBinary)  # float32 (dim,), unit length
    sentences: bytes = Field(sa_type=LargeBinary)  # int32 (n, 2): code points [start, end) of document.text
    sentence_vectors: bytes = Field(sa_type=LargeBinary)  # float16 (n, dim), unit rows
    generation: int = Field(default=1, sa_column_kwargs={"server_default": "1"})  # see knowledge/generations.py


class Rebuilt(SQLModel, table=True):
    """A document whose chunks of the next generation are there, as it was after a change of the change table."""

    document_id: int | None = Field(default=None, primary_key=True, foreign_key="document.id", ondelete="CASCADE")
    change: int
    chunks: int


class Signature(SQLModel, table=True):
    """By what equal and nearly equal documents are found, see indexer.knowledge.alike. One without is signed by the
    next run."""

    document_id: int | None = Field(default=None, primary_key=True, foreign_key="document.id", ondelete="CASCADE")
    form: str  # how it was made: only those of one form are compared
    words: bytes = Field(sa_type=LargeBinary, index=True)  # hash of the folded text
    minhash: bytes = Field(sa_type=LargeBinary)  # uint32 (permutations,)


class SignatureBand(SQLModel, table=True):
    """A piece of a signature: documents that share one are worth comparing."""

    __tablename__ = "signature_band"
    __table_args__ = (Index("ix_signature_band", "value", "document_id"),)

    document_id: int | None = Field(default=None, primary_key=True, foreign_key="document.id", ondelete="CASCADE")
    value: int = Field(primary_key=True)  # hash of the piece and its place


class Enrichment(SQLModel, table=True):
    """A language model has written about this chunk; what was worth keeping stands in its entries."""

    chunk_id: int | None = Field(default=None, primary_key=True, foreign_key="chunk.id", ondelete="CASCADE")
    model: str
    dropped: int  # texts that did not pass, see indexer.enrich.filter
    made_at: datetime = Field(default_factory=now)


class Entry(SQLModel, table=True):
    """A text that leads a search to its chunk. It is searched, and never shown: it is not the document's."""

    id: int | None = Field(default=None, primary_key=True)
    chunk_id: int = Field(foreign_key="chunk.id", index=True, ondelete="CASCADE")
    kind: str  # question | summary | keywords
    text: str
    vector: bytes = Field(sa_type=LargeBinary)  # float32 (dim,), unit length


class KeptBrief(SQLModel, table=True):
    """What a language model has written about a whole document: gone with it, and with the words that it is of."""

    __tablename__ = "brief"

    document_id: int | None = Field(default=None, primary_key=True, foreign_key="document.id", ondelete="CASCADE")
    content: str  # hash of the document's text
    model: str  # hash of the model and of how it was asked
    made: str  # JSON, see server.answering.brief
    made_at: datetime = Field(default_factory=now)


class LedgerEntry(SQLModel, table=True):
    """The latest word on one file: what became of it and why. Every file that a run saw has one."""

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("collection_id", "root", "path"),
        Index("ix_ledger_listed", "collection_id", "deleted_at", "state", "seen_at", "path"),
        Index("ix_ledger_deleted", "deleted_at", sqlite_where=text("deleted_at IS NOT NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    collection_id: int = Field(foreign_key="collection.id")
    root: str
    path: str
    state: str  # indexed | skipped | failed | needs_ocr | waiting
    reason: str = ""
    size: int = 0  # bytes
    mtime_ns: int = 0
    read_ns: int = 0  # when the file was last read
    sha256: str = ""
    pages: int | None = None
    chunks: int = 0
    updated_at: datetime = Field(default_factory=now)
    deleted_at: datetime | None = None  # deleted by hand: not read again unless the file changes, see trash.py
    limits: str = ""  # of time and memory, where reading failed for want of them
    seen_at: datetime | None = None  # when somebody had seen this failure; another failure of the file is unseen again
    reader: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # READER_VERSION of who read it last


class Change(SQLModel, table=True):
    """What an index has to follow: a document was put or deleted, committed with the document itself; or another
    generation of all chunks is searched from here on, of no document (0)."""

    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = Field(default=None, primary_key=True)
    document_id: int
    operation: str  # put | delete | rebuild


class IngestRun(SQLModel, table=True):
    """One call of `indexer ingest` for one collection."""

    __tablename__ = "ingest_run"
    __table_args__ = (Index("ix_ingest_run_finished", "collection_id", "finished_at"),)

    id: int | None = Field(default=None, primary_key=True)
    collection_id: int = Field(foreign_key="collection.id")
    started_at: datetime = Field(default_factory=now)
    finished_at: datetime | None = None
    total: int = 0  # files to look at
    done: int = 0
    counts: str = "{}"  # JSON, by state


class IndexInfo(SQLModel, table=True):
    """What the vectors in this database were made with: model, dimension, normalised, chunker."""

    __tablename__ = "index_info"

    key: str = Field(primary_key=True)
    value: str
