"""A document as passages, a chunk each, in its own order: all of it, or its most central ones where it is long."""

import numpy as np
from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from indexer.embed import Vectors
from indexer.knowledge.database import reading
from indexer.knowledge.generations import is_current
from indexer.knowledge.tables import Chunk
from indexer.passages import Passage, Scope, WholeDocument
from indexer.search.central import by_centrality, centroid
from indexer.search.found import FoundChunk, load_chunks

MOST_CHUNKS = 20_000
"""Chunks whose vectors are looked at, 30 MB; of a file that has more, four times 2,000 pages, the beginning."""
AT_ONCE = 500  # chunks of one query


def read_whole(engine: Engine, document_id: int, scope: Scope, most: int) -> WholeDocument | None:
    """At most about `most` characters of a document, its most central chunks where it has more; None where it has no
    text that is searched, or the asker may not read it. Blocks."""
    with reading(engine) as session:
        listed = _listed(session, document_id)
        if not listed:
            return None
        ids, lengths = [id_ for id_, _, _ in listed], [length for _, length, _ in listed]
        vectors = np.stack([np.frombuffer(vector, np.float32) for _, _, vector in listed])
        centre = centroid(vectors)
        chosen = range(len(ids)) if sum(lengths) <= most else _central(vectors, centre, lengths, most)
        wanted = [ids[at] for at in sorted(chosen)]
        some = (wanted[at : at + AT_ONCE] for at in range(0, len(wanted), AT_ONCE))
        found = [chunk for few in some for chunk in load_chunks(session, few, scope)]
    if not found:
        return None
    passages = tuple(_passage(rank, chunk, centre) for rank, chunk in enumerate(found, 1))
    return WholeDocument(passages, centre, sum(lengths[at] for at in chosen), sum(lengths))


def _listed(session: Session, document_id: int) -> list[tuple[int, int, bytes]]:
    """(id, characters, vector) of the chunks that have one, in reading order."""
    rows = session.exec(
        select(Chunk.id, col(Chunk.end) - col(Chunk.start), Chunk.vector)
        .where(Chunk.document_id == document_id, is_current(), func.length(Chunk.vector) > 0)
        .order_by(col(Chunk.ordinal))
        .limit(MOST_CHUNKS)
    )
    return [(id_, length, vector) for id_, length, vector in rows if id_ is not None]


def _central(vectors: Vectors, centre: Vectors, lengths: list[int], most: int) -> list[int]:
    """The most central chunks, the first among them, since it says what the document is."""
    chosen, read = [0], lengths[0]
    for at in by_centrality(vectors, centre):
        if read + lengths[at] > most:
            break
        if at:
            chosen.append(at)
            read += lengths[at]
    return chosen


def _passage(rank: int, found: FoundChunk, centre: Vectors) -> Passage:
    chunk = found.chunk
    near = float(found.vector @ centre)
    return Passage(
        rank=rank,
        score=max(0.0, near),
        cosine=near,
        document_id=chunk.document_id,
        collection_id=found.collection_id,
        document=found.path,
        title=found.title,
        heading=found.first_heading,
        page=chunk.page,
        start=chunk.start,
        end=chunk.end,
        text=chunk.body,
        prefix=chunk.prefix,
        sentences=tuple(found.sentences),
        root=found.root,
        chunks=(found.span,),
    )
