"""The search index at one change of the database, and how it follows the next ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func
from sqlmodel import Session, col, select

from indexer.knowledge.generations import current, is_current
from indexer.knowledge.tables import Change, Chunk, Document, Entry, IndexInfo
from indexer.passages import Scope
from indexer.search.entry_index import EntryIndex
from indexer.search.keywords import KeywordIndex
from indexer.search.rows import Rows, rows_of
from indexer.search.vectors import VectorIndex, Vectors
from indexer.text.terms import identifiers, stem, words

Spellings = dict[int, dict[str, int]]
"""Collection -> folded words as its documents spell them -> the first row of the document that was the first to."""


@dataclass(frozen=True)
class State:
    """What is searched: a row for each chunk that was taken up, dead ones among them.

    `rows` is never changed. The other parts are shared with the states that came before and after, and only ever grow
    behind the rows of this one, where nobody looks who goes by masks of `rows`: a state finds the same whatever is
    appended meanwhile. One thread at a time may make a state into the next one (`followed`), and only the newest.
    """

    rows: Rows = field(default_factory=Rows)
    vectors: VectorIndex = field(default_factory=VectorIndex)
    keywords: KeywordIndex = field(default_factory=KeywordIndex)
    entries: EntryIndex = field(default_factory=EntryIndex)
    spellings: Spellings = field(default_factory=dict)
    change: int = 0  # the last one taken up
    generation: int = 0  # of the chunks; 0: not known, there are none
    masks: dict[Scope, NDArray[np.bool_]] = field(default_factory=dict)  # a cache: the rows that each scope searches

    @property
    def is_even(self) -> bool:
        """Whether all parts have as many rows: not once what was to become the next state has failed half-way."""
        return len(self.rows) == len(self.vectors) == len(self.keywords)


def followed(state: State, session: Session) -> tuple[State, int]:
    """The state after the newest change, and how many documents changed. The given one is not to be followed again.

    Raises ValueError where a stored vector is of another length.
    """
    newest = newest_change(session)
    if newest == state.change:
        return state, 0
    is_older_copy = newest < state.change  # a backup of the database was put back
    has_other_vectors = state.vectors.dimension not in (None, _stored_dimension(session))
    generation = current(session)
    if is_older_copy or has_other_vectors or state.generation != generation or not state.is_even:
        state = State(generation=generation)
    rows = session.exec(select(Change.document_id).where(col(Change.id) > state.change)).all()
    changed = list(dict.fromkeys(rows))
    read: Iterable[_Read] = (_read(session, document_id) for document_id in changed)
    if len(state.rows):  # what is shared is appended to when nothing can fail any more; a new state is made in passing
        read = _of_length(list(read), state.vectors.dimension)
    added = [_appended(state, one) for one in read]
    return replace(state, rows=state.rows.after(changed, added), change=newest, masks={}), len(changed)


def newest_change(session: Session) -> int:
    return session.exec(select(func.max(Change.id))).one() or 0


def _stored_dimension(session: Session) -> int | None:
    info = session.get(IndexInfo, "dimension")
    return int(info.value) if info else None


@dataclass(frozen=True)
class _Read:
    """What the search needs of a changed document; no chunks where it is gone."""

    id: int
    collection_id: int = 0
    chunk_ids: Sequence[int] = ()
    texts: Sequence[str] = ()
    terms: Sequence[list[str]] = ()  # of each text
    spelt: frozenset[str] = frozenset()  # folded words of all texts
    vectors: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (chunks, dim)
    entry_chunks: Sequence[int] = ()  # of each entry the place of its chunk
    entry_texts: Sequence[str] = ()
    entry_vectors: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (entries, dim)


def _read(session: Session, document_id: int) -> _Read:
    """Raises ValueError where vectors are not of one length."""
    collection_id = session.exec(
        select(Document.collection_id).where(Document.id == document_id, col(Document.deleted_at).is_(None))
    ).first()
    chunks = session.exec(
        select(Chunk.id, Chunk.prefix, Chunk.body, Chunk.vector)
        .where(Chunk.document_id == document_id, is_current())
        .order_by(col(Chunk.ordinal))
    ).all()
    if collection_id is None or not chunks:
        return _Read(document_id)
    entries: Sequence[tuple[int, str, bytes]] = session.exec(
        select(Entry.chunk_id, Entry.text, Entry.vector)
        .join(Chunk)
        .where(Chunk.document_id == document_id, is_current())
    ).all()
    texts = [f"{prefix}\n{body}" for _, prefix, body, _ in chunks]
    found = [words(text) for text in texts]
    chunk_ids = [id_ for id_, *_ in chunks if id_ is not None]
    place = {id_: number for number, id_ in enumerate(chunk_ids)}
    return _Read(
        document_id,
        collection_id,
        chunk_ids,
        texts,
        [[*map(stem, spelt), *identifiers(text)] for spelt, text in zip(found, texts, strict=True)],
        frozenset().union(*found),
        _stacked([vector for *_, vector in chunks]),
        [place[id_] for id_, *_ in entries],
        [text for _, text, _ in entries],
        _stacked([vector for *_, vector in entries]),
    )


def _stacked(stored: Sequence[bytes]) -> Vectors:
    """float32 (n, dim). Raises ValueError where they are not of one length."""
    if not stored:
        return np.zeros((0, 0), np.float32)
    return np.stack([np.frombuffer(vector, np.float32) for vector in stored])


def _of_length(documents: list[_Read], dimension: int | None) -> list[_Read]:
    """The documents. Raises ValueError where a vector has another length than those they shall stand beside."""
    for document in documents:
        for vectors in (document.vectors, document.entry_vectors):
            if len(vectors) and vectors.shape[1] != dimension:
                raise ValueError(f"document {document.id} has vectors of length {vectors.shape[1]}, not {dimension}")
    return documents


def _appended(state: State, document: _Read) -> NDArray[np.void]:
    """Append a document to every part but the rows; returns its rows, none where it is gone."""
    first = len(state.keywords)
    if document.chunk_ids:
        state.vectors.add(document.vectors)
        for terms in document.terms:
            state.keywords.add(terms)
        known = state.spellings.setdefault(document.collection_id, {})
        known.update(dict.fromkeys(document.spelt.difference(known), first))
    if document.entry_texts:
        rows = [first + place for place in document.entry_chunks]
        state.entries.add(rows, document.entry_texts, document.entry_vectors)
    return rows_of(document.id, document.collection_id, document.chunk_ids, document.texts)
