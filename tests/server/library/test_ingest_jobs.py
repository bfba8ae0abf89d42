"""Indexing as a process of its own: what it is told, what it reports, and how it ends. The indexer is a script here."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from indexer.console import INTERRUPTED
from indexer.errors import BusyError
from indexer.knowledge.database import is_being_written, open_knowledge, writing
from indexer.knowledge.tables import Collection, LedgerEntry
from server.library import ingest_jobs
from server.library.ingest_jobs import MOST_PATHS, NICENESS, IngestJobs, environment, step_back
from server.library.job import NAMED, FileOutcome, Job, Outcomes
from server.library.upload_folders import open_folder
from server.settings import ServerSettings
from server.views.library_view import job_lines
from tests.server.loop_watch import LoopWatch

SCRIPT = """
import json, os, sys, time
def until_nice():
    while os.nice(0) < 10:
        time.sleep(0.01)
    with open(sys.argv[1], "a") as log:
        log.write(json.dumps({"nice": os.nice(0)}) + chr(10))
with open(sys.argv[1], "a") as log:
    log.write(json.dumps({"argv": sys.argv[2:], "data": os.environ["DOCENT_DATA"], "nice": os.nice(0)}) + chr(10))
said = os.path.dirname(sys.argv[1]) + "/said.py"
exec(open(said).read())
"""
DONE = """
files = [
    {"document": "a.md", "state": "indexed", "reason": ""},
    {"document": "b.md", "state": "failed", "reason": "why"},
]
print(json.dumps({"files": files})); sys.exit(1)
"""


class Indexer:
    """A stand-in for the command: does what `says` says, and writes down how it was called."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "indexer.py").write_text(SCRIPT)
        self.says(DONE)

    def says(self, code: str) -> None:
        (self.folder / "said.py").write_text(code)

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, str(self.folder / "indexer.py"), str(self.folder / "log"))

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]


@pytest.fixture
def indexer(tmp_path: Path) -> Indexer:
    return Indexer(tmp_path / "indexer")


@pytest.fixture
def engine(settings: ServerSettings) -> Iterator[Engine]:
    engine = open_knowledge(settings)
    yield engine
    engine.dispose()


@pytest.fixture
async def jobs(settings: ServerSettings, indexer: Indexer, engine: Engine) -> AsyncIterator[IngestJobs]:
    jobs = IngestJobs(settings, engine, indexer.command, settle=0.05)
    yield jobs
    await jobs.aclose()


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def ended(job: Job) -> Job:
    await eventually(lambda: job.ended_at is not None)
    return job


async def test_the_report_is_kept(jobs: IngestJobs, indexer: Indexer, settings: ServerSettings) -> None:
    refused = FileOutcome("c.exe", "skipped", "not read")
    job = await ended(jobs.submit("--odd name", [Path("/docs/-x.md")], [refused]))
    assert job.state == "done"
    assert [one.document for one in job.outcomes.named] == ["b.md", "c.exe", "a.md"]  # failures first
    assert job.outcomes.counts == {"failed": 1, "skipped": 1, "indexed": 1}
    (call,) = indexer.calls()
    assert call["argv"] == ["ingest", "--json", "--collection", "--odd name", "--", "/docs/-x.md"]
    assert call["data"] == str(settings.data.absolute())


async def test_the_process_steps_back(jobs: IngestJobs, indexer: Indexer) -> None:
    indexer.says("until_nice()" + DONE)
    job = await ended(jobs.submit("a", [Path("/docs")]))
    assert job.state == "done", "it waits for its niceness, which comes just after its start"
    assert indexer.calls()[-1]["nice"] == min(19, psutil.Process().nice() + NICENESS)


def test_a_process_that_has_ended_need_not_step_back() -> None:
    step_back(psutil.pids()[-1] + 100_000)


def test_of_many_files_those_are_named_that_somebody_should_look_at() -> None:
    many = [FileOutcome(f"{n}.md", "unchanged" if n % 2 else "indexed", "") for n in range(10_000)]
    outcomes = Outcomes.of(
        [*many, FileOutcome("broken.pdf", "failed", "why"), FileOutcome("scan.pdf", "needs_ocr", "")]
    )
    assert outcomes.counts == {"failed": 1, "needs_ocr": 1, "indexed": 5_000, "unchanged": 5_000}
    assert [one.document for one in outcomes.named[:3]] == ["broken.pdf", "scan.pdf", "0.md"]
    assert (len(outcomes.named), outcomes.more) == (NAMED, 5_002 - NAMED)


