"""A small real site for page tests: documents in a real knowledge.db, real routes, and an answer that follows a script.

What a question says decides what happens: "hold" stops after some words until `Script.release`, "queue", "load" and
"read" wait at that stage, "fail" and "crash" break midway, "unknown" is not in the documents, "quote" is extractive,
"hostile" answers with markup, "invent" with what no passage supports. "leeve" is searched for as "leave",
"weak" has a sentence that nothing supports. "brief" drops facts that are quoted beneath, "repeat" says what is quoted,
"adds" finds a third source while it writes. "drop" drops what a model wrote,
"break" breaks before anything is written. "full stop" has marks before its full stops.
"""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlmodel import Session

from indexer.documents.extract.document import Block, Kind, blocks_to_json
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Chunk, Collection, Document, LedgerEntry
from indexer.passages import Passage, Scope
from server.answering.events import (
    BENEATH,
    Answer,
    AnswerEvent,
    Citation,
    Doubt,
    Evidence,
    Meanwhile,
    Progress,
    Question,
    Searched,
    Sources,
    Text,
    Timing,
)
from server.answering.means import Means
from server.app import PAGES
from server.conversations.store import open_conversations
from server.errors import Unavailable
from server.library.ingest_jobs import IngestJobs
from server.llm.generator import Generator, Usage
from server.runtime.services import Services
from server.settings import ServerSettings
from server.web.security import SecurityHeaders
from server.web.templating import static_files

LEAVE = [
    ("heading", "Annual leave", 1, 1),
    ("paragraph", "Every employee has 25 days of paid leave a year. After five years it is 28 days.", 0, 1),
    ("heading", "How do I book leave?", 2, 2),
    ("item", "Ask your team lead first.", 1, 2),
    ("item", "Then enter the days in the staff portal, at least two weeks before the first day.", 1, 2),
    ("header", "Years of service | Days of leave", 0, 2),
    ("row", "0 to 4 | 25", 0, 2),
    ("row", "5 or more | 28", 0, 2),
]
TRAVEL = [
    ("heading", "Travel expenses", 1, None),
    ("paragraph", "Keep every receipt. Claims are paid within ten working days.", 0, None),
    ("code", "claim --month 05\n    --receipts folder/", 0, None),
    *(
        (
            "paragraph",
            f"Rule {n} of the travel handbook: travel by train where it takes under five hours. " * 4,
            0,
            None,
        )
        for n in range(1, 400)
    ),
]
ANSWER = """You have **25 days** of paid leave a year.[1] After five years it is 28.[1]

To book it:

1. Ask your team lead.[1]
2. Enter the days in the staff portal, at least two weeks before.[1]

| Years | Days |
|---|--:|
| 0 to 4 | 25 |
| 5 or more | 28 |

Claims for travel are paid within ten working days.[2]"""
COLLECTIONS = {1: "handbook", 2: "benefits"}
QUOTES = [
    (1, "Every employee has 25 days of paid leave a year."),
    (1, "After five years it is 28 days."),
    (1, "Ask your team lead first."),
    (1, "Then enter the days in the staff portal, at least two weeks before the first day."),
    (2, "Claims are paid within ten working days."),
]
BRIEF = "You have 25 days.[1]"
FULL_STOP = "You have 25 days[1]. After five years it is 28[1][1]."
BRIEF_QUOTES = [QUOTES[1], QUOTES[4]]
REPEATED = f"{QUOTES[0][1]}[1]"
INVENTED = "Leave doubles in years with a blue moon."
ANSWERS = {"quote": f"> {QUOTES[0][1]}[1]\n", "brief": BRIEF, "repeat": REPEATED, "full stop": FULL_STOP}
HOSTILE = (
    """<script>document.title='owned'</script><img src=x onerror="document.title='owned'">

[press](javascript:alert(1)) ![pixel](https://evil.example/p.png) \u202egnirts\u202c \x1b[31mred\x1b[0m

"""
    + "w" * 10_000
)


def add_document(
    engine: object,
    root: Path,
    path: str,
    title: str,
    parts: list[tuple[str, str, int, int | None]],
    collection_id: int = 1,
) -> int:
    """A document whose blocks are `parts`: (kind, text, level, page). Returns its id."""
    text, blocks = "", []
    for kind, words, level, page in parts:
        text += "\n\n" if text else ""
        blocks.append(Block(_kind(kind), len(text), len(text) + len(words), level, page))
        text += words
    with Session(engine) as session:  # type: ignore[arg-type]
        collection = session.get(Collection, collection_id) or Collection(
            id=collection_id, name=COLLECTIONS[collection_id]
        )
        session.add(collection)
        session.flush()
        document = Document(
            collection_id=collection_id,
            root=str(root),
            path=path,
            title=title,
            media_type="txt",
            sha256=path,
            text=text,
            blocks=blocks_to_json(tuple(blocks)),
            pages=2,
        )
        session.add(document)
        session.add(
            LedgerEntry(collection_id=collection_id, root=str(root), path=path, state="indexed", pages=2, chunks=1)
        )
        session.flush()
        for ordinal, block in enumerate(blocks):
            if block.kind == "heading":
                heading = text[block.start : block.end]
                session.add(
                    Chunk(
                        document_id=document.id,
                        ordinal=ordinal,
                        prefix="",
                        sections=json.dumps([[block.start, heading]]),
                        start=block.start,
                        end=block.end,
                        body=heading,
                        vector=b"",
                        sentences=b"",
                        sentence_vectors=b"",
                    )
                )
        session.commit()
        return document.id or 0


