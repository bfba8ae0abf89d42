"""How far the language model is that a start asked for (`docent serve --fetch NAME`), in words, and what may be done
about it: cancel, try again.

    waiting ──> fetching ──> checking ──> loading ──> ready
       └──────────┴─────────────┴──> cancelled          │ any of them, and a model that was installed before
    too_large, no_room: nothing is fetched              └──> failed

`runtime/language_model.py` moves it from state to state; pages, `/readyz` and the terminal read it.
"""

import asyncio
import threading
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Stage = Literal[
    "none", "waiting", "fetching", "checking", "loading", "ready", "failed", "cancelled", "too_large", "no_room"
]
MOVING: frozenset[Stage] = frozenset({"waiting", "fetching", "checking", "loading"})
"""It goes on by itself, and a page follows it."""
STOPPABLE: frozenset[Stage] = frozenset({"waiting", "fetching", "checking"})
ENDED_WITHOUT: frozenset[Stage] = frozenset({"failed", "cancelled", "too_large", "no_room"})
"""No model came of it; whoever reads the page may try again."""

UNTIL_THEN = "answers are quotations until then"
QUOTATIONS = "Answers are quotations."
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Arrival:
    """One moment of it. `why` is a sentence for everybody: why it failed, or why it is another model than the first
    choice. `advice` is for whoever runs Docent, in one or more lines."""

    stage: Stage = "none"
    model: str = ""  # the catalogue's name
    done: int = 0  # bytes
    total: int = 0  # bytes
    why: str = ""
    advice: str = ""

    @property
    def is_moving(self) -> bool:
        return self.stage in MOVING

    @property
    def is_stoppable(self) -> bool:
        return self.stage in STOPPABLE

    @property
    def ended_without(self) -> bool:
        return self.stage in ENDED_WITHOUT

    @property
    def headline(self) -> str:
        """What stands above the box where questions are asked. Empty where there is nothing to say."""
        return self._words("Language model")

    @property
    def sentence(self) -> str:
        """The same with the model's name and what is behind it, for `/readyz` and the status page; the advice on
        lines of its own."""
        words = self._words(f"{self.model} is")
        return f"{words} {self.remark}".strip() + f"\n{self.advice}".rstrip() if words else ""

    def _words(self, it: str) -> str:
        match self.stage:
            case "waiting":
                return f"{it} on its way (another program fetches it): {UNTIL_THEN}."
            case "fetching":
                return f"{it} on its way ({self.done // MEGABYTE:,} of {self.total // MEGABYTE:,} MB): {UNTIL_THEN}."
            case "checking":
                return f"{it} on its way (all {self.total // MEGABYTE:,} MB, being checked): {UNTIL_THEN}."
            case "loading":
                return f"{self.why or 'The language model loads.'} Until then answers are quotations."
            case "cancelled":
                return f"The language model is not fetched: that was cancelled. {QUOTATIONS}"
            case "failed" | "too_large" | "no_room":
                return f"There is no language model. {self.why} {QUOTATIONS}"
            case "none" | "ready":
                return ""

    @property
    def remark(self) -> str:
        """Why it is this model, where another was the first choice."""
        return self.why if self.is_stoppable else ""

    @property
    def said(self) -> str:
        """What is read out when the stage has changed: without numbers, which change every second."""
        match self.stage:
            case "fetching" | "waiting" | "checking":
                return f"The language model is on its way; {UNTIL_THEN}."
            case "ready":
                return "The language model is there. From now on it writes the answers."
            case _:
                return self.headline


@dataclass
class ModelArrival:
    """The state, and what a page may ask for. `cancel` and `again` are called in the server's event loop; an attempt
    notes its progress in the thread that fetches."""

    state: Arrival = field(default_factory=Arrival)
    _again: asyncio.Event = field(default_factory=asyncio.Event)
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def cancel(self) -> None:
        """What was fetched stays on the disk. Nothing where nothing is being fetched."""
        with self._changing:
            if self.state.is_stoppable:
                self._cancelled.set()
                self.state = replace(self.state, stage="cancelled", why="", advice="")

    def again(self) -> None:
        """Nothing where it goes on by itself, or is there."""
        with self._changing:
            if self.state.ended_without:
                self.state = replace(self.state, stage="loading", why="", advice="")
                self._again.set()

    async def asked_again(self) -> None:
        """Return when somebody has asked since the last call."""
        await self._again.wait()
        self._again.clear()

    def attempt(self, state: Arrival) -> "Attempt":
        """A fetch begins."""
        with self._changing:
            self._cancelled = threading.Event()
            self.state = state
        return Attempt(self, self._cancelled)

    def stop(self) -> None:
        """The server ends: the fetch goes on at its next start."""
        self._cancelled.set()

    def become(self, state: Arrival) -> None:
        with self._changing:
            self.state = state

    def note(self, cancelled: threading.Event, **changed: Any) -> None:
        """Fields of `Arrival`, unless the attempt that knows them was cancelled."""
        with self._changing:
            if not cancelled.is_set():
                self.state = replace(self.state, **changed)


@dataclass(frozen=True)
class Attempt:
    """One fetch. After it was cancelled it says nothing any more, though its thread may take a second to end."""

    arrival: ModelArrival
    cancelled: threading.Event

    def note(self, **changed: Any) -> None:
        """Fields of `Arrival`."""
        self.arrival.note(self.cancelled, **changed)
