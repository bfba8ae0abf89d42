"""The turns that are being answered now: each runs in its own task, and pages follow it.

A turn goes on while nobody watches for `grace` seconds, so that a page whose connection was lost can come back and be
told what it missed; then it is stopped and saved with the words written so far. Following never starts a second
generation. A conversation has at most one running turn.

What the disk refuses is shown from memory, which the page says, and saved as soon as the disk takes it.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field

from sqlalchemy.exc import DatabaseError

from indexer.knowledge.database import is_busy
from indexer.passages import Scope
from server.answering.events import (
    Answer,
    AnswerEvent,
    Citation,
    Evidence,
    Meanwhile,
    Question,
    Searched,
    Sources,
    Text,
)
from server.answering.small_talk import rewrites, small_talk
from server.conversations.asked_of import EVERYTHING, AskedOf
from server.conversations.shapes import Outcome, TurnState, TurnView
from server.conversations.store import Conversations
from server.errors import BadRequest, NotFound, RequestError
from server.llm.generator import Sampling

log = logging.getLogger(__name__)

GRACE = 30.0  # seconds that a turn goes on with nobody watching
SAVE_TRIES = 6  # each waits as long for a busy database as anything else that the page changes
SAVE_AGAIN = 2.0  # seconds until what could not be saved is tried again; then twice as long, up to a minute
SAVE_AGAIN_MOST = 60.0
INTERRUPTED = "The server was restarted before this answer was done. Ask again."
UNEXPECTED = "Something went wrong while this was answered. Ask again; the server's log says what happened."
UNSAVED = (
    "This answer could not be saved yet. Docent goes on trying; copy what you need, and tell whoever runs Docent that "
    "its disk may be full, or its database held by another program."
)


@dataclass(frozen=True)
class Ended:
    """The last event of a turn. `error` is for people."""

    state: TurnState
    error: str = ""


TurnEvent = AnswerEvent | Ended
Batch = list[tuple[int, TurnEvent]]


@dataclass
class _RunningTurn:
    """A turn under way: its event log, and who watches it."""

    view: TurnView
    owner: str
    events: list[TurnEvent] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    watchers: int = 0
    answering: asyncio.Task[None] | None = None
    stopping: bool = False
    leaving: asyncio.TimerHandle | None = None

    @property
    def ended(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], Ended)

    def add(self, event: TurnEvent) -> None:
        self.events.append(event)
        self.changed.set()
        self.changed = asyncio.Event()

    def stop(self) -> None:
        self.stopping = True
        if self.answering is not None:
            self.answering.cancel()


class Turns:
    """The registry of running turns. Make it once, when nothing runs yet: turns that a dead process left are failed."""

    def __init__(
        self,
        conversations: Conversations,
        answer: Callable[[Question], AsyncGenerator[AnswerEvent, None]],
        *,
        grace: float = GRACE,
        max_tokens: int = Sampling.max_tokens,
        history_characters: int | None = None,
        save_again: float = SAVE_AGAIN,
    ) -> None:
        """`history_characters`: about how many of the turns before are read at all, the newest ones; None: all.

        `grace` and `save_again` are in seconds.
        """
        self.conversations = conversations
        self.answer = answer
        self.grace = grace
        self.save_again = save_again
        self.history_characters = history_characters
        self.sampling = Sampling(max_tokens=max_tokens)
        self._running: dict[int, _RunningTurn] = {}
        self._busy: set[str] = set()  # conversations with a turn that runs or is about to
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        conversations.fail_running(INTERRUPTED)

    async def start(
        self,
        question: str,
        owner: str,
        scope: Scope,
        conversation: str | None = None,
        *,
        after: int | None = None,
        instead_of: int | None = None,
        asked_of: AskedOf = EVERYTHING,
        exact: bool = False,
    ) -> TurnView:
        """Begin to answer, after a turn or instead of it; with `exact` no word that looks misspelt is mended.

        `scope` is what is searched: what the asker may read, narrowed to `asked_of`.

        Raises NotFound, and BadRequest while another turn of the conversation still runs.
        """
        if conversation is not None:
            if conversation in self._busy:
                raise BadRequest(
                    "Docent is still answering the question before this one.",
                    "Wait for it or stop it, then send this again.",
                    code="turn_running",
                )
            self._busy.add(conversation)
        try:
            view = await asyncio.to_thread(
                self.conversations.begin,
                question,
                owner,
                conversation,
                after=after,
                instead_of=instead_of,
                asked_of=asked_of,
            )
            history = await asyncio.to_thread(self.conversations.history, view.id, owner, self.history_characters)
        except BaseException:
            self._busy.discard(conversation or "")
            raise
        self._busy.add(view.conversation_id)
        running = _RunningTurn(view, owner)
        self._running[view.id] = running
        rewriting = bool(history) and rewrites(question)
        asked = Question(
            question, scope, history, exact=exact, rewrites=rewriting, forgetful=True, sampling=self.sampling
        )
        self._in_a_task(self._run(running, asked))
        self._left(running)
        return view

    def running(self, turn_id: int) -> bool:
        return turn_id in self._running

    async def follow(
        self, turn_id: int, owner: str, after: int = 0, *, pause: float | None = None
    ) -> AsyncGenerator[Batch, None]:
        """The events of a running turn after event number `after`, in batches of what is there; ids count from 1.

        An empty batch, once, where nothing came for `pause` seconds after the last one. Yields nothing for a turn that
        does not run. Raises NotFound for another owner's turn.
        """
        running = self._running.get(turn_id)
        if running is None:
            return
        if running.owner != owner:
            raise NotFound("There is no such question.")
        running.watchers += 1
        if running.leaving is not None:
            running.leaving.cancel()
            running.leaving = None
        paused = False
        try:
            while True:
                changed = running.changed
                batch = list(enumerate(running.events[after:], after + 1))
                after += len(batch)
                if batch or paused:
                    yield batch
                if running.ended and after >= len(running.events):
                    return
                if running.changed is changed:
                    paused = not await _is_set_within(changed, pause if batch else None)
        finally:
            running.watchers -= 1
            self._left(running)

    async def wait(self, turn_id: int, owner: str) -> None:
        """Return when a turn has ended."""
        async for _batch in self.follow(turn_id, owner):
            pass

    async def stop(self, turn_id: int, owner: str) -> None:
        """Stop a turn and return when what it wrote is saved; a turn that has ended is left as it is."""
        running = self._running.get(turn_id)
        if running is None:
            return
        if running.owner != owner:
            raise NotFound("There is no such question.")
        running.stop()
        await self.wait(turn_id, owner)

    async def aclose(self) -> None:
        """Stop and save everything that runs, and try once more what could not be saved: for the end of the server."""
        self._closing.set()
        for running in list(self._running.values()):
            running.stop()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _in_a_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _left(self, running: _RunningTurn) -> None:
        if running.watchers == 0 and not running.ended and running.leaving is None:
            running.leaving = asyncio.get_running_loop().call_later(self.grace, running.stop)

    async def _run(self, running: _RunningTurn, question: Question) -> None:
        state, error = await self._answer(running, question)
        outcome = _outcome(running.events, state, error)
        try:
            await asyncio.to_thread(self._save, running.view.id, outcome)
        except Exception:  # whatever the disk does, the page must hear that the turn is over
            log.exception("turn %d could not be saved; it is tried again until it can", running.view.id)
            self.conversations.hold(running.view.id, outcome, UNSAVED)
            self._in_a_task(self._save_later(running.view.id, outcome))
        if running.leaving is not None:
            running.leaving.cancel()
        del self._running[running.view.id]
        self._busy.discard(running.view.conversation_id)
        running.add(Ended(outcome.state, outcome.error))

    def _save(self, turn_id: int, outcome: Outcome) -> None:
        """As `finish` does, but while another program writes with the patience that minutes of work deserve."""
        for left in reversed(range(SAVE_TRIES)):
            try:
                self.conversations.finish(turn_id, outcome)
            except DatabaseError as error:
                if not left or not is_busy(error.orig):
                    raise
            else:
                return

    async def _save_later(self, turn_id: int, outcome: Outcome) -> None:
        """Try until it is saved, and for the last time when the server ends."""
        pause = self.save_again
        while True:
            last = await _is_set_within(self._closing, pause)
            try:
                await asyncio.to_thread(self.conversations.finish, turn_id, outcome)
            except Exception as error:  # whatever it is, as in `_run`: nobody else would tell
                if last:
                    log.error("turn %d is lost: the server ends, and it cannot be saved: %r", turn_id, error)
                    return
                pause = min(2 * pause, SAVE_AGAIN_MOST)
            else:
                log.info("turn %d is saved now", turn_id)
                return

    async def _answer(self, running: _RunningTurn, question: Question) -> tuple[TurnState, str]:
        """Run the answer in a task of its own, the only one that a stop cancels. Returns the state and the error."""
        if running.stopping:
            return "stopped", ""
        running.answering = asyncio.create_task(self._collect(running, question))
        try:
            await running.answering
        except asyncio.CancelledError:
            return "stopped", ""
        except RequestError as problem:
            return "failed", str(problem)
        except Exception:  # the boundary of a task: a person waits for the reason
            log.exception("turn %d failed", running.view.id)
            return "failed", UNEXPECTED
        return ("done", "") if any(isinstance(event, Answer) for event in running.events) else ("failed", UNEXPECTED)

    async def _collect(self, running: _RunningTurn, question: Question) -> None:
        reply = small_talk(question.text)
        events = self.answer(question) if reply is None else _say(reply)
        async with aclosing(events) as stream:
            async for event in stream:
                running.add(event)


async def _is_set_within(event: asyncio.Event, seconds: float | None) -> bool:
    """Whether it is set within so long, without end where that is None; returns once it is."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def _say(reply: str) -> AsyncGenerator[AnswerEvent, None]:
    yield Text(reply)
    yield Answer(reply, reply, True, "fixed")


def _outcome(events: list[TurnEvent], state: TurnState, error: str) -> Outcome:
    evidence: tuple[Evidence, ...] = ()
    searched = Searched()
    answer: Answer | None = None
    meanwhile: Citation | None = None
    text: list[str] = []
    for event in events:
        if isinstance(event, Sources):
            evidence = event.evidence
        elif isinstance(event, Searched):
            searched = event
        elif isinstance(event, Meanwhile):
            meanwhile = event.quote
        elif isinstance(event, Text):
            text.append(event.delta)
        elif isinstance(event, Answer):
            answer = event
    if answer is not None:  # it was whole before the stop or the failure came
        return Outcome("done", answer.text, "", evidence, answer, searched)
    return Outcome(state, "".join(text), error, evidence, searched=searched, meanwhile=meanwhile)