def _kind(name: str) -> Kind:
    return name  # type: ignore[return-value]


class Script:
    """The answer of the site; `release` lets a held answer go on, `started` counts generations."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.started = 0
        self.wait_before_searching = False
        self.held = threading.Event()
        self._go = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def release(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._go.set)

    async def __call__(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        self.started += 1
        self._loop = asyncio.get_running_loop()
        self._go.clear()
        self.held.clear()
        text = question.text.lower()
        yield Progress("searching")
        if self.wait_before_searching:
            await self._hold()
        if searched := _searched(question):
            yield searched
        evidence = self._evidence(question)
        if "unknown" in text:
            passages = tuple(item.passage for item in evidence)
            yield Answer("", "", False, "model", closest=passages, took_ms=Timing(20, 0, 900))
            return
        yield Sources(evidence[:2] if "adds" in text else evidence)
        if quote := next(_citations(ANSWER, evidence), None):
            yield Meanwhile(replace(quote, at=BENEATH))
        for stage, progress in (
            ("queue", Progress("queued", 2)),
            ("load", Progress("loading", detail="Phi-3 loads, about 12 s")),
            ("read", Progress("reading", 240, 600)),
        ):
            if stage in text:
                yield progress
                await self._hold()
        yield Progress("reading", 600, 600)
        if "break" in text:
            raise Unavailable("The language model stopped working.", "Ask again in a minute.")
        async for event in self._write(text, evidence):
            yield event

    async def _write(self, text: str, evidence: tuple[Evidence, ...]) -> AsyncGenerator[AnswerEvent, None]:
        if "hostile" in text:
            yield Text(HOSTILE)
            yield Answer(HOSTILE, HOSTILE, True, "model", took_ms=Timing(20, 40, 100))
            return
        if "invent" in text:
            yield Text(INVENTED)
            unsupported = (Doubt(0, len(INVENTED)),)
            yield Answer(INVENTED, INVENTED, True, "model", unsupported=unsupported, took_ms=Timing(20, 40, 100))
            return
        answer = next((words for name, words in ANSWERS.items() if name in text), ANSWER)
        cited = tuple(_citations(answer, evidence))
        weak = answer.find("After five years") if "weak" in text else -1
        for at in range(0, len(answer), 7):
            if at == 91 and "adds" in text:
                yield Sources(evidence[:3])
            if at == 91 and "hold" in text:
                await self._hold()
            if at == 91 and "fail" in text:
                raise Unavailable("The language model stopped working.", "Ask again in a minute.")
            if at == 91 and "crash" in text:
                raise RuntimeError("a secret inner detail")
            yield Text(answer[at : at + 7], tuple(c for c in cited if at < c.at + 3 <= at + 7))
            await asyncio.sleep(0.001)
        mode = "extractive" if "quote" in text else "model"
        written = mode == "model" or "drop" in text
        yield Answer(
            answer,
            answer,
            True,
            mode,
            citations=cited,
            quotes=tuple(_quotes(text, evidence)),
            unsupported=(Doubt(weak, weak + len("After five years it is 28.")),) if weak >= 0 else (),
            usage=Usage(600, 120) if written else Usage(),
            took_ms=Timing(20, 900, 12_300),
        )

    async def _hold(self) -> None:
        self.held.set()
        await self._go.wait()
        self._go.clear()

    def _evidence(self, question: Question) -> tuple[Evidence, ...]:
        return evidence_of(self.found(question), question.following)

    def found(self, question: Question) -> list[Document]:
        found = [self.catalog.document(id_, question.scope) for id_ in range(1, 8)]
        return [document for document in found if document]


def evidence_of(documents: Sequence[Document], following: int) -> tuple[Evidence, ...]:
    """The beginning of each document."""
    return tuple(
        Evidence(following + n - 1, _passage(n, document), document.text[:300], shown=n)
        for n, document in enumerate(documents, start=1)
    )


def _searched(question: Question) -> Searched | None:
    mended = question.text if question.exact else question.text.replace("leeve", "leave")
    before = question.history[-1].question if question.history else ""
    words = "" if mended == question.text else mended
    return Searched(words, before) if words or before else None


def _passage(n: int, document: Document) -> Passage:
    return Passage(
        n,
        1 / n,
        0.5,
        document.id or 0,
        document.collection_id,
        document.path,
        document.title,
        document.title,
        None,
        0,
        min(300, len(document.text)),
        document.text[:300],
        "",
        root=document.root,
    )


def _citations(answer: str, evidence: tuple[Evidence, ...]) -> Iterator[Citation]:
    at = -1
    for n, quote in QUOTES:
        at = answer.find(f"[{n}]", at + 1)
        if at < 0:
            return
        if _is_there(n, quote, evidence):
            yield _citation(n, at, quote, evidence)


def _is_there(n: int, quote: str, evidence: tuple[Evidence, ...]) -> bool:
    """Not where a question is asked of other documents alone. A PDF has other words: as one that has changed since."""
    passage = evidence[n - 1].passage if n <= len(evidence) else None
    return passage is not None and (quote in passage.text or passage.document.endswith(".pdf"))


def _quotes(asked: str, evidence: tuple[Evidence, ...]) -> Iterator[Citation]:
    beneath = BRIEF_QUOTES if "brief" in asked else QUOTES[:1] if "repeat" in asked else []
    for n, quote in beneath:
        if _is_there(n, quote, evidence):
            yield _citation(n, BENEATH, quote, evidence)


def _citation(n: int, at: int, quote: str, evidence: tuple[Evidence, ...]) -> Citation:
    passage = evidence[n - 1].passage
    start = passage.text.find(quote)
    return Citation(
        n,
        at,
        passage.document_id,
        passage.collection_id,
        passage.document,
        passage.title,
        passage.heading,
        1 if n == 1 else None,
        start,
        start + len(quote),
        quote,
        passage.root,
    )


class Answering(Services):
    """Every question of the site has an answer: the script's."""

    def finds(self, question: str, scope: Scope, document_id: int) -> bool:
        return True

    def answers(self, question: str, before: Sequence[str], scope: Scope, document_id: int) -> bool:
        return True


