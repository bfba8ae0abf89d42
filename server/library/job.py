"""A job: files or folders that the page asked to be indexed, how far that is, and what became of each file."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from indexer.knowledge.tables import now

NAMED = 50  # files of a job that are kept by name
ORDER = ("failed", "needs_ocr", "skipped", "indexed", "removed", "unchanged")
"""States of files, those that somebody should look at first."""

State = Literal["waiting", "held", "running", "done", "failed", "cancelled"]
"""`held`: it waits until another `indexer` has written."""
NOT_BEGUN = ("waiting", "held")


@dataclass(frozen=True)
class FileOutcome:
    """What became of a file: the report's line for it."""

    document: str
    state: str  # one of ORDER
    reason: str


@dataclass(frozen=True)
class Outcomes:
    """What became of a job's files: how many are in each state, and the first `NAMED` that are not unchanged.

    A folder may have a hundred thousand files, and the page shows this every second.
    """

    counts: dict[str, int] = field(default_factory=dict)
    named: tuple[FileOutcome, ...] = ()

    @property
    def more(self) -> int:
        """Files that are not unchanged and not named."""
        return sum(self.counts.values()) - self.counts.get("unchanged", 0) - len(self.named)

    @classmethod
    def of(cls, files: Iterable[FileOutcome]) -> "Outcomes":
        """Raises ValueError where a state is none."""
        ordered = sorted(files, key=lambda one: ORDER.index(one.state))
        named = [one for one in ordered if one.state != "unchanged"]
        return cls(dict(Counter(one.state for one in ordered)), tuple(named[:NAMED]))

    def __add__(self, others: "Outcomes") -> "Outcomes":
        named = sorted((*self.named, *others.named), key=lambda one: ORDER.index(one.state))
        return Outcomes(dict(Counter(self.counts) + Counter(others.counts)), tuple(named[:NAMED]))


@dataclass
class Job:
    """Files or folders to index into a collection. `problem` says why it failed.

    `aloud`: what its run says is seen where the server's own words are, with the bar that a terminal gets.
    """

    collection: str
    paths: list[Path]
    prune: bool = False
    aloud: bool = False
    tries: int = 0  # runs for the same files before it that did not work
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: State = "waiting"
    problem: str = ""
    refused: Outcomes = field(default_factory=Outcomes)  # files that were sent and not kept, until it ends
    outcomes: Outcomes = field(default_factory=Outcomes)
    asked_at: datetime = field(default_factory=now)
    began_at: datetime | None = None  # when its run began, the last one that did
    cancelled: bool = False  # it shall end
    ended_at: datetime | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def refuse(self, files: Sequence[FileOutcome]) -> None:
        self.refused += Outcomes.of(files)
        self.outcomes = self.refused

    def end(self, state: State, outcomes: Outcomes | None = None, problem: str = "") -> None:
        """`outcomes` are those of all files; without them what was refused is all that is known."""
        self.outcomes = outcomes or self.outcomes
        self.refused = Outcomes()
        self.state, self.problem, self.ended_at = state, problem, now()
        self.ended.set()
