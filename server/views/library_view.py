"""What the documents page shows of files, runs and jobs, in words for people (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from indexer.knowledge.alike import Alike, Other
from indexer.knowledge.catalog import FileRow
from indexer.knowledge.seen import UnseenFiles, is_unseen
from indexer.knowledge.tables import IngestRun, known_id
from server.library.ingest_jobs import FileOutcome, Job
from server.views.wording import counted, file_size, moment

STATES = {"failed": "Failed", "needs_ocr": "Needs text recognition", "indexed": "Indexed", "skipped": "Skipped"}
OUTCOMES = {**STATES, "removed": "Removed", "unchanged": "Unchanged"}
OPEN_JOBS = {
    "waiting": "Waits to be read",
    "held": "Waits to be read: another command writes to the documents. This goes on when it is done",
    "running": "Getting ready to read",
}
SHOWN_JOBS = 3
SHOWN_KINDS = 40


@dataclass(frozen=True)
class FileLine:
    """A row of the table."""

    id: int
    document_id: int | None
    title: str
    path: str
    collection: str
    kind: str
    pages: int | None
    state: str
    state_name: str
    reason: str
    size: str
    when: str
    deleted: bool
    is_file: bool  # not a folder that was passed over
    unseen: bool  # it was not read, and nobody has marked it as seen
    alike: tuple["AlikeLine", ...] = ()


@dataclass(frozen=True)
class AlikeLine:
    """Other documents that a row of the table names: what they are to it, and how many more there are."""

    words: str
    others: tuple[Other, ...]
    more: str


@dataclass(frozen=True)
class Unseen:
    """The files that stand first because nobody has seen that they were not read; `until` is when the last of them
    was written, so that marking these marks no later one."""

    words: str
    until: str


@dataclass(frozen=True)
class Kind:
    """Files of a kind that is not read; `reason` is theirs in the ledger."""

    reason: str
    words: str


@dataclass(frozen=True)
class UnreadKinds:
    """The files that are told a line a kind and not a line a file."""

    words: str
    kinds: list[Kind]
    more: int  # kinds that are not among them


@dataclass(frozen=True)
class RunLine:
    """A run that has not ended: the files that are settled, of all."""

    collection: str
    done: int
    total: int


@dataclass(frozen=True)
class JobLine:
    """What was asked for on this page, and what became of it."""

    id: str
    collection: str
    state: str
    summary: str
    problem: str
    files: list[tuple[FileOutcome, str]]
    more: int


def file_line(row: FileRow, alike: Alike | None = None) -> FileLine:
    entry = row.entry
    path = PurePosixPath(entry.path)
    return FileLine(
        known_id(entry),
        row.document_id if entry.deleted_at is None else None,
        row.title or path.name,
        entry.path,
        row.collection,
        path.suffix.removeprefix(".").lower()[:8],
        entry.pages,
        entry.state,
        STATES.get(entry.state, entry.state),
        entry.reason,
        file_size(entry.size),
        moment(entry.updated_at),
        entry.deleted_at is not None,
        not entry.path.endswith("/"),
        is_unseen(entry),
        _alike_lines(alike) if alike and entry.deleted_at is None else (),
    )


def _alike_lines(alike: Alike) -> tuple[AlikeLine, ...]:
    lines = (
        AlikeLine("The same words as", alike.same, _more(alike.more_same)),
        AlikeLine("Nearly the same as", alike.nearly, _more(alike.more_nearly, at_least=alike.is_cut)),
    )
    return tuple(line for line in lines if line.others)


def _more(count: int, *, at_least: bool = False) -> str:
    if at_least:
        return f"at least {count:,} more" if count else "perhaps more"
    return f"{count:,} more" if count else ""


def unseen_line(unseen: UnseenFiles | None) -> Unseen | None:
    if unseen is None:
        return None
    stand = "It stands" if unseen.count == 1 else "They stand"
    words = f"{counted(unseen.count, 'file')} could not be read. {stand} first until you mark this as seen."
    return Unseen(words, unseen.newest.isoformat())


def unread_kinds(kinds: Mapping[str, int]) -> UnreadKinds | None:
    """`kinds` is how many files were skipped for each reason. None where there are none."""
    if not kinds:
        return None
    shown = [Kind(reason, _kind(reason, count)) for reason, count in list(kinds.items())[:SHOWN_KINDS]]
    total = sum(kinds.values())
    words = f"{counted(total, 'file')} of {counted(len(kinds), 'kind')} {'is' if total == 1 else 'are'} not read"
    return UnreadKinds(words, shown, len(kinds) - len(shown))


def _kind(reason: str, count: int) -> str:
    """A reason that speaks of files in general, said of so many."""
    words = f"{counted(count, 'file')}{reason.removeprefix('Files')}"
    if count == 1:
        return words.replace(" are not read", " is not read")
    return words.replace(" Save it as", " Save them as")


def run_lines(runs: Sequence[IngestRun], names: Mapping[int, str]) -> list[RunLine]:
    return [RunLine(names.get(run.collection_id, ""), run.done, run.total) for run in runs]


def job_lines(jobs: Sequence[Job], *, running_now: bool) -> list[JobLine]:
    """The latest jobs. One that runs is told by its run as soon as there is one."""
    shown = [job for job in jobs if not (job.state == "running" and running_now)]
    return [_job_line(job) for job in shown[:SHOWN_JOBS]]


def _job_line(job: Job) -> JobLine:
    words = {**OPEN_JOBS, "failed": "Not read"}
    counts = job.outcomes.counts
    summary = words.get(job.state) or ", ".join(
        f"{counts[state]:,} {name.lower()}" for state, name in OUTCOMES.items() if counts.get(state)
    )
    files = [(one, OUTCOMES[one.state]) for one in job.outcomes.named]
    return JobLine(
        job.id, job.collection, job.state, summary or "Nothing to read", job.problem, files, job.outcomes.more
    )
