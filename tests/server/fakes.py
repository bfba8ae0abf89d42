"""Small real parts for a server under test: an index of a few documents, and a model that writes what it is told."""

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents.chunk import chunk_document
from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.documents.scan import ScannedFile
from indexer.embed import EmbeddingInput, model_digest, model_folder
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.index_info import describe_index
from indexer.knowledge.records import put_document
from indexer.knowledge.tables import Collection
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from server.app import Parts, create_app
from server.commands.serve import bind, uvicorn_config
from server.errors import ContextTooLong
from server.llm.generator import (
    Completed,
    GenerationEvent,
    GeneratorState,
    Message,
    Piece,
    Prefilling,
    Sampling,
    TokenLogprob,
    Usage,
)
from server.settings import ServerSettings
from tests.word_embedder import WordEmbedder

LEAVE = "Employees have 25 days of annual leave. Leave is booked in the people portal. Five days carry over."
DENTAL = "The dental plan covers two cleanings a year. Crowns are covered at half their price."
HANDBOOK = {"leave.md": LEAVE, "travel.md": "Book trains early. Taxis need a receipt for every ride."}
BENEFITS = {"dental.md": DENTAL}


class Words:
    """A tokenizer whose tokens are words."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w+", text)]

    def read_of(self, text: str) -> int:
        return len(self.offsets(text))


class CountingEmbedder(WordEmbedder):
    name = "all-MiniLM-L6-v2"  # what an untouched installation has
    tokenizer = Words()

    @property
    def digest(self) -> str:
        """That of an untouched installation's files."""
        return model_digest(model_folder(self.name))


def fill(settings: ServerSettings, collections: Mapping[str, Mapping[str, str]]) -> None:
    """Index texts, as an ingest would have."""
    engine = open_knowledge(settings)
    with Session(engine) as session:
        describe_index(session, settings, CountingEmbedder().dimension)
        for name, documents in collections.items():
            collection = session.exec(select(Collection).where(Collection.name == name)).first() or Collection(
                name=name
            )
            session.add(collection)
            session.flush()
            assert collection.id is not None
            for path, text in documents.items():
                _put(session, collection.id, path, text)
        session.commit()
    engine.dispose()


def _put(session: Session, collection_id: int, path: str, text: str) -> None:
    embedder = CountingEmbedder()
    extracted = ExtractedDocument(Path(path).stem.title(), text, (Block("paragraph", 0, len(text)),), 1)
    drafts = chunk_document(extracted, embedder.tokenizer.offsets, 200)
    vectors = embedder.encode_chunks(
        [
            EmbeddingInput(
                draft.prefix,
                text[draft.start : draft.end],
                tuple((start - draft.start, end - draft.start) for start, end in draft.sentences),
            )
            for draft in drafts
        ]
    )
    put_document(session, collection_id, ScannedFile(Path("/documents"), path), "0" * 64, extracted, drafts, vectors)


def open_fake_retriever(settings: ServerSettings, engine: Engine) -> Retriever:
    store = Store(engine, settings.index_path)
    store.load()
    return Retriever(engine, CountingEmbedder(), store, settings)


def no_generator(_settings: ServerSettings) -> None:
    return None


@dataclass
class ScriptedGenerator:
    """Writes `words`, one piece each; waits for `gate` after the first, or before it. Remembers what it was asked."""

    words: Sequence[str] = ("Employees", " have", " 25", " days", " of", " annual", " leave", " [1].")
    name: str = "scripted"
    context: int = 4096
    fails_after: int = -1  # pieces; then it breaks
    waits_first: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    prompts: list[tuple[Message, ...]] = field(default_factory=list)
    samplings: list[Sampling] = field(default_factory=list)
    state: GeneratorState = field(default_factory=lambda: GeneratorState("ready"))
    drafts: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self.gate.set()

    def count(self, messages: Sequence[Message]) -> int:
        return sum(self.count_text(message.content) for message in messages)

    def count_text(self, text: str) -> int:
        return len(text.split())

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[GenerationEvent, None]:
        self.prompts.append(tuple(messages))
        self.samplings.append(sampling)
        tokens = self.count(messages)
        if tokens >= self.context:
            raise ContextTooLong(tokens, self.context - 1)
        try:
            yield Prefilling(tokens, tokens)
            if self.waits_first:
                self.begun.set()
                await self._wait()
            for number, word in enumerate(self.words):
                if number == self.fails_after:
                    raise RuntimeError("the model broke")
                yield Piece(word, (TokenLogprob(word, -0.5, ((word, -0.5),)),) if sampling.logprobs is not None else ())
                self.begun.set()
                await self._wait()
            yield Completed("stop", Usage(tokens, len(self.words)))
        finally:
            self.closed.set()
            self.gate.set()  # the thread that waits for it must end with the loop

    async def _wait(self) -> None:
        if not self.gate.is_set():
            await asyncio.get_running_loop().run_in_executor(None, self.gate.wait)

    async def aclose(self) -> None:
        pass


def app_of(settings: ServerSettings, generator: ScriptedGenerator | None = None) -> FastAPI:
    """The whole application over the fake retriever and, where one is given, the fake model."""
    return create_app(settings, Parts(open_retriever=open_fake_retriever, open_generator=lambda _settings: generator))


@contextmanager
def serving(settings: ServerSettings, parts: Parts, made: list[FastAPI] | None = None) -> Iterator[str]:
    """A real server on a free port; its address. The application is added to `made`."""
    with bind(settings) as listener:
        port = listener.getsockname()[1]
        app = create_app(settings.model_copy(update={"port": port}), parts)
        if made is not None:
            made.append(app)
        config = uvicorn_config(app, settings)
        config.lifespan = "on"
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                thread.join(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the server did not stop"
