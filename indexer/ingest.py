"""Folders to searchable documents. The way of a file, a step a line in `Ingest.run`:

    scan -> compare with the ledger -> remove what is gone -> read and chunk -> embed -> commit

A document, its chunks and vectors, its ledger entry and its row of the change table are in one transaction, small
documents several together: a kill at any moment leaves each document's old version or its new one. Reading and chunking
run ahead in a thread (a child process does the work, within limits, see documents.process), embedding in another,
batches across documents, and this one commits: none of them waits for another while there is work.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlmodel import Session, select

from indexer.documents.extract.files import check_file
from indexer.documents.reading import FailedFile, ReadFile, file_sha256, read_ahead, small_together
from indexer.documents.scan import GONE, ScannedFile, from_here, resolve_roots, scan
from indexer.embed import ChunkVectors, Embedder
from indexer.errors import FileError, FolderError, OverLimit, UnreadableFile, Unsettled, UnsupportedFile
from indexer.knowledge.alike import sign_unsigned
from indexer.knowledge.database import begin_writing, writing
from indexer.knowledge.encoding import check_memory, encode_ahead
from indexer.knowledge.index_info import check_index, describe_index
from indexer.knowledge.records import (
    find_document,
    find_entry,
    is_older,
    keep_as_stored,
    put_document,
    remove_document,
    write_indexed,
    write_ledger,
)
from indexer.knowledge.runs import FileReport, Report, RunProgress, begin_run, end_run, note_progress
from indexer.knowledge.tables import Collection, LedgerEntry, known_id, now
from indexer.knowledge.trash import DELETED, is_as_deleted, is_still_deleted
from indexer.settings import IndexerSettings

BATCH_CHUNKS = 256
"""Chunks gathered over documents and sorted by length together. What the eights that go through the model are padded
with, on the corpora: 4% of 128 together, 2% of 256, 1% of 512."""

COMMITTED_CHUNKS = 32
"""Chunks of small documents that are committed together, for some 20 ms: a transaction for each takes a third of the
processor time of a small file, and waits for the disk each time."""

SETTLED_NS = 2_000_000_000
"""A file that changed less than this before it was read may change again within one tick of its time stamp."""

NOTE_SECONDS = 0.5
"""How often a run writes its progress down for the server's page; each note is a write to the disk."""

REMOVED_SHARE = 5
"""A run that would remove more than one document in this many stops unless told to prune."""


def ingest(
    paths: Sequence[Path],
    settings: IndexerSettings,
    engine: Engine,
    open_embedder: Callable[[], Embedder],
    collection: str = "",
    prune: bool = False,
    on_progress: Callable[[RunProgress], None] = lambda _: None,
) -> Report:
    """Bring the collection in step with the files. `open_embedder` is called only when there is something to embed.

    Raises StartError before anything was changed, StorageError when the disk fills up on the way.
    """
    with writing(settings):
        return Ingest(settings, engine, open_embedder, on_progress).run(paths, collection, prune)


