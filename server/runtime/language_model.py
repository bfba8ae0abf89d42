"""Brings the language model of one server: opens the one that is installed, or fetches it first, behind the page.

A model that is there is opened at once, and questions wait until it is loaded, as they always did. Nobody waits for one
that is fetched: questions are answered with quotations until it is loaded, and from then on it writes, without a
restart. What fails is said in `Services.arrival`, and done again when somebody asks for that.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from indexer.errors import BusyError, DocentError
from indexer.text.shorten import shortened
from server.llm.catalogue import CatalogueModel
from server.llm.fetch_plan import Choice, choose, free_disk, installed
from server.llm.generator import Generator, GeneratorState
from server.llm.machine import free_memory
from server.llm.sources.transfer import Fetched, PullCancelled
from server.runtime.model_arrival import Arrival, Attempt
from server.runtime.services import Services
from server.settings import ServerSettings

log = logging.getLogger(__name__)
said = logging.getLogger("docent.model")  # what the terminal of `docent serve` shows

LOOK_SECONDS = 0.2  # between two looks at a model that loads
HELD_SECONDS = 2.0  # between two tries while another program fetches the same file
LEAVE_SECONDS = 1.0  # that the server's end waits for the thread that fetches: what has arrived is on the disk anyway
UNFORESEEN = "The language model could not be opened; the server's log says why."
LONGEST_REASON = 160  # characters of a reason that everybody reads; the log has all of it

T = TypeVar("T")
OpenGenerator = Callable[[ServerSettings], Generator | None]


class Pull(Protocol):
    """`server.llm.model_pull.pull`; tests pass one of their own."""

    def __call__(
        self,
        settings: ServerSettings,
        wanted: CatalogueModel,
        *,
        say: Callable[[str], None],
        progress: Callable[[Fetched], None],
        cancelled: Callable[[], bool],
    ) -> Path: ...


class LanguageModel:
    """Sets `generator`, `model_failure`, `model_opened` and `arrival` of its `Services`.

    `models` may be fetched where none is installed, the preferred one first; without any nothing ever is.
    """

    def __init__(
        self,
        services: Services,
        open_generator: OpenGenerator,
        pull: Pull,
        models: Sequence[CatalogueModel] = (),
        *,
        memory: Callable[[], int] = free_memory,
        held: float = HELD_SECONDS,
    ) -> None:
        self._services = services
        self._open_generator = open_generator
        self._pull = pull
        self._models = models
        self._memory = memory
        self._held_seconds = held

    async def run(self) -> None:
        """Until cancelled; a fetch that is under way then goes on at the next start."""
        try:
            while True:
                await self._bring()
                await self._services.arrival.asked_again()
        finally:
            self._services.arrival.stop()
            self._services.model_opened.set()

    async def _bring(self) -> None:
        """One try: it ends with a model, or with a state that says why there is none."""
        settings = self._services.settings
        try:
            if self._models and await asyncio.to_thread(installed, settings, self._models) is None:
                self._services.model_opened.set()
                path = await self._fetched()
                if path is None:
                    return
                settings = settings.model_copy(update={"model": str(path)})
            await self._open(settings)
        except DocentError as error:
            log.error("the language model is not used: %s", error)
            self._failed(error.what, error.advice)
        except Exception:
            log.exception("the language model is not used")
            self._failed(UNFORESEEN)
        finally:
            self._services.model_opened.set()

    async def _open(self, settings: ServerSettings) -> None:
        """A first one is there at once, and loads before everybody's eyes; a later one when it can write."""
        services, is_first = self._services, not self._services.model_opened.is_set()
        if services.generator is not None:  # the one that failed
            failed, services.generator = services.generator, None
            await failed.aclose()
        if not is_first:
            services.arrival.become(Arrival("loading"))
        generator = await asyncio.to_thread(self._open_generator, settings)
        if generator is None:
            services.arrival.become(Arrival())
            return
        if is_first:
            services.generator = generator
            services.model_opened.set()
        try:
            state = await self._loaded(generator, is_shown=not is_first)
            if state.state == "ready":
                services.generator, services.model_failure = generator, ""
            if not is_first:
                services.arrival.become(Arrival("ready", generator.name))
        finally:
            if services.generator is not generator:
                await generator.aclose()
        if state.state == "failed" and not settings.generator_url:  # a server that is away comes back by itself
            self._failed(state.detail)

    async def _loaded(self, generator: Generator, *, is_shown: bool) -> GeneratorState:
        while (state := generator.state).state == "loading":
            if is_shown:
                self._services.arrival.become(Arrival("loading", generator.name, why=state.detail))
            await asyncio.sleep(LOOK_SECONDS)
        return state

    def _failed(self, why: str, advice: str = "") -> None:
        services = self._services
        if services.generator is None:
            services.model_failure = f"{why} {advice}".strip()
        services.arrival.become(Arrival("failed", why=why, advice=advice))

    async def _fetched(self) -> Path | None:
        """The file, once it is there. None: it will not come, and the state says why."""
        settings, arrival = self._services.settings, self._services.arrival
        choice = await asyncio.to_thread(lambda: choose(settings, self._models, self._memory(), free_disk(settings)))
        if not isinstance(choice, Choice):
            said.warning("%s %s", choice.why, choice.advice)
            arrival.become(Arrival(choice.lack, choice.model.name, why=choice.why, advice=choice.advice))
            return None
        model = choice.model
        if choice.why:
            said.warning("%s", choice.why)
        attempt = arrival.attempt(Arrival("fetching", model.name, 0, model.size, choice.why))
        while not attempt.cancelled.is_set():
            try:
                return await self._pulled(model, attempt)
            except PullCancelled:
                break
            except BusyError:
                attempt.note(stage="waiting")
                await asyncio.sleep(self._held_seconds)
                if path := await asyncio.to_thread(installed, settings, self._models):
                    return path
            except DocentError as error:
                said.error("%s", error)
                first, stop, rest = error.what.partition(". ")  # each source has its reason: too much for everybody
                why = f"{model.name} could not be fetched. {shortened(first + stop, LONGEST_REASON)}"
                attempt.note(stage="failed", why=why, advice=f"{rest} {error.advice}".strip())
                break
            except Exception:
                log.exception("the language model was not fetched")
                attempt.note(stage="failed", why=f"{model.name} could not be fetched; the server's log says why.")
                break
        return None

    async def _pulled(self, model: CatalogueModel, attempt: Attempt) -> Path:
        """Raises what the pull raises. The thread is its own, so that no end waits for a network that says nothing."""

        def note(fetched: Fetched) -> None:
            attempt.note(stage=fetched.stage, done=fetched.done, total=fetched.total or model.size)

        pulling = _in_thread(
            lambda: self._pull(
                self._services.settings,
                model,
                say=lambda line: said.info("%s", line),
                progress=note,
                cancelled=attempt.cancelled.is_set,
            )
        )
        try:
            return await asyncio.shield(pulling)
        except asyncio.CancelledError:
            attempt.cancelled.set()
            await asyncio.wait({pulling}, timeout=LEAVE_SECONDS)
            raise


def _in_thread(work: Callable[[], T]) -> "asyncio.Future[T]":
    """What `work` returns or raises, from a thread that the interpreter does not wait for at its end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    done.add_done_callback(_seen)

    def deliver(give: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(lambda: None if done.done() else give())

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # whatever it is, it is for whoever waits
            failure = error
            deliver(lambda: done.set_exception(failure))
        else:
            deliver(lambda: done.set_result(result))

    threading.Thread(target=run, name="docent-model", daemon=True).start()
    return done


def _seen(done: "asyncio.Future[Any]") -> None:
    """An exception that comes when nobody waits any more is no failure."""
    if not done.cancelled():
        done.exception()
