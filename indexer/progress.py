"""What a person sees of long work: a bar while it runs, a summary after it. All of it on standard error."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar

from indexer.console import inert
from indexer.errors import program
from indexer.knowledge.runs import FileReport, Report, RunProgress
from indexer.knowledge.trash import DELETED

if TYPE_CHECKING:  # an ingest does without the search that enriching needs
    from indexer.enrich.enrich import EnrichProgress, EnrichReport

NAMED = 3
"""Skipped files of one kind that get a line each; of more, one line says how many."""
PICTURES = frozenset(".avif .bmp .gif .heic .ico .jpeg .jpg .png .svg .tif .tiff .webp".split())
"""Endings of what mostly lies beside documents because they show it."""

console = Console(stderr=True, highlight=False, soft_wrap=True)


def message(text: str) -> None:
    """A line for the person at the terminal."""
    console.print(escape(inert(text)))


def _line(state: str, file: FileReport) -> str:
    return escape(inert(f"{state:9} {file.document}: {file.reason}"))


def skipped_lines(files: Sequence[FileReport]) -> list[str]:
    """What was skipped, a line a file, or a line a kind where many are of it; the ledger has each with its reason.

    Last stands what was deleted by hand: `indexer status` does not tell of it any more."""
    lines = _lines_of_kinds([file for file in files if file.reason != DELETED])
    if len(lines) < sum(file.reason != DELETED for file in files):
        lines.append(f"`{program('indexer')} status --files` names every file that was skipped, with the reason.")
    return lines + _lines_of_kinds([file for file in files if file.reason == DELETED])


def _lines_of_kinds(files: Sequence[FileReport]) -> list[str]:
    kinds: dict[str, list[FileReport]] = {}
    for file in files:
        kinds.setdefault(_kind(file), []).append(file)
    lines = []
    for kind, alike in kinds.items():
        first = alike[0]
        if len(alike) <= NAMED:
            lines += [f"{'skipped':9} {file.document}: {file.reason}" for file in alike]
        elif kind == "pictures":
            lines.append(f"{'skipped':9} {len(alike):,} pictures, whose words are not read.")
        else:
            what = "files and folders" if any(file.document.endswith("/") for file in alike) else "files"
            lines.append(f"{'skipped':9} {len(alike):,} {what}, one of them {first.document}: {first.reason}")
    return lines


def _kind(file: FileReport) -> str:
    """Alike are reasons that differ in numbers alone, and pictures of whatever type."""
    path = PurePosixPath(file.document)
    if path.suffix.lower() in PICTURES and file.reason.startswith("Files of type"):
        return "pictures"
    return kind_of_reason(file.reason)


def kind_of_reason(reason: str) -> str:
    """Reasons of one kind have the same one: they differ in numbers alone."""
    return re.sub(r"\d[\d.,]*", "", reason)


class IngestProgress:
    """A bar over files; without a terminal a line now and then would only fill a log, so there is none."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("Looking at the files", total=None, chunks="")

    def update(self, progress: RunProgress) -> None:
        self._bar.update(
            self._task,
            total=progress.total,
            completed=progress.done,
            description="Indexing",
            chunks=f"{progress.chunks} passages" if progress.chunks else "",
        )
        if progress.file and progress.file.state in ("failed", "needs_ocr"):
            self._bar.console.print(_line(progress.file.state, progress.file))

    def summarise(self, report: Report) -> None:
        """What was skipped and what was remarked, since nobody saw it pass, then one line of counts."""
        for line in skipped_lines([file for file in report.files if file.state == "skipped"]):
            message(line)
        for file in report.files:
            if file.state == "indexed" and file.reason:
                console.print(_line("note", file))
        counts = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in report.counts.items() if count)
        console.print(f"{counts or 'no files'} in {report.took_ms / 1000:.1f} s")


@contextmanager
def ingest_progress() -> Iterator[IngestProgress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files {task.fields[chunks]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield IngestProgress(bar)


@contextmanager
def rebuild_progress() -> Iterator[Callable[[RunProgress], None]]:
    """A bar over documents."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("documents, {task.fields[chunks]} passages"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Rebuilding", total=None, chunks=0)

        def update(progress: RunProgress) -> None:
            what = "Waiting for an ingest to end" if progress.waiting else "Rebuilding"
            bar.update(task, description=what, completed=progress.done, total=progress.total, chunks=progress.chunks)

        yield update


class EnrichBar:
    """A bar over passages, with how many entries they got."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("Writing entries", total=None, entries="")

    def update(self, progress: "EnrichProgress") -> None:
        self._bar.update(
            self._task,
            total=progress.total,
            completed=progress.done,
            description="Waiting for an ingest" if progress.waiting else "Writing entries",
            entries=f"{progress.entries} entries",
        )


@contextmanager
def enrich_progress() -> Iterator[EnrichBar]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("passages, {task.fields[entries]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield EnrichBar(bar)


@contextmanager
def calibration_progress() -> Iterator[Callable[[int, int], None]]:
    """Takes how many off-topic questions of how many were asked."""
    columns = (TextColumn("Asking questions that are off topic"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def download_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Takes what is done, how many bytes of it are done, and of how many (0: unknown)."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Asking", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total or None)


def summarise_enrichment(report: "EnrichReport") -> str:
    """One or two sentences."""
    text = f"{report.entries} entries for {report.passages} passages; {report.dropped} texts were not worth keeping."
    if report.unusable:
        why = ", ".join(f"{reason} ({count})" for reason, count in report.reasons.items())
        text += f" {report.unusable} answers were unusable: {why}."
    return f"{text} {report.left} passages are left: run this again to go on." if report.left else text
