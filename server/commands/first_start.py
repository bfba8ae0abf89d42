"""What the terminal of `docent serve` shows beside its log: how far the language model is, and where the page is.

On a terminal one line changes in place. While an ingest draws its own bar there, and where there is no terminal, whole
lines come instead, one at each tenth.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from indexer.console import inert
from server.library.job import Job
from server.runtime.model_arrival import MEGABYTE, Arrival, ModelArrival

LOOK_SECONDS = 0.5
TENTHS = 10
ERASE = "\r\x1b[2K"  # the line on which the cursor stands


@dataclass
class Terminal:
    """Standard error, the log's too. What anybody writes here stands on a line of its own, beside the one in place."""

    stream: TextIO
    _in_place: str = ""
    _writing: threading.RLock = field(default_factory=threading.RLock)

    @property
    def can_change(self) -> bool:
        """Whether a line that was written can be written anew."""
        return self.stream.isatty() and os.environ.get("TERM") != "dumb"

    def write(self, text: str) -> int:
        with self._writing:
            if self.can_change:  # another process may have its bar on this line
                text = ERASE + text + (self._in_place if text.endswith("\n") else "")
            return self.stream.write(text)

    def flush(self) -> None:
        self.stream.flush()

    def line(self, text: str) -> None:
        with self._writing:
            self.write(f"{inert(text)}\n")
            self.flush()

    def in_place(self, text: str) -> None:
        """The line that changes; none where it is empty."""
        with self._writing:
            if self.can_change and text != self._in_place:
                self.stream.write(ERASE + text)
                self._in_place = text
                self.flush()


@dataclass
class ArrivalLines:
    """An arrival, looked at now and then, to what is worth a line."""

    url: str
    _before: Arrival = field(default_factory=Arrival)
    _tenth: int = 0

    def whole(self, now: Arrival, *, every_tenth: bool) -> list[str]:
        """The lines that are due."""
        before, self._before = self._before, now
        if now.stage != before.stage or now.model != before.model:
            return [line] if (line := self._begun(now)) else []
        tenth = TENTHS * now.done // now.total if now.total else 0
        if not every_tenth or tenth == self._tenth or now.stage != "fetching":
            return []
        self._tenth = tenth
        return [moving(now)]

    def _begun(self, now: Arrival) -> str:
        match now.stage:
            case "fetching":
                return (
                    f"Language model {now.model} ({now.total // MEGABYTE:,} MB) is fetched behind the page; "
                    "`make chat MODEL=none` leaves it out."
                )
            case "waiting" | "cancelled":
                return now.headline
            case "failed" | "too_large" | "no_room":  # the log has said why
                return f"Answers are quotations. The page offers to try again: {self.url}"
            case "ready":
                return f"{now.model} writes the answers from now on. Open {self.url} in a browser."
            case _:
                return ""


def moving(now: Arrival) -> str:
    """The line that changes in place; empty where nothing moves."""
    match now.stage:
        case "fetching":
            return f"Language model: {now.done // MEGABYTE:,} of {now.total // MEGABYTE:,} MB"
        case "checking":
            return f"Language model: {now.total // MEGABYTE:,} MB, being checked"
        case "loading":
            return now.why
        case _:
            return ""


async def follow(arrival: ModelArrival, terminal: Terminal, url: str, is_shared: Callable[[], bool]) -> None:
    """Until cancelled. `is_shared`: whether another process draws on this terminal now."""
    lines = ArrivalLines(url)
    try:
        while True:
            state = arrival.state
            shared = is_shared() or not terminal.can_change
            due = lines.whole(state, every_tenth=shared)
            terminal.in_place("" if shared or due else moving(state))
            for line in due:
                terminal.line(line)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        terminal.in_place("")


async def say_where(job: Job, terminal: Terminal, url: str) -> None:
    """Once a folder was read: what its run has printed has pushed the address out of sight."""
    while job.ended_at is None:  # noqa: ASYNC110 (it tells nobody)
        await asyncio.sleep(LOOK_SECONDS)
    terminal.line(f"Open {url} in a browser.")
