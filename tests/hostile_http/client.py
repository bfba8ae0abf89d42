"""A server to send hostile requests to, one connection each, and what it must never answer.

The server is a real one on a real socket, over a tiny model, a few documents and conversations; what it logs as an
error is heard. Only its `indexer` is a program that does nothing.
"""

import contextlib
import http.client
import logging
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import httpx
from fastapi import FastAPI, Response
from pydantic import SecretStr
from sqlmodel import Session, col, select

from indexer.client import read_address
from indexer.embed_remote import VECTORS_PATH
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Collection, Document, LedgerEntry
from server.app import Parts
from server.library.ingest_jobs import IngestJobs
from server.runtime.services import Services
from server.sessions import Visitor
from server.settings import ServerSettings
from tests.hostile_http.requests import Request, World
from tests.pdf_documents import add_file, handbook
from tests.server.fakes import HANDBOOK, CountingEmbedder, fill, open_fake_retriever, serving
from tests.tiny_gguf import TinyModel, write_tiny_gguf
from tests.waiting import until

BOOK = b"11"  # the document that is a PDF
KEY, PASSWORD, OWNER = "the key", "the password", "ann"
INDEXER = ("sh", "-c", """echo '{"files": []}'""", "indexer")
PLANNED = (503, 507)
"""Statuses above 499 that a server may give on purpose: with a sentence of its own, and not an id to look for."""
SECONDS = 60.0
PATIENCE = 0.3  # seconds with a stream that says nothing, after which it is left


@dataclass(frozen=True)
class Answer:
    """`whole`: the response ended as it said it would, or was left in a stream without end."""

    status: int
    body: bytes
    whole: bool


