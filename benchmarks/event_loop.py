"""How long one request keeps the server's event loop from everything else.

    python benchmarks/event_loop.py [--rounds 3]

Starts a server of its own with the real search model and SmolLM2-135M (a tiny model where set-up has not fetched it),
and sends what takes the most of it: uploads of very many parts, a megabyte to embed, to read as JSON or as a form, long
questions, many log probabilities, a document of 100,000 rows. Every 5 ms the loop looks how late it is. Printed is for
each request the longest lateness, the smallest of `--rounds`, because other programs make it late as well, and the
largest. The last line is JSON.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlmodel import Session

from benchmarks.pages import FIGURES, Watched, is_ready
from indexer.documents.extract.document import Block, blocks_to_json
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Document
from server.app import create_app
from server.commands.serve import bind, uvicorn_config
from server.settings import ServerSettings
from tests.real_weights import NAME, cache_folder
from tests.tiny_gguf import TinyModel, write_tiny_gguf

MEGABYTE = (1 << 20) - 200  # and a little room for what stands around it
ROWS = 100_000
READY_SECONDS = 600
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
UPLOAD = {"Content-Type": "multipart/form-data; boundary=B"}
PART = b'--B\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n'
COLLECTION = b'--B\r\nContent-Disposition: form-data; name="collection"\r\n\r\nnew\r\n'

Send = Callable[[httpx.Client], str]
"""Sends one request, and says how it was answered."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as temporary:
        settings = ServerSettings(data=Path(temporary) / "data", port=0, threads=1)
        document = filled(settings, Path(temporary) / "documents")
        with serving(settings) as url, httpx.Client(base_url=url, trust_env=False, timeout=600) as client:
            figures = {name: measured(client, send, rounds) for name, send in cases(document).items()}
    report(figures)


