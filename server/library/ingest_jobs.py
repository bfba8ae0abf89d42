"""Indexing that the page asked for: `indexer ingest` as a process of its own, one at a time, at low priority.

The page stays quick because the work is not done here. What a run has done so far stands in the table `ingest_run`,
which a run that was started from the command line writes too; what became of each file is the command's own report.
"""

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import SecretStr
from sqlalchemy import Engine

from indexer.console import INTERRUPTED
from indexer.errors import BusyError, StartError
from indexer.knowledge.database import is_being_written
from indexer.knowledge.tables import now
from indexer.settings import IndexerSettings
from server.errors import TooBusy
from server.library.job import NOT_BEGUN, FileOutcome, Job, Outcomes
from server.library.upload_folders import forget_replaced, unread_uploads

log = logging.getLogger(__name__)

NICENESS = 10  # a question at 0 gets about ten times the processor's time of an ingest
SETTLE_SECONDS = 0.3  # files that are uploaded one after the other are read by one run
END_SECONDS = 1.0  # that a child has to end by itself
RETRY_SECONDS, LONGEST_RETRY = 60.0, 3600.0
"""Until a run that did not work is tried again, and twice as long each time: a disk that was full has room again some
day, and what was uploaded was promised to be read."""
BUSY_SECONDS = 3.0  # between two looks while another `indexer` writes
KEPT_JOBS = 20
MOST_WAITING = 100
MOST_PATHS = 2000  # of a job: they are a command's arguments, of which Linux takes two megabytes
UNFORESEEN = "Indexing ended before it was done. What was finished is kept; index again to go on."
SAID_ELSEWHERE = "Indexing could not begin. The terminal or log in which Docent was started says why."


