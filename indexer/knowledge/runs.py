"""What is written down of a run of `indexer ingest`, for the documents page: that it began, how far it is, its end."""

import json
from collections.abc import Mapping

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.knowledge.tables import IngestRun, known_id, now


def begin_run(engine: Engine, collection_id: int, total: int) -> int:
    """The run's id. Runs that have not ended are ended: the lock is ours, so their process was killed."""
    with Session(engine) as session:
        for interrupted in session.exec(select(IngestRun).where(col(IngestRun.finished_at).is_(None))):
            interrupted.finished_at = now()
        run = IngestRun(collection_id=collection_id, total=total)
        session.add(run)
        session.commit()
        session.refresh(run)
        return known_id(run)


def note_progress(engine: Engine, run_id: int, done: int) -> None:
    with Session(engine) as session:
        session.get_one(IngestRun, run_id).done = done
        session.commit()


def end_run(session: Session, run_id: int, counts: Mapping[str, int]) -> None:
    """In the caller's session, which commits."""
    run = session.get_one(IngestRun, run_id)
    run.finished_at, run.done, run.counts = now(), run.total, json.dumps(counts)
