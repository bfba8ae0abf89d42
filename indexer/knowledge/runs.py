"""What is told of a run of `indexer ingest`, and what of it is written down for the documents page."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.knowledge.tables import IngestRun, known_id, now


@dataclass(frozen=True)
class FileReport:
    document: str
    state: str  # indexed | unchanged | removed | skipped | failed | needs_ocr
    reason: str = ""
    pages: int | None = None
    chunks: int = 0


@dataclass
class Report:
    """What became of every file of a run."""

    files: list[FileReport] = field(default_factory=list)
    took_ms: int = 0

    @property
    def counts(self) -> dict[str, int]:
        counted = Counter(file.state for file in self.files)
        return {s: counted[s] for s in ("indexed", "unchanged", "removed", "skipped", "failed", "needs_ocr")}


@dataclass(frozen=True)
class RunProgress:
    """Where a run stands: `file` was just settled."""

    done: int
    total: int
    chunks: int
    file: FileReport | None = None
    waiting: bool = False  # a rebuild, for an ingest to end


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
