"""How quick pages are over many documents and conversations, and how long the event loop was held meanwhile.

    python benchmarks/pages.py [--documents 10000] [--characters 100000] [--turns 100000] [--rounds 50] [--keep DATA]

Writes documents of ten chunks each, with random vectors, and conversations of fifty owners straight into a data folder,
and starts the real application on it in a process of its own, without a language model. Each page is then opened
`--rounds` times over loopback, by one owner after the other. Printed are the times at the server, from when the
application is called until its last byte is sent, and the longest time in which the event loop could run nothing else:
each by the clock and of the processor's time, since the first is longer beside other work. With `--keep` the folder
stays and is used again. The last line is JSON.
"""

import argparse
import asyncio
import json
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx
import numpy as np
import uvicorn
from fastapi import Response
from sqlalchemy import Engine
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.embed import ChunkVectors, EmbeddingInput, Vectors
from indexer.knowledge.database import open_knowledge
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from server.app import Parts, create_app
from server.conversations.store import open_conversations
from server.sessions import Sessions, Visitor
from server.settings import ServerSettings
from tests.large_folder import DIMENSION, Library, unit_vectors, write_conversations, write_library

OWNERS = 50
TICK = 0.005  # seconds between two looks at the event loop
FIGURES = "/benchmark"  # where the server tells what it measured since it was last asked
READY_SECONDS = 1800
OWNER_FILE = "owners.json"  # in the data folder: each owner's conversations


class RandomEmbedder:
    """A text's vector is drawn by its checksum: it says nothing of the text, and costs nothing."""

    name = "all-MiniLM-L6-v2"
    digest = ""
    dimension = DIMENSION
    tokenizer: Any = None

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return np.concatenate([unit_vectors(np.random.default_rng(crc32(text.encode())), 1) for text in texts])

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        raise NotImplementedError("nothing is ingested here")


@dataclass
class Watched:
    """The application, timed: each request, which no other one overlaps, and how long its event loop was held."""

    app: ASGIApp
    clock: list[float] = field(default_factory=list)  # milliseconds of each request since it was last told
    processor: list[float] = field(default_factory=list)  # the same, of all threads
    held: dict[str, float] = field(default_factory=dict)  # milliseconds, the longest
    watcher: "asyncio.Task[None] | None" = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.watcher = asyncio.create_task(self.watch())
            await self.app(scope, receive, send)
        elif scope["path"] == FIGURES:
            told = {"clock": self.clock, "processor": self.processor, "held": self.held}
            self.clock, self.processor, self.held = [], [], {}
            await Response(json.dumps(told), media_type="application/json")(scope, receive, send)
        else:
            clock, processor = time.perf_counter(), time.process_time()
            await self.app(scope, receive, send)
            self.clock.append((time.perf_counter() - clock) * 1000)
            self.processor.append((time.process_time() - processor) * 1000)

    async def watch(self) -> None:
        while True:
            clock, processor = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK)
            late = {"clock": time.perf_counter() - clock - TICK, "processor": time.thread_time() - processor}
            self.held = {name: max(self.held.get(name, 0.0), seconds * 1000) for name, seconds in late.items()}


