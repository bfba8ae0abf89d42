"""A site in which everything that a stranger may have written tries to do harm, and a tour through all of its pages.

Each text begins with a word that no template holds, so that a page tells what it shows: zqtitle, zqquestion and so on.
"""

import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, FastAPI
from sqlmodel import Session, select

from indexer.documents.extract.formats import UNREAD_KINDS
from indexer.knowledge.alike import sign
from indexer.knowledge.tables import Collection, Document, IngestRun, LedgerEntry, known_id
from indexer.passages import Place
from server.answering.events import (
    BENEATH,
    Answer,
    AnswerEvent,
    Citation,
    Doubt,
    Evidence,
    Progress,
    Question,
    Searched,
    Sources,
    Text,
    Timing,
)
from server.errors import NotFound, Unavailable
from server.llm.generator import GeneratorState
from server.runtime.services import Services
from server.settings import ServerSettings
from server.views.library_view import SHOWN_KINDS
from server.web.pages.page_route import PageRoute
from tests.pdf_documents import add_file, handbook
from tests.server.fakes import ScriptedGenerator
from tests.tiny_gguf import write_tiny_gguf
from tests.tiny_site import Script, Site, add_document

MARK = "zq"
TAGS = "<script>alert(1)</script><img/src=https://evil.example/p.png/onerror=alert(2)>"
LONG = "w" * 10_000


def hostile(name: str, word: str = LONG) -> str:
    """A stranger's text: markup, handlers, links, a long word, and characters that turn or hide what they touch."""
    links = "[press](javascript:alert(5))![pixel](https://evil.example/q.png)"
    handlers = "\"onfocus=alert(3)'onclick=alert(4)'{{7*7}}"
    return (
        f"{MARK}{name}{TAGS}{handlers}{links} \u202e{MARK}gnirts\u200b\u2066 \x1b[31mred\x1b[0m `{MARK}` {MARK}{word}"
    )


QUESTION = hostile("question", "w" * 3000)
SEARCHED = f"{MARK}question"  # stands in every conversation
MODEL_FILE = f"{MARK}model<img src=x onerror=alert(6)>\u202e{'w' * 150}.gguf"