def filled(settings: ServerSettings, documents: Path) -> int:
    """A model, two documents to search, and one of ROWS rows to look at; the number of that one."""
    settings.models_path.mkdir(parents=True)
    weights = next((cache_folder() / "models").glob(f"{NAME}*.gguf"), None)
    if weights is not None:
        (settings.models_path / weights.name).symlink_to(weights)
    else:
        write_tiny_gguf(settings.models_path / "tiny.gguf", TinyModel(context=4096, ends=False))
    documents.mkdir()
    documents.joinpath("leave.md").write_text("# Leave\n\nEmployees have 25 days of annual leave.\n")
    documents.joinpath("travel.md").write_text("# Travel\n\nBook trains early. Taxis need a receipt.\n")
    command = [sys.executable, "-m", "indexer", "ingest", "--collection", "handbook", str(documents)]
    subprocess.run(command, check=True, capture_output=True, env={**settings_environment(settings)})
    row = "name | a place | 12.50 | a remark of some words"
    blocks = tuple(Block("row", n * (len(row) + 1), n * (len(row) + 1) + len(row), 0, n // 50 + 1) for n in range(ROWS))
    engine = open_knowledge(settings)
    with Session(engine) as session:
        table = Document(
            collection_id=1,
            root=str(documents),
            path="table.csv",
            title="A table",
            media_type="text/csv",
            sha256="0",
            text="\n".join([row] * ROWS),
            blocks=blocks_to_json(blocks),
        )
        session.add(table)
        session.commit()
        number = table.id or 0
    engine.dispose()
    return number


def settings_environment(settings: ServerSettings) -> dict[str, str]:

    return os.environ | {"DOCENT_DATA": str(settings.data), "DOCENT_THREADS": "1"}


# The server


def serve(settings: ServerSettings, listener: socket.socket) -> None:
    """What the process of its own runs, until it is ended."""
    app = create_app(settings)
    config = uvicorn_config(app, settings)
    config.app, config.lifespan = Watched(app), "on"
    server = uvicorn.Server(config)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


@contextmanager
def serving(settings: ServerSettings) -> Iterator[str]:
    """The address of a server that has loaded everything."""
    with bind(settings) as listener:
        port = listener.getsockname()[1]
        settings = settings.model_copy(update={"port": port})
        process = get_context("spawn").Process(target=serve, args=(settings, listener))
        process.start()
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not is_ready(url):
                assert process.is_alive(), "the server did not start"
                assert time.monotonic() < deadline, "the server did not get ready"
                time.sleep(0.5)
            yield url
        finally:
            process.terminate()
            process.join(20)


# The requests


def cases(document: int) -> dict[str, Send]:
    return {
        "nothing, for a second": nothing,
        "upload: 100,000 parts of a byte": posted("/documents/upload", upload((b"a.md", b"x"), 100_000), UPLOAD),
        "upload: 900 files that are not read": posted("/documents/upload", upload((b"a.exe", b"x"), 900), UPLOAD),
        "upload: 60 megabytes": posted("/documents/upload", upload((b"a.txt", b"word " * 12_000_000), 1), UPLOAD),
        "embeddings: a megabyte of words": embedded("ab " * (MEGABYTE // 3)),
        "embeddings: one word of a megabyte": embedded("a" * MEGABYTE),
        "embeddings: a megabyte of full stops": embedded("." * MEGABYTE),
        "embeddings: a megabyte of blanks": embedded(" " * (MEGABYTE - 1) + "x"),
        "embeddings: 2,048 texts": embedded(["a few words of a text"] * 2048),
        "JSON: 340,000 lists": posted("/v1/search", b"[" + b"[]," * 340_000 + b"1]", JSON),
        "JSON: 20,000 lists": posted("/v1/search", b"[" + b"[]," * 20_000 + b"1]", JSON),
        "JSON: 500,000 wrong messages": chatted([1] * 500_000),
        "JSON: 20,000 wrong messages": chatted([1] * 20_000),
        "JSON: 4,000 messages": chatted([{"role": "user", "content": "a"}] * 4000),
        "JSON: 4,000 parts": chatted([{"role": "user", "content": [{"type": "text", "text": "a"}] * 4000}]),
        "JSON: 20,000 unknown options": posted(
            "/v1/search", json.dumps({str(n): 1 for n in range(20_000)}).encode(), JSON
        ),
        "JSON: 250 numbers of 4,000 digits": chatted([], b"[" + (b"9" * 4000 + b",") * 250 + b"1]"),
        "chat: a megabyte of words": asked("ab " * (MEGABYTE // 3)),
        "chat: one word of 100,000 letters": asked("a" * 100_000),
        "chat: 300 tokens with 20 log probabilities": asked("What is it?", logprobs=True, top_logprobs=20),
        "chat: the same as a stream": asked("What is it?", logprobs=True, top_logprobs=20, stream=True),
        "search: 100,000 characters": posted("/v1/search", json.dumps({"query": "leave " * 16_000}).encode(), JSON),
        "search: one word of 100,000 letters": posted(
            "/v1/search", json.dumps({"query": "q" * 100_000}).encode(), JSON
        ),
        "form: a megabyte of %41": posted("/ask/fits", b"question=" + b"%41" * (MEGABYTE // 3), FORM),
        "form: a megabyte of &": posted("/ask/fits", b"&" * MEGABYTE, FORM),
        "form: a question of 90,000 words": posted("/ask", b"question=" + b"leave+" * 90_000, FORM),
        "head: 5,000 headers": written(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: a\r\n" * 5000 + b"\r\n"),
        "head: a header of two megabytes": written(b"GET / HTTP/1.1\r\nX: " + b"a" * (2 << 20) + b"\r\n\r\n"),
        f"page: a document of {ROWS:,} rows": got(f"/documents/{document}?start={ROWS * 20}&end={ROWS * 20 + 9}"),
        "page: all files": got("/documents"),
    }


def nothing(_client: httpx.Client) -> str:
    time.sleep(1)
    return ""


def upload(file: tuple[bytes, bytes], count: int) -> bytes:
    return COLLECTION + PART % file * count + b"--B--\r\n"


def posted(path: str, body: bytes, headers: dict[str, str]) -> Send:
    return lambda client: str(client.post(path, content=body, headers=headers).status_code)


def got(path: str) -> Send:
    return lambda client: str(client.get(path).status_code)


def embedded(texts: str | list[str]) -> Send:
    return posted("/v1/embeddings", json.dumps({"model": "docent", "input": texts}).encode(), JSON)


def chatted(messages: list[Any], text: bytes = b"") -> Send:
    written_out = text or json.dumps(messages, separators=(",", ":")).encode()
    return posted("/v1/chat/completions", b'{"model":"docent","messages":' + written_out + b"}", JSON)


def asked(question: str, **options: Any) -> Send:
    body = {"model": "docent", "max_tokens": 300, "docent": {"retrieval": "off"}, **options}
    return posted(
        "/v1/chat/completions", json.dumps(body | {"messages": [{"role": "user", "content": question}]}).encode(), JSON
    )


def written(request: bytes) -> Send:
    def send(client: httpx.Client) -> str:
        with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=60) as connection:
            try:
                connection.sendall(request)
                return connection.recv(4096)[9:12].decode()
            except ConnectionError:
                return "closed"

    return send


def measured(client: httpx.Client, send: Send, rounds: int) -> dict[str, Any]:
    """The status, and of each round: seconds, and milliseconds that the loop was late."""
    status, seconds, held = "", [], []
    for _ in range(rounds):
        client.get(FIGURES)
        started = time.perf_counter()
        status = send(client)
        seconds.append(time.perf_counter() - started)
        time.sleep(0.1)
        held.append(client.get(FIGURES).json()["held"].get("clock", 0.0))
    return {
        "status": status,
        "seconds": round(min(seconds), 2),
        "held_ms": round(min(held), 1),
        "held_ms_most": round(max(held), 1),
    }


def report(figures: dict[str, dict[str, Any]]) -> None:
    print(f"{'':46}{'status':>8}{'seconds':>9}{'loop held, ms':>15}{'at the most':>13}")
    for name, one in figures.items():
        print(f"{name:46}{one['status']:>8}{one['seconds']:>9}{one['held_ms']:>15}{one['held_ms_most']:>13}")
    print(json.dumps({"benchmark": "event_loop", "cases": figures}))


if __name__ == "__main__":
    main()