class Heard(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@dataclass
class Target:
    """The server: `faults` sends a request and says what is wrong with the answer."""

    app: FastAPI
    port: int
    world: World
    heard: Heard
    statuses: dict[int, int] = field(default_factory=dict)
    last: Answer | None = None

    def faults(self, request: Request) -> str:
        """Empty where the answer is one that was planned."""
        self.heard.said.clear()
        answer = self.last = sent(self.port, request.written(f"127.0.0.1:{self.port}".encode()), request.method)
        if answer is None:
            return "no answer"
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        if "/delete" in request.path or request.path.endswith("/several"):
            self._bring_back()
        if self.heard.said:
            return f"{answer.status}, and logged {self.heard.said[0][:200]}"
        if not answer.whole:
            return f"{answer.status}, and broke off"
        told = answer.body[:300].decode("utf-8", "replace")
        if answer.status >= 500 and (answer.status not in PLANNED or "problem_" in told or not told):
            return f"{answer.status}: {told}"
        if answer.status >= 400 and request.path.startswith("/v1/") and not _is_openais(answer, request.method):
            return f"{answer.status} in another shape than the API's: {told}"
        return ""

    def _bring_back(self) -> None:
        """What a request deleted, so that those after it find something."""
        services: Services = self.app.state.services
        for conversation in self.world.known["conversation"]:
            services.conversations.restore(conversation.decode(), OWNER)
        with Session(services.catalog.engine) as session:
            for row in (*session.exec(select(LedgerEntry)), *session.exec(select(Document))):
                row.deleted_at = None
            session.commit()


def _is_openais(answer: Answer, method: str) -> bool:
    """An error in OpenAI's shape; what is refused before it can be called a request of the API has only words."""
    return method == "HEAD" or b'"error"' in answer.body or answer.status in (400, 431)


def sent(port: int, written: bytes, method: str) -> Answer | None:
    """The answer to the bytes of a request on a connection of its own; None where the connection ends without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        writing = threading.Thread(target=_write, args=(connection, written))
        writing.start()
        try:
            return _read(connection, method)
        finally:
            connection.close()
            writing.join(SECONDS)


def _write(connection: socket.socket, written: bytes) -> None:
    with contextlib.suppress(OSError):  # it has answered, and reads no more
        connection.sendall(written)


def _read(connection: socket.socket, method: str) -> Answer | None:
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        if "event-stream" in response.headers.get("content-type", "") and method != "HEAD":
            connection.settimeout(PATIENCE)
            return Answer(response.status, _stream(response), whole=True)
        return Answer(response.status, response.read(), whole=True)
    except http.client.IncompleteRead as cut:
        return Answer(response.status, cut.partial, whole=False)
    except (http.client.HTTPException, ConnectionError):
        return None


def _stream(response: http.client.HTTPResponse) -> bytes:
    """What comes until the end, or until a stream that has none says nothing for a while."""
    body = BytesIO()
    with contextlib.suppress(TimeoutError):
        while piece := response.read1(1 << 16):
            body.write(piece)
    return body.getvalue()


@contextmanager
def hostile_target(folder: Path) -> Iterator[Target]:
    """A server whose model is loaded, with documents, files and conversations in the data folder `folder`."""
    keys = {"api_key": SecretStr(KEY), "password": SecretStr(PASSWORD)}
    settings = ServerSettings(data=folder, port=0, threads=1, cache_mb=8, state_mb=0, **keys)
    settings.models_path.mkdir(parents=True)
    write_tiny_gguf(settings.models_path / "tiny.gguf", TinyModel())
    fill(settings, {"handbook": HANDBOOK | {f"page-{n}.md": f"Rule {n} says this and that." for n in range(8)}})
    entries = _ledger(settings)
    made: list[FastAPI] = []
    heard = Heard()
    with serving(settings, Parts(open_retriever=open_fake_retriever), made) as address:
        target = _prepared(made[0], settings, address, entries, heard)
        logging.getLogger().addHandler(heard)
        try:
            yield target
        finally:
            logging.getLogger().removeHandler(heard)


def _ledger(settings: ServerSettings) -> list[bytes]:
    """A file for each document, as an ingest leaves it; their numbers."""
    engine = open_knowledge(settings)
    add_file(engine, settings.data / "files", "book.pdf", handbook())
    with Session(engine) as session:
        for document in session.exec(select(Document).where(col(Document.path).not_like("%.pdf"))).all():
            place = {"collection_id": document.collection_id, "root": document.root}
            session.add(LedgerEntry(**place, path=document.path, state="indexed"))
            session.add(LedgerEntry(**place, path=f"{document.path}.pdf", state="failed", reason="Pictures."))
        session.commit()
        numbers = [str(entry.id).encode() for entry in session.exec(select(LedgerEntry))]
        assert session.exec(select(Collection)).all()
    engine.dispose()
    return numbers


def _prepared(app: FastAPI, settings: ServerSettings, address: str, entries: Sequence[bytes], heard: Heard) -> Target:
    services: Services = app.state.services
    services.jobs = IngestJobs(settings, services.catalog.engine, INDEXER, settle=0)
    cookie = Response()
    services.sessions.write(cookie, Visitor(OWNER, admitted=True), https=False)
    value = cookie.headers["set-cookie"].partition(";")[0]
    with httpx.Client(base_url=address, headers={"Cookie": value}, timeout=SECONDS, trust_env=False) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        turns = [client.post("/ask", data={"question": f"How many days of leave, {n}?"}) for n in range(3)]
    places = [re.fullmatch(r"/c/(\w+)#turn-(\d+)", turn.headers["location"]) for turn in turns]
    local = read_address(settings.server_file)
    assert local is not None
    known = {
        "conversation": [place[1].encode() for place in places if place],
        "turn_id": [place[2].encode() for place in places if place],
        "document_id": [b"1", b"2", b"3", BOOK, BOOK],
        "citation_id": [b"1", b"2"],
        "entry_id": entries,
        "file": entries,
        "collection_id": [b"1"],
        "root": [b"/documents"],
        "into": [b"1"],
    }
    opens = {
        "page": [(b"Cookie", value.encode())],
        "api": [(b"Authorization", f"Bearer {KEY}".encode())],
        "local": [(b"Authorization", f"Bearer {local.token}".encode())],
    }
    embedder = CountingEmbedder()
    asked = {VECTORS_PATH: {"model": embedder.name, "digest": embedder.digest}}
    return Target(app, int(address.rpartition(":")[2]), World(known, asked, opens), heard)
