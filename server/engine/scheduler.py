"""What the next batch holds: continuous batching over slots, in pure Python (tested with a fake decoder).

A request waits (in the order of arrival), takes a slot, has its prompt evaluated in pieces (PREFILL), then chooses a
token a step (DECODE), and leaves the slot with its tokens still cached for later prompts. Whose prompt comes first, and
which batches the running streams have to themselves, is said in pace.py. A request is admitted only when the cells for
its prompt and its longest answer are sure, so a running stream never runs out of cells and nothing has to be taken
back. What several prompts have in common is computed once, also when they come at the same time: one of them computes
it while the others wait for it.

In a batch without pieces a stream may have tokens that its own text suggests evaluated beside its next one (drafts.py).
A token counts only when the request's sampler chooses it: a draft changes when tokens come, never which.

    scheduler.submit(request); scheduler.admit(); scheduler.evaluate(); ...
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Protocol

from server.engine.batch_cost import DISTURBED, BatchCost, piece_beside
from server.engine.drafts import Drafter
from server.engine.kv_cache import Cache
from server.engine.pace import Pace, rank
from server.engine.slots import Place, ReadPassage, Slot, Slots, SlotState
from server.engine.token_sampling import GREEDY, Pick, Sampler, SamplingError, TokenSampling

logger = logging.getLogger("docent.engine")

PIECE = 64
"""Rows of a batch while nobody else is answered. A row of a prompt took 20.4 ms of one thread in a batch of 16, 17.6 in
one of 32, 16.3 of 64, 15.7 of 128, 17.1 of 512 (1.5B): larger ones gain nothing that a cancel would not lose."""
CHOICE_SECONDS = 5.0  # that one choice of a token may take: a grammar or a bias that takes longer stops all others


@dataclass(frozen=True, slots=True)
class Row:
    """One token of a batch."""

    token: int
    position: int
    sequence: int
    wants_logits: bool


@dataclass(frozen=True)
class Request:
    id: int
    prompt: tuple[int, ...]  # at least one token
    max_tokens: int  # at least 1; prompt and answer together fit into the context
    sampling: TokenSampling = GREEDY
    public: int = 0  # tokens of the prompt, from its beginning, that may be kept on a disk
    passages: tuple[ReadPassage, ...] = ()  # in their order
    fork: int | None = None  # position from which on cells may be approximate

    @cached_property
    def path(self) -> tuple[int, ...]:
        """The prompt as a way through the tree of cached tokens: no token of it is one of an exact prompt's from the
        fork on, so that what is approximate is never taken for what is not."""
        if self.fork is None:
            return self.prompt
        return (*self.prompt[: self.fork], ~self.prompt[self.fork], *self.prompt[self.fork + 1 :])


@dataclass(frozen=True)
class Waiting:
    position: int  # requests ahead in the queue


@dataclass(frozen=True)
class PrefillProgress:
    done: int  # prompt tokens in the KV cache
    total: int
    cached: int  # of them, not computed


@dataclass(frozen=True)
class Sampled:
    pick: Pick


@dataclass(frozen=True)
class Finished:
    reason: str  # "stop": the model ended; "length": max_tokens are there


@dataclass(frozen=True)
class Failed:
    what: str  # a sentence
    fault: str = "engine"  # "request": the request cannot be served as it is


Event = Waiting | PrefillProgress | Sampled | Finished | Failed


class DecodeError(Exception):
    """A batch could not be evaluated."""


class Decoder(Cache, Protocol):
    """What the scheduler needs of a model: see llama.Context."""

    def decode(self, rows: Sequence[Row]) -> bool:
        """Evaluate one batch, at least one row, each at the position that follows its sequence's last one.

        The logits of rows that want them hold until the next call. False: aborted, and the cache is as before.
        Raises DecodeError; what the cache holds is then not to be trusted.
        """

    def is_end(self, token: int) -> bool:
        """Whether a model that chooses this token has finished."""

    def sampler(self, sampling: TokenSampling) -> Sampler:
        """What chooses the tokens of one request. Raises SamplingError."""


@dataclass
class _Running:
    """A request in a slot."""

    request: Request
    sampler: Sampler
    cached: int
    produced: int = 0
    pending: int = -1  # chosen, not yet in the cache
    draft: tuple[int, ...] = ()  # evaluated after the pending token in the batch that is planned
    drafter: Drafter | None = None  # from the first time on that drafts could be had
    passed_over: int = 0  # rows of other prompts that were evaluated while this one waited
    passages: deque[ReadPassage] = field(default_factory=deque)  # that the slot has not come to


class Scheduler:
    """Owns the slots and the queue. One thread only."""

    def __init__(
        self,
        decoder: Decoder,
        *,
        slots: int,
        cells: int,
        offload_cells: int = 0,
        piece: int = PIECE,
        speculates: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """A batch has at most `piece + slots` rows; `offload_cells` are beside the cache's `cells`, for what no
        request needs just now; `clock` gives seconds.
        """
        self._decoder = decoder
        self.slots = Slots(decoder, slots, cells, offload_cells)
        self._cells = cells
        self._piece = piece
        self._most_rows = piece + slots
        self._speculates = speculates and decoder.can_share
        self._clock = clock
        self._cost = BatchCost()
        self._pace = Pace()
        self.drafted = self.accepted = 0  # tokens, since the start
        self._waiting: deque[Request] = deque()
        self._running: dict[int, _Running] = {}  # by slot's sequence
        self._batched: frozenset[int] = frozenset()  # the sequences of the last batch
        self._reads = False  # whether the last batch was one for prompts too

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._running)

    def submit(self, request: Request) -> None:
        self._waiting.append(request)

    def cancel(self, request_id: int) -> None:
        """Forget a request wherever it is; what was prefilled stays reusable. Unknown ids are no error."""
        self._waiting = deque(request for request in self._waiting if request.id != request_id)
        for sequence, running in list(self._running.items()):
            if running.request.id == request_id:
                self._release(sequence)

    def evaluate(self) -> list[tuple[int, Event]]:
        """Evaluate one batch, and tell what came of it, as (request id, event).

        1. Plan (`_next_batch`): a row for each stream's next token, with either its draft or pieces of prompts, as
           `Pace` says.
        2. Room (`Slots.make_room`): cached sequences are offloaded or evicted until the batch fits.
        3. Decode (`Decoder.decode`): the one long call. After an abort the batch is planned again.
        4. Choose (`_verify`): the token after each sequence's last row, and on along its draft while that is right.
        5. Release (`_release`): a request that ended gives its slot back; its tokens stay cached.
        """
        rows, ends = self._next_batch()
        self._batched = frozenset(row.sequence for row in rows)
        self.slots.make_room(len(rows))
        started = self._clock()
        try:
            if not rows or not self._decoder.decode(rows):
                return []  # aborted: the cache is as before
        except DecodeError as error:
            events = self._fail_all(f"The model could not evaluate a batch: {error}.")
            self.slots.clear()  # nothing of the cache is to be trusted
            return events
        for row in rows:
            slot = self.slots[row.sequence]
            slot.tokens.append(slot.prompt[row.position] if row.position < len(slot.prompt) else row.token)
        streams = len(self.slots.in_state(SlotState.DECODE))
        events = self._advance(ends)
        seconds = self._clock() - started
        expected = self._cost.seconds(len(rows))
        self._cost.note(len(rows), seconds)
        seconds = min(seconds, DISTURBED * (expected or seconds))  # after a standstill of a minute no minute is owed
        if not self._reads:
            self._pace.written(seconds)
        else:
            self._pace.piece_done(seconds, self._cost.seconds(streams) if streams else None)
        return events

    def fail_batch(self, what: str) -> list[tuple[int, Event]]:
        """End the requests that the last batch was for: those whose prompts it evaluated, or all where it had none."""
        at_work = [slot for slot in self.slots if slot.sequence in self._batched]
        prefills = [slot for slot in at_work if slot.state is SlotState.PREFILL]
        events: list[tuple[int, Event]] = []
        for slot in prefills or at_work:
            events.append((self._running[slot.sequence].request.id, Failed(what)))
            self._release(slot.sequence)
        return events

    def fail_all(self, what: str) -> list[tuple[int, Event]]:
        """End every request, waiting ones too."""
        events = self._fail_all(what)
        events += [(request.id, Failed(what)) for request in self._waiting]
        self._waiting.clear()
        return events

    def admit(self) -> list[tuple[int, Event]]:
        """Give slots to the first of the queue, as far as slots and cells go."""
        events: list[tuple[int, Event]] = []
        admitted = 0
        while self._waiting:
            request = self._waiting[0]
            needed = len(request.prompt) + request.max_tokens
            if not request.prompt or needed > self._cells:
                refusal = f"The prompt and its answer need {needed} tokens; the model's memory holds {self._cells}."
                events.append((self._waiting.popleft().id, Failed(refusal, "request")))
                continue
            if not self.slots.has_room(request.path, needed):
                break
            self._waiting.popleft()
            admitted += 1
            events += self._start(request, needed)
        if admitted:
            events += [(request.id, Waiting(i)) for i, request in enumerate(self._waiting)]
        return events

    def _start(self, request: Request, needed: int) -> list[tuple[int, Event]]:
        try:
            sampler = self._decoder.sampler(request.sampling)
        except SamplingError as error:
            return [(request.id, Failed(str(error), "request"))]
        slot = self.slots.take(request.path, needed, request.public)
        cached = len(slot.tokens)
        self._running[slot.sequence] = _Running(request, sampler, cached, passages=deque(request.passages))
        return [(request.id, PrefillProgress(cached, len(request.prompt), cached))]

    def _next_batch(self) -> tuple[list[Row], dict[int, int]]:
        """Rows of the batch, and for each sequence that will choose a token the row that its logits come from."""
        rows: list[Row] = []
        ends: dict[int, int] = {}
        streams, prefills = self.slots.in_state(SlotState.DECODE), self._prefill_order()
        self._reads = bool(prefills) and (not streams or self._pace.reads())
        extra = 0  # rows of drafts
        for slot in streams:
            running = self._running[slot.sequence]
            running.draft = () if self._reads else self._draft(running, slot, len(streams), extra)
            extra += len(running.draft)
            ends[slot.sequence] = len(rows)
            for position, token in enumerate((running.pending, *running.draft), len(slot.tokens)):
                rows.append(Row(token, position, slot.sequence, True))
        if self._reads:
            room = piece_beside(self._cost, len(streams), self._piece) if streams else self._piece
            self._add_pieces(rows, ends, prefills, room)
        return rows, ends

    def _add_pieces(self, rows: list[Row], ends: dict[int, int], prefills: list[Slot], room: int) -> None:
        """Up to `room` rows of prompts."""
        computed: set[Place] = set()
        read: dict[int, int] = {}
        for slot in prefills:
            running = self._running[slot.sequence]
            running.cached += self.slots.catch_up(slot) + self._stitch(running, slot)
            start = len(slot.tokens)
            place = self.slots.place(slot)
            if place in computed:
                continue  # the same tokens are in this batch already: they are taken over when they are there
            if place:
                computed.add(place)
            stop = running.passages[0].start if running.passages else len(running.request.prompt)
            piece = running.request.prompt[start : min(start + room, stop)]
            last = len(running.request.prompt) - 1
            for position, token in enumerate(piece, start):
                if position == last:
                    ends[slot.sequence] = len(rows)
                rows.append(Row(token, position, slot.sequence, position == last))
            read[slot.sequence] = len(piece)
            room -= len(piece)
        for slot in prefills:
            self._running[slot.sequence].passed_over += sum(read.values()) - read.get(slot.sequence, 0)

    def _stitch(self, running: _Running, slot: Slot) -> int:
        """Take over the passages that stand where the slot has come to; how many tokens. Others are read."""
        taken = 0
        while running.passages and running.passages[0].start <= len(slot.tokens):
            passage = running.passages.popleft()
            if len(slot.tokens) >= passage.end:
                continue
            stitched = self.slots.stitch(slot, passage)
            if not stitched:
                logger.info(
                    "A kept passage of %d tokens is read again: there is no room, or it is damaged.", len(passage)
                )
            taken += stitched
        return taken

    def _draft(self, running: _Running, slot: Slot, streams: int, extra: int) -> tuple[int, ...]:
        """Tokens to evaluate after the pending one, beside `streams` rows and `extra` rows of others' drafts."""
        if not self._speculates:
            return ()
        if running.drafter is None:
            prompt = running.request.prompt
            running.drafter = Drafter([*prompt, *slot.tokens[len(prompt) :], running.pending])
        left = running.request.max_tokens - running.produced - 1  # a draft's last token may be the last but one
        most = min(left, self._most_rows - streams - extra)
        return running.drafter.propose(most, partial(self._cost.added, streams, streams + extra)) if most > 0 else ()

    def _prefill_order(self) -> list[Slot]:
        def order(slot: Slot) -> tuple[float, int, int]:
            running = self._running[slot.sequence]
            rest = len(running.request.prompt) - len(slot.tokens)
            return rank(rest, running.passed_over, running.request.id)

        return sorted(self.slots.in_state(SlotState.PREFILL), key=order)

    def _advance(self, ends: dict[int, int]) -> list[tuple[int, Event]]:
        events: list[tuple[int, Event]] = []
        for slot in self.slots.in_state(SlotState.PREFILL) if self._reads else ():
            running = self._running[slot.sequence]
            total = len(running.request.prompt)
            events.append((running.request.id, PrefillProgress(len(slot.tokens), total, running.cached)))
        for sequence, row in ends.items():
            events += self._verify(sequence, row)
        return events

    def _verify(self, sequence: int, row: int) -> list[tuple[int, Event]]:
        """Choose the token after `row`; where the draft foresaw it, the one after the next row too, and so on."""
        running = self._running[sequence]
        draft = running.draft
        right, events = 0, self._choose(running, row)
        while right < len(draft) and isinstance(events[-1][1], Sampled) and running.pending == draft[right]:
            right += 1
            events += self._choose(running, row + right)
        if draft and running.drafter is not None:
            running.drafter.judge(right)
            self.drafted += len(draft)
            self.accepted += right
            self.slots.take_back(sequence, len(draft) - right)
        if isinstance(events[-1][1], Sampled):
            self.slots[sequence].state = SlotState.DECODE
        else:
            self._release(sequence)
        return events

    def _choose(self, running: _Running, row: int) -> list[tuple[int, Event]]:
        """The token after `row`; the last event is a Sampled exactly when the request goes on."""
        request, started = running.request, self._clock()
        try:
            pick = running.sampler.pick(row)
        except SamplingError as error:
            return [(request.id, Failed(str(error), "request"))]
        if self._clock() - started > CHOICE_SECONDS:
            return [(request.id, Failed("What was asked for makes each word take too long. Ask for less.", "request"))]
        if self._decoder.is_end(pick.token):
            return [(request.id, Finished("stop"))]
        running.produced += 1
        running.pending = pick.token
        if running.drafter is not None:
            running.drafter.append(pick.token)
        events: list[tuple[int, Event]] = [(request.id, Sampled(pick))]
        if running.produced >= request.max_tokens:
            events.append((request.id, Finished("length")))
        return events

    def _release(self, sequence: int) -> None:
        self._running.pop(sequence).sampler.close()
        self.slots.release(sequence)

    def _fail_all(self, what: str) -> list[tuple[int, Event]]:
        events: list[tuple[int, Event]] = []
        for sequence, running in list(self._running.items()):
            events.append((running.request.id, Failed(what)))
            self._release(sequence)
        return events