class IngestJobs:
    """The jobs of one server. Its methods are called in the server's event loop."""

    def __init__(
        self,
        settings: IndexerSettings,
        engine: Engine,
        command: Sequence[str] = (sys.executable, "-m", "indexer"),
        *,
        settle: float = SETTLE_SECONDS,
        retry: float = RETRY_SECONDS,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._command = command
        self._settle = settle
        self._retry = retry
        self._retries: set[asyncio.Task[None]] = set()
        self._jobs: list[Job] = []
        self._of_path: dict[Path, Job] = {}  # the open job of each file or folder, so that a page asks for one quickly
        self._child: asyncio.subprocess.Process | None = None
        self._worker: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    @property
    def jobs(self) -> list[Job]:
        """Newest first."""
        return self._jobs[::-1]

    @property
    def any_open(self) -> bool:
        """Whether a job runs or waits. Any thread may ask."""
        return any(job.ended_at is None for job in self.jobs)

    def submit(
        self, collection: str, paths: Sequence[Path], refused: Sequence[FileOutcome] = (), *, aloud: bool = False
    ) -> Job:
        """Index these soon. Raises TooBusy. Files for a collection that waits already join its job."""
        waiting = [job for job in self._jobs if job.state in NOT_BEGUN]
        for job in waiting:
            if job.collection == collection and len(job.paths) + len(paths) <= MOST_PATHS:
                job.paths = list(dict.fromkeys((*job.paths, *paths)))
                self._of_path |= dict.fromkeys(paths, job)
                job.aloud |= aloud
                job.refuse(refused)
                return job
        if len(waiting) >= MOST_WAITING:
            raise TooBusy("Too many folders wait to be indexed.", "Try again when some are done.", retry_after=60)
        job = Job(collection, list(paths), aloud=aloud)
        job.refuse(refused)
        self._of_path |= dict.fromkeys(paths, job)
        self._jobs.append(job)
        ended = [one for one in self._jobs if one.ended_at is not None]
        for old in ended[:-KEPT_JOBS]:
            self._jobs.remove(old)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return job

    def submit_many(self, collection: str, paths: Sequence[Path]) -> None:
        """The same for any number of files, as few jobs as may be. Raises TooBusy: what was submitted before stays."""
        for at in range(0, len(paths), MOST_PATHS):
            self.submit(collection, paths[at : at + MOST_PATHS])

    def of_path(self, path: Path) -> Job | None:
        """The job that waits or runs for a file. Any thread may ask."""
        return self._of_path.get(path)

    def before(self, job: Job) -> int:
        """How many files and folders are read before those of a job. Any thread may ask."""
        ahead = 0
        for other in list(self._jobs):
            if other is job:
                break
            ahead += len(other.paths) if other.ended_at is None else 0
        return ahead

    def drop(self, paths: Iterable[Path]) -> set[Path]:
        """Take files out of jobs that have not begun; those that were."""
        dropped = {path for path in paths if (job := self._of_path.get(path)) is not None and job.state in NOT_BEGUN}
        jobs = {id(job): job for path in dropped if (job := self._of_path.pop(path, None)) is not None}
        for job in jobs.values():
            job.paths = [path for path in job.paths if path not in dropped]
            if not job.paths and not job.refused.counts:
                self._cancel_waiting(job)
        return dropped

    def cancel(self, job_id: str) -> Job | None:
        """End a job, what it has read is kept; None where it is none that waits or runs."""
        job = next((one for one in self._jobs if one.id == job_id and one.ended_at is None), None)
        if job is None:
            return None
        if job.state in NOT_BEGUN:
            self._cancel_waiting(job)
        else:
            job.cancelled = True
            if self._child is not None:
                with contextlib.suppress(ProcessLookupError):  # it ends just now
                    self._child.terminate()
        return job

    def _cancel_waiting(self, job: Job) -> None:
        job.cancelled = True
        job.end("cancelled")
        self._forget_paths(job)
        self._ended.set()

    def _forget_paths(self, job: Job) -> None:
        for path in job.paths:
            if self._of_path.get(path) is job:
                del self._of_path[path]

    def rename(self, before: str, after: str, *, has_begun: bool) -> bool:
        """Jobs of a collection go on under its new name. False where one starts this moment, unless `has_begun`: its
        run knows the collection by its id then."""
        jobs = [job for job in self._jobs if job.collection == before]
        if not has_begun and any(job.state == "running" for job in jobs):
            return False
        for job in jobs:
            job.collection = after
        return True

    async def resume(self) -> None:
        """Read what was uploaded before the server ended."""
        try:
            for collection, paths in await asyncio.to_thread(unread_uploads, self._settings, self._engine):
                self.submit(collection, paths)
        except Exception:  # the server starts all the same
            log.exception("uploads that were not read before cannot be looked for")

    async def aclose(self) -> None:
        """End the child and forget what waits; a run that was cut short is finished by the next one."""
        tasks = {*self._retries, *filter(None, [self._worker])}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def next_end(self, seconds: float) -> None:
        """Return when a job ends, or has ended since the last call; after so many seconds in any case."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        self._ended.clear()

    async def _work(self) -> None:
        while job := next((one for one in self._jobs if one.state == "waiting"), None):
            await asyncio.sleep(self._settle)
            if job.state != "waiting":  # it was cancelled meanwhile
                continue
            try:
                await self._do(job)
            except OSError as error:
                job.end("failed", problem=f"The indexer could not be started: {error.strerror}.")
                self._try_again(job)
            except Exception:  # whatever a child says or does must not hold up the next job
                log.exception("indexing %s ended in an unforeseen way", job.collection)
                job.end("failed", problem=UNFORESEEN)
            self._forget_paths(job)
            self._ended.set()

    async def _do(self, job: Job) -> None:
        if not job.paths:  # every file was refused
            job.end("done")
            return
        while (ended := await self._run(job)).status == BusyError.exit_status:
            await self._hold(job)
            if job.cancelled:
                return
        if ended.status in (0, 1):
            outcomes = await asyncio.to_thread(_reported, ended.output, job.refused)
            await asyncio.to_thread(forget_replaced, self._settings, job.paths)
            job.end("done", outcomes)
            return
        if job.cancelled:
            job.end("cancelled")
            return
        if ended.status != INTERRUPTED:  # Ctrl-C in the terminal ends the child and the server alike
            log.error("indexing %s ended with status %s: %s", job.collection, ended.status, ended.said)
            self._try_again(job)
        job.end("failed", problem=ended.problem)

    def _try_again(self, job: Job) -> None:
        """Later, by itself: nobody may be there to press anything."""
        task = asyncio.create_task(self._submit_later(job))
        self._retries.add(task)
        task.add_done_callback(self._retries.discard)

    async def _submit_later(self, job: Job) -> None:
        wait = min(self._retry * 2**job.tries, LONGEST_RETRY)
        while True:
            await asyncio.sleep(wait)
            paths = await asyncio.to_thread(lambda: [path for path in job.paths if path.exists()])
            if not paths:
                return
            with contextlib.suppress(TooBusy):  # then once more as long
                self.submit(job.collection, paths, aloud=job.aloud).tries = job.tries + 1
                return

    async def _hold(self, job: Job) -> None:
        """Return when nobody else writes, as far as one can see."""
        if job.state != "held":
            log.warning("indexing %s goes on when another `indexer` has written", job.collection)
        job.state = "held"
        await asyncio.sleep(BUSY_SECONDS)
        while not job.cancelled and await asyncio.to_thread(is_being_written, self._engine):  # noqa: ASYNC110
            await asyncio.sleep(BUSY_SECONDS)

    async def _run(self, job: Job) -> "Ended":
        """Raises OSError where the command cannot be started."""
        job.state, job.began_at = "running", now()
        command = [*self._command, "ingest", "--json", "--collection", job.collection]
        child = await asyncio.create_subprocess_exec(
            *command, *([] if not job.prune else ["--prune"]), "--", *map(str, job.paths),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=None if job.aloud else subprocess.PIPE,
            env=environment(self._settings),
        )  # fmt: skip
        self._child = child
        try:
            if job.cancelled:  # while it was started
                child.terminate()
            step_back(child.pid)
            output, errors = await child.communicate()
        finally:
            self._child = None
            if child.returncode is None:
                await _end(child)
        return Ended(child.returncode, output, (errors or b"").decode("utf-8", "replace").strip())


async def _end(child: asyncio.subprocess.Process) -> None:
    """A kill loses nothing: each document is committed whole."""
    child.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


@dataclass(frozen=True)
class Ended:
    """How a child ended: `status` is negative where a signal did it; `said` is empty where it was said aloud."""

    status: int | None
    output: bytes
    said: str

    @property
    def problem(self) -> str:
        """Why nothing came of it, for people."""
        if self.status != StartError.exit_status:
            return UNFORESEEN
        return self.said.splitlines()[-1] if self.said else SAID_ELSEWHERE


def step_back(pid: int) -> None:
    """Let this process, just begun, have the processor when no question wants it."""
    with contextlib.suppress(psutil.Error):
        psutil.Process(pid).nice(min(19, psutil.Process().nice() + NICENESS))


def environment(settings: IndexerSettings) -> dict[str, str]:
    """The variables of a command that must work on this very data, with this very model, and need know no password."""
    values = {name: getattr(settings, name) for name in IndexerSettings.model_fields}
    values["data"] = settings.data.absolute()
    told = {f"DOCENT_{name.upper()}": str(value) for name, value in values.items() if not isinstance(value, SecretStr)}
    return {name: value for name, value in os.environ.items() if not name.startswith("DOCENT_")} | told


def _reported(output: bytes, refused: Outcomes) -> Outcomes:
    """The outcomes of a run's report and of what was refused before it.

    Blocks for long where there are many files. Raises ValueError, TypeError, KeyError where it is no report.
    """
    files = [FileOutcome(one["document"], one["state"], one["reason"]) for one in json.loads(output)["files"]]
    return refused + Outcomes.of(files)
