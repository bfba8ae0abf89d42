"""The one thread that owns the model. Others send it commands and receive events through a callback.

The thread loads the model, then alternates between reading commands and evaluating batches. `cancel` also aborts the
batch that is being evaluated, so that a prefill ends within one node of the model's graph rather than one piece.
Callbacks are called on the thread: hand them over with `loop.call_soon_threadsafe`. While nothing is asked it copies
hot prefixes, which a thread of their own writes (hot_prefixes.py): no request waits for a disk.
"""

import itertools
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from indexer.errors import DocentError
from server.engine.hot_prefixes import CopyRequest, HotPrefixes
from server.engine.passage_reading import READING, PassageReader
from server.engine.scheduler import Decoder, Event, Failed, Finished, Request, Scheduler, Waiting
from server.engine.step_watch import StepWatch

STEP_SECONDS = 60.0  # after which a step is stuck: what it was for is ended
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


class _Wake:
    """There may be a passage to read."""


class _Close:
    pass


@dataclass(frozen=True)
class Loaded:
    """What loading a model gives: something to decode with, and how much of it there is."""

    decoder: OwnedDecoder
    slots: int  # answers at once
    cells: int  # of the KV cache
    offload_cells: int = 0  # for which there is memory beside the cache
    hot: HotPrefixes | None = None  # loaded at the start, saved at the end and when nothing is asked for a while
    passages: PassageReader | None = None  # reads while nothing is asked


