"""The one thread that owns the model. Others send it commands and receive events through a callback.

The thread loads the model, then alternates between reading commands and evaluating batches. `cancel` also aborts the
batch that is being evaluated, so that a prefill ends within one node of the model's graph rather than one piece.
Callbacks are called on the thread: hand them over with `loop.call_soon_threadsafe`.
"""

import itertools
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from indexer.errors import DocentError
from server.engine.hot_prefixes import HotPrefixes
from server.engine.scheduler import Decoder, Event, Failed, Finished, Request, Scheduler, TokenSampling, Waiting

IDLE_SECONDS = 30.0  # without a request; long enough that people who talk to it do not wait for a disk

logger = logging.getLogger("docent.engine")

Emit = Callable[[Event], None]


class QueueFull(Exception):  # noqa: N818 (a state, not a fault)
    """As many requests wait as may wait."""


class Stopped(Exception):  # noqa: N818
    """The thread has ended, or is about to."""


class OwnedDecoder(Decoder, Protocol):
    """A decoder that the thread can interrupt and give back."""

    def abort(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class _Submit:
    request: Request
    emit: Emit


@dataclass(frozen=True)
class _Cancel:
    request_id: int


class _Close:
    pass


class Worker:
    """Runs `load` and then the scheduler on a thread of its own until `close`."""

    def __init__(
        self,
        load: Callable[[], OwnedDecoder],
        *,
        slots: Callable[[], int],
        cells: Callable[[], int],
        kept: Callable[[], int] = lambda: 0,
        queue_limit: int,
        on_failure: Callable[[Exception], None],
        speculates: bool = True,
        hot: Callable[[], HotPrefixes | None] = lambda: None,
    ) -> None:
        """What is given as a call holds once the model is loaded; `on_failure` is called on the thread after an
        error. What `hot` gives is restored at the start, and saved at the end and when nothing is asked for a while.
        """
        self._load = load
        self._slots = slots
        self._cells = cells
        self._kept = kept
        self._queue_limit = queue_limit
        self._on_failure = on_failure
        self._speculates = speculates
        self._scheduler: Scheduler | None = None
        self._hot = hot
        self._unsaved = False  # whether a request has run since hot prefixes were saved
        self._commands: queue.SimpleQueue[_Submit | _Cancel | _Close] = queue.SimpleQueue()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: list[int] = []  # accepted, without a slot yet
        self._busy: set[int] = set()  # in a slot
        self._emits: dict[int, Emit] = {}  # the thread's own
        self._decoder: OwnedDecoder | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="docent-engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    @property
    def drafts(self) -> tuple[int, int]:
        """Tokens that were drafted, and those of them that came next, since the start. From any thread."""
        scheduler = self._scheduler
        return (scheduler.drafted, scheduler.accepted) if scheduler else (0, 0)

    def submit(
        self, prompt: tuple[int, ...], max_tokens: int, sampling: TokenSampling, emit: Emit
    ) -> tuple[int, int | None]:
        """The request's id, and how many wait ahead of it (None: a slot is free). Raises QueueFull or Stopped."""
        with self._lock:
            free_slots = self._slots() - len(self._busy)
            if self._closing.is_set():
                raise Stopped
            if len(self._waiting) >= self._queue_limit + free_slots:
                raise QueueFull
            ahead = len(self._waiting) - free_slots
            request = Request(next(self._ids), prompt, max_tokens, sampling)
            self._waiting.append(request.id)
            self._commands.put(_Submit(request, emit))
        return request.id, ahead if ahead >= 0 else None

    def cancel(self, request_id: int) -> None:
        """Free the request's slot at once, in the middle of a prefill too. From any thread."""
        with self._lock:
            active = request_id in self._busy or (
                request_id in self._waiting and len(self._busy) < self._slots()  # being admitted just now, perhaps
            )
        self._commands.put(_Cancel(request_id))
        if active:
            self._abort()

    def close(self, timeout: float | None = None) -> None:
        """End every request and give the memory back. Waits for the thread."""
        self._closing.set()
        self._commands.put(_Close())
        self._abort()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _abort(self) -> None:
        decoder = self._decoder
        if decoder is not None:
            decoder.abort()

    def _run(self) -> None:
        try:
            decoder = self._decoder = self._load()
        except Exception as error:
            self._fail(error)
            return
        scheduler = Scheduler(
            decoder, slots=self._slots(), cells=self._cells(), kept=self._kept(), speculates=self._speculates
        )
        self._scheduler = scheduler
        hot = self._hot()
        try:
            if hot:
                hot.restore(scheduler.slots)
            while self._obey(scheduler, hot):
                self._deliver(scheduler.admit())  # before the batch: who has a slot is known while it is evaluated
                self._deliver(scheduler.evaluate())
            self._deliver(scheduler.fail_all("The server stops."))
            if hot and self._unsaved:
                hot.save(scheduler.slots)
        except Exception as error:
            self._deliver(scheduler.fail_all("The language model stopped with an internal error."))
            self._fail(error)
        finally:
            self._decoder = None
            decoder.close()
            self._refuse_rest()

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, DocentError):
            logger.error("The language model's thread ended.", exc_info=error)
        self._on_failure(error)
        self._refuse_rest()

    def _refuse_rest(self) -> None:
        """Answer the requests that came while the thread ended."""
        with self._lock:
            self._closing.set()
        while not self._commands.empty():
            command = self._commands.get()
            if isinstance(command, _Submit):
                command.emit(Failed("The language model has stopped."))

    def _obey(self, scheduler: Scheduler, hot: HotPrefixes | None) -> bool:
        """Carry out the commands that are there, waiting for one if there is nothing else to do. False: close."""
        decoder = self._decoder
        assert decoder is not None  # noqa: S101 (set before the loop)
        decoder.resume()  # before the commands are read: an abort that comes later belongs to a later command
        block = not scheduler.busy
        while True:
            try:
                command = self._commands.get(block, IDLE_SECONDS if hot and self._unsaved else None)
            except queue.Empty:
                if not block or hot is None:
                    return True
                hot.save(scheduler.slots, stop=lambda: not self._commands.empty())
                self._unsaved = False
                continue
            if isinstance(command, _Close):
                return False
            if isinstance(command, _Submit):
                self._unsaved = True
                self._emits[command.request.id] = command.emit
                scheduler.submit(command.request)
            else:
                scheduler.cancel(command.request_id)
                self._forget(command.request_id)
            block = not scheduler.busy

    def _deliver(self, events: list[tuple[int, Event]]) -> None:
        for request_id, event in events:
            emit = self._emits.get(request_id)
            if not isinstance(event, Waiting):
                self._note_started(request_id)
            if isinstance(event, Finished | Failed):
                self._forget(request_id)
            if emit is not None:
                emit(event)

    def _note_started(self, request_id: int) -> None:
        with self._lock:
            if request_id in self._waiting:
                self._waiting.remove(request_id)
                self._busy.add(request_id)

    def _forget(self, request_id: int) -> None:
        self._emits.pop(request_id, None)
        with self._lock:
            self._busy.discard(request_id)
            if request_id in self._waiting:
                self._waiting.remove(request_id)
