"""Entries of passages in knowledge.db: they outlive a new version of their document where the passage is the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from sqlmodel import Session, col, select

from indexer.embed import Vectors
from indexer.knowledge.generations import is_current
from indexer.knowledge.tables import Chunk, Enrichment, Entry, known_id


@dataclass
class KeptEnrichment:
    """What was written about a passage, without the passage's id."""

    model: str
    dropped: int
    made_at: datetime
    entries: list[tuple[str, str, bytes]] = field(default_factory=list)  # (kind, text, vector)


Kept = dict[tuple[str, str], KeptEnrichment]
"""By the passage's own words: (prefix, body)."""


def take_entries(session: Session, document_id: int) -> Kept:
    """What was written about the document's passages that are searched, before they are replaced."""
    rows = session.exec(
        select(Chunk.id, Chunk.prefix, Chunk.body, Enrichment)
        .join(Enrichment, col(Enrichment.chunk_id) == col(Chunk.id))
        .where(Chunk.document_id == document_id, is_current())
    ).all()
    kept: Kept = {}
    for id_, prefix, body, written in rows:
        entries = session.exec(select(Entry.kind, Entry.text, Entry.vector).where(Entry.chunk_id == id_)).all()
        kept[prefix, body] = KeptEnrichment(written.model, written.dropped, written.made_at, list(entries))
        session.expunge(written)
    return kept


def put_entries(session: Session, kept: Kept, chunks: Sequence[Chunk]) -> None:
    """Give the entries to the new passages (with ids) that have the same words."""
    for chunk in chunks:
        found = kept.get((chunk.prefix, chunk.body))
        if found is None:
            continue
        session.add(Enrichment(chunk_id=chunk.id, model=found.model, dropped=found.dropped, made_at=found.made_at))
        for kind, text, vector in found.entries:
            session.add(Entry(chunk_id=known_id(chunk), kind=kind, text=text, vector=vector))


def encoded_anew(kept: Kept, encode: Callable[[Sequence[str]], Vectors]) -> Kept:
    """The same with vectors of another embedding model."""
    texts = [text for one in kept.values() for _, text, _ in one.entries]
    vectors = iter(encode(texts)) if texts else iter(())
    return {
        words: replace(
            one,
            entries=[(kind, text, np.asarray(next(vectors), np.float32).tobytes()) for kind, text, _ in one.entries],
        )
        for words, one in kept.items()
    }
