"""Whole tasks of somebody who keeps a company's documents, in a real Chromium: send, watch, cancel, search, choose
several, delete, bring back, move, rename, with reloads and the back button on the way."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect
from sqlmodel import Session, select

from indexer.knowledge.tables import Collection, LedgerEntry, known_id
from server.settings import ServerSettings
from tests.browser.conftest import Watch
from tests.browser.test_accessibility import AXE, violations
from tests.tiny_site import Site

INDEXER = """
import json, pathlib, sqlite3, sys, time
data, gate = sys.argv[1:3]
name = sys.argv[sys.argv.index("--collection") + 1]
paths = [pathlib.Path(path) for path in sys.argv[sys.argv.index("--") + 1:]]
while not pathlib.Path(gate).exists():
    time.sleep(0.02)
files = []
for path in paths:
    state, reason = ("failed", "The file is damaged. Save it again.") if "broken" in path.name else ("indexed", "")
    with sqlite3.connect(data) as db:
        found = db.execute(
            "UPDATE ledger SET state=?, reason=?, sha256='1', mtime_ns=?, "
            "updated_at=strftime('%Y-%m-%d %H:%M:%f', 'now') "
            "WHERE root=? AND path=? AND deleted_at IS NULL AND collection_id=(SELECT id FROM collection WHERE name=?)",
            (state, reason, path.stat().st_mtime_ns, str(path.parent), path.name, name),
        )
    files.append({"document": path.name, "state": state if found.rowcount else "skipped", "reason": reason})
print(json.dumps({"files": files}))
sys.exit(1)
"""
"""Stands in for the command: it waits for a gate, then brings each file's entry up to date."""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def curated(settings: ServerSettings, gate: Path) -> Iterator[Site]:
    site = Site(settings)
    site.indexer = (sys.executable, "-c", INDEXER, str(settings.knowledge_path), str(gate))
    with site.served():
        yield site


@pytest.fixture
def watching(curated: Site) -> Iterator[Watch]:
    watch = Watch(curated.url)
    yield watch
    watch.check()


@pytest.fixture
def curator(chromium: Browser, curated: Site, watching: Watch) -> Iterator[Page]:
    context = chromium.new_context(base_url=curated.url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(8000)
    yield watching.page(context)
    context.close()


def payload(name: str, words: str = "# Words") -> FilePayload:
    return {"name": name, "mimeType": "text/markdown", "buffer": words.encode()}


def send(page: Page, collection: str, *names: str) -> None:
    page.fill("#upload-collection", collection)
    page.set_input_files("#upload-files", [payload(name) for name in names])
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#upload-said")).to_contain_text("sent")


def row(page: Page, name: str) -> Locator:
    return page.locator("tbody tr").filter(has_text=name)


def states(site: Site) -> dict[str, str]:
    with Session(site.engine) as session:
        return {
            entry.path: "deleted" if entry.deleted_at else entry.state for entry in session.exec(select(LedgerEntry))
        }


def test_files_are_sent_watched_cancelled_found_deleted_moved_and_renamed(
    curator: Page, curated: Site, gate: Path
) -> None:
    page = curator
    page.goto("/documents")
    names = [f"guide-{n}.md" for n in range(5)]
    send(page, "Guides", *names, "broken.md", "photo.heic")
    expect(page.locator("#sending")).to_contain_text("files of type .heic are not read")
    for name in (*names, "broken.md"):
        expect(row(page, name)).to_have_count(1)
    expect(row(page, "guide-0.md")).to_contain_text("Being read")
    expect(page.get_by_role("link", name="6 waiting")).to_be_visible()

    page.get_by_role("button", name="Cancel guide-4.md").click()
    expect(page.locator(".undo")).to_contain_text("was cancelled, and will not be read")
    expect(row(page, "guide-4.md")).to_have_count(0)
    page.reload()
    expect(row(page, "guide-4.md")).to_have_count(0)
    gate.touch()
    expect(row(page, "guide-0.md")).to_contain_text("Indexed", timeout=15_000)
    expect(row(page, "broken.md")).to_contain_text("The file is damaged.")
    expect(page.locator("#progress")).not_to_contain_text("Getting ready", timeout=15_000)
    assert states(curated)["guide-4.md"] == "deleted"

    page.fill("#q", "guide")
    page.press("#q", "Enter")
    expect(page.get_by_role("link", name="4 indexed")).to_be_visible()
    expect(page.get_by_role("link", name="1 failed")).to_have_count(0)
    for number in (0, 1, 2):
        page.get_by_role("checkbox", name=f"Choose guide-{number}.md").check()
    expect(page.locator("#chosen")).to_have_text("3 files chosen")
    page.locator("#several").get_by_role("button", name="Delete").click()
    expect(page.locator(".undo")).to_contain_text("3 files were deleted")
    expect(page.locator("#several")).to_be_hidden()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody tr")).to_have_count(4)

    for number in (0, 1):
        page.get_by_role("checkbox", name=f"Choose guide-{number}.md").check()
    page.select_option("#several-into", label="handbook")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator(".said")).to_have_text("2 files are in handbook now.")
    expect(row(page, "guide-0.md")).to_contain_text("handbook")

    page.goto("/documents")
    page.locator("#collections summary").click()
    page.get_by_role("link", name="Rename, move or delete Guides").click()
    page.fill("#new-name", "Manuals")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator(".said")).to_contain_text("The collection has its new name.")
    expect(row(page, "guide-2.md")).to_contain_text("Manuals")
    page.reload()
    expect(row(page, "guide-2.md")).to_contain_text("Manuals")
    page.go_back()
    expect(page.get_by_role("heading", name="Delete")).to_be_visible()
    with Session(curated.engine) as session:
        assert {one.name for one in session.exec(select(Collection))} == {"handbook", "Manuals"}


