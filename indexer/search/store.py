"""The search seam: FAISS for meaning, BM25 for words, both in memory and both derived from knowledge.db.

Each chunk is a row. A row that was replaced or deleted is dead, not removed (`remove_ids` is a full pass); dead rows
are dropped when the store is built anew. `Scope` is applied inside every search: a row outside it is neither scored nor
counted. `follow` takes up what the change table says; snapshots carry the change number up to which they are true.
"""

import hashlib
import logging
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from indexer.knowledge.database import reading
from indexer.knowledge.tables import Change, Chunk, Document, Entry, IndexInfo
from indexer.passages import Scope
from indexer.search.entry_index import EntryIndex, nearest
from indexer.search.keywords import KeywordIndex
from indexer.search.rows import Rows
from indexer.search.spelling import corrected
from indexer.text.terms import VERSION, identifiers, stem, words

log = logging.getLogger(__name__)

CANDIDATES = 100
"""Rows that each kind of search puts forward."""
DEAD_SHARE = 0.25
"""Share of dead rows from which the store is built anew (and at least `DEAD_ROWS` of them)."""
DEAD_ROWS = 2_000


@dataclass(frozen=True)
class Candidates:
    """Rows that any of the queries found, with all scores of each: arrays (n,) and (queries, n)."""

    chunk_ids: NDArray[np.int64]
    document_ids: NDArray[np.int64]
    cosine: NDArray[np.float32]
    bm25: NDArray[np.float32]  # of the row or of its best entry
    entry_cosine: NDArray[np.float32]  # of its nearest entry, 0 where it has none or none was near