async def test_a_long_report_holds_up_no_request(jobs: IngestJobs, indexer: Indexer, loop_watch: LoopWatch) -> None:
    loop_watch.watch(Outcomes, "of")
    indexer.says("""
files = [{"document": f"{n}.md", "state": "indexed", "reason": ""} for n in range(1000)]
print(json.dumps({"files": files}))
""")
    job = jobs.submit("a", [Path("/docs")])
    loop_watch.begin()
    assert (await ended(job)).outcomes.counts == {"indexed": 1000}
    assert (loop_watch.on_loop, loop_watch.in_threads) == ([], ["of"])


async def test_what_was_refused_is_counted_and_only_some_of_it_kept(jobs: IngestJobs, indexer: Indexer) -> None:
    for n in range(20):
        job = jobs.submit(
            "a", [Path("/docs/1.md")], [FileOutcome(f"{n}-{m}.exe", "skipped", "why") for m in range(100)]
        )
    assert len(job.refused.named) == NAMED
    await ended(job)
    assert job.outcomes.counts == {"failed": 1, "skipped": 2000, "indexed": 1}
    assert job.outcomes.named[0].document == "b.md", "failures first"


async def test_a_run_has_no_more_files_than_a_command_takes(jobs: IngestJobs, indexer: Indexer) -> None:
    many = [Path(f"/docs/{n}.md") for n in range(MOST_PATHS - 1)]
    first = jobs.submit("a", many)
    assert jobs.submit("a", [Path("/docs/one more.md")]) is first
    second = jobs.submit("a", [Path("/docs/another.md")])
    assert second is not first
    assert jobs.submit("a", [Path("/docs/and another.md")]) is second


async def test_files_that_come_one_after_the_other_are_read_by_one_run(jobs: IngestJobs, indexer: Indexer) -> None:
    first = jobs.submit("a", [Path("/docs/1.md")])
    assert jobs.submit("a", [Path("/docs/2.md"), Path("/docs/1.md")]) is first
    other = jobs.submit("b", [Path("/docs/3.md")])
    await ended(first)
    assert other.state == "waiting" or other.state == "running"
    await ended(other)
    argv = [call["argv"] for call in indexer.calls() if "argv" in call]
    assert [one[-2:] for one in argv] == [["/docs/1.md", "/docs/2.md"], ["--", "/docs/3.md"]]
    assert jobs.jobs == [other, first]


async def test_files_that_were_all_refused_need_no_run(jobs: IngestJobs, indexer: Indexer) -> None:
    job = await ended(jobs.submit("a", [], [FileOutcome("c.exe", "skipped", "not read")]))
    assert (job.state, job.outcomes.counts) == ("done", {"skipped": 1})
    assert not (indexer.folder / "log").exists()


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("print('There is no such folder. Check it.', file=sys.stderr); sys.exit(2)", "There is no such folder."),
        ("os.kill(os.getpid(), 9)", "Indexing ended before it was done."),
        ("print('no json')", "Indexing ended before it was done."),
        ("print('{}'); sys.exit(0)", "Indexing ended before it was done."),
        ("raise ValueError('inner secret')", "Indexing ended before it was done."),
        ("print('[]')", "Indexing ended before it was done."),
        ("print(json.dumps({'files': 3}))", "Indexing ended before it was done."),
        ("print(json.dumps({'files': [{'document': 'a.md', 'state': 'indexed'}]}))", "Indexing ended before it was"),
        ("print(json.dumps({'files': [{'document': '', 'state': 'odd', 'reason': ''}]}))", "Indexing ended before it"),
        ("print(json.dumps({'files': [{'document': '', 'state': [], 'reason': ''}]}))", "Indexing ended before it was"),
        ("print('[' * 100_000)", "Indexing ended before it was done."),
        ("sys.stdout.buffer.write(bytes([255, 254]))", "Indexing ended before it was done."),
        ("os.kill(os.getpid(), 15)", "Indexing ended before it was done."),
        ("sys.exit(77)", "Indexing ended before it was done."),
        ("print('Another `indexer` is writing to it.', file=sys.stderr); sys.exit(2)", "Another `indexer` is writing"),
    ],
)
async def test_a_run_that_did_not_work_says_so(jobs: IngestJobs, indexer: Indexer, code: str, problem: str) -> None:
    indexer.says(code)
    job = await ended(jobs.submit("a", [Path("/docs")]))
    assert job.state == "failed"
    assert job.problem.startswith(problem)
    indexer.says(DONE)
    assert (await ended(jobs.submit("a", [Path("/docs")]))).state == "done"  # the next one is not held up