class HostileScript(Script):
    """Answers with hostile words from hostile passages; "unknown", "fail", "quote" and "hold" as in `Script`."""

    async def __call__(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        self._loop = asyncio.get_running_loop()
        evidence = self._evidence(question)
        yield Progress("loading", detail=hostile("detail"))
        yield Searched(hostile("searched"), hostile("together"))
        if "unknown" in question.text:
            closest = tuple(item.passage for item in evidence)
            yield Answer("", "", False, "model", closest=closest, took_ms=Timing(20, 0, 900))
            return
        yield Sources(evidence)
        table = f"| {hostile('cell')} | b |\n|---|---|\n| x | y |"
        answer = f"{hostile('answer')}\n\n```\n{hostile('code')}\n```\n\n{table}\n\nEnd."
        cited = tuple(_citation(answer.index("End.") + n, item, n) for n, item in enumerate(evidence[:2]))
        yield Text(answer, cited)
        if "hold" in question.text:
            yield Progress("queued", 3)
            await self._held_there()
        if "fail" in question.text:
            raise Unavailable(hostile("error"), "Ask again.")
        mode = "extractive" if "quote" in question.text else "model"
        spans = (Doubt(answer.index("red"), answer.index("red") + 3),)
        timing = Timing(20, 900, 12_300)
        quotes = tuple(replace(citation, at=BENEATH) for citation in cited if mode == "model")
        yield Answer(
            answer, answer, True, mode, "length", citations=cited, quotes=quotes, unsupported=spans, took_ms=timing
        )

    async def _held_there(self) -> None:
        self.held.set()
        await self._go.wait()

    def _evidence(self, question: Question) -> tuple[Evidence, ...]:
        found = super()._evidence(question)
        also_in = tuple(
            Place(n, 1, hostile("root"), f"{n}{hostile('also')}", hostile("title"), None, 0, 9, 0, end)
            for n, end in ((3, 10), (4, sys.maxsize))
        )
        return tuple(
            replace(item, passage=replace(item.passage, heading=hostile("heading"), page=None, also_in=also_in))
            for item in found
        )


def _citation(at: int, item: Evidence, n: int) -> Citation:
    passage = item.passage
    quote = passage.text[:40] if n == 0 else hostile("quote")  # the second one's document has changed since
    return Citation(
        item.number, at, passage.document_id, passage.collection_id, passage.document, passage.title, passage.heading,
        None, 0, len(quote), quote,
    )  # fmt: skip


class HostileSite(Site):
    """Every document, file, collection, run, job, model and message of it is hostile."""

    def __init__(self, settings: ServerSettings) -> None:
        super().__init__(settings.model_copy(update={"embedder": hostile("embedder")}), documents_too=False)
        self.script = HostileScript(self.catalog)
        self.reporter = settings.data.parent / "report.py"
        self.indexer = (sys.executable, str(self.reporter))
        self._write()

    def _write(self) -> None:
        root = Path(hostile("root"))
        with Session(self.engine) as session:
            session.add_all([Collection(id=1, name=hostile("collection")), Collection(id=2, name=hostile("second"))])
            session.commit()
        for n in range(7):
            add_document(self.engine, root, f"{n}{hostile('path')}.zq<b>", f"{hostile('title')} {MARK}{n}", PARTS)
        files = self.settings.data.parent / "files"
        files.mkdir()
        name = f"{MARK}file<img src=x onerror=alert(8)>\u202e.txt"
        (files / name).write_text(TAGS)
        add_document(self.engine, files, name, hostile("title"), PARTS)
        self._write_books(files)
        with Session(self.engine) as session:
            states = ("failed", "needs_ocr", "skipped", "indexed", "waiting")
            session.add_all(
                LedgerEntry(
                    collection_id=2, root=str(root), path=f"{hostile('file')}{state}.zq<b>", state=state,
                    reason=hostile("reason"), pages=3,
                )
                for state in states
            )  # fmt: skip
            session.add_all(
                LedgerEntry(collection_id=2, root="/r", path=f"{MARK}{n}{TAGS}", state="skipped") for n in range(200)
            )
            session.add_all(
                LedgerEntry(
                    collection_id=2, root="/r", path=f"{MARK}unread{n}", state="skipped",
                    reason=f"{UNREAD_KINDS[0]}.{n}{hostile('ending')} are not read.",
                )
                for n in range(SHOWN_KINDS + 2)
            )  # fmt: skip
            session.get_one(Document, 7).collection_id = 2  # so that there is a choice
            for document in session.exec(select(Document)).all():  # all are copies of each other
                sign(session, known_id(document), document.text)
            session.add(IngestRun(collection_id=2, total=9, done=1))
            session.commit()
        self.settings.models_path.mkdir(parents=True)
        write_tiny_gguf(self.settings.models_path / MODEL_FILE)
        (self.settings.models_path / f"broken{MODEL_FILE}").write_bytes(b"not a model")
        self.reporter.write_text(REPORTER)

    def _write_books(self, files: Path) -> None:
        """PDFs: one that is whole, one whose file is gone, one of unknown places of its words; and a sheet."""
        ids = [add_file(self.engine, files, f"{n}{MARK}book<img src=x>\u202e.pdf", handbook()) for n in range(3)]
        with Session(self.engine) as session:
            for id_ in ids:
                session.get_one(Document, id_).title = hostile("title")
            session.get_one(Document, ids[2]).boxes = None
            (files / session.get_one(Document, ids[1]).path).unlink()
            session.commit()
        add_document(self.engine, files, f"{MARK}sheet.csv", hostile("title"), PARTS)

    def services(self) -> Services:
        services = super().services()
        services.generator = ScriptedGenerator(
            name=hostile("generator"), state=GeneratorState("failed", hostile("state"))
        )
        services.search_state = GeneratorState("failed", hostile("health"))
        return services

    def app(self) -> FastAPI:
        app = super().app()
        router = APIRouter(route_class=PageRoute)

        @router.get("/problem")
        def problem() -> None:
            raise NotFound(hostile("message"))

        app.include_router(router)
        return app


REPORTER = f"""
import json, sys
if any(path.endswith("good.md") for path in sys.argv):
    file = {{"document": {hostile("outcome")!r}, "state": "failed", "reason": {hostile("because")!r}}}
    print(json.dumps({{"files": [file] * 60}}))
    sys.exit(1)
print({hostile("unforeseen")!r}, file=sys.stderr)
sys.exit(2)
"""
"""Stands in for the command `indexer`: its report and its complaint repeat what files are called and hold."""

PARTS: list[tuple[str, str, int, int | None]] = [
    ("heading", f"{hostile('heading')} ?", 1, 1),
    ("paragraph", hostile("body"), 0, 1),
    ("item", hostile("item"), 1, 1),
    ("header", f"{hostile('column')} | {hostile('column')}", 0, 2),
    ("row", f"{hostile('row')} | {hostile('row')}", 0, 2),
    ("code", hostile("code"), 0, 2),
    *(("paragraph", f"{hostile('more')} {n}", 0, 3) for n in range(60)),
]

Post = Callable[[str, dict[str, str]], tuple[str, str]]  # an address and a form: where it led, and what was shown
NEXT = f'{MARK}next<script>alert(1)</script>"onfocus=alert(2)'
UPLOAD_INTO = f"{MARK}upload<img src=x onerror=alert(7)>"


def write_conversations(post: Post) -> Iterator[tuple[str, str]]:
    """(address, page) of conversations in every state, and of what changes them."""
    for more in ("", " hostile", " quote", " fail", " unknown"):
        yield post("/ask", {"question": f"{QUESTION}{more}", "collection": ""})
    address, page = post("/ask", {"question": QUESTION})
    turn = re.search(r'id="turn-(\d+)"', page)
    assert turn
    yield post("/ask", {"question": QUESTION, "document": "2"})
    yield post("/ask", {"question": QUESTION, "collection": hostile("second")})
    other, _ = post("/ask", {"question": QUESTION, "conversation": address[3:], "instead_of": turn[1]})
    yield f"{other}?at={turn[1]}", page
    yield f"{other}?at={turn[1]}&edit={turn[1]}", page
    yield post(f"{address}/title", {"title": hostile("renamed")})
    yield post(f"/turns/{turn[1]}/feedback", {"value": "-1", "remark": ""})
    yield post(f"/turns/{turn[1]}/feedback", {"value": "-1", "remark": hostile("remark", "w" * 500)})
    gone, _ = post("/ask", {"question": QUESTION})
    yield post(f"{gone}/delete", {})


def addresses() -> list[str]:
    """Pages that show what the site holds, wherever they are looked at from."""
    asked = quote(hostile("asked", "w" * 100))
    return [
        *(
            "/",
            "/problem",
            f"/nothing/{asked}",
            "/settings",
            "/status",
            "/language-model",
            f"/login?next=/{quote(NEXT)}",
        ),
        *("/?document=1&document=2&document=999", "/ask/of?document=1&add=2"),
        *(
            f"/?collection={quote(hostile('second'))}",
            f"/?collection={asked}",
            "/ask/find",
            f"/ask/find?q={MARK}title",
            f"/ask/find?q={asked}",
        ),
        *("/documents/1/brief", "/documents/1", "/documents/1?start=0&end=900", "/documents/2?first=2&last=9"),
        *("/documents/8", "/documents/8/original"),
        *("/documents/9?start=0&end=9", "/documents/9?start=0&end=9&page=2", "/documents/9?start=0&end=9&text=1"),
        *("/documents/9/pages/1", "/documents/10", "/documents/11?start=0&end=9", "/documents/12?first=3&last=6"),
        *("/documents", "/documents?part=2", f"/documents?q={MARK}&part=2", f"/documents?part={asked}"),
        *(f"/documents?q={asked}", f"/documents?q={MARK}&sort=title&desc=1&collection=2"),
        *("/documents/collections/1", "/documents/collections/2"),
        *("/documents?state=failed", f"/documents?state=deleted&q={MARK}"),
        *(f"/conversations?search={asked}", f"/conversations?search={SEARCHED}", "/conversations?search=alert"),
    ]
