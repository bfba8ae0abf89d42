"""`docent serve`: listen first, so that a taken port is known at once, then start the application on that socket."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from indexer.client import find_server, remove_address
from indexer.errors import BusyError, StartError
from indexer.ingest import default_collection
from server.app import Parts, create_app
from server.commands.first_start import Terminal, follow, say_where
from server.llm.catalogue import CatalogueModel
from server.llm.fetch_plan import asked_for, installed
from server.llm.model_files import model_title, resolve_model
from server.llm.remote import remote_address
from server.runtime.heap import limit_heaps
from server.runtime.services import Services
from server.settings import ServerSettings
from server.web.protocol import BoundedHeads
from server.web.security import check_exposure, trusted_proxies

BACKLOG = 128  # connections that wait while the application starts
GRACE_SECONDS = 1  # for requests that are not answers, at the end
END_SECONDS = 9.0  # after the signal, whatever hangs


def run(host: str | None, port: int | None, folders: tuple[Path, ...], fetch: str) -> None:
    limit_heaps()
    given = {"host": host, "port": port}
    settings = ServerSettings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    serve(*asked_for(settings, fetch), folders)


def serve(
    settings: ServerSettings,
    fetch: Sequence[CatalogueModel] = (),
    folders: Sequence[Path] = (),
    parts: Parts | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; `folders` are the first to be indexed, beside it. Raises StartError.

    `fetch`: of these a language model may be fetched behind the page, the preferred one first.
    """
    check_exposure(settings)
    answers = _what_answers(settings, fetch)
    running = find_server(settings)
    if running is not None:
        raise BusyError(f"Docent already runs on the data folder {settings.data}: {running.address.url}")
    terminal = Terminal(sys.stderr)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=terminal)
    logging.getLogger("docent.model").setLevel(logging.INFO)  # one line: the memory that was decided on
    with bind(settings) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        app = create_app(settings, parts, fetch=fetch)
        config = uvicorn_config(app, settings)
        server = _Server(config, app, f"Docent: {address(settings)}  (data {settings.data}; {answers})", terminal)
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_run(app, server, listener, folders))


def uvicorn_config(app: FastAPI, settings: ServerSettings) -> uvicorn.Config:
    """How the application is served. Raises StartError for proxies that are none."""
    proxies = trusted_proxies(settings)
    return uvicorn.Config(
        app,
        http=BoundedHeads,
        proxy_headers=bool(proxies),  # else anybody could say to come from anywhere
        forwarded_allow_ips=proxies,
        lifespan="off",  # entered below, where what it raises can be told in one sentence
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _what_answers(settings: ServerSettings, fetch: Sequence[CatalogueModel]) -> str:
    """Raises StartError where the settings name nothing that can answer."""
    if settings.generator_url:
        return f"the language model at {remote_address(settings.generator_url).host}"
    model = installed(settings, fetch) if fetch else resolve_model(settings)
    if model is not None:
        return f"{model_title(model)} loads"
    return "no language model yet: answers are quotes until then" if fetch else "no language model: answers are quotes"


def address(settings: ServerSettings) -> str:
    """Where a person on this machine finds the page."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 (compared, not bound)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def bind(settings: ServerSettings) -> socket.socket:
    """A listening socket. Raises StartError."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise StartError(
            f"The address {settings.host} is not known.", "Set DOCENT_HOST to one of this machine."
        ) from error
    family, kind, protocol, _, where = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(
            f"Docent cannot listen on {settings.host} port {settings.port}: {error.strerror}.",
            "Stop what uses it, or choose another port with --port.",
        ) from error
    return listener


class _Server(uvicorn.Server):
    """Says where it is once it accepts connections, and ends in time."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, announcement: str, terminal: Terminal) -> None:
        super().__init__(config)
        self.app = app
        self.terminal = terminal
        self.announced = asyncio.Event()
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.terminal.line(self._announcement)
        self.announced.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            threading.Thread(target=self._end_in_any_case, name="docent-end", daemon=True).start()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        services: Services = self.app.state.services
        for listening in self.servers:
            listening.close()
        await services.ending.run()
        await super().shutdown(sockets)

    def _end_in_any_case(self) -> None:
        """A computation or a disk that hangs keeps no operator waiting. What was acknowledged is on the disk."""
        time.sleep(END_SECONDS)
        settings = self.app.state.services.settings
        remove_address(settings.server_file, os.getpid())
        self.terminal.line(f"Docent was told to end {END_SECONDS:.0f} seconds ago and something hangs: it ends now.")
        os._exit(1)


async def _run(app: FastAPI, server: _Server, listener: socket.socket, folders: Sequence[Path]) -> None:
    async with app.router.lifespan_context(app):
        services: Services = app.state.services
        if folders:  # into one collection, as `indexer ingest` does with them
            services.jobs.submit(default_collection(folders[0]), folders, aloud=True)
        with _signals_that_end_only_the_server():
            async with _told(services, server):
                await server.serve(sockets=[listener])


@asynccontextmanager
async def _told(services: Services, server: _Server) -> AsyncIterator[None]:
    """What a person at the terminal sees meanwhile."""

    async def tell() -> None:
        await server.announced.wait()
        url, aloud = address(services.settings), [job for job in services.jobs.jobs if job.aloud]
        async with asyncio.TaskGroup() as tasks:
            for job in aloud:
                tasks.create_task(say_where(job, server.terminal, url))
            tasks.create_task(
                follow(services.arrival, server.terminal, url, lambda: any(job.ended_at is None for job in aloud))
            )

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@contextmanager
def _signals_that_end_only_the_server() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more; what follows it here must still run."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: None) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
