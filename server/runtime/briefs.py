"""Briefs of documents that a model is writing: one at a time, and only while nobody asks anything.

A brief belongs to its document and not to who asked for it: whoever may read the document follows the same one. It goes
on while nobody follows for `GRACE` seconds, and is kept in knowledge.db when it is done. What is written here is of the
document alone, so nothing of another one reaches who may not read that.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from sqlalchemy.exc import DatabaseError

from indexer.errors import StorageError
from indexer.knowledge.briefs import content_hash, keep_brief, kept_brief
from indexer.passages import Scope, WholeDocument
from indexer.search.whole import read_whole
from server.answering.brief import (
    MOST_CHARACTERS,
    MOST_PARTS,
    VERSION,
    Brief,
    BriefText,
    Part,
    Writing,
    brief_from_json,
    of_all,
    of_part,
    parts_of,
    written,
)
from server.answering.means import Means
from server.answering.support import Encode
from server.errors import RequestError, TooBusy, Unavailable
from server.llm.generator import Generator, can_write
from server.llm.model_files import model_name, model_paths
from server.runtime.idle import Idle

log = logging.getLogger(__name__)

GRACE = 30.0  # seconds that a brief goes on with nobody following
LOOK = 0.3  # seconds between two looks whether somebody is still being answered
MOST_OPEN = 8  # briefs that are written or wait
REMEMBERED = 32  # that have ended, with their words, for pages that come back
FAILED = "Something went wrong while this was written. Try again; the server's log says what happened."
GONE = "The document was changed or removed while it was read."
NOTHING = "The language model wrote nothing that the document supports."

State = Literal["waiting", "reading", "done", "stopped", "failed"]


@dataclass
class BriefRun:
    """A brief under way, or as it ended. `done` of `total` parts are written about."""

    document_id: int
    content: str
    model: str
    state: State = "waiting"
    why: str = ""  # why it waits, or has failed: for people
    done: int = 0
    total: int = 0
    parts: list[BriefText] = field(default_factory=list)
    writing: Writing | None = None
    brief: Brief | None = None
    watchers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    leaving: asyncio.TimerHandle | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("done", "stopped", "failed")

    @property
    def shown(self) -> list[BriefText]:
        """What is written so far of each part, the last of them open."""
        now = self.writing.so_far if self.writing is not None else BriefText()
        return [*self.parts, now] if now.text else list(self.parts)

    def tell(self, state: State | None = None, why: str = "") -> None:
        """Somebody who follows has something to see, unless it is what is there already."""
        if state is not None and (state, why) == (self.state, self.why):
            return
        if state is not None:
            self.state, self.why = state, why
        self.changed.set()
        self.changed = asyncio.Event()


class Briefs:
    """Those of one server. `start`, `follow` and `stop` are for the event loop."""

    def __init__(self, means: Means, idle: Idle, *, grace: float = GRACE) -> None:
        self._means = means
        self._idle = idle
        self._grace = grace
        self._runs: dict[int, BriefRun] = {}
        self._turn = asyncio.Lock()

    @property
    def can_write(self) -> bool:
        """Whether there is a model that could write one, now or once it is loaded."""
        return can_write(self._means.generator)

    def kept(self, document_id: int, text: str) -> Brief | None:
        """The brief of a document with this text by the model that is used. Blocks."""
        generator = self._means.generator
        if generator is None:
            return None
        content, model = content_hash(text), self._model(generator)
        run = self._runs.get(document_id)
        if run is not None and run.brief is not None and (run.content, run.model) == (content, model):
            return run.brief  # the disk may have refused it
        stored = kept_brief(self._means.catalog.engine, document_id, content, model)
        return brief_from_json(stored) if stored else None

    def run_of(self, document_id: int, text: str) -> BriefRun | None:
        """The one that is being written of a document with this text, or was written last."""
        run = self._runs.get(document_id)
        return run if run is not None and run.content == content_hash(text) else None

    async def start(self, document_id: int, text: str, scope: Scope) -> BriefRun:
        """Begin one, or go on with what is under way. Raises Unavailable, TooBusy."""
        generator = self._means.generator
        if not can_write(generator):
            raise self._means.without_model() if generator is None else Unavailable(generator.state.detail)
        content, model = await asyncio.to_thread(lambda: (content_hash(text), self._model(generator)))
        running = self._runs.get(document_id)
        if running is not None and not running.ended:
            return running
        if sum(not run.ended for run in self._runs.values()) >= MOST_OPEN:
            raise TooBusy("Other documents are being summarised.", "Try again when one of them is done.")
        run = BriefRun(document_id, content, model)
        self._runs.pop(document_id, None)
        self._runs[document_id] = run
        for id_ in [id_ for id_, one in self._runs.items() if one.ended][:-REMEMBERED]:
            del self._runs[id_]
        run.task = asyncio.create_task(self._run(run, generator, scope.choosing(frozenset({document_id}))))
        self._left(run)
        return run

    async def follow(self, run: BriefRun) -> AsyncGenerator[BriefRun, None]:
        """The run, each time that there is something new to see; the last time when it has ended."""
        run.watchers += 1
        if run.leaving is not None:
            run.leaving.cancel()
            run.leaving = None
        try:
            while True:
                changed = run.changed
                yield run
                if run.ended:
                    return
                await changed.wait()
        finally:
            run.watchers -= 1
            self._left(run)

    async def stop(self, run: BriefRun) -> None:
        """Stop it, unless somebody else follows it too; returns when it has ended."""
        if run.watchers <= 1 and run.task is not None:
            run.task.cancel()
            await asyncio.wait({run.task})

    async def aclose(self) -> None:
        """For the end of the server."""
        tasks = [run.task for run in self._runs.values() if run.task is not None and not run.task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _left(self, run: BriefRun) -> None:
        if run.watchers == 0 and not run.ended and run.leaving is None and run.task is not None:
            run.leaving = asyncio.get_running_loop().call_later(self._grace, run.task.cancel)

    async def _run(self, run: BriefRun, generator: Generator, scope: Scope) -> None:
        try:
            if self._turn.locked():
                run.tell("waiting", "Another document is being summarised first.")
            async with self._turn:
                run.brief = await self._brief(run, generator, scope)
            await asyncio.to_thread(self._keep, run)
            run.tell("done")
        except asyncio.CancelledError:  # it was stopped, or nobody follows any more
            run.tell("stopped")
        except RequestError as problem:
            run.tell("failed", str(problem))
        except Exception:  # the boundary of a task: a person waits for the reason
            log.exception("the brief of document %d failed", run.document_id)
            run.tell("failed", FAILED)
        finally:
            run.writing = None
            if run.leaving is not None:
                run.leaving.cancel()

    async def _brief(self, run: BriefRun, generator: Generator, scope: Scope) -> Brief:
        await self._until_ready(run, generator)
        whole, parts = await asyncio.to_thread(self._parts, run, generator, scope)
        run.total = len(parts)
        alone = len(parts) == 1
        for part in parts:
            begin = partial(of_part, part, scope, self._encode, alone=alone)
            run.parts.append(await self._written(run, generator, begin))
            run.done += 1
            run.tell()
            await asyncio.to_thread(self._check_same, run, scope)
        told = [text for text in run.parts if text.citations]
        if not told:
            raise Unavailable(NOTHING)
        first = told[0]
        if not alone and len(told) > 1:
            passages = [passage for part in parts for passage in part.passages]
            begin = partial(of_all, told, passages, scope, self._encode, generator)
            first = await self._written(run, generator, begin)
            await asyncio.to_thread(self._check_same, run, scope)
        read = sum(passage.end - passage.start for part in parts for passage in part.passages)
        shown = tuple(told) if len(told) > 1 else ()
        if not first.citations:  # nothing of what was written of the whole is supported: the parts are what there is
            return Brief(BriefText(), shown, read, whole.total, generator.name)
        return Brief(replace(first, place=""), shown, read, whole.total, generator.name)

    def _parts(self, run: BriefRun, generator: Generator, scope: Scope) -> tuple[WholeDocument, list[Part]]:
        whole = read_whole(self._means.catalog.engine, run.document_id, scope, MOST_CHARACTERS)
        if whole is None:
            raise Unavailable(GONE)
        return whole, parts_of(whole, generator)[:MOST_PARTS]

    async def _written(self, run: BriefRun, generator: Generator, begin: Callable[[], Writing]) -> BriefText:
        """What is written where nobody asks meanwhile: a question ends it, and it is begun again after the answer."""
        while True:
            while not self._idle.seconds:
                run.tell("waiting", "Questions go first.")
                await asyncio.sleep(LOOK)
            run.tell("reading")
            run.writing = await asyncio.to_thread(begin)
            text = await self._idle.unless_asked(written(run.writing, generator, run.tell))
            run.writing = None
            if text is not None:
                return text

    async def _until_ready(self, run: BriefRun, generator: Generator) -> None:
        while generator.state.state == "loading":
            run.tell("waiting", generator.state.detail)
            await asyncio.sleep(LOOK)
        if not can_write(generator):
            raise Unavailable(generator.state.detail)

    def _check_same(self, run: BriefRun, scope: Scope) -> None:
        """Raises Unavailable where the document is gone or says something else by now."""
        document = self._means.catalog.document(run.document_id, scope)
        if document is None or content_hash(document.text) != run.content:
            raise Unavailable(GONE)

    def _keep(self, run: BriefRun) -> None:
        if run.brief is None:
            return
        try:
            keep_brief(self._means.catalog.engine, run.document_id, run.content, run.model, run.brief.to_json())
        except DatabaseError as error:
            log.warning("the brief of document %d is not kept: %s", run.document_id, error.orig)

    @property
    def _encode(self) -> Encode | None:
        retriever = self._means.retriever
        return None if retriever is None else lambda text: retriever.embedder.encode_queries([text])[0]

    def _model(self, generator: Generator) -> str:
        """Tells models, and ways of asking them, apart."""
        files: list[tuple[int, int]] = []
        with suppress(OSError, StorageError):  # then its name alone tells it from others
            found = [path.stat() for path in model_paths(self._means.settings) if model_name(path) == generator.name]
            files = [(status.st_size, status.st_mtime_ns) for status in found]
        return hashlib.sha256(repr((VERSION, generator.name, files)).encode()).hexdigest()
