"""Opens what is slow behind the page, and keeps the search up to date: the search model and the language model.

A question that comes before they are there waits and is told so. What cannot be opened is said in words, in `/readyz`
and in answers, and tried again, so that an index that is mended or rebuilt needs no restart.
The language model has a file of its own, `language_model.py`: it may have to be fetched first.
"""

import asyncio
import gc
import logging
from collections.abc import Callable

from sqlalchemy import Engine

from indexer.errors import DocentError
from indexer.search.retrieve import Retriever
from server.llm.generator import GeneratorState
from server.runtime.language_model import LanguageModel
from server.runtime.questions_first import QuestionsFirst
from server.runtime.services import Services
from server.settings import ServerSettings

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 1.0
"""What an ingest committed is to be found within two seconds, one of which may go by in taking it up; at once where the
server began the ingest. Where nothing has changed a follow is two small reads of the database."""
RETRY_SECONDS = (2.0, 60.0)  # first wait after a failure, doubled up to the longest

OpenRetriever = Callable[[ServerSettings, Engine], Retriever]


class Loading:
    """The background of one server. Sets the states and the retriever of its `Services`; `language_model` the rest."""

    def __init__(
        self,
        services: Services,
        open_retriever: OpenRetriever,
        language_model: LanguageModel,
        *,
        follow: float = FOLLOW_SECONDS,
        retry: tuple[float, float] = RETRY_SECONDS,
    ) -> None:
        self.services = services
        self._follow_seconds = follow
        self._retry_seconds = retry
        self._open_retriever = open_retriever
        self._language_model = language_model
        self._examples_failed = False

    async def run(self) -> None:
        """Load both, then follow the changes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._language_model.run())
            tasks.create_task(self._search())

    async def _search(self) -> None:
        try:
            await self._load_retriever()
            await self.services.model_opened.wait()
        finally:
            self.services.opened.set()
        await asyncio.to_thread(_settle)
        while True:
            await self._find_examples()
            if self.services.retriever is None:
                await self._reload_retriever()
            await self.services.jobs.next_end(self._follow_seconds)
            await self._follow()

    async def _find_examples(self) -> None:
        """Ahead of the first visit, and anew once an ingest has ended or a file was deleted by hand."""
        if self.services.retriever is None:
            return
        try:
            await asyncio.to_thread(_find_examples, self.services)
            self._examples_failed = False
        except Exception:  # the page does without
            if not self._examples_failed:  # once, not every second
                log.exception("there are no example questions")
            self._examples_failed = True

    async def _load_retriever(self) -> None:
        services = self.services
        try:
            retriever = await asyncio.to_thread(self._open_retriever, services.settings, services.catalog.engine)
            retriever.embedder = QuestionsFirst(retriever.embedder)
            services.retriever = retriever
            services.search_state = GeneratorState("ready")
        except Exception as error:
            self._search_failed(error)

    async def _reload_retriever(self) -> None:
        wait, longest = self._retry_seconds
        while self.services.retriever is None:
            await asyncio.sleep(wait)
            await self._load_retriever()
            wait = min(2 * wait, longest)

    async def _follow(self) -> None:
        retriever = self.services.retriever
        if retriever is None:
            return
        try:
            await asyncio.to_thread(retriever.follow)
            self.services.search_state = GeneratorState("ready")
        except DocentError as error:  # the index was rebuilt with another model: open it anew
            self.services.retriever = None
            self._search_failed(error)
        except Exception as error:  # a busy or full disk: the search stays as it was, and the next second tries again
            self._search_failed(error)

    def _search_failed(self, error: Exception) -> None:
        detail = (
            str(error) if isinstance(error, DocentError) else "The index cannot be read; the server's log says why."
        )
        if self.services.search_state.detail != detail:  # once, not every second
            log.error(
                "the search does not work: %s", detail, exc_info=None if isinstance(error, DocentError) else error
            )
        self.services.search_state = GeneratorState("failed", detail)


def _find_examples(services: Services) -> None:
    scope, change = services.catalog.everything(), services.change
    if services.examples.is_due(scope, change, settled=True):
        settled = not services.catalog.running(scope)
        services.examples.find(scope, change, services.finds, settled=settled)


def _settle() -> None:
    """Leave what was loaded out of every later garbage collection.

    It stays as long as the server does. A full collection went through it for 140 ms, in which no thread of Python did
    anything: with 100,000 chunks a page of documents then took 145 ms (p95), without it 65 (benchmarks/pages.py).
    """
    gc.collect()
    gc.freeze()
