"""Generations of chunks: one is searched, and a rebuild makes the next one beside it.

    begin    what the next generation is made with is written down, under its number
    make     chunks of the next generation, some at a time; `Rebuilt` says of a document that all of its are there
    switch   one small transaction: the next generation is the one that is searched, with a row of the change table
    clear    what is left of the generation before is removed, some at a time

Everything is kept in the database, so a rebuild that was killed goes on where it was. Who changes a document changes it
in the generation that is searched alone, and needs to know of none of this: by the row of the change table that every
change has, a document counts as not rebuilt once it changed after it was read for the next generation.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from sqlalchemy import ColumnElement, Integer, cast, func
from sqlmodel import Session, col, delete, select

from indexer.knowledge.tables import SWITCH, Change, Chunk, Document, IndexInfo, LedgerEntry, Rebuilt, now

FIRST = 1  # the generation of an index that says nothing of it
GENERATION, REBUILD = "generation", "rebuild"  # keys in index_info
REMOVED_AT_ONCE = 500  # chunks

Phase = Literal["making", "discarding", "clearing"]


@dataclass(frozen=True)
class Rebuild:
    """A rebuild that is under way, or was until it was ended."""

    generation: int  # the one that it makes, or has made
    made_with: dict[str, str]  # what index_info will say; `digest` tells the model's files from others of its name
    since: int  # no document was read before this change
    phase: Phase = "making"
    started_at: str = ""  # ISO 8601, UTC


def is_current() -> ColumnElement[bool]:
    """Chunks of the generation that is searched, as a condition of a query."""
    stored = select(cast(IndexInfo.value, Integer)).where(IndexInfo.key == GENERATION).scalar_subquery()
    return col(Chunk.generation) == func.coalesce(stored, FIRST)


def current(session: Session) -> int:
    """The generation that is searched."""
    stored = session.get(IndexInfo, GENERATION)
    return int(stored.value) if stored else FIRST


def rebuild_under_way(session: Session) -> Rebuild | None:
    stored = session.get(IndexInfo, REBUILD)
    return Rebuild(**json.loads(stored.value)) if stored else None


# Each of these is part of a transaction that the caller commits.


def begin(session: Session, made_with: dict[str, str]) -> Rebuild:
    newest = session.exec(select(func.max(Change.id))).one() or 0
    rebuild = Rebuild(current(session) + 1, made_with, newest, "making", now().isoformat(timespec="seconds"))
    _write(session, rebuild)
    return rebuild


def not_rebuilt(session: Session, rebuild: Rebuild) -> list[int]:
    """Ids of the documents that the next generation lacks, or has as they were before they changed."""
    made = select(Document.id).join(Rebuilt, col(Rebuilt.document_id) == col(Document.id), isouter=True)
    missing = session.exec(made.where(col(Rebuilt.document_id).is_(None)).order_by(col(Document.id))).all()
    newest = (
        select(col(Change.document_id).label("document_id"), func.max(Change.id).label("change"))
        .where(col(Change.id) > rebuild.since)
        .group_by(col(Change.document_id))
        .subquery()
    )
    changed = session.exec(
        select(Rebuilt.document_id)
        .join(newest, newest.c.document_id == col(Rebuilt.document_id))
        .where(newest.c.change > col(Rebuilt.change))
    ).all()
    return [id_ for id_ in (*missing, *sorted(id_ for id_ in changed if id_)) if id_ is not None]


def has_changed(session: Session, document_id: int, since: int) -> bool:
    """Whether the document changed after this change, or is gone, which is a change too."""
    later = select(Change.id).where(col(Change.id) > since, Change.document_id == document_id)
    return session.exec(later).first() is not None


def switch(session: Session, rebuild: Rebuild) -> Rebuild:
    """From the commit on the generation that was made is the one that is searched."""
    described = {key: value for key, value in rebuild.made_with.items() if key != "digest"}
    for key, value in {**described, "normalised": "yes", GENERATION: str(rebuild.generation)}.items():
        session.merge(IndexInfo(key=key, value=value))
    session.add(Change(document_id=0, operation=SWITCH))
    return _in_phase(session, rebuild, "clearing")


def give_up(session: Session, rebuild: Rebuild) -> Rebuild:
    """From the commit on nothing of what was made counts: it only waits to be removed."""
    session.exec(delete(Rebuilt))
    return _in_phase(session, rebuild, "discarding")


def end(session: Session) -> None:
    """Nothing is left of another generation than the one that is searched."""
    session.exec(delete(Rebuilt))
    if stored := session.get(IndexInfo, REBUILD):
        session.delete(stored)


def left_over(session: Session, document_ids: list[int]) -> list[int]:
    """At most REMOVED_AT_ONCE ids of chunks of these documents that are not of the generation that is searched."""
    left = select(Chunk.id).where(col(Chunk.document_id).in_(document_ids), ~is_current())
    return [id_ for id_ in session.exec(left.limit(REMOVED_AT_ONCE)) if id_ is not None]


def count_chunks_anew(session: Session, document_ids: list[int]) -> None:
    """In the ledger, for documents whose chunks are of another generation now."""
    of_file = select(Document.collection_id, Document.root, Document.path, func.count(col(Chunk.id)))
    counted = of_file.join(Chunk).where(col(Document.id).in_(document_ids), is_current()).group_by(col(Document.id))
    for collection_id, root, path, chunks in session.exec(counted).all():
        entry = session.exec(
            select(LedgerEntry).where(
                LedgerEntry.collection_id == collection_id, LedgerEntry.root == root, LedgerEntry.path == path
            )
        ).first()
        if entry is not None:
            entry.chunks = chunks


def _in_phase(session: Session, rebuild: Rebuild, phase: Phase) -> Rebuild:
    moved = replace(rebuild, phase=phase)
    _write(session, moved)
    return moved


def _write(session: Session, rebuild: Rebuild) -> None:
    session.merge(IndexInfo(key=REBUILD, value=json.dumps(asdict(rebuild))))