def test_a_collection_is_deleted_and_brought_back(curator: Page, curated: Site, gate: Path) -> None:
    gate.touch()
    page = curator
    page.goto("/documents")
    send(page, "Short-lived", "one.md", "two.md")
    for name in ("one.md", "two.md"):
        expect(row(page, name)).to_contain_text("Indexed", timeout=15_000)
    page.reload()  # the list of collections is made with the page
    page.locator("#collections summary").click()
    page.get_by_role("link", name="Rename, move or delete Short-lived").click()
    expect(page.locator("main")).to_contain_text("A collection with 2 files.")
    page.get_by_role("button", name="Delete the collection and its 2 files").click()
    expect(page.locator(".undo")).to_contain_text("2 files were deleted")
    expect(row(page, "one.md")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "one.md")).to_have_count(1)


def test_what_waits_is_cancelled_together_and_by_its_job(curator: Page, curated: Site, gate: Path) -> None:
    page = curator
    page.goto("/documents")
    send(page, "First", "a.md")
    expect(row(page, "a.md")).to_contain_text("Being read")
    send(page, "Second", "b.md", "c.md", "d.md")
    expect(row(page, "c.md")).to_contain_text("Waiting, 1 file before it")
    for name in ("b.md", "c.md"):
        page.get_by_role("checkbox", name=f"Choose {name}").check()
    page.get_by_role("button", name="Cancel reading", exact=True).click()
    expect(page.locator(".said")).to_have_text("2 files are not read.")
    page.get_by_role("button", name="Cancel reading First").click()
    expect(page.locator(".said")).to_contain_text("It was cancelled.")
    gate.touch()
    expect(row(page, "d.md")).to_contain_text("Indexed", timeout=15_000)
    assert {name: states(curated)[name] for name in ("a.md", "b.md", "c.md", "d.md")} == {
        "a.md": "deleted", "b.md": "deleted", "c.md": "deleted", "d.md": "indexed",
    }  # fmt: skip


