"""The states of the pages Documents, Status and Settings, for `make/screenshots.py`."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page
from sqlmodel import Session, col, update

from indexer.knowledge.database import writing
from indexer.knowledge.tables import Document, IngestRun, LedgerEntry, now
from server.conversations.turns import Turns
from server.llm.generator import GeneratorState
from server.runtime.services import Services
from server.settings import ServerSettings
from tests.server.fakes import ScriptedGenerator
from tests.tiny_gguf import write_tiny_gguf
from tests.tiny_site import Site, add_document

TITLES = ("Code of conduct", "Data protection", "Onboarding", "Pension plan", "Purchasing", "Security", "Sabbaticals")
FAILED = (
    ("contracts/supplier.pdf", "failed", "The file is damaged: it ends in the middle of a page.", 183_402),
    ("salaries.xlsx", "failed", "The file is encrypted. Save a copy without a password.", 53_118),
    ("party.jpg", "skipped", "Files of type .jpg are not read.", 2_310_556),
)
PLAN = b"# Plan\n\n" + b"The move begins in May. " * 90_000
SENT = 0.4  # of a file, when the picture is taken
REPORT = {"files": [{"document": "floor plan.md", "state": "indexed", "reason": ""}]}


class Library(Site):
    """A site whose indexer only says that it is done, beside a model file and models that are ready."""

    def services(self, turns: Turns) -> Services:
        self.indexer = (sys.executable, "-c", f"print({json.dumps(REPORT)!r})")
        services = super().services(turns)
        services.search_state = GeneratorState("ready")
        if any(self.settings.models_path.glob("*.gguf")):
            services.generator = ScriptedGenerator(name="phi-3-mini")
        services.opened.set()
        return services

    def fill(self, documents: int) -> None:
        root = self.settings.data.parent / "documents"
        for n in range(documents):
            title = TITLES[n % len(TITLES)] + (f", part {n // len(TITLES) + 1}" if documents > len(TITLES) else "")
            path = f"handbook/{title.lower().replace(', ', ' ').replace(' ', '-')}.pdf"
            add_document(self.engine, root, path, title, [("paragraph", f"{title} for everybody.", 0, 1)])
        self._sizes()

    def fail(self) -> None:
        root = str(self.settings.data.parent / "documents")
        with Session(self.engine) as session:
            session.add_all(
                LedgerEntry(collection_id=1, root=root, path=path, state=state, reason=reason, size=size)
                for path, state, reason, size in FAILED
            )
            session.commit()
        self._sizes()

    def _sizes(self) -> None:
        with Session(self.engine) as session:
            wanted = update(LedgerEntry).where(col(LedgerEntry.size) == 0)
            then = now() - timedelta(days=2)
            session.exec(wanted.values(size=31_000 + 7_919 * col(LedgerEntry.id), updated_at=then))
            session.exec(update(Document).values(indexed_at=then))
            session.commit()

    @contextmanager
    def reading(self, done: int, total: int) -> Iterator[None]:
        """A folder is being read meanwhile."""
        with writing(self.settings), Session(self.engine) as session:
            run = IngestRun(collection_id=1, total=total, done=done)
            session.add(run)
            session.commit()
            yield
            run.finished_at = now()
            session.commit()


def shoot_documents(
    visit: Callable[[Site], AbstractContextManager[Page]], folder: Path, save: Callable[[Page, str], None]
) -> None:
    """`visit` opens a page on a site, `save` keeps a picture of it."""
    site = Library(ServerSettings(data=folder / "empty" / "data"), documents_too=False)
    with site.served(), visit(site) as page:
        page.goto("/documents")
        save(page, "documents-empty")
    site = Library(ServerSettings(data=folder / "many" / "data"))
    site.fill(247)
    with site.served(), visit(site) as page:
        page.goto("/documents")
        save(page, "documents")
    site = Library(ServerSettings(data=folder / "failed" / "data"))
    site.fail()
    site.settings.models_path.mkdir(parents=True)
    write_tiny_gguf(site.settings.models_path / "phi-3-mini.gguf")
    with site.served(), visit(site) as page:
        page.goto("/documents")
        save(page, "documents-failed")
        page.get_by_role("link", name="Annual leave", exact=True).click()
        page.locator("#panel h2").wait_for()
        save(page, "documents-preview")
        page.goto("/documents")
        page.get_by_role("button", name="Delete leave.txt").click()
        page.locator(".undo").wait_for()
        save(page, "documents-deleted")
        for name in ("status", "settings"):
            page.goto(f"/{name}")
            save(page, name)
        upload(page, site, save)


def upload(page: Page, site: Library, save: Callable[[Page, str], None]) -> None:
    """The first file is there, the second is on its way, and a folder is read meanwhile."""
    page.goto("/documents")
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    page.set_input_files("#upload-files", [file("floor plan.md", b"# Floor plan"), file("move.md", PLAN)])  # type: ignore[list-item]
    with site.reading(97, 254):
        page.locator(".run").wait_for()
        network.send("Network.enable")
        network.send("Network.emulateNetworkConditions", slow)
        page.get_by_role("button", name="Upload").click()
        page.locator("#sending li").first.get_by_text("Sent").wait_for()
        while page.evaluate("document.querySelector('#sending progress').value") < SENT:
            page.wait_for_timeout(50)
        save(page, "documents-uploading")


def file(name: str, content: bytes) -> dict[str, str | bytes]:
    return {"name": name, "mimeType": "text/markdown", "buffer": content}