async def test_a_command_that_cannot_be_started_says_so(settings: ServerSettings, engine: Engine) -> None:
    jobs = IngestJobs(settings, engine, ("/no/such/program",), settle=0)
    job = await ended(jobs.submit("a", [Path("/docs")]))
    assert (job.state, job.problem) == ("failed", "The indexer could not be started: No such file or directory.")


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 (nothing tells of a job that begins by itself)
            await asyncio.sleep(0.01)


async def test_a_run_that_did_not_work_is_tried_again_by_itself(
    settings: ServerSettings, engine: Engine, indexer: Indexer, tmp_path: Path
) -> None:
    """A disk that was full has room again, and nobody is there to press anything."""
    kept, gone = tmp_path / "kept.md", tmp_path / "gone.md"
    kept.write_text("x")
    indexer.says("print('The disk is full.', file=sys.stderr); sys.exit(2)")
    jobs = IngestJobs(settings, engine, indexer.command, settle=0, retry=0.05)
    try:
        first = await ended(jobs.submit("a", [kept, gone]))
        assert (first.state, first.problem) == ("failed", "The disk is full.")
        await until(lambda: len(jobs.jobs) > 2)
        indexer.says(DONE)
        await until(lambda: jobs.jobs[0].state == "done")
        assert jobs.jobs[0].paths == [kept]
        assert [job.tries for job in jobs.jobs[::-1]] == list(range(len(jobs.jobs)))
        assert {job.state for job in jobs.jobs[1:]} == {"failed"}
    finally:
        await jobs.aclose()


@pytest.mark.parametrize("code", [DONE, f"sys.exit({INTERRUPTED})"])
async def test_what_worked_or_was_ended_by_hand_is_not_tried_again(
    settings: ServerSettings, engine: Engine, indexer: Indexer, tmp_path: Path, code: str
) -> None:
    indexer.says(code)
    jobs = IngestJobs(settings, engine, indexer.command, settle=0, retry=0)
    try:
        await ended(jobs.submit("a", [tmp_path]))
        await asyncio.sleep(0.3)
        assert len(jobs.jobs) == 1
    finally:
        await jobs.aclose()


