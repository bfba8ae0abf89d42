"""The HTTP application: what it is made of, and how it starts and stops.

The page is served at once; what is slow opens behind it (loading.py). Importing this imports neither torch nor
llama.cpp.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from filelock import FileLock, Timeout
from starlette.middleware.gzip import GZipMiddleware

from indexer.client import ServerAddress, remove_address, write_address
from indexer.errors import BusyError, StorageError
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.search.retrieve import open_retriever
from server.answering.answer import answer
from server.conversations.store import open_conversations
from server.llm.catalogue import CatalogueModel
from server.llm.choose import open_generator
from server.llm.model_pull import pull
from server.runtime.example_writing import ExampleWriting
from server.runtime.housekeeping import chores, keep_house
from server.runtime.language_model import LanguageModel, OpenGenerator, Pull
from server.runtime.loading import Loading, OpenRetriever
from server.runtime.metrics import CountedRequests, Metrics
from server.runtime.services import Answerer, Services
from server.runtime.upkeep import Upkeep
from server.settings import ServerSettings
from server.web.api import chat_completions, embeddings, health, local, search
from server.web.ended_requests import EndedRequests
from server.web.pages import (
    ask,
    brief,
    choice,
    collections,
    conversation,
    documents,
    language_model,
    several,
    sheets,
    source,
    status,
    uploading,
)
from server.web.pages import settings as settings_page
from server.web.pages.shell import bare_problem
from server.web.problems import ProblemBoundary, exception_handlers
from server.web.security import Guard, SecurityHeaders, check_exposure
from server.web.templating import static_files

PAGES = (
    conversation,
    ask,
    brief,
    choice,
    documents,
    uploading,
    several,
    collections,
    source,
    sheets,
    language_model,
    status,
    settings_page,
)
THREADS = 32
"""For work that blocks, as asyncio has on a large machine, where two cores would give six: as many clicks on "Undo"
that wait for a rebuild's transaction would hold up every answer."""
BUSY_SECONDS = 5.0  # that a click waits at most for another program's transaction, before it is told


@dataclass(frozen=True)
class Parts:
    """What does the work behind the page; tests pass small ones of their own."""

    open_retriever: OpenRetriever = open_retriever
    open_generator: OpenGenerator = open_generator
    answer: Answerer = answer
    pull: Pull = pull


def create_app(
    settings: ServerSettings, parts: Parts | None = None, *, fetch: Sequence[CatalogueModel] = ()
) -> FastAPI:
    """The application. It, and the start of its lifespan, raise StartError where it cannot begin.

    `fetch`: the language models of which one may be fetched behind the page, the preferred one first; nothing else is.
    """
    check_exposure(settings)
    token = secrets.token_urlsafe(32)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "docent"))
        with _alone(settings):
            services, loading = make_services(settings, parts or Parts(), metrics, fetch)
            app.state.services = services
            async with (
                _in_background(loading.run()),
                _in_background(Upkeep(services).run()),
                _in_background(ExampleWriting(services).run()),
                _in_background(keep_house(chores(services))),
                _in_background(services.jobs.resume()),
                _announced(settings, token),
            ):
                yield
            await services.jobs.aclose()
            await services.briefs.aclose()
            await services.turns.aclose()
            await asyncio.to_thread(services.pictures.close)
            if services.generator is not None:
                await services.generator.aclose()

    app = FastAPI(
        title="Docent",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers=exception_handlers(bare_problem),
    )
    for module in (chat_completions, embeddings, search, health, local):
        app.include_router(module.router)
    for module in PAGES:
        app.include_router(module.router)
    app.mount("/static", static_files())
    _match_once(app)
    # The last one added is the outermost.
    app.add_middleware(GZipMiddleware, compresslevel=6)
    app.add_middleware(Guard, settings=settings, tokens=[token], page=bare_problem)
    app.add_middleware(ProblemBoundary, page=bare_problem)
    app.add_middleware(CountedRequests, metrics=metrics)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(EndedRequests)
    return app


def _match_once(app: FastAPI) -> None:
    """FastAPI makes a router's routes at its first match: 43 ms, here rather than on the event loop."""
    for route in app.routes:
        route.matches({"type": "http", "method": "GET", "path": "/-", "root_path": "", "headers": []})


def make_services(
    settings: ServerSettings, parts: Parts, metrics: Metrics, fetch: Sequence[CatalogueModel] = ()
) -> tuple[Services, Loading]:
    """Both databases opened; nothing loads yet. Raises StorageError."""
    services = Services(
        settings=settings,
        catalog=Catalog(open_knowledge(settings, BUSY_SECONDS)),
        conversations=open_conversations(settings, BUSY_SECONDS),
        answerer=parts.answer,
        metrics=metrics,
    )
    language_model = LanguageModel(services, parts.open_generator, parts.pull, fetch)
    return services, Loading(services, parts.open_retriever, language_model)


@asynccontextmanager
async def _in_background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def _announced(settings: ServerSettings, token: str) -> AsyncIterator[None]:
    """server.json says, as long as the server runs, how commands on this machine reach it."""
    pid = os.getpid()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.host in ("0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
        host = "127.0.0.1"
    try:
        write_address(settings.server_file, ServerAddress(f"http://{host}:{settings.port}", pid, token))
        yield
    finally:
        remove_address(settings.server_file, pid)


@contextmanager
def _alone(settings: ServerSettings) -> Iterator[None]:
    """One server a data folder: a second one would end the first one's running answers."""
    lock = FileLock(settings.data / "server.lock", blocking=False)
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            f"Another Docent server already uses the data folder {settings.data}.",
            "Stop it first, or set DOCENT_DATA to another folder.",
        ) from error
    except OSError as error:
        raise StorageError(
            f"The data folder {settings.data} cannot be used: {error.strerror}.",
            "Check that it is writable and has free space.",
        ) from error
    try:
        yield
    finally:
        lock.release()
