"""Indexing that the page asked for: `indexer ingest` as a process of its own, one at a time, at low priority.

The page stays quick because the work is not done here. What a run has done so far stands in the table `ingest_run`,
which a run that was started from the command line writes too; what became of each file is the command's own report.
"""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import SecretStr
from sqlalchemy import Engine

from indexer.errors import BusyError, StorageError
from indexer.knowledge.tables import now
from indexer.knowledge.trash import purge
from indexer.settings import IndexerSettings
from server.errors import TooBusy
from server.library.uploads import unread_uploads

log = logging.getLogger(__name__)

NICENESS = 10  # a question at 0 gets about ten times the processor's time of an ingest
SETTLE_SECONDS = 1.0  # files that are uploaded one after the other are read by one run
BUSY_SECONDS = 3.0  # between two tries while another `indexer` writes
PURGE_SECONDS = 60.0
KEPT_JOBS = 20
MOST_WAITING = 100

State = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True)
class FileOutcome:
    """What became of a file: the report's line for it."""

    document: str
    state: str  # indexed | unchanged | removed | skipped | failed | needs_ocr
    reason: str


@dataclass
class Job:
    """Files or folders to index into a collection. `problem` says why it failed."""

    collection: str
    paths: list[Path]
    prune: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: State = "waiting"
    problem: str = ""
    outcomes: list[FileOutcome] = field(default_factory=list)
    refused: list[FileOutcome] = field(default_factory=list)  # files that were sent and not kept
    asked_at: datetime = field(default_factory=now)
    ended_at: datetime | None = None

    @property
    def files(self) -> list[FileOutcome]:
        """Every file's outcome, those that somebody should look at first."""
        order = ("failed", "needs_ocr", "skipped", "indexed", "removed", "unchanged")
        return sorted([*self.refused, *self.outcomes], key=lambda one: order.index(one.state))

    @property
    def counts(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for outcome in self.files:
            counted[outcome.state] = counted.get(outcome.state, 0) + 1
        return counted


class IngestJobs:
    """The jobs of one server. Its methods are called in the server's event loop."""

    def __init__(
        self,
        settings: IndexerSettings,
        engine: Engine,
        command: Sequence[str] = (sys.executable, "-m", "indexer"),
        *,
        settle: float = SETTLE_SECONDS,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._command = command
        self._settle = settle
        self._jobs: list[Job] = []
        self._worker: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._child: asyncio.subprocess.Process | None = None

    @property
    def jobs(self) -> list[Job]:
        """Newest first."""
        return self._jobs[::-1]

    def submit(self, collection: str, paths: Sequence[Path], refused: Sequence[FileOutcome] = ()) -> Job:
        """Index these soon. Raises TooBusy. Files for a collection that waits already join its job."""
        for job in self._jobs:
            if job.state == "waiting" and job.collection == collection:
                job.paths += [path for path in paths if path not in job.paths]
                job.refused += refused
                return job
        if sum(job.state == "waiting" for job in self._jobs) >= MOST_WAITING:
            raise TooBusy("Too many folders wait to be indexed.", "Try again when some are done.", retry_after=60)
        job = Job(collection, list(paths), refused=list(refused))
        self._jobs.append(job)
        ended = [one for one in self._jobs if one.ended_at is not None]
        for old in ended[:-KEPT_JOBS]:
            self._jobs.remove(old)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return job

    def start(self) -> None:
        """Read what was uploaded and not read; purge what was deleted long enough ago, from now on."""
        self._keeper = asyncio.create_task(self._keep_house())

    async def aclose(self) -> None:
        """End the child and forget what waits; a run that was cut short is finished by the next one."""
        for task in (self._worker, self._keeper):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})

    async def _work(self) -> None:
        while job := next((one for one in self._jobs if one.state == "waiting"), None):
            await asyncio.sleep(self._settle)
            job.state = "running" if job.paths else "done"
            try:
                while job.paths and not await self._run(job):  # noqa: ASYNC110 (another process, which tells nobody)
                    await asyncio.sleep(BUSY_SECONDS)
            except OSError as error:
                job.state, job.problem = "failed", f"The indexer could not be started: {error.strerror}."
            job.ended_at = now()

    async def _run(self, job: Job) -> bool:
        """False where another `indexer` writes just now."""
        command = [*self._command, "ingest", "--json", "--collection", job.collection]
        child = await asyncio.create_subprocess_exec(
            *command, *([] if not job.prune else ["--prune"]), "--", *map(str, job.paths),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | environment(self._settings),
        )  # fmt: skip
        try:
            with contextlib.suppress(psutil.Error):
                psutil.Process(child.pid).nice(min(19, psutil.Process().nice() + NICENESS))
            output, errors = await child.communicate()
        finally:
            if child.returncode is None:
                child.terminate()
                await child.wait()
        said = errors.decode("utf-8", "replace").strip()
        if child.returncode in (0, 1) and (report := _report(output)) is not None:
            job.outcomes = [FileOutcome(f["document"], f["state"], f["reason"]) for f in report["files"]]
            job.state = "done"
        elif child.returncode == 2 and "is writing to" in said:
            return False
        else:
            log.error("indexing %s ended with status %s: %s", job.collection, child.returncode, said)
            unforeseen = "Indexing ended before it was done. What was finished is kept; index again to go on."
            job.state, job.problem = "failed", said.splitlines()[-1] if child.returncode == 2 and said else unforeseen
        return True

    async def _resume(self) -> None:
        """Read what was uploaded before the server ended."""
        try:
            for collection, paths in await asyncio.to_thread(unread_uploads, self._settings, self._engine):
                self.submit(collection, paths)
        except Exception:  # the server starts all the same
            log.exception("uploads that were not read before cannot be looked for")

    async def _keep_house(self) -> None:
        await self._resume()
        while True:
            try:
                await asyncio.to_thread(purge, self._settings, self._engine)
            except BusyError:
                pass  # an ingest writes; the next minute will do
            except (StorageError, OSError) as error:
                log.warning("what was deleted could not be removed for good: %s", error)
            except Exception:  # a database that is busy or broken must not end this for the days after
                log.exception("what was deleted could not be removed for good")
            await asyncio.sleep(PURGE_SECONDS)


def environment(settings: IndexerSettings) -> dict[str, str]:
    """The settings as the variables that a command reads: it must work on this very data, with this very model."""
    values = {name: getattr(settings, name) for name in IndexerSettings.model_fields}
    values["data"] = settings.data.absolute()
    return {f"DOCENT_{name.upper()}": str(value) for name, value in values.items() if not isinstance(value, SecretStr)}


def _report(output: bytes) -> dict[str, Any] | None:
    try:
        report = json.loads(output)
    except ValueError:
        return None
    return report if isinstance(report, dict) and isinstance(report.get("files"), list) else None
