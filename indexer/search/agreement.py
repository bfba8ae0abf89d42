"""Whether two states of the search index hold the same: one read from a snapshot and followed, and one made of the
database alone."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from indexer.search.state import State

COMPARED_AT_ONCE = 10_000  # vectors


def differences(kept: State, anew: State) -> Iterator[str]:
    """A sentence for each kind of difference; which row a chunk has does not count, nor do dead rows."""
    rows, others = _by_chunk(kept), _by_chunk(anew)
    ours, theirs = kept.rows.values[rows], anew.rows.values[others]
    if not np.array_equal(ours["chunk"], theirs["chunk"]):
        yield f"The search index holds {len(ours)} passages that are not the {len(theirs)} of the database."
        return
    if any(not np.array_equal(ours[field], theirs[field]) for field in ("document", "collection", "text")):
        yield "The search index has passages in other documents, or with other words, than the database."
    other = sum(
        int((kept.vectors.of(some) != anew.vectors.of(same)).any(axis=1).sum())
        for some, same in zip(_some(rows), _some(others), strict=True)
    )
    if other:
        yield f"The search index has other vectors for {other} passages than the database."
    if not _same_words(*(_postings(state.keywords.arrays(len(state.rows)), _living(state)) for state in (kept, anew))):
        yield "The search index finds other words in passages than stand in them."
    if _entries(kept) != _entries(anew):
        yield "The search index has other entries of passages than the database."


def _by_chunk(state: State) -> NDArray[np.int64]:
    """The rows that count, in the order of their chunks."""
    alive = np.flatnonzero(state.rows.values["alive"])
    return np.asarray(alive[np.argsort(state.rows.values["chunk"][alive])], np.int64)


def _living(state: State) -> NDArray[np.int64]:
    """The chunk of each row; -1 for one that does not count."""
    return np.where(state.rows.values["alive"], state.rows.values["chunk"], -1)


def _some(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    return (rows[at : at + COMPARED_AT_ONCE] for at in range(0, len(rows), COMPARED_AT_ONCE))


Postings = tuple[list[str], NDArray[np.int64], NDArray[np.int64]]
"""Terms in order; (chunk, place of the term) of each posting, (n, 2), in order; how often it occurs there, (n,)."""


def _postings(arrays: dict[str, NDArray[np.generic]], chunk_of: NDArray[np.int64]) -> Postings:
    """Of `KeywordIndex.arrays`; what stands in several rows of a chunk is added up."""
    text = arrays["vocabulary"].tobytes().decode()
    terms = np.array(text.split("\n") if text else [], np.str_)
    term = np.repeat(np.arange(len(terms)), arrays["sizes"].astype(np.int64))
    chunk = chunk_of[arrays["rows"].astype(np.int64)]
    kept = chunk >= 0
    used = np.unique(term[kept])
    order = used[np.argsort(terms[used])] if len(used) else used
    place = np.zeros(len(terms), np.int64)
    place[order] = np.arange(len(order))
    pairs, where = np.unique(np.column_stack([chunk[kept], place[term[kept]]]), axis=0, return_inverse=True)
    counts = np.zeros(len(pairs), np.int64)
    np.add.at(counts, where.ravel(), arrays["counts"].astype(np.int64)[kept])
    return [str(one) for one in terms[order]], pairs, counts


def _same_words(one: Postings, other: Postings) -> bool:
    return one[0] == other[0] and np.array_equal(one[1], other[1]) and np.array_equal(one[2], other[2])


def _entries(state: State) -> list[tuple[int, bytes]]:
    """(chunk, vector) of the entries of rows that count, in order."""
    arrays = state.entries.arrays(len(state.rows))
    if not arrays:
        return []
    chunks = _living(state)[arrays["rows"].astype(np.int64)]
    vectors = arrays["vectors"].astype(np.float32)
    return sorted((int(chunk), vector.tobytes()) for chunk, vector in zip(chunks, vectors, strict=True) if chunk >= 0)
