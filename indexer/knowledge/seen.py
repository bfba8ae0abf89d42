"""Failures that somebody has looked at.

A file that failed, or that needs text recognition, stands first on the documents page until somebody marks it as seen.
The mark is on its ledger entry, so it is one for everybody, and goes when the file fails otherwise (records.py).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, and_
from sqlmodel import Session, col, select

from indexer.knowledge.readable import readable_files
from indexer.knowledge.tables import LedgerEntry, now
from indexer.passages import Scope

ATTENTION = ("failed", "needs_ocr")  # states that somebody should know of
UNSEEN = and_(
    col(LedgerEntry.state).in_(ATTENTION), col(LedgerEntry.seen_at).is_(None), col(LedgerEntry.deleted_at).is_(None)
)


def is_unseen(entry: LedgerEntry) -> bool:
    """`UNSEEN` of one entry."""
    return entry.state in ATTENTION and entry.seen_at is None and entry.deleted_at is None


def mark_seen(engine: Engine, entries: Sequence[int], until: datetime, scope: Scope) -> int:
    """Mark these entries, but none that was written after `until` (UTC): nobody has seen it. How many were marked."""
    with Session(engine) as session:
        found = session.exec(
            select(LedgerEntry).where(
                col(LedgerEntry.id).in_(entries),
                readable_files(scope),
                col(LedgerEntry.seen_at).is_(None),
                col(LedgerEntry.updated_at) <= until,
            )
        ).all()
        for entry in found:
            entry.seen_at = now()
        session.commit()
        return len(found)