class Ingest:
    """One run over one collection."""

    def __init__(
        self,
        settings: IndexerSettings,
        engine: Engine,
        open_embedder: Callable[[], Embedder],
        on_progress: Callable[[RunProgress], None],
    ) -> None:
        self.settings = settings
        self.engine = engine
        self._open_embedder = open_embedder
        self.on_progress = on_progress
        self.report = Report()
        self.collection_id = 0  # set once it is known or made
        self.run_id = 0  # the same
        self.limits = reading_limits(settings)
        self.total = 0
        self.done = 0
        self.chunks = 0
        self._looked_again: list[tuple[int | None, int, int]] = []  # entry, mtime_ns, read_ns of same old content
        self._known: dict[tuple[str, str], LedgerEntry] = {}  # the ledger as it was when the run began
        self._began = now()
        self._noted = 0.0  # when the run's progress was last written down

    @cached_property
    def embedder(self) -> Embedder:
        embedder = self._open_embedder()
        check_index(self.engine, self.settings, embedder.dimension)
        return embedder

    def run(self, paths: Sequence[Path], collection: str, prune: bool) -> Report:
        started = time.monotonic()
        check_index(self.engine, self.settings)
        name = _encodable(collection) or default_collection(paths[0])
        self.collection_id = self._find_collection(name)
        roots = resolve_roots(paths, self._known_roots(), self.settings.data.resolve())
        found = [file for root in roots for file in scan(root, leave_out=self.settings.data.resolve())]
        known = self._known = self._ledger()
        gone = self._gone(found, known, [root.folder for root in roots if not root.only], prune)
        self.total = len(found)
        self.collection_id = self.collection_id or self._make_collection(name)
        self.run_id = begin_run(self.engine, self.collection_id, self.total)
        for entry in gone:
            self._remove(entry)
        fresh = [file for file in found if not self._settle_known(file, known.get((str(file.root), file.path)))]
        if fresh:
            self._read_embed_commit(fresh)
        sign_unsigned(self.engine)
        self._end()
        self.report.took_ms = round((time.monotonic() - started) * 1000)
        return self.report

    # What is there already

    def _find_collection(self, name: str) -> int:
        """Its id, or 0 where there is none of this name yet."""
        with Session(self.engine) as session:
            return session.exec(select(Collection.id).where(Collection.name == name)).first() or 0

    def _make_collection(self, name: str) -> int:
        with Session(self.engine) as session:
            made = Collection(name=name)
            session.add(made)
            session.commit()
            session.refresh(made)
            return known_id(made)

    def _known_roots(self) -> list[Path]:
        with Session(self.engine) as session:
            roots = session.exec(
                select(LedgerEntry.root).where(LedgerEntry.collection_id == self.collection_id).distinct()
            )
            return [Path(root) for root in roots]

    def _ledger(self) -> dict[tuple[str, str], LedgerEntry]:
        with Session(self.engine) as session:
            entries = session.exec(select(LedgerEntry).where(LedgerEntry.collection_id == self.collection_id)).all()
        return {(entry.root, entry.path): entry for entry in entries}

    def _gone(
        self,
        found: list[ScannedFile],
        known: dict[tuple[str, str], LedgerEntry],
        folders: list[Path],
        prune: bool,
    ) -> list[LedgerEntry]:
        """Ledger entries below these folders whose file is not there any more. Raises FolderError when too many."""
        present = {(str(file.root), file.path) for file in found}
        roots = {str(folder) for folder in folders}
        lost = [(str(file.root), file.path) for file in found if file.lost and file.path.endswith("/")]
        gone = [
            entry
            for key, entry in known.items()
            if key not in present
            and entry.root in roots
            and not any(entry.root == root and entry.path.startswith(folder) for root, folder in lost)
        ]
        documents = sum(entry.chunks > 0 and entry.deleted_at is None for entry in gone)
        indexed = sum(entry.chunks > 0 and entry.deleted_at is None for entry in known.values())
        if documents * REMOVED_SHARE > indexed and not prune:
            raise FolderError(
                f"{documents} of the collection's {indexed} documents are not in the folder any more.",
                "If they were really deleted, run this again with --prune; if a disk is not mounted, mount it first.",
            )
        return gone

    def _end(self) -> None:
        with Session(self.engine) as session:
            for id_, mtime_ns, read_ns in self._looked_again:
                entry = session.get_one(LedgerEntry, id_)
                entry.mtime_ns, entry.read_ns = mtime_ns, read_ns
            end_run(session, self.run_id, self.report.counts)
            session.commit()

    def _settle_known(self, file: ScannedFile, entry: LedgerEntry | None) -> bool:
        """True when nothing has to be read: the file is refused, or is as it was when it was last read."""
        if file.refusal:
            self._settle_refused(file, entry)
            return True
        if entry is not None and entry.deleted_at is not None and is_as_deleted(file, entry):
            self._settled(FileReport(file.path, "skipped", DELETED))
            return True
        if entry is None or not self._is_read_out(entry) or not self._is_same(file, entry):
            return False
        state = "unchanged" if entry.state == "indexed" else entry.state
        chunks = entry.chunks if state == "unchanged" else 0  # others may have an older version, which has some
        self._settled(FileReport(file.path, state, entry.reason, entry.pages, chunks))
        return True

    def _is_read_out(self, entry: LedgerEntry) -> bool:
        """Whether reading the same file again is sure to end as it did: it failed for nothing that may be mended
        meanwhile, or for want of time or memory, of which there is no more than then; and no newer reader is there."""
        return not is_older(entry) and (entry.state != "failed" or entry.limits == self.limits)

    def _settle_refused(self, file: ScannedFile, entry: LedgerEntry | None) -> None:
        if file.lost:
            error = Unsettled(file.refusal) if file.refusal == GONE else UnreadableFile(file.refusal)
            self._settle_failure(FailedFile(file, error, time.time_ns()))
        elif entry is None or (entry.state, entry.reason) != ("skipped", file.refusal):
            self._settle_failure(FailedFile(file, UnsupportedFile(file.refusal), time.time_ns()))
        else:
            self._settled(FileReport(file.path, "skipped", file.refusal))

    def _is_same(self, file: ScannedFile, entry: LedgerEntry) -> bool:
        """Whether reading the file would yield what it yielded before."""
        if not entry.sha256:  # refused for its name or size, which other settings or a newer Docent may read
            unchanged = (entry.size, entry.mtime_ns) == (file.size, file.mtime_ns)
            return unchanged and self._refusal(file) == entry.reason
        if file.size != entry.size:
            return False
        if file.mtime_ns == entry.mtime_ns and entry.read_ns - entry.mtime_ns >= SETTLED_NS:
            return True
        read_ns = time.time_ns()
        try:
            same = entry.sha256 == file_sha256(file.absolute)
        except OSError:
            return False
        if same:
            self._looked_again.append((entry.id, file.mtime_ns, read_ns))
        return same

    def _refusal(self, file: ScannedFile) -> str:
        try:
            check_file(file.absolute, self.settings.max_file_mb)
        except FileError as error:
            return str(error)
        return ""

    def _remove(self, entry: LedgerEntry) -> None:
        with Session(self.engine) as session:
            remove_document(session, self.collection_id, entry.root, entry.path)
            session.delete(session.merge(entry))
            session.commit()
        if entry.chunks:
            self.report.files.append(FileReport(entry.path, "removed"))

    # What is new

    def _batches(self, items: Iterator[ReadFile | FailedFile]) -> Iterator[list[ReadFile]]:
        """Documents in chunks, gathered until there is a batch to embed; failures are settled on the way."""
        batch: list[ReadFile] = []
        chunks = 0
        for item in items:
            if isinstance(item, FailedFile):
                self._settle_failure(item)
                continue
            if self._needs_no_vectors(item):
                continue
            try:
                check_memory(item.drafts, self.embedder.dimension, self.settings.extract_memory_mb)
            except OverLimit as error:
                self._settle_failure(FailedFile(item.file, error, item.read_ns, item.sha256))
                continue
            batch.append(item)
            chunks += len(item.drafts)
            if chunks >= BATCH_CHUNKS:
                yield batch
                batch, chunks = [], 0
        if batch:
            yield batch

    def _needs_no_vectors(self, read: ReadFile) -> bool:
        """Whether a newer reader reads of the same bytes what is stored, which then keeps its vectors; or the file is
        read for nothing, since it was deleted by hand meanwhile."""
        known = self._known.get((str(read.file.root), read.file.path))
        if known is None or known.state != "indexed" or not is_older(known):
            return False
        with Session(self.engine) as session:
            begin_writing(session)
            entry = find_entry(session, self.collection_id, known.root, known.path)
            if is_still_deleted(read.file, read.sha256, entry, self._began):
                report = FileReport(read.file.path, "skipped", DELETED)
            elif entry is not None and keep_as_stored(session, entry, read):
                write_indexed(session, self.collection_id, read)
                report = FileReport(entry.path, "unchanged", read.reason, read.document.pages, entry.chunks)
            else:
                return False
            session.commit()
        self._settled(report)
        return True

    def _is_deleted(self, session: Session, file: ScannedFile, sha256: str) -> bool:
        """By hand, maybe a moment ago, and not changed since. Asked in the transaction that would bring it back."""
        known = self._known.get((str(file.root), file.path))  # what is new was on no page
        entry = find_entry(session, self.collection_id, known.root, known.path) if known else None
        return is_still_deleted(file, sha256, entry, self._began)

    def _read_embed_commit(self, files: Sequence[ScannedFile]) -> None:
        with (
            closing(read_ahead(files, self.settings)) as read,
            closing(encode_ahead(self._batches(read), lambda: self.embedder)) as encoded,
            self.engine.connect() as connection,
        ):
            for batch, parts in encoded:
                vectors: list[ChunkVectors] = []
                for part in parts:
                    vectors += part
                    self.on_progress(RunProgress(self.done, self.total, self.chunks + len(vectors)))
                start = 0
                for together in small_together(batch, COMMITTED_CHUNKS):
                    end = start + sum(len(file.drafts) for file in together)
                    self._commit(connection, together, vectors[start:end])
                    start = end

    def _commit(self, connection: Connection, files: list[ReadFile], vectors: list[ChunkVectors]) -> None:
        """All of the files or none. Nothing is said of them before."""
        remaining = iter(vectors)
        reports: list[FileReport] = []
        with Session(connection) as session:
            begin_writing(session)
            if not self.chunks:  # the first of the run; nobody else writes meanwhile
                describe_index(session, self.settings, self.embedder.dimension)
            for read in files:
                path, pages, own = read.file.path, read.document.pages, list(islice(remaining, len(read.drafts)))
                if self._is_deleted(session, read.file, read.sha256):
                    reports.append(FileReport(path, "skipped", DELETED))
                    continue
                put_document(session, self.collection_id, read.file, read.sha256, read.document, read.drafts, own)
                write_indexed(session, self.collection_id, read, len(own))
                reports.append(FileReport(path, "indexed", read.reason, pages, len(own)))
            session.commit()
        for report in reports:
            self.chunks += report.chunks
            self._settled(report)

    def _settle_failure(self, failed: FailedFile) -> None:
        with Session(self.engine) as session:
            begin_writing(session)
            report = self._failure(session, failed)
            session.commit()
        self._settled(report)

    def _failure(self, session: Session, failed: FailedFile) -> FileReport:
        """A file that failed or is on the move keeps its older version searchable; one without words loses it."""
        file, state, reason = failed.file, failed.error.state, str(failed.error)
        if self._is_deleted(session, file, failed.sha256):
            return FileReport(file.path, "skipped", DELETED)
        is_kept = isinstance(failed.error, UnreadableFile | Unsettled)
        found = find_document(session, self.collection_id, str(file.root), file.path)
        if not is_kept or (found is not None and found.deleted_at is not None):
            remove_document(session, self.collection_id, str(file.root), file.path)
        elif found is not None:
            reason = f"{reason} (its older version stays searchable)"
        write_ledger(
            session,
            self.collection_id,
            file,
            state,
            reason,
            read_ns=failed.read_ns,
            sha256=failed.sha256,
            chunks=None if is_kept else 0,
            limits=self.limits if isinstance(failed.error, OverLimit) else "",
        )
        return FileReport(file.path, state, reason)

    def _settled(self, file: FileReport) -> None:
        self.report.files.append(file)
        self.done += 1
        if time.monotonic() - self._noted > NOTE_SECONDS:
            self._noted = time.monotonic()
            note_progress(self.engine, self.run_id, self.done)
        self.on_progress(RunProgress(self.done, self.total, self.chunks, file))


def reading_limits(settings: IndexerSettings) -> str:
    """What a file that failed for want of time or memory failed under. Another Docent may read it with less."""
    return f"{settings.extract_seconds} s, {settings.extract_memory_mb} MB, Docent {version('docent')}"


def default_collection(path: Path) -> str:
    """The collection where none is named: the folder's name, or for a file that of the folder it lies in."""
    absolute = from_here(path)
    return _encodable((absolute.parent if absolute.is_file() else absolute).resolve().name) or "documents"


def _encodable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
