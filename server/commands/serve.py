"""`docent serve`: listen first, so that a taken port is known at once, then start the application on that socket."""

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import uvicorn
from fastapi import FastAPI

from indexer.client import find_server
from indexer.errors import BusyError, StartError
from indexer.ingest import default_collection
from server.app import create_app
from server.llm.model_files import model_title, resolve_model
from server.llm.remote import remote_address
from server.runtime.services import Services
from server.settings import ServerSettings
from server.web.security import check_exposure

BACKLOG = 128  # connections that wait while the application starts
GRACE_SECONDS = 3  # that answers under way are given at the end


def run(host: str | None, port: int | None, folders: tuple[Path, ...]) -> None:
    given = {"host": host, "port": port}
    serve(ServerSettings(**{name: value for name, value in given.items() if value is not None}), folders)  # type: ignore[arg-type]


def serve(settings: ServerSettings, folders: Sequence[Path] = ()) -> None:
    """Serve until SIGINT or SIGTERM; `folders` are the first to be indexed, beside it. Raises StartError."""
    check_exposure(settings)
    answers = _what_answers(settings)
    running = find_server(settings)
    if running is not None:
        raise BusyError(f"Docent already runs on the data folder {settings.data}: {running.address.url}")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("docent.model").setLevel(logging.INFO)  # one line: the memory that was decided on
    with bind(settings) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        app = create_app(settings)
        config = uvicorn.Config(
            app,
            lifespan="off",  # entered below, where what it raises can be told in one sentence
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        server = _Server(config, f"Docent: {address(settings)}  (data {settings.data}; {answers})")
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_run(app, server, listener, folders))


def _what_answers(settings: ServerSettings) -> str:
    """Raises StartError where the settings name nothing that can answer."""
    if settings.generator_url:
        return f"the language model at {remote_address(settings.generator_url).host}"
    model = resolve_model(settings)
    return f"{model_title(model)} loads" if model else "no language model: answers are quotes"


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
    """Says where it is once it accepts connections."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        click.echo(self._announcement, err=True)


async def _run(app: FastAPI, server: _Server, listener: socket.socket, folders: Sequence[Path]) -> None:
    async with app.router.lifespan_context(app):
        services: Services = app.state.services
        if folders:  # into one collection, as `indexer ingest` does with them
            services.jobs.submit(default_collection(folders[0]), folders, aloud=True)
        with _signals_that_end_only_the_server():
            await server.serve(sockets=[listener])


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
