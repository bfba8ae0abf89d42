"""When a snapshot of the search index is worth its writing: it is as large as the index, a change is mostly small.

What a snapshot lacks is taken up from the change table by whoever loads it next.
"""

from pathlib import Path

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from indexer.knowledge.generations import is_current
from indexer.knowledge.tables import SWITCH, Change, Chunk

FEW_BEHIND = 2_000
"""Documents and chunks that a snapshot may lack however small it is: to take them up costs half a second of a start
(100,000 from the database take 23 s, see docs/decisions.md)."""
SHARE_BEHIND = 0.1
"""Share of all chunks that a larger one may lack: a start takes a tenth of what it takes without a snapshot, and a
chunk is written ten times in the index's life instead of at every change."""


def is_snapshot_due(engine: Engine, folder: Path) -> bool:
    """Whether the newest snapshot in `folder` lacks so much of the database, or is none at all though there are
    changes."""
    with Session(engine) as session:
        newest = session.exec(select(func.max(Change.id))).one() or 0
        held = max((number for number in _numbers(folder) if number <= newest), default=0)
        if held in (0, newest):
            return newest > held
        switched = select(Change.id).where(col(Change.id) > held, Change.operation == SWITCH)
        if session.exec(switched.limit(1)).first() is not None:
            return True  # it is of another generation of chunks
        changed = select(Change.document_id).where(col(Change.id) > held).distinct()
        chunks = select(func.count(col(Chunk.id))).where(is_current())
        behind = session.exec(select(func.count()).select_from(changed.subquery())).one()
        behind += session.exec(chunks.where(col(Chunk.document_id).in_(changed))).one()
        return behind > FEW_BEHIND and behind > SHARE_BEHIND * session.exec(chunks).one()


def _numbers(folder: Path) -> list[int]:
    """Of the snapshots: the change up to which each is true is its name."""
    return [int(path.name) for path in folder.glob("[0-9]*") if path.name.isdecimal() and path.name.isascii()]