async def test_a_run_waits_while_another_process_writes(
    jobs: IngestJobs, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told by the exit status, whatever the sentence."""
    monkeypatch.setattr(ingest_jobs, "BUSY_SECONDS", 0.01)
    indexer.says(f"""
try:
    open(sys.argv[1] + ".once", "x")
except FileExistsError:
    exec({DONE!r})
print("Moment.", file=sys.stderr)
sys.exit({BusyError.exit_status})
""")
    job = await ended(jobs.submit("a", [Path("/docs")]))
    assert (job.state, len(indexer.calls())) == ("done", 2)


async def test_what_waits_for_another_process_is_told(
    jobs: IngestJobs, indexer: Indexer, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not started again before the other one has written, and files for it may still come."""
    monkeypatch.setattr(ingest_jobs, "BUSY_SECONDS", 0.01)
    looks: list[Engine] = []

    def look(engine: Engine) -> bool:
        looks.append(engine)
        return is_being_written(engine)

    monkeypatch.setattr(ingest_jobs, "is_being_written", look)
    indexer.says(f"sys.exit({BusyError.exit_status})")
    with writing(settings):
        job = jobs.submit("a", [Path("/docs/1.md")])
        await eventually(lambda: job.state == "held")
        assert jobs.any_open
        (line,) = job_lines(jobs.jobs, running_now=True)
        assert "another command writes to the documents" in line.summary
        assert jobs.submit("a", [Path("/docs/2.md")]) is job
        indexer.says(DONE)
        await eventually(lambda: len(looks) > 2)
        assert (job.state, len(indexer.calls())) == ("held", 1)
    await ended(job)
    assert indexer.calls()[-1]["argv"][-2:] == ["/docs/1.md", "/docs/2.md"]
    assert (job.state, jobs.any_open) == ("done", False)


async def test_what_is_said_aloud_is_seen_and_the_page_says_where(
    jobs: IngestJobs, indexer: Indexer, capfd: pytest.CaptureFixture[str]
) -> None:
    indexer.says("print('There is no such folder.', file=sys.stderr); sys.exit(2)")
    job = await ended(jobs.submit("a", [Path("/docs")], aloud=True))
    assert capfd.readouterr().err.strip() == "There is no such folder."
    assert (job.state, job.problem) == ("failed", ingest_jobs.SAID_ELSEWHERE)


async def test_ctrl_c_is_no_error(jobs: IngestJobs, indexer: Indexer, caplog: pytest.LogCaptureFixture) -> None:
    """It ends the child, and the server a moment later."""
    indexer.says(f"sys.exit({INTERRUPTED})")
    await ended(jobs.submit("a", [Path("/docs")]))
    assert caplog.text == ""


async def test_the_end_of_a_job_is_told(jobs: IngestJobs) -> None:
    await jobs.next_end(0.01)  # there is none
    jobs.submit("a", [], [FileOutcome("c.exe", "skipped", "not read")])
    async with asyncio.timeout(20):
        await jobs.next_end(600)
    assert jobs.jobs[0].state == "done"


async def test_closing_ends_the_child(settings: ServerSettings, indexer: Indexer, engine: Engine) -> None:
    indexer.says("open(sys.argv[1] + '.pid', 'w').write(str(os.getpid())); time.sleep(60)")
    jobs = IngestJobs(settings, engine, indexer.command, settle=0)
    jobs.submit("a", [Path("/docs")])
    pid = indexer.folder / "log.pid"
    async with asyncio.timeout(20):
        while not (pid.exists() and pid.read_text()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await jobs.aclose()
    assert not psutil.pid_exists(int(pid.read_text()))


async def test_what_was_uploaded_before_a_crash_is_read_at_the_next_start(
    settings: ServerSettings, indexer: Indexer, engine: Engine
) -> None:
    folder = open_folder(settings, engine, "My papers")
    (folder / "a.md").write_text("# A")
    half = settings.uploads_path / ".incoming"
    half.mkdir()
    (half / "0123").write_text("half a fi")
    jobs = IngestJobs(settings, engine, indexer.command, settle=0)
    await jobs.resume()
    job = await ended(jobs.jobs[0])
    await jobs.aclose()
    assert (job.collection, job.paths) == ("My papers", [folder / "a.md"])
    assert not half.exists()


@pytest.mark.parametrize("changed", ["text", "size", "asked for again"])
async def test_a_newer_version_that_was_uploaded_before_a_crash_is_read_at_the_next_start(
    settings: ServerSettings, indexer: Indexer, engine: Engine, changed: str
) -> None:
    """Its name has been read before; so has the other file, which nobody touched."""
    folder = open_folder(settings, engine, "papers")
    for name in ("a.md", "b.md"):
        (folder / name).write_text("# A")
        os.utime(folder / name, (1, 1))
    with Session(engine) as session:
        session.add(Collection(id=1, name="papers"))
        session.flush()
        for name in ("a.md", "b.md"):
            read = {"size": 3, "mtime_ns": 1_000_000_000, "sha256": "0", "state": "indexed"}
            if (name, changed) == ("a.md", "asked for again"):
                read |= {"sha256": "", "mtime_ns": 0}
            session.add(LedgerEntry(collection_id=1, root=str(folder), path=name, **read))
        session.commit()
    if changed == "text":
        (folder / "a.md").write_text("# B")
    elif changed == "size":
        (folder / "a.md").write_text("# AB")
        os.utime(folder / "a.md", (1, 1))
    jobs = IngestJobs(settings, engine, indexer.command, settle=0)
    await jobs.resume()
    job = await ended(jobs.jobs[0])
    await jobs.aclose()
    assert (job.collection, job.paths) == ("papers", [folder / "a.md"])


def test_the_child_gets_the_servers_settings_and_no_secret(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCENT_PASSWORD", "the environment's")
    monkeypatch.setenv("DOCENT_API_KEY", "the environment's")
    passed = environment(settings.model_copy(update={"max_file_mb": 7, "password": "x"}))
    assert passed["DOCENT_MAX_FILE_MB"] == "7"
    assert passed["DOCENT_DATA"] == str(settings.data.absolute())
    assert passed["PATH"]
    assert not any("PASSWORD" in name or "KEY" in name for name in passed if name.startswith("DOCENT_"))


WAITS = "open(sys.argv[1] + '.pid', 'w').write(str(os.getpid())); time.sleep(60)"


async def test_a_file_is_taken_out_of_what_waits_and_not_of_what_runs(jobs: IngestJobs, indexer: Indexer) -> None:
    indexer.says(WAITS)
    running = jobs.submit("a", [Path("/docs/1.md")])
    await eventually(lambda: (indexer.folder / "log.pid").exists())
    waiting = jobs.submit("b", [Path("/docs/2.md"), Path("/docs/3.md")])
    assert jobs.of_path(Path("/docs/2.md")) is waiting
    assert (jobs.before(running), jobs.before(waiting)) == (0, 1)
    assert jobs.drop([Path("/docs/1.md"), Path("/docs/2.md"), Path("/elsewhere")]) == {Path("/docs/2.md")}
    assert (waiting.paths, waiting.state) == ([Path("/docs/3.md")], "waiting")
    assert jobs.drop([Path("/docs/3.md")]) == {Path("/docs/3.md")}
    assert (waiting.state, jobs.of_path(Path("/docs/3.md"))) == ("cancelled", None)
    assert running.state == "running"


async def test_a_job_is_cancelled_whatever_it_does_and_the_next_one_goes_on(jobs: IngestJobs, indexer: Indexer) -> None:
    indexer.says(WAITS)
    running = jobs.submit("a", [Path("/docs/1.md")])
    await eventually(lambda: (indexer.folder / "log.pid").exists())
    waiting, last = jobs.submit("b", [Path("/docs/2.md")]), jobs.submit("c", [Path("/docs/3.md")])
    assert jobs.cancel(waiting.id) is waiting
    indexer.says(DONE)
    assert jobs.cancel(running.id) is running
    await ended(running)
    await ended(last)
    assert [job.state for job in (running, waiting, last)] == ["cancelled", "cancelled", "done"]
    assert jobs.of_path(Path("/docs/1.md")) is None
    assert jobs.cancel(running.id) is None, "it is too late"
    assert jobs.cancel("nothing") is None


async def test_what_waits_for_another_process_is_cancelled(
    jobs: IngestJobs, indexer: Indexer, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_jobs, "BUSY_SECONDS", 0.01)
    indexer.says(f"sys.exit({BusyError.exit_status})")
    with writing(settings):
        job = jobs.submit("a", [Path("/docs/1.md")])
        await eventually(lambda: job.state == "held")
        jobs.cancel(job.id)
        indexer.says(DONE)
        other = jobs.submit("b", [Path("/docs/2.md")])
        await ended(other)
    assert (job.state, other.state) == ("cancelled", "done")


async def test_jobs_go_on_under_the_new_name_of_their_collection(jobs: IngestJobs, indexer: Indexer) -> None:
    indexer.says(WAITS)
    running = jobs.submit("a", [Path("/docs/1.md")])
    await eventually(lambda: (indexer.folder / "log.pid").exists())
    waiting = jobs.submit("a", [Path("/docs/2.md")])
    assert not jobs.rename("a", "b", has_begun=False), "its command may look for the old name this moment"
    assert (running.collection, waiting.collection) == ("a", "a")
    assert jobs.rename("a", "b", has_begun=True)
    indexer.says(DONE)
    jobs.cancel(running.id)
    await ended(waiting)
    assert indexer.calls()[-1]["argv"][:4] == ["ingest", "--json", "--collection", "b"]


async def test_many_files_are_as_few_jobs_as_may_be(jobs: IngestJobs, indexer: Indexer) -> None:
    jobs.submit_many("a", [Path(f"/docs/{n}.md") for n in range(2 * MOST_PATHS + 1)])
    assert [len(job.paths) for job in jobs.jobs] == [1, MOST_PATHS, MOST_PATHS]