class Site:
    """A running site: `url`, its settings, and what happens behind it."""

    def __init__(self, settings: ServerSettings, *, documents_too: bool = True, grace: float = 30.0) -> None:
        self.settings = settings
        self.engine = open_knowledge(settings)
        if documents_too:
            fill(self.engine, settings.data.parent / "documents")
        self.catalog = Catalog(self.engine)
        self.script = Script(self.catalog)
        self.conversations = open_conversations(settings)
        self.grace = grace
        self.url = ""
        self.live: Services  # once it is served
        self._server: uvicorn.Server | None = None
        self.indexer: Sequence[str] = ()  # a command instead of the real `indexer`, which loads a model
        self.generator: Generator | None = None  # what the page says of a model; the script answers all the same

    def app(self) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            services = app.state.services = self.live = self.services()
            yield
            await services.turns.aclose()
            await services.briefs.aclose()
            await services.jobs.aclose()
            await asyncio.to_thread(services.pictures.close)

        app = FastAPI(lifespan=lifespan)
        for module in PAGES:
            app.include_router(module.router)
        app.mount("/static", static_files())
        app.add_middleware(SecurityHeaders)
        return app

    def services(self) -> Services:
        def answerer(question: Question, _means: Means) -> AsyncGenerator[AnswerEvent, None]:
            return self.script(question)

        services = Answering(
            settings=self.settings, catalog=self.catalog, conversations=self.conversations, answerer=answerer
        )
        services.turns.grace = self.grace
        services.generator = self.generator
        services.model_opened.set()
        services.examples.find(self.catalog.everything(), services.change, services.finds)
        if self.indexer:
            services.jobs = IngestJobs(self.settings, self.engine, self.indexer, settle=0.1)
        return services

    def drop_connections(self) -> None:
        """As a network does that fails for a moment."""
        assert self._server is not None
        for connection in list(self._server.server_state.connections):
            connection.loop.call_soon_threadsafe(connection.transport.abort)  # type: ignore[union-attr]

    @contextmanager
    def served(self) -> Iterator["Site"]:
        config = uvicorn.Config(
            self.app(), host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1, lifespan="on"
        )
        self._server = server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.01)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join()


def fill(engine: object, root: Path) -> None:
    """Seven documents, the first two with originals on disk, and a file that failed."""
    root.mkdir(parents=True)
    add_document(engine, root, "leave.txt", "Annual leave", LEAVE)
    add_document(engine, root, "travel/expenses.md", "Travel expenses", TRAVEL)
    (root / "leave.txt").write_text("Annual leave\n\nEvery employee has 25 days.")
    for n, name in enumerate(["Parental leave", "Sick days", "Working from home", "Equipment", "Training"]):
        parts: list[tuple[str, str, int, int | None]] = [
            ("heading", name, 1, None),
            ("paragraph", f"{name} is described here in a sentence or two, for policy number {n}.", 0, None),
        ]
        add_document(engine, root, f"policy-{n}.docx", name, parts)
    with Session(engine) as session:  # type: ignore[arg-type]
        session.add(
            LedgerEntry(
                collection_id=1,
                root=str(root),
                path="scan.pdf",
                state="needs_ocr",
                reason="All 3 pages are pictures.",
            )
        )
        session.commit()