def test_rows_are_chosen_by_keyboard_and_stay_chosen_while_a_run_ends(curator: Page, curated: Site) -> None:
    page = curator
    page.goto("/documents")
    top = page.locator("tbody tr").first.bounding_box()
    page.get_by_role("checkbox", name="Choose leave.txt").focus()
    page.keyboard.press("Space")
    expect(page.locator("#chosen")).to_have_text("1 file chosen")
    assert page.locator("tbody tr").first.bounding_box() == top, "choosing moves no row"
    page.get_by_role("checkbox", name="Choose policy-4.docx").click(modifiers=["Shift"])
    chosen = int(page.locator("#chosen").inner_text().split()[0])
    assert chosen > 2
    page.evaluate("htmx.trigger('#files', 'sent')")
    page.wait_for_timeout(500)
    expect(page.locator("#chosen")).to_have_text(f"{chosen} files chosen")
    assert page.locator("input[name=file]:checked").count() == chosen
    page.keyboard.press("Escape")
    expect(page.locator("#several")).to_be_hidden()
    page.get_by_role("checkbox", name="Choose every file on this page").check()
    expect(page.locator("#chosen")).to_have_text("8 files chosen")


def test_two_windows_delete_the_same_files(curator: Page, curated: Site) -> None:
    other = curator.context.new_page()
    for page in (curator, other):
        page.goto("/documents")
        page.get_by_role("checkbox", name="Choose leave.txt").check()
        page.get_by_role("checkbox", name="Choose policy-0.docx").check()
    for page in (curator, other):
        page.locator("#several").get_by_role("button", name="Delete").click()
        expect(row(page, "policy-0.docx")).to_have_count(0)
    curator.get_by_role("button", name="Undo").click()
    expect(row(curator, "policy-0.docx")).to_have_count(1)


def test_moving_into_a_collection_that_was_deleted_is_told(
    curator: Page, curated: Site, gate: Path, watching: Watch
) -> None:
    watching.allow("status of 404")
    watching.allow("Response Status Error Code 404")
    gate.touch()
    page = curator
    page.goto("/documents")
    send(page, "Gone", "x.md")
    expect(page.locator("#progress")).to_contain_text("1 indexed", timeout=15_000)
    page.goto("/documents")
    with Session(curated.engine) as session:
        gone = known_id(session.exec(select(Collection).where(Collection.name == "Gone")).one())
    curator.request.post(f"/documents/collections/{gone}/delete")
    page.get_by_role("checkbox", name="Choose leave.txt").check()
    page.select_option("#several-into", label="Gone")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("#notice")).to_contain_text("There is no such collection any more. Nothing was moved.")


def test_choosing_works_without_javascript(chromium: Browser, curated: Site) -> None:
    context = chromium.new_context(base_url=curated.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/documents")
    page.get_by_role("checkbox", name="Choose leave.txt").check()
    page.get_by_role("checkbox", name="Choose policy-0.docx").check()
    page.locator("#several").get_by_role("button", name="Delete").click()
    expect(page.locator(".undo")).to_contain_text("2 files were deleted")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("checkbox", name="Choose leave.txt")).to_have_count(1)
    context.close()


SIZES = [(1440, 900), (1280, 720), (390, 844), (844, 390), (720, 450)]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_size_has_a_violation_or_scrolls_sideways(
    chromium: Browser, curated: Site, gate: Path, size: tuple[int, int], theme: Literal["light", "dark"]
) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run `make setup-dev`")
    context = chromium.new_context(
        base_url=curated.url,
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,
        reduced_motion="reduce",
    )
    context.set_default_timeout(8000)
    page = context.new_page()
    page.goto("/documents")
    send(page, "Second", "waiting.md")
    expect(row(page, "waiting.md")).to_have_count(1)
    page.get_by_role("checkbox", name="Choose leave.txt").check()
    page.locator("#collections summary").click()
    for address in ("", "/documents/collections/1", "/settings", "/settings?saved=refusals", "/status"):
        if address:
            page.goto(address)
        assert violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    context.close()
