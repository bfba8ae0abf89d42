"""Chunks and vectors anew from the stored texts, while the old ones are searched: see indexer.knowledge.generations.

    read and chunk some documents -> embed -> write, a piece at a time -> ... -> switch -> clear

Documents are read and embedded with no lock held. Each piece that is written is a transaction of its own, which holds
SQLite's lock for writers for some milliseconds and writes nothing where its document changed meanwhile: an ingest, an
enrichment and the page go on beside a rebuild, and what they change is made again before the switch. The switch waits
for an ingest under way, whose embedder would be the wrong one after it. A kill at any moment loses one batch.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import Engine, func
from sqlmodel import Session, col, delete, select

from indexer.documents.chunk import ChunkDraft, chunk_document
from indexer.documents.extract.document import ExtractedDocument, blocks_from_json
from indexer.embed import ChunkVectors, Embedder, model_folder
from indexer.errors import BusyError
from indexer.ingest import BATCH_CHUNKS
from indexer.knowledge import generations
from indexer.knowledge.calibration import forget
from indexer.knowledge.database import alone, begin_writing, reading, writing
from indexer.knowledge.encoding import AT_ONCE, encoded
from indexer.knowledge.entries import Kept, encoded_anew, take_entries
from indexer.knowledge.generations import Rebuild, rebuild_under_way
from indexer.knowledge.index_info import wanted
from indexer.knowledge.records import add_chunks
from indexer.knowledge.runs import RunProgress
from indexer.knowledge.tables import Change, Chunk, Document, Rebuilt
from indexer.settings import IndexerSettings
from indexer.text.word_pieces import SPECIAL_TOKENS, WordPieces

LOCK = "rebuild.lock"
WRITTEN_BYTES = 4_000_000
"""Of the vectors of one piece, which others who write wait for. AT_ONCE chunks of all-MiniLM-L6-v2 have 2 MB with their
sentences; those of a model with long vectors, each of many rows of a table, would have 100."""
CLEARED_TOGETHER = 50  # documents
WAIT_SECONDS = 1.0  # between two looks whether an ingest has ended


@dataclass
class Outcome:
    """What a call did. `documents` and `chunks` are those of the new generation, also of before an interruption."""

    documents: int = 0
    chunks: int = 0
    resumed: int = 0  # documents that an earlier call had made
    switched: bool = False  # False where an earlier call had, and this one only cleared
    writes: int = 0
    longest_write: float = 0.0  # seconds that others who write had to wait at the most


@dataclass(frozen=True)
class _Read:
    """A document as it was at one moment, and what was written about its passages."""

    id: int
    change: int  # the newest change then
    text: str
    drafts: list[ChunkDraft]
    kept: Kept = field(repr=False)


@dataclass(frozen=True)
class _Part:
    """Neighbouring chunks of a document, at most AT_ONCE."""

    read: _Read
    first: int

    @property
    def drafts(self) -> list[ChunkDraft]:
        return self.read.drafts[self.first : self.first + AT_ONCE]

    @property
    def is_last(self) -> bool:
        return self.first + AT_ONCE >= len(self.read.drafts)


def rebuild_index(
    settings: IndexerSettings,
    engine: Engine,
    embedder: Embedder,
    on_progress: Callable[[RunProgress], None] = lambda _: None,
    after_switch: Callable[[], None] = lambda: None,
) -> Outcome:
    """Begin a rebuild for these settings, or go on with the one that was interrupted; one for other settings is given
    up. `after_switch` is called while the old chunks are still there, for searches that began with them.

    Raises BusyError where another rebuild is at work.
    """
    with _alone(settings):
        return Rebuilding(settings, engine, embedder, on_progress).run(after_switch)


def discard_rebuild(settings: IndexerSettings, engine: Engine) -> Rebuild | None:
    """Give up the rebuild that was interrupted, or clear what one has left that had switched; None where there is
    neither. Raises BusyError where a rebuild is at work."""
    with _alone(settings):
        with Session(engine) as session:
            found = rebuild_under_way(session)
        if found is not None:
            _Writer(engine).remove(found)
        return found


class _Writer:
    """Short transactions, and how long the longest of them kept other writers waiting."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writes = 0
        self.longest = 0.0

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One that sees what others have committed, and that others see whole or not at all."""
        with Session(self.engine) as session:
            begin_writing(session)
            held_since = time.monotonic()
            yield session
            session.commit()
            self.writes += 1
            self.longest = max(self.longest, time.monotonic() - held_since)

    def remove(self, rebuild: Rebuild) -> None:
        """Whatever is not of the generation that is searched, and then the note of the rebuild."""
        if rebuild.phase == "making":
            with self.write() as session:
                generations.give_up(session, rebuild)
        with Session(self.engine) as session:
            ids = [id_ for id_ in session.exec(select(Document.id).order_by(col(Document.id))) if id_ is not None]
        for at in range(0, len(ids), CLEARED_TOGETHER):
            self.clear(ids[at : at + CLEARED_TOGETHER], count=rebuild.phase == "clearing")
        with self.write() as session:
            generations.end(session)

    def clear(self, document_ids: list[int], *, count: bool = False) -> None:
        """The chunks of these documents that are not searched; with `count` the ledger learns how many are."""
        while True:
            with Session(self.engine) as session:
                left = generations.left_over(session, document_ids)
            if not left and not count:
                return
            with self.write() as session:
                session.exec(delete(Chunk).where(col(Chunk.id).in_(left)))
                if len(left) < generations.REMOVED_AT_ONCE and count:
                    generations.count_chunks_anew(session, document_ids)
            if len(left) < generations.REMOVED_AT_ONCE:
                return


class Rebuilding:
    """One call of a rebuild."""

    def __init__(
        self,
        settings: IndexerSettings,
        engine: Engine,
        embedder: Embedder,
        on_progress: Callable[[RunProgress], None],
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.embedder = embedder
        self.on_progress = on_progress
        self.writer = _Writer(engine)
        self.outcome = Outcome()
        self.made_with = {
            **wanted(settings), "dimension": str(embedder.dimension), "digest": embedder.digest,
        }  # fmt: skip
        self._pieces = WordPieces(model_folder(settings.embedder))
        self._abandoned: set[int] = set()  # documents of the batch that changed while it was embedded

    def run(self, after_switch: Callable[[], None]) -> Outcome:
        rebuild = self._found()
        if rebuild.phase == "making":
            self._count(resumed=True)
            self._make(rebuild)
            rebuild = replace(rebuild, phase="clearing")
        self._count()
        after_switch()
        self.writer.remove(rebuild)
        self.outcome.writes, self.outcome.longest_write = self.writer.writes, self.writer.longest
        return self.outcome

    def _found(self) -> Rebuild:
        """The rebuild to go on with. What another one has left is removed first."""
        with Session(self.engine) as session:
            found = rebuild_under_way(session)
        if found is not None and found.made_with == self.made_with and found.phase != "discarding":
            return found
        if found is not None:
            self.writer.remove(found)
        with self.writer.write() as session:
            return generations.begin(session, self.made_with)

    def _count(self, resumed: bool = False) -> None:
        """What is made, as it stands in the database."""
        with Session(self.engine) as session:
            documents, chunks = session.exec(select(func.count(), func.sum(Rebuilt.chunks))).one()
        self.outcome.documents, self.outcome.chunks = documents, chunks or 0
        if resumed:
            self.outcome.resumed = documents

    # Making the next generation

    def _make(self, rebuild: Rebuild) -> None:
        """Returns when it is the one that is searched."""
        while not self.outcome.switched:
            with reading(self.engine) as session:
                waiting = generations.not_rebuilt(session, rebuild)
            for batch in self._batches(waiting):
                self._embed_and_write(rebuild, batch)
                self._tell()
            self._switch_if_whole(rebuild)

    def _tell(self, waiting: bool = False) -> None:
        with Session(self.engine) as session:
            total = session.exec(select(func.count(col(Document.id)))).one()
        self.on_progress(RunProgress(self.outcome.documents, total, self.outcome.chunks, waiting=waiting))

    def _batches(self, document_ids: Sequence[int]) -> Iterator[list[_Part]]:
        """Documents in chunks, gathered until there is a batch to embed; those of a large one in several."""
        batch: list[_Part] = []
        for id_ in document_ids:
            read = self._read(id_)
            if read is None:
                continue
            for first in range(0, max(1, len(read.drafts)), AT_ONCE):
                batch.append(_Part(read, first))
                if sum(len(part.drafts) for part in batch) >= BATCH_CHUNKS:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _read(self, document_id: int) -> _Read | None:
        """None where it is gone."""
        with reading(self.engine) as session:
            document = session.get(Document, document_id)
            if document is None:
                return None
            change = session.exec(select(func.max(Change.id))).one() or 0
            kept = take_entries(session, document_id)
            text, extracted = document.text, ExtractedDocument(
                document.title, document.text, blocks_from_json(document.blocks), document.pages
            )  # fmt: skip
        drafts = chunk_document(extracted, self._pieces.offsets, self.settings.chunk_tokens - SPECIAL_TOKENS)
        return _Read(document_id, change, text, drafts, encoded_anew(kept, self.embedder.encode_queries))

    def _embed_and_write(self, rebuild: Rebuild, batch: Sequence[_Part]) -> None:
        chunks = [(part.read.text, draft) for part in batch for draft in part.drafts]
        vectors = [one for found in encoded(chunks, self.embedder) for one in found]
        self._abandoned &= {batch[0].read.id}  # only the first can have parts in an earlier batch
        start = 0
        for part in batch:
            end = start + len(part.drafts)
            self._write_part(rebuild, part, vectors[start:end])
            start = end

    def _write_part(self, rebuild: Rebuild, part: _Part, vectors: Sequence[ChunkVectors]) -> None:
        read, first = part.read, part.first
        if first == 0:
            self.writer.clear([read.id])  # of a call that was killed, or of the document as it was before
            self._abandoned.discard(read.id)
        pieces = list(_pieces(list(zip(part.drafts, vectors, strict=True)))) or [[]]
        for number, piece in enumerate(pieces, start=1):
            if read.id in self._abandoned:
                return
            with self.writer.write() as session:
                if generations.has_changed(session, read.id, read.change):
                    self._abandoned.add(read.id)  # it is read again before the switch
                    continue
                add_chunks(session, read.id, rebuild.generation, read.text, first, piece, read.kept)
                if part.is_last and number == len(pieces):
                    self._note(session, read)
            first += len(piece)

    def _note(self, session: Session, read: _Read) -> None:
        """All of a document's chunks are there."""
        before = session.get(Rebuilt, read.id)
        self.outcome.documents += before is None
        self.outcome.chunks += len(read.drafts) - (before.chunks if before else 0)
        session.merge(Rebuilt(document_id=read.id, change=read.change, chunks=len(read.drafts)))

    # The switch

    def _switch_if_whole(self, rebuild: Rebuild) -> None:
        """Unless a document changed since the last look. Waits for an ingest to end."""
        while True:
            try:
                with writing(self.settings), self.writer.write() as session:
                    if not generations.not_rebuilt(session, rebuild):
                        generations.switch(session, rebuild)
                        forget(session)
                        self.outcome.switched = True
                return
            except BusyError:
                self._tell(waiting=True)
                time.sleep(WAIT_SECONDS)


def _pieces(made: Sequence[tuple[ChunkDraft, ChunkVectors]]) -> Iterator[list[tuple[ChunkDraft, ChunkVectors]]]:
    """What is written at once: vectors of WRITTEN_BYTES, or one chunk with more."""
    piece: list[tuple[ChunkDraft, ChunkVectors]] = []
    size = 0
    for draft, vectors in made:
        own = vectors.vector.nbytes + vectors.sentences.nbytes
        if piece and size + own > WRITTEN_BYTES:
            yield piece
            piece, size = [], 0
        piece.append((draft, vectors))
        size += own
    if piece:
        yield piece


def _alone(settings: IndexerSettings) -> AbstractContextManager[None]:
    """Around a rebuild: one at a time. Raises BusyError, StorageError."""
    busy = BusyError(f"Another `indexer rebuild` is at work on {settings.data}.", "Wait until it has ended, or end it.")
    return alone(settings.data / LOCK, 0, busy)
