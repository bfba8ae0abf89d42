"""Is everything derived still true to the documents? Reads all of knowledge.db, a document at a time; changes nothing.

Of every generation of chunks that is there: the one that is searched, and that of a rebuild under way.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.documents.extract.document import Block, blocks_from_json
from indexer.knowledge.database import reading
from indexer.knowledge.generations import current, not_rebuilt, rebuild_under_way
from indexer.knowledge.readable import same_file
from indexer.knowledge.tables import Chunk, Document, Entry, IndexInfo, LedgerEntry
from indexer.search.agreement import differences
from indexer.search.state import State, followed
from indexer.search.store import Store
from indexer.settings import IndexerSettings

UNIT_TOLERANCE = 1e-3
SENTENCE_TOLERANCE = 2e-2  # of float16
READ_AT_ONCE = 200  # chunks of a document: one may have a hundred thousand


@dataclass
class Verification:
    """A sentence for each thing that is wrong, and how much was looked at."""

    problems: list[str] = field(default_factory=list)
    documents: int = 0
    passages: int = 0  # of all generations
    sentences: int = 0
    entries: int = 0


@dataclass(frozen=True)
class _Generation:
    """What is known of a generation of chunks. `dimension` 0: nothing, so its vectors are not looked at."""

    number: int
    name: str  # as a sentence about a passage begins
    dimension: int
    unfinished: frozenset[int] = frozenset()  # documents of which not all passages need to be there


def verify_index(settings: IndexerSettings, engine: Engine) -> list[str]:
    """A sentence for each thing that is wrong; empty when all is well."""
    return verify(settings, engine).problems


def verify(settings: IndexerSettings, engine: Engine) -> Verification:
    """The search index is compared only where the database is right."""
    found = Verification()
    with reading(engine) as session:
        found.problems += _database_problems(session)
        known = _generations(session)
        for id_ in session.exec(select(Document.id).order_by(col(Document.id))).all():
            document = session.get_one(Document, id_)
            found.problems += [f"{document.path}: {one}" for one in _problems(session, document, known, found)]
            found.documents += 1
            session.expunge_all()
        found.problems += _ledger_problems(session)
    if not found.problems:
        found.problems += _index_problems(settings, engine)
    return found


def _generations(session: Session) -> dict[int, _Generation]:
    info = session.get(IndexInfo, "dimension")
    known = {current(session): _Generation(current(session), "passage", int(info.value) if info else 0)}
    rebuild = rebuild_under_way(session)
    if rebuild is not None and rebuild.generation not in known:
        number, dimension = rebuild.generation, int(rebuild.made_with["dimension"])
        unfinished = frozenset(not_rebuilt(session, rebuild))
        known[number] = _Generation(number, "passage of the rebuild", dimension, unfinished)
    return known


def _database_problems(session: Session) -> Iterator[str]:
    connection = session.connection()
    for (said,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if said != "ok":
            yield f"SQLite finds the database damaged: {said}."
    orphans: dict[str, int] = {}
    for table, *_ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        orphans[table] = orphans.get(table, 0) + 1
    for table, count in orphans.items():
        what = "passages belong to no document" if table == "chunk" else f"rows of {table} belong to nothing"
        yield f"{count} {what}."


def _index_problems(settings: IndexerSettings, engine: Engine) -> list[str]:
    stored, _ = Store(engine, settings.index_path).stored()
    with reading(engine) as session:  # both of one moment, whatever is committed while the second one is made
        kept, _ = followed(stored or State(), session)
        anew, _ = followed(State(), session)
    return list(differences(kept, anew))


def _ledger_problems(session: Session) -> Iterator[str]:
    """What was acknowledged as indexed is there."""
    lost = (
        select(LedgerEntry.path)
        .join(Document, same_file(), isouter=True)
        .where(LedgerEntry.state == "indexed", col(LedgerEntry.deleted_at).is_(None), col(Document.id).is_(None))
    )
    for path in session.exec(lost):
        yield f"{path}: the ledger says that it is indexed, but there is no document"


def _problems(
    session: Session, document: Document, known: dict[int, _Generation], found: Verification
) -> Iterator[str]:
    blocks = blocks_from_json(document.blocks)
    yield from _block_problems(document, blocks)
    checks = {number: _Passages(document, blocks, generation) for number, generation in known.items()}
    rows = session.exec(
        select(Chunk)
        .where(Chunk.document_id == document.id)
        .order_by(col(Chunk.ordinal))
        .execution_options(yield_per=READ_AT_ONCE)
    )
    for chunk in rows:
        found.passages += 1
        found.sentences += len(chunk.sentences) // (2 * np.dtype(np.int32).itemsize)
        check = checks.get(chunk.generation)  # None for what a switch has left to be removed
        if check is not None:
            yield from check.feed(chunk)
        session.expunge(chunk)
    for number, check in checks.items():
        if document.id not in known[number].unfinished:
            yield from check.finish()
    yield from _entry_problems(session, document, known, found)
    if rebuild_under_way(session) is None:
        yield from _count_problems(session, document, checks[current(session)].count)


def _block_problems(document: Document, blocks: tuple[Block, ...]) -> Iterator[str]:
    at = 0
    for block in blocks:
        if not at <= block.start < block.end <= len(document.text):
            yield f"its block at {block.start} is not inside its text or not in order"
            return
        at = block.end


def _count_problems(session: Session, document: Document, count: int) -> Iterator[str]:
    entry = session.exec(
        select(LedgerEntry).where(
            LedgerEntry.collection_id == document.collection_id,
            LedgerEntry.root == document.root,
            LedgerEntry.path == document.path,
            LedgerEntry.state == "indexed",
            col(LedgerEntry.deleted_at).is_(None),
        )
    ).first()
    if entry is not None and entry.chunks != count:
        yield f"the ledger says {entry.chunks} passages, there are {count}"


def _entry_problems(
    session: Session, document: Document, known: dict[int, _Generation], found: Verification
) -> Iterator[str]:
    """Texts that lead to its passages."""
    rows = session.exec(
        select(Entry.text, Entry.vector, Chunk.ordinal, Chunk.generation)
        .join(Chunk)
        .where(Chunk.document_id == document.id)
    )
    for text, vector, ordinal, number in rows:
        found.entries += 1
        generation = known.get(number)
        if generation is None:
            continue
        where = f"an entry of {generation.name} {ordinal}"
        if not text.strip():
            yield f"{where} is empty"
        yield from _vector_problems(where, vector, generation.dimension)


def _vector_problems(where: str, vector: bytes, dimension: int) -> Iterator[str]:
    if len(vector) != dimension * np.dtype(np.float32).itemsize:
        yield f"{where} has a vector of another length than the index"
    elif not abs(float(np.linalg.norm(np.frombuffer(vector, np.float32))) - 1) <= UNIT_TOLERANCE:
        yield f"{where} has a vector that is not of unit length"


class _Passages:
    """The chunks of a document of one generation, one after the other."""

    def __init__(self, document: Document, blocks: tuple[Block, ...], generation: _Generation) -> None:
        self._document, self._blocks, self._generation = document, blocks, generation
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._in_order = True

    @property
    def count(self) -> int:
        return len(self._ends)

    def feed(self, chunk: Chunk) -> Iterator[str]:
        where = f"{self._generation.name} {chunk.ordinal} at {chunk.start}"
        self._in_order &= chunk.ordinal == len(self._ends)
        if self._ends and chunk.start < self._ends[-1]:
            yield f"{self._generation.name} {chunk.ordinal} begins before the one before it ends"
        self._starts.append(chunk.start)
        self._ends.append(chunk.end)
        if not chunk.body.strip() or self._document.text[chunk.start : chunk.end] != chunk.body:
            yield f"{where} is not the words of the document there"
        yield from _vector_problems(where, chunk.vector, self._generation.dimension)
        yield from self._page_problems(where, chunk)
        yield from _section_problems(where, chunk)
        yield from self._sentence_problems(where, chunk)

    def finish(self) -> Iterator[str]:
        if not self._in_order:
            yield f"its {self._generation.name}s are not numbered one after the other"
        for block in self._blocks:
            at = bisect_right(self._ends, block.start)
            if block.kind != "heading" and (at == len(self._ends) or self._starts[at] >= block.end):
                yield f"its words at {block.start} are in no {self._generation.name}"
                return

    def _page_problems(self, where: str, chunk: Chunk) -> Iterator[str]:
        at = bisect_right(self._blocks, chunk.start, key=lambda block: block.start) - 1
        if at >= 0 and self._blocks[at].end > chunk.start and self._blocks[at].page != chunk.page:
            yield f"{where} names page {chunk.page}, but its words stand on page {self._blocks[at].page}"

    def _sentence_problems(self, where: str, chunk: Chunk) -> Iterator[str]:
        dimension = self._generation.dimension
        count, odd = divmod(len(chunk.sentences), 2 * np.dtype(np.int32).itemsize)
        if odd or len(chunk.sentence_vectors) != count * dimension * np.dtype(np.float16).itemsize:
            yield f"{where} has not one vector for each of its sentences"
            return
        flat = np.frombuffer(chunk.sentences, np.int32)  # start, end, start, end and so on
        if not count:
            return
        if flat[0] < chunk.start or flat[-1] > chunk.end or (np.diff(flat) < 0).any():
            yield f"{where} names sentences outside itself or out of order"
            return
        if any(not self._document.text[start:end].strip() for start, end in flat.reshape(-1, 2).tolist()):
            yield f"{where} names a sentence where no words stand"
        norms = np.linalg.norm(
            np.frombuffer(chunk.sentence_vectors, np.float16).reshape(count, -1).astype("f4"), axis=1
        )
        if not ((abs(norms - 1) <= SENTENCE_TOLERANCE) | (norms == 0)).all():
            yield f"{where} has a sentence whose vector is not of unit length"


def _section_problems(where: str, chunk: Chunk) -> Iterator[str]:
    starts = [start for start, _ in json.loads(chunk.sections)]
    if starts != sorted(starts) or not all(chunk.start <= start < chunk.end for start in starts):
        yield f"{where} names sections outside itself or out of order"