class Store:
    """Thread-safe."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._lock = threading.RLock()
        self._clear()

    def _clear(self) -> None:
        self._faiss: faiss.Index | None = None
        self._keywords = KeywordIndex()
        self._entries = EntryIndex()
        self._words: dict[int, set[str]] = {}  # collection -> folded words as its documents spell them
        self._rows = Rows()
        self.change = 0  # the last change taken up

    def __len__(self) -> int:
        """Searchable chunks."""
        return self._rows.alive

    def chunk_ids(self) -> set[int]:
        """Ids of the searchable chunks."""
        with self._lock:
            rows = self._rows.values
            return set(rows["chunk"][rows["alive"]].tolist())

    def search(self, vectors: NDArray[np.float32], queries: Sequence[list[str]], scope: Scope) -> Candidates:
        """The best rows by cosine with each vector (float32 (queries, dim), unit rows) and by BM25 for each's terms."""
        with self._lock:
            mask = self._rows.readable(scope)
            if self._faiss is None or not mask.any():
                nothing, none = np.zeros(0, np.int64), np.zeros((len(queries), 0), np.float32)
                return Candidates(nothing, nothing, none, none, none)
            found = [nearest(self._faiss, vectors, mask, CANDIDATES)[0].ravel()]
            bm25 = np.stack([self._keywords.scores(query, mask) for query in queries])
            entry_cosine = np.zeros_like(bm25)
            for number, (vector, query) in enumerate(zip(vectors, queries, strict=True)):
                led = self._entries.search(vector, query, mask)
                np.maximum.at(bm25[number], led.rows, led.bm25)
                entry_cosine[number, led.rows] = led.cosine
                found += [led.rows, self._best(bm25[number])]
            rows = np.unique(np.concatenate(found))
            rows = rows[rows >= 0]
            cosine = vectors @ self._faiss.reconstruct_batch(rows).T  # (queries, n)
            known = self._rows.values[rows]
            return Candidates(known["chunk"], known["document"], cosine, bm25[:, rows], entry_cosine[:, rows])

    def _best(self, bm25: NDArray[np.float32]) -> NDArray[np.int64]:
        """Rows with the highest scores above 0, of equal ones those of the oldest chunks; in no order."""
        found = np.flatnonzero(bm25)
        if len(found) <= CANDIDATES:
            return found
        scores = bm25[found]
        least = np.partition(scores, -CANDIDATES)[-CANDIDATES]
        above, equal = found[scores > least], found[scores == least]
        left = CANDIDATES - len(above)
        return np.concatenate([above, equal[np.argpartition(self._rows.values["chunk"][equal], left - 1)[:left]]])

    def idf(self, query: list[str], scope: Scope) -> dict[str, float]:
        """How much each term tells inside the scope: 0 for one that stands in every chunk."""
        with self._lock:
            return self._keywords.idf(query, self._rows.readable(scope))

    def corrected(self, text: str, scope: Scope) -> str:
        """The text, misspelt words replaced by words that the scope's documents hold (indexer.search.spelling)."""
        with self._lock:
            mask = self._rows.readable(scope)
            spelt = [self._words[id_] for id_ in scope.collections if id_ in self._words]
            return corrected(
                text, lambda term: self._keywords.holding(term, mask), lambda word: any(word in one for one in spelt)
            )

    def is_behind(self) -> bool:
        """Whether the newest snapshot lacks changes of the database, or there is none."""
        with Session(self._engine) as session:
            newest = _newest_change(session)
        return newest > 0 and not (self._folder / str(newest)).exists()

    def follow(self) -> int:
        """Take up the changes since the last call; returns how many documents they name."""
        with self._lock, reading(self._engine) as session:
            newest = _newest_change(session)
            if newest == self.change:
                return 0
            if newest < self.change or self._dimension() not in (None, _stored_dimension(session)):
                self._clear()  # an older copy of the database was put back, or another model's vectors are there now
            rows = session.exec(select(Change.document_id).where(col(Change.id) > self.change)).all()
            changed = list(dict.fromkeys(rows))
            self._rows.end(changed)
            for document_id in changed:
                self._add_document(session, document_id)
            self.change = newest
        self._compact()
        return len(changed)

    def _dimension(self) -> int | None:
        return None if self._faiss is None else int(self._faiss.d)

    def _add_document(self, session: Session, document_id: int) -> None:
        collection_id = session.exec(
            select(Document.collection_id).where(Document.id == document_id, col(Document.deleted_at).is_(None))
        ).first()
        chunks = session.exec(
            select(Chunk.id, Chunk.prefix, Chunk.body, Chunk.vector)
            .where(Chunk.document_id == document_id)
            .order_by(col(Chunk.ordinal))
        ).all()
        if collection_id is None or not chunks:
            return
        vectors = np.stack([np.frombuffer(vector, np.float32) for *_, vector in chunks])
        if self._faiss is None:
            self._faiss = faiss.IndexFlatIP(vectors.shape[1])
        self._faiss.add(vectors)
        texts = [f"{prefix}\n{body}" for _, prefix, body, _ in chunks]
        spelt = self._words.setdefault(collection_id, set())
        for text in texts:
            found = words(text)
            self._keywords.add([*map(stem, found), *identifiers(text)])
            spelt.update(found)
        chunk_ids = [id_ for id_, *_ in chunks if id_ is not None]
        self._add_entries(session, document_id, chunk_ids)
        self._rows.add(document_id, collection_id, chunk_ids, texts)

    def _add_entries(self, session: Session, document_id: int, chunk_ids: Sequence[int]) -> None:
        """Those of chunks that become the next rows."""
        row_of = {id_: row for row, id_ in enumerate(chunk_ids, len(self._rows))}
        found = session.exec(
            select(Entry.chunk_id, Entry.text, Entry.vector).join(Chunk).where(Chunk.document_id == document_id)
        ).all()
        if found:
            vectors = np.stack([np.frombuffer(vector, np.float32) for *_, vector in found])
            self._entries.add([row_of[id_] for id_, *_ in found], [text for _, text, _ in found], vectors)

    def _compact(self) -> None:
        dead = len(self._rows) - self._rows.alive
        if dead > DEAD_ROWS and dead > DEAD_SHARE * len(self._rows):
            fresh = Store(self._engine, self._folder)
            fresh.follow()
            with self._lock:
                self.__dict__.update({k: v for k, v in fresh.__dict__.items() if k != "_lock"})

    # Snapshots: a folder `<change number>` each, made beside and renamed, so that a half-written one is never seen.

    def load(self) -> None:
        """Read the newest snapshot that belongs to this database, then follow. Any other is removed."""
        with self._lock:
            for snapshot in self._snapshots():
                try:
                    self._read_snapshot(snapshot)
                    break
                except Exception as error:  # whatever numpy, zipfile and FAISS raise over damaged bytes
                    if not snapshot.exists():  # another process has just replaced it
                        continue
                    log.warning("The index snapshot %s cannot be used (%s); the index is built anew.", snapshot, error)
                    shutil.rmtree(snapshot, ignore_errors=True)
            self.follow()

    def _snapshots(self) -> list[Path]:
        """Newest first."""
        named = [path for path in self._folder.glob("[0-9]*") if path.name.isdecimal() and path.name.isascii()]
        return sorted(named, key=lambda path: int(path.name), reverse=True)

    def _read_snapshot(self, snapshot: Path) -> None:
        """Raises whatever the reading of damaged files raises; the store is as it was then."""
        with (snapshot / "rows.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
        with Session(self._engine) as session:
            newest = _newest_change(session)
        if str(arrays["database"]) != self._database() or int(snapshot.name) > newest:
            raise ValueError("it belongs to another database")
        if str(arrays["terms"]) != VERSION:
            raise ValueError("texts had other search terms then")
        if _sha256(snapshot / "dense.faiss") != str(arrays["dense_sha256"]):
            raise ValueError("its vectors are not those that were written")
        index = faiss.read_index(str(snapshot / "dense.faiss"))
        keywords = KeywordIndex.from_arrays({k[4:]: v for k, v in arrays.items() if k.startswith("bm25")})
        entries = EntryIndex.from_arrays({k[5:]: v for k, v in arrays.items() if k.startswith("entry")})
        spelt = {int(k[5:]): set(v.tobytes().decode().split("\n")) for k, v in arrays.items() if k.startswith("words")}
        rows = Rows(arrays["rows"])
        if spelt.keys() != set(rows.values["collection"].tolist()):
            raise ValueError("it lacks the words of a collection")
        if not index.ntotal == len(keywords) == len(rows):
            raise ValueError("its parts are of different lengths")
        self._faiss, self._keywords, self._words, self._entries = index, keywords, spelt, entries
        self._rows = rows
        self.change = int(snapshot.name)

    def save(self) -> None:
        """Write a snapshot of what is in memory, and drop the older ones. Raises OSError; nothing is lost by it.

        Where another process is just doing so, its snapshot will do.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with suppress(Timeout), FileLock(self._folder / "lock", timeout=0), self._lock:
            target, fresh = self._folder / str(self.change), self._folder / "new"
            if self._faiss is None or target.exists():
                return
            shutil.rmtree(fresh, ignore_errors=True)  # left behind by a kill
            try:
                self._write_snapshot(self._faiss, fresh)
                fresh.replace(target)
            except OSError:
                shutil.rmtree(fresh, ignore_errors=True)  # the disk may be full
                raise
            for older in self._snapshots():
                if older != target:
                    shutil.rmtree(older, ignore_errors=True)

    def _write_snapshot(self, index: faiss.Index, folder: Path) -> None:
        folder.mkdir()
        try:
            faiss.write_index(index, str(folder / "dense.faiss"))
        except RuntimeError as error:  # how FAISS says that the disk is full
            raise OSError(str(error)) from error
        np.savez(
            folder / "rows.npz",
            allow_pickle=False,
            database=np.array(self._database()),
            dense_sha256=np.array(_sha256(folder / "dense.faiss")),
            terms=np.array(VERSION),
            rows=self._rows.values,
            **{f"words{id_}": _as_bytes(spelt) for id_, spelt in self._words.items()},
            **{f"entry{name}": values for name, values in self._entries.arrays().items()},
            **{f"bm25{name}": values for name, values in self._keywords.arrays().items()},
        )

    def _database(self) -> str:
        """The database's own random name: a snapshot of another one must not be taken for this one's."""
        with Session(self._engine) as session:
            info = session.get(IndexInfo, "database")
            return info.value if info else ""


def _as_bytes(lines: set[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(sorted(lines)).encode(), np.uint8)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _newest_change(session: Session) -> int:
    return session.exec(select(func.max(Change.id))).one() or 0


def _stored_dimension(session: Session) -> int | None:
    info = session.get(IndexInfo, "dimension")
    return int(info.value) if info else None
