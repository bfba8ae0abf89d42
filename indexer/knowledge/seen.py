"""Failures that somebody has looked at.

A file that failed, or that needs text recognition, stands first on the documents page until somebody marks it as seen.
The mark is on its ledger entry, so it is one for everybody, and goes when the file fails otherwise (records.py).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, and_, func, update
from sqlmodel import Session, col, select

from indexer.knowledge.file_query import FileQuery, asked_for
from indexer.knowledge.tables import LedgerEntry, now
from indexer.passages import Scope

ATTENTION = ("failed", "needs_ocr")  # states that somebody should know of
UNSEEN = and_(
    col(LedgerEntry.state).in_(ATTENTION), col(LedgerEntry.seen_at).is_(None), col(LedgerEntry.deleted_at).is_(None)
)


@dataclass(frozen=True)
class UnseenFiles:
    """How many files of a query, all its pages, were not read and marked by nobody; when the last was written (UTC)."""

    count: int
    newest: datetime


def is_unseen(entry: LedgerEntry) -> bool:
    """`UNSEEN` of one entry."""
    return entry.state in ATTENTION and entry.seen_at is None and entry.deleted_at is None


def unseen_files(engine: Engine, query: FileQuery, scope: Scope) -> UnseenFiles | None:
    """None where there are none."""
    counted = select(func.count(), func.max(LedgerEntry.updated_at)).where(*asked_for(query, scope), UNSEEN)
    with Session(engine) as session:
        count, newest = session.exec(counted).one()
    return UnseenFiles(count, newest) if newest is not None else None


def mark_seen(engine: Engine, query: FileQuery, until: datetime, scope: Scope) -> int:
    """Mark the unseen files of a query, all its pages, but none that was written after `until` (UTC): nobody has seen
    it. How many were marked."""
    shown = (*asked_for(query, scope), UNSEEN, col(LedgerEntry.updated_at) <= until)
    with Session(engine) as session:
        marked = session.exec(
            update(LedgerEntry).where(*shown).values(seen_at=now()).execution_options(synchronize_session=False)
        )
        session.commit()
    return marked.rowcount
