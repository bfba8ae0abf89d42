"""What the documents page shows of files, runs and jobs, in words for people (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from indexer.knowledge.alike import Alike, Other
from indexer.knowledge.catalog import FileRow
from indexer.knowledge.collections import Moved
from indexer.knowledge.seen import UnseenFiles, is_unseen
from indexer.knowledge.tables import WAITING, IngestRun, known_id
from server.library.job import FileOutcome, Job
from server.views.wording import counted, file_size, machine_moment, moment

STATES = {
    "failed": "Failed",
    "needs_ocr": "Needs text recognition",
    WAITING: "Waiting",
    "indexed": "Indexed",
    "skipped": "Skipped",
}
OUTCOMES = {**STATES, "removed": "Removed", "unchanged": "Unchanged"}
OPEN_JOBS = {
    "waiting": "Waits to be read",
    "held": "Waits to be read: another command writes to the documents. This goes on when it is done",
    "running": "Getting ready to read",
}
VERBS = {"indexed": "Indexed", WAITING: "Sent", "failed": "Tried", "needs_ocr": "Tried"}
FINISHING = "Read, and being finished"
ENDED_JOBS = {"failed": "Not read", "cancelled": "Cancelled"}
SHOWN_JOBS = 3
SHOWN_PATHS = 3
SHOWN_KINDS = 40


@dataclass(frozen=True)
class Standing:
    """Where a file stands that waits to be read, or is being read."""

    words: str
    may_be_cancelled: bool


def waits(ahead: int) -> str:
    """`ahead`: how many files are read before it."""
    return f"Waiting, {counted(ahead, 'file')} before it" if ahead else "Waiting, next to be read"


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
    verb: str  # what happened then
    when: str
    exactly: str  # the same for programs
    deleted: bool
    is_file: bool  # not a folder that was passed over
    unseen: bool  # it was not read, and nobody has marked it as seen
    may_be_cancelled: bool
    may_be_read_again: bool
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
    """A run that has not ended: the files that are settled, of all. `job`: by which it can be cancelled; empty where
    somebody began it by a command."""

    collection: str
    done: int
    total: int
    job: str


@dataclass(frozen=True)
class JobLine:
    """What was asked for on this page, and what became of it."""

    id: str
    collection: str
    state: str
    summary: str
    problem: str
    is_open: bool
    files: list[tuple[FileOutcome, str]]
    more: int


def file_line(
    row: FileRow, now: datetime, alike: Alike | None = None, standing: Standing | None = None, *, is_kept: bool = True
) -> FileLine:
    """`is_kept`: there is a file to be read again; of what was refused when it was sent there is none."""
    entry = row.entry
    path, deleted = PurePosixPath(entry.path), entry.deleted_at is not None
    state = "Deleted" if deleted else standing.words if standing else STATES.get(entry.state, entry.state)
    return FileLine(
        known_id(entry),
        row.document_id if not deleted else None,
        row.title or path.name,
        entry.path,
        row.collection,
        path.suffix.removeprefix(".").lower()[:8],
        entry.pages,
        entry.state,
        state,
        "" if standing else entry.reason,
        file_size(entry.size),
        VERBS.get(entry.state, "Seen"),
        moment(entry.updated_at, now),
        machine_moment(entry.updated_at),
        deleted,
        not entry.path.endswith("/"),
        is_unseen(entry),
        standing is not None and standing.may_be_cancelled,
        is_kept and standing is None,
        _alike_lines(alike) if alike and not deleted else (),
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


def run_lines(runs: Sequence[IngestRun], names: Mapping[int, str], jobs: Sequence[Job]) -> list[RunLine]:
    own = {job.collection: job.id for job in jobs if job.state == "running"}
    lines = [(names.get(run.collection_id, ""), run) for run in runs]
    return [RunLine(name, run.done, run.total, own.get(name, "")) for name, run in lines]


def job_lines(jobs: Sequence[Job], *, running_now: bool, finishing: bool = False) -> list[JobLine]:
    """Those that are not done, then the latest of the others. One that runs is told by its run while there is one;
    `finishing`: its run has ended."""
    shown = [job for job in jobs if not (job.state == "running" and running_now)]
    shown.sort(key=lambda job: job.ended_at is not None)
    return [_job_line(job, finishing) for job in shown[:SHOWN_JOBS]]


def _job_line(job: Job, finishing: bool) -> JobLine:
    counts = job.outcomes.counts
    words = {**OPEN_JOBS, **ENDED_JOBS, **({"running": FINISHING} if finishing else {})}
    summary = words.get(job.state) or ", ".join(
        f"{counts[state]:,} {name.lower()}" for state, name in OUTCOMES.items() if counts.get(state)
    )
    files = [(one, OUTCOMES[one.state]) for one in job.outcomes.named]
    return JobLine(
        job.id,
        job.collection,
        job.state,
        summary or "Nothing to read",
        job.problem,
        job.ended_at is None and not job.cancelled,
        files,
        job.outcomes.more,
    )


@dataclass(frozen=True)
class Undo:
    """What can be taken back: `name` is a file's, empty where there are several; `moment` is when it was done."""

    name: str
    words: str
    moment: str


def undo_line(count: int, path: str, moment: datetime, *, cancelled: bool = False) -> Undo | None:
    """None where there is nothing to take back."""
    if not count:
        return None
    was, it = ("was", "it") if count == 1 else ("were", "them")
    done = f"{was} cancelled, and will not be read." if cancelled else f"{was} deleted. No answer uses {it} any more."
    return Undo(path if count == 1 else "", done if count == 1 else f"{count:,} files {done}", moment.isoformat())


def moved_words(moved: Moved, into: str) -> str:
    """What became of files that should go to the collection `into`."""
    parts = [f"{counted(moved.moved, 'file')} {'is' if moved.moved == 1 else 'are'} in {into} now."]
    if moved.same_name:
        parts.append(f"{into} has a file of the same name as {_some(moved.same_name)}: it stays where it is.")
    if moved.in_folder:
        them = "lies" if len(moved.in_folder) == 1 else "lie"
        parts.append(
            f"{_some(moved.in_folder)} {them} in a folder that is read as a whole, and can go to another collection "
            "only with all of it: move the collection."
        )
    if moved.unread:
        parts.append(f"{_some(moved.unread)} can be moved when it is read.")
    return " ".join(parts)


def _some(paths: Sequence[str]) -> str:
    more = f" and {counted(len(paths) - SHOWN_PATHS, 'more file')}" if len(paths) > SHOWN_PATHS else ""
    return f"{', '.join(paths[:SHOWN_PATHS])}{more}"