def main() -> None:
    arguments = parsed()
    library = Library(arguments.documents, arguments.characters)
    with tempfile.TemporaryDirectory() as temporary:
        settings = ServerSettings(data=arguments.keep or Path(temporary))
        conversations = filled(settings, library, arguments.turns)
        figures = {
            "benchmark": "pages",
            "documents": arguments.documents,
            "turns": arguments.turns,
            **opened(settings, conversations, library, arguments.rounds),
        }
    report(figures)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--characters", type=int, default=100_000, help="of each document")
    parser.add_argument("--turns", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--keep", type=Path, metavar="DATA")
    return parser.parse_args()


def filled(settings: ServerSettings, library: Library, turns: int) -> dict[str, list[str]]:
    """Each owner's conversations in the data folder, which is filled if it is not yet."""
    owners = settings.data / OWNER_FILE
    if not owners.exists():
        engine = open_knowledge(settings)
        write_library(engine, settings, library)
        engine.dispose()
        conversations = open_conversations(settings)
        told = write_conversations(conversations.engine, library, turns, OWNERS)
        conversations.engine.dispose()
        owners.write_text(json.dumps(told))
    found: dict[str, list[str]] = json.loads(owners.read_text())
    return found


# The server


def serve(settings: ServerSettings) -> None:
    """What the process of its own runs, until it is ended."""
    app = create_app(settings, Parts(open_retriever=open_random_retriever, open_generator=lambda _settings: None))
    uvicorn.run(Watched(app), host=settings.host, port=settings.port, log_level="warning", ws="none")


def open_random_retriever(settings: ServerSettings, engine: Engine) -> Retriever:
    store = Store(engine, settings.index_path)
    store.load()
    if settings.data.joinpath(OWNER_FILE).exists():
        store.save()
    return Retriever(engine, RandomEmbedder(), store, settings)


@contextmanager
def serving(settings: ServerSettings) -> Iterator[str]:
    """The address of a server whose index is loaded."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = get_context("spawn").Process(target=serve, args=(settings.model_copy(update={"port": port}),))
    process.start()
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + READY_SECONDS
        while not is_ready(url):
            assert process.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not get ready"
            time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.join(20)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False, timeout=60).is_success
    except httpx.HTTPError:
        return False


# The browser


def opened(
    settings: ServerSettings, conversations: dict[str, list[str]], library: Library, rounds: int
) -> dict[str, Any]:
    """Milliseconds at the server for each page, and the longest that the event loop was held while it was opened."""
    owners = list(conversations)
    cookies = {owner: cookie_of(settings, owner) for owner in owners}
    words = library.filler[: 40 * rounds].split()
    pages: dict[str, Callable[[int, str], str]] = {
        "chat": lambda _number, _owner: "/",
        "documents": lambda _number, _owner: "/documents",
        "conversation": lambda number, owner: f"/c/{conversations[owner][number % len(conversations[owner])]}",
        "search in conversations": lambda number, _owner: f"/conversations?search={words[number]}",
        "search, no such word": lambda number, _owner: f"/conversations?search=nowhere{number}",
        "metrics": lambda _number, _owner: "/metrics",
    }
    figures: dict[str, Any] = {}
    with serving(settings) as url, httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
        client.get("/", headers={"Cookie": cookies[owners[0]]}).raise_for_status()
        client.get(FIGURES)
        for name, address in pages.items():
            for number in range(rounds):
                owner = owners[number % len(owners)]
                headers = {"Cookie": cookies[owner], **({"HX-Request": "true"} if "search" in name else {})}
                client.get(address(number, owner), headers=headers).raise_for_status()
            told = client.get(FIGURES).json()
            figures[name] = {
                "clock": spread(told["clock"]),
                "processor": spread(told["processor"]),
                "loop_held": rounded(told["held"]),
            }
    return {"pages_ms": figures}


def cookie_of(settings: ServerSettings, owner: str) -> str:
    response = Response()
    Sessions(settings).write(response, Visitor(owner, admitted=True), https=False)
    return response.headers["set-cookie"].partition(";")[0]


def spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    at = min(len(ordered) - 1, len(ordered) * 95 // 100)
    return rounded({"p50": statistics.median(ordered), "p95": ordered[at], "max": ordered[-1]})


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in values.items()}


def report(figures: dict[str, Any]) -> None:
    print(f"{figures['documents']} documents, {figures['turns']} turns; milliseconds by the clock / of the processor")
    print(f"{'':26}{'p50':>16}{'p95':>16}{'longest':>16}{'event loop held':>18}")
    for name, page in figures["pages_ms"].items():
        times = [f"{page['clock'][at]:8} /{page['processor'][at]:6}" for at in ("p50", "p95", "max")]
        held = page["loop_held"]
        print(f"{name:26}{''.join(times)}{held['clock']:10} /{held['processor']:6}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
