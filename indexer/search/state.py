"""The search index at one change of the database, and how it follows the next ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func
from sqlmodel import Session, col, select

from indexer.knowledge.tables import Change, Chunk, Document, Entry, IndexInfo
from indexer.passages import Scope
from indexer.search.entry_index import EntryIndex
from indexer.search.keywords import KeywordIndex
from indexer.search.rows import Rows, rows_of
from indexer.search.vectors import VectorIndex
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
    masks: dict[Scope, NDArray[np.bool_]] = field(default_factory=dict)  # a cache: the rows that each scope searches

    @property
    def is_even(self) -> bool:
        """Whether all parts have as many rows: not once what was to become the next state has failed half-way."""
        return len(self.rows) == len(self.vectors) == len(self.keywords)


def followed(state: State, session: Session) -> tuple[State, int]:
    """The state after the newest change, and how many documents changed. The given one is not to be followed again."""
    newest = newest_change(session)
    if newest == state.change:
        return state, 0
    is_older_copy = newest < state.change  # a backup of the database was put back
    has_other_vectors = state.vectors.dimension not in (None, _stored_dimension(session))
    if is_older_copy or has_other_vectors or not state.is_even:
        state = State()
    rows = session.exec(select(Change.document_id).where(col(Change.id) > state.change)).all()
    changed = list(dict.fromkeys(rows))
    added = [_appended(state, session, document_id) for document_id in changed]
    return replace(state, rows=state.rows.after(changed, added), change=newest, masks={}), len(changed)


def newest_change(session: Session) -> int:
    return session.exec(select(func.max(Change.id))).one() or 0


def _stored_dimension(session: Session) -> int | None:
    info = session.get(IndexInfo, "dimension")
    return int(info.value) if info else None


def _appended(state: State, session: Session, document_id: int) -> NDArray[np.void]:
    """Append a document to every part but the rows; returns its rows, none where it is gone."""
    collection_id = session.exec(
        select(Document.collection_id).where(Document.id == document_id, col(Document.deleted_at).is_(None))
    ).first()
    chunks = session.exec(
        select(Chunk.id, Chunk.prefix, Chunk.body, Chunk.vector)
        .where(Chunk.document_id == document_id)
        .order_by(col(Chunk.ordinal))
    ).all()
    if collection_id is None or not chunks:
        return rows_of(document_id, 0, [], [])
    first = len(state.keywords)
    state.vectors.add(np.stack([np.frombuffer(vector, np.float32) for *_, vector in chunks]))
    texts = [f"{prefix}\n{body}" for _, prefix, body, _ in chunks]
    spelt: set[str] = set()
    for text in texts:
        found = words(text)
        state.keywords.add([*map(stem, found), *identifiers(text)])
        spelt.update(found)
    known = state.spellings.setdefault(collection_id, {})
    known.update(dict.fromkeys(spelt.difference(known), first))
    chunk_ids = [id_ for id_, *_ in chunks if id_ is not None]
    _append_entries(state, session, document_id, {id_: row for row, id_ in enumerate(chunk_ids, first)})
    return rows_of(document_id, collection_id, chunk_ids, texts)


def _append_entries(state: State, session: Session, document_id: int, row_of: dict[int, int]) -> None:
    """`row_of`: the rows of the document's chunks by their ids."""
    found: Sequence[tuple[int, str, bytes]] = session.exec(
        select(Entry.chunk_id, Entry.text, Entry.vector).join(Chunk).where(Chunk.document_id == document_id)
    ).all()
    if found:
        vectors = np.stack([np.frombuffer(vector, np.float32) for *_, vector in found])
        state.entries.add([row_of[id_] for id_, *_ in found], [text for _, text, _ in found], vectors)