class Worker:
    """Runs `load` and then the scheduler on a thread of its own until `close`."""

    def __init__(
        self,
        load: Callable[[], Loaded],
        *,
        slots: int,
        queue_limit: int,
        on_failure: Callable[[Exception], None],
        speculates: bool = True,
        step_seconds: float = STEP_SECONDS,
    ) -> None:
        """`slots` is what is promised until the model is loaded; `load` and, after an error, `on_failure` are called
        on the thread.
        """
        self._load = load
        self._slots = slots
        self._queue_limit = queue_limit
        self._on_failure = on_failure
        self._speculates = speculates
        self._scheduler: Scheduler | None = None
        self._unsaved = False  # whether hot prefixes may be there that no file holds
        self._commands: queue.SimpleQueue[_Submit | _Cancel | _Wake | _Close | CopyRequest] = queue.SimpleQueue()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: list[int] = []  # accepted, without a slot yet
        self._busy: set[int] = set()  # in a slot
        self._emits: dict[int, Emit] = {}  # the thread's own
        self._decoder: OwnedDecoder | None = None
        self._passages: PassageReader | None = None
        self._closing = threading.Event()
        self._watch = StepWatch(step_seconds, self._give_up_step)
        self._stuck = threading.Event()  # the present step, or the one before, was given up
        self._thread = threading.Thread(target=self._run, name="docent-engine", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._watch.start()

    @property
    def step_seconds(self) -> float:
        """For how long the thread is at one step; 0 where it has nothing to do, or what gives way to who asks.

        From any thread.
        """
        reads = self._passages is not None and self._passages.reads
        return 0.0 if reads else self._watch.seconds

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    @property
    def drafts(self) -> tuple[int, int]:
        """Tokens that were drafted, and those of them that came next, since the start. From any thread."""
        scheduler = self._scheduler
        return (scheduler.drafted, scheduler.accepted) if scheduler else (0, 0)

    def submit(self, request: Request, emit: Emit) -> tuple[int, int | None]:
        """The request's id, which is given here, and how many wait ahead of it (None: a slot is free).

        Raises QueueFull or Stopped.
        """
        with self._lock:
            free_slots = self._slots - len(self._busy)
            if self._closing.is_set():
                raise Stopped
            if len(self._waiting) >= self._queue_limit + free_slots:
                raise QueueFull
            ahead = len(self._waiting) - free_slots
            request = replace(request, id=next(self._ids))
            self._waiting.append(request.id)
            self._commands.put(_Submit(request, emit))
        if self._passages is not None and self._passages.reads:
            self._abort()  # what is read for later gives way
        return request.id, ahead if ahead >= 0 else None

    def cancel(self, request_id: int) -> None:
        """Free the request's slot at once, in the middle of a prefill too. From any thread."""
        with self._lock:
            active = request_id in self._busy or (
                request_id in self._waiting and len(self._busy) < self._slots  # being admitted just now, perhaps
            )
        self._commands.put(_Cancel(request_id))
        if active:
            self._abort()

    def wake(self) -> None:
        """Look for passages to read, if there is nothing else to do. From any thread."""
        self._commands.put(_Wake())

    def close(self, timeout: float | None = None) -> None:
        """End every request and give the memory back. Waits for the thread."""
        self._closing.set()
        self._commands.put(_Close())
        self._abort()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _give_up_step(self) -> None:
        """From the thread that watches: the batch is aborted, and what it was for is ended."""
        logger.error("The language model's step takes over %.0f s: what it is for is given up.", self._watch.seconds)
        self._stuck.set()
        self._abort()

    def _abort(self) -> None:
        decoder = self._decoder
        if decoder is not None:
            decoder.abort()

    def _run(self) -> None:
        try:
            loaded = self._load()
        except Exception as error:
            self._watch.stop()
            self._fail(error)
            return
        self._decoder, self._slots, hot = loaded.decoder, loaded.slots, loaded.hot
        self._passages = loaded.passages
        scheduler = self._scheduler = Scheduler(
            loaded.decoder,
            slots=loaded.slots,
            cells=loaded.cells,
            offload_cells=loaded.offload_cells,
            speculates=self._speculates,
        )
        try:
            if hot:
                hot.load(scheduler.slots)
            while self._obey(loaded, scheduler):
                self._deliver(scheduler.admit())  # before the batch: who has a slot is known while it is evaluated
                with self._watch.step():
                    events = scheduler.evaluate()
                self._deliver(events)
                if self._stuck.is_set():
                    self._stuck.clear()
                    self._deliver(scheduler.fail_batch("The language model did not get on with this. Ask again."))
            self._deliver(scheduler.fail_all("The server stops."))
            if hot:
                self._save_rest(hot, scheduler)
        except Exception as error:
            self._deliver(scheduler.fail_all("The language model stopped with an internal error."))
            self._fail(error)
        finally:
            self._decoder = None
            self._watch.stop()
            self._refuse_rest()
            if hot:
                hot.wait()
            loaded.decoder.close()

    def _save_rest(self, hot: HotPrefixes, scheduler: Scheduler) -> None:
        """At the end, when nobody waits for this thread any more."""
        self._refuse_rest()
        hot.wait()
        if self._unsaved:
            hot.save(scheduler.slots)

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
            elif isinstance(command, CopyRequest):
                self._refuse_copy(command)

    def _obey(self, loaded: Loaded, scheduler: Scheduler) -> bool:
        """Carry out the commands that are there, waiting for one if there is nothing else to do. False: close."""
        loaded.decoder.resume()  # before the commands are read: an abort that comes later belongs to a later command
        hot = loaded.hot
        while True:
            self._read_ahead(scheduler)
            block = not scheduler.busy
            try:
                command = self._commands.get(block, IDLE_SECONDS if hot and self._unsaved else None)
            except queue.Empty:
                if not block or hot is None:
                    return True
                self._unsaved = False
                if not hot.save_behind(scheduler.slots, self._ask):
                    self._unsaved = True
                continue
            match command:
                case _Close():
                    return False
                case _Submit(request, emit):
                    self._unsaved = True
                    self._give_way(scheduler)
                    self._emits[request.id] = emit
                    scheduler.submit(request)
                case _Cancel(request_id):
                    scheduler.cancel(request_id)
                    self._forget(request_id)
                case CopyRequest():
                    if hot is None or scheduler.busy or not self._commands.empty():
                        self._refuse_copy(command)
                    else:
                        hot.copy(scheduler.slots, command)

    def _read_ahead(self, scheduler: Scheduler) -> None:
        """Have a passage read while there is nothing else to do."""
        passages = self._passages
        if passages is None or scheduler.busy or not self._commands.empty():
            return
        if (request := passages.begin()) is not None:
            self._emits[READING] = partial(passages.heard, scheduler.slots)
            scheduler.submit(request)

    def _give_way(self, scheduler: Scheduler) -> None:
        """End what is read for later: somebody asks."""
        if self._passages is not None and self._passages.reads:
            self._passages.give_way()
            scheduler.cancel(READING)
            self._forget(READING)

    def _ask(self, copy: CopyRequest) -> None:
        """Hand a request to the thread that owns the model. From the one that writes."""
        with self._lock:
            if not self._closing.is_set():
                self._commands.put(copy)
                return
        self._refuse_copy(copy)

    def _refuse_copy(self, copy: CopyRequest) -> None:
        self._unsaved = True
        copy.refuse()

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
