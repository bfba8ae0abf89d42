"""The pages Documents, Status and Settings in a real Chromium."""

import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect
from sqlmodel import Session

from indexer.knowledge.database import writing
from indexer.knowledge.tables import IngestRun, LedgerEntry, now
from server.settings import ServerSettings
from tests.browser.conftest import Watch
from tests.tiny_site import Site

DROP = """(text) => {
  const files = new DataTransfer();
  files.items.add(new File([text], "dropped.md"));
  const over = (type) => document.body.dispatchEvent(
    new DragEvent(type, { dataTransfer: files, bubbles: true, cancelable: true }));
  over("dragenter");
  const lit = document.body.classList.contains("dropping");
  over("dragover");
  over("drop");
  return lit && !document.body.classList.contains("dropping");
}"""


FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const name = at.getAttribute("aria-label") || at.id || at.textContent.trim() || at.tagName;
  return [at.tagName === "BODY" ? "BODY" : name, style.outlineStyle !== "none" || style.boxShadow !== "none"];
}"""
INDEXER = """
import json, sys
paths = sys.argv[sys.argv.index("--") + 1:]
print(json.dumps({"files": [{"document": path, "state": "indexed", "reason": ""} for path in paths]}))
"""
"""Stands in for the command, which would load a model."""


@pytest.fixture
def quick_site(settings: ServerSettings) -> Iterator[Site]:
    site = Site(settings)
    site.indexer = (sys.executable, "-c", INDEXER)
    with site.served():
        yield site


@pytest.fixture
def again(chromium: Browser, quick_site: Site) -> Iterator[Page]:
    """A page of a site whose indexer says at once that everything is indexed."""
    watch = Watch(quick_site.url)
    context = chromium.new_context(base_url=quick_site.url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(8000)
    yield watch.page(context)
    context.close()
    watch.check()


def file(name: str, size: int) -> FilePayload:
    return {"name": name, "mimeType": "text/markdown", "buffer": b"words " * (size // 6) + b"x" * (size % 6)}


def enter(site: Site) -> None:
    """A file that failed, beside what the site holds."""
    root = str(site.settings.data.parent / "documents")
    with Session(site.engine) as session:
        session.add(
            LedgerEntry(collection_id=1, root=root, path="broken.pdf", state="failed", reason="The file is damaged.")
        )
        session.commit()


def end_a_run(site: Site, path: str) -> None:
    """A run that has just ended, and the file that it looked at."""
    with Session(site.engine) as session:
        session.add(LedgerEntry(collection_id=1, root="/r", path=path, state="skipped", reason="The file is empty."))
        session.add(IngestRun(collection_id=1, total=1, done=1, finished_at=now()))
        session.commit()


def test_failures_are_first_and_one_link_away(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    expect(page.locator("tbody tr").first).to_contain_text("The file is damaged.")
    page.get_by_role("link", name="1 failed").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/documents")
    page.fill("#q", "travel")
    page.press("#q", "Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Size").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Size")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_title_opens_the_preview(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    page.get_by_role("link", name="Annual leave", exact=True).click()
    expect(page.locator("#panel")).to_contain_text("Every employee has 25 days")
    end_a_run(site, "late.md")  # the table is another one by the time the panel closes
    expect(page.locator("#files tbody")).to_contain_text("late.md")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_empty()
    expect(page.get_by_role("link", name="Annual leave", exact=True)).to_be_focused()


def test_the_table_folds_beside_a_preview(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    assert page.locator("tbody tr").first.evaluate("row => getComputedStyle(row).display") == "table-row"
    page.get_by_role("link", name="Annual leave", exact=True).click()
    expect(page.locator("#panel h2")).to_be_visible()
    table = page.locator(".files .table")
    assert table.evaluate("table => table.scrollWidth <= table.clientWidth")  # nothing is cut off


def test_a_file_is_read_again_and_its_fate_is_told(again: Page) -> None:
    again.goto("/documents")
    again.get_by_role("button", name="Index leave.txt again").click()
    expect(again.locator("#progress")).to_contain_text("handbook: 1 indexed")
    again.get_by_text("Folders", exact=True).click()
    again.locator(".folders button").first.click()
    expect(again.locator("#progress details")).to_have_count(2)


def test_delete_and_undo_by_keyboard(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    page.get_by_role("button", name="Delete leave.txt").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".undo")).to_contain_text("was deleted")
    expect(page.get_by_role("button", name="Delete leave.txt")).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    assert site.catalog.document(1, site.catalog.everything()) is None
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Delete leave.txt")).to_be_visible()
    assert site.catalog.document(1, site.catalog.everything()) is not None
    expect(page.locator("#files")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="All")).to_be_focused()


def test_undo_stays_while_a_run_ends(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    page.get_by_role("button", name="Delete leave.txt").click()
    expect(page.locator(".undo")).to_be_visible()
    end_a_run(site, "late.md")
    expect(page.locator("#files tbody")).to_contain_text("late.md")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Delete leave.txt")).to_be_visible()
    expect(page.locator(".undo")).to_have_count(0)


def test_the_keyboard_stays_where_it_is_while_a_run_ends(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    page.get_by_role("button", name="Delete leave.txt").focus()
    end_a_run(site, "late.md")
    expect(page.locator("#files tbody")).to_contain_text("late.md")
    expect(page.get_by_role("button", name="Delete leave.txt")).to_be_focused()


def test_failures_leave_the_top_when_they_were_seen(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    expect(page.locator("tbody tr").nth(0)).to_contain_text("broken.pdf")
    expect(page.locator("tbody tr").nth(1)).to_contain_text("scan.pdf")
    expect(page.locator(".unseen")).to_contain_text("2 files could not be read.")
    page.get_by_role("button", name="Mark as seen for everybody").click()
    expect(page.locator(".unseen")).to_have_count(0)
    expect(page.locator("tbody tr").nth(1)).to_contain_text("Annual leave")
    page.reload()
    expect(page.locator(".unseen")).to_have_count(0)
    page.get_by_role("link", name="1 failed").click()
    expect(page.locator("tbody tr")).to_contain_text("The file is damaged.")


def test_a_run_that_is_killed_is_shown_no_longer(page: Page, site: Site) -> None:
    page.goto("/documents")
    with writing(site.settings), Session(site.engine) as session:
        session.add(IngestRun(collection_id=1, total=40, done=7))
        session.commit()
        expect(page.locator(".run")).to_contain_text("7 of 40 files")
    expect(page.locator(".run")).to_have_count(0)


def test_deleting_works_without_javascript(chromium: Browser, site: Site) -> None:
    enter(site)
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/documents")
    page.get_by_role("button", name="Delete leave.txt").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Delete leave.txt")).to_be_visible()
    context.close()


def test_a_run_is_followed_and_its_files_appear(page: Page, site: Site) -> None:
    page.goto("/documents")
    with writing(site.settings), Session(site.engine) as session:
        run = IngestRun(collection_id=1, total=40, done=7)
        session.add(run)
        session.commit()
        expect(page.locator(".run")).to_contain_text("7 of 40 files")
        run.done = 30
        session.commit()
        expect(page.locator(".run")).to_contain_text("30 of 40 files")
        session.add(
            LedgerEntry(collection_id=1, root="/r", path="late.md", state="skipped", reason="The file is empty.")
        )
        run.finished_at = now()
        session.commit()
    expect(page.locator(".run")).to_have_count(0)
    expect(page.locator("#files tbody")).to_contain_text("late.md")


def test_files_are_dropped_anywhere_and_their_fate_is_told(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    assert page.evaluate(DROP, "# Dropped\n\nSome words.")
    expect(page.locator("#sending li")).to_contain_text("Sent")
    expect(page.locator("#upload-said")).to_contain_text("1 file was sent")
    expect(page.locator("#progress")).to_contain_text("handbook")
    kept = list(site.settings.uploads_path.rglob("dropped.md"))
    assert [path.read_text() for path in kept] == ["# Dropped\n\nSome words."]


def test_files_are_chosen_and_each_refusal_has_its_reason(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    page.set_input_files(
        "#upload-files",
        [
            {"name": "photo.heic", "mimeType": "image/heic", "buffer": b"x"},
            {"name": "old.doc", "mimeType": "application/msword", "buffer": b"x"},
            {"name": "empty.md", "mimeType": "text/markdown", "buffer": b""},
            {"name": "<b>plan</b>.md", "mimeType": "text/markdown", "buffer": b"# Plan"},
        ],
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#sending li")).to_have_count(4)
    lines = page.locator("#sending li")
    expect(lines.nth(0)).to_contain_text("Not sent: files of type .heic are not read.")
    expect(lines.nth(1)).to_contain_text("Not sent: files of type .doc are not read. Save it as .docx.")
    expect(lines.nth(2)).to_contain_text("Not sent: it is empty.")
    expect(page.locator("#sending")).to_contain_text("<b>plan</b>.md")
    expect(page.locator("#upload-said")).to_contain_text("1 file was sent")


def test_a_file_that_is_too_large_is_not_even_sent(chromium: Browser, settings: ServerSettings) -> None:
    with Site(settings.model_copy(update={"max_file_mb": 1})).served() as site:
        page = chromium.new_context(base_url=site.url).new_page()
        page.goto("/documents")
        page.set_input_files("#upload-files", [file("big.md", 1_100_000), file("../../small.md", 10)])
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("#sending li").nth(0)).to_contain_text("larger than the 1 MB that are read")
        expect(page.locator("#upload-said")).to_contain_text("1 file was sent")
        assert [path.name for path in site.settings.uploads_path.rglob("*.md")] == ["small.md"]
        page.context.close()


def test_sending_can_be_cancelled_and_leaves_nothing(again: Page, quick_site: Site) -> None:
    again.goto("/documents")
    network = again.context.new_cdp_session(again)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    network.send("Network.emulateNetworkConditions", slow)
    again.set_input_files("#upload-files", [file("slow.md", 3_000_000), file("never.md", 10), file("third.md", 10)])
    again.get_by_role("button", name="Upload").click()
    expect(again.locator("#sending li").nth(0)).to_contain_text("Sending")
    again.get_by_role("button", name="Do not send never.md").click()
    expect(again.locator("#sending li").nth(1)).to_contain_text("you cancelled it")
    again.get_by_role("button", name="Do not send slow.md").click()
    expect(again.locator("#sending li").nth(0)).to_contain_text("you cancelled it")
    expect(again.locator("#sending li").nth(2)).to_contain_text("Sent")
    expect(again.locator("#upload-said")).to_contain_text("1 file was sent")
    expect(again.locator("#progress")).to_contain_text("1 indexed")
    kept = [path.name for path in quick_site.settings.uploads_path.rglob("*") if path.is_file()]
    assert sorted(kept) == ["handbook.name", "third.md"]


def test_two_people_upload_at_once(again: Page, quick_site: Site) -> None:
    other = again.context.new_page()
    for page, name in ((again, "mine.md"), (other, "yours.md")):
        page.goto("/documents")
        page.set_input_files("#upload-files", [file(name, 50_000), file("both.md", 50_000)])
    for page in (again, other):
        page.get_by_role("button", name="Upload").click()
    for page in (again, other):
        expect(page.locator("#upload-said")).to_contain_text("2 files were sent")
        expect(page.locator("#progress")).to_contain_text("indexed")
    kept = [path.name for path in quick_site.settings.uploads_path.rglob("*.md")]
    assert sorted(kept) == ["both.md", "mine.md", "yours.md"]


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    reached = []
    for _ in range(90):
        page.keyboard.press("Tab")
        name, outlined = page.evaluate(FOCUSED)
        if name == "BODY":
            break
        assert outlined, name
        reached.append(name)
    wanted = [
        "upload-files",
        "upload-collection",
        "Upload",
        "q",
        "Search",
        "All",
        "1 failed",
        "Mark as seen for everybody",
        "Choose every file on this page",
        "Title",
    ]
    assert [name for name in reached if name in wanted] == wanted
    assert "Delete leave.txt" in reached
    assert "Folders" in reached


@pytest.mark.parametrize("path", ["/documents", "/settings", "/status", "/documents/collections/1"])
def test_large_letters_and_forced_colours_lose_nothing(page: Page, site: Site, path: str) -> None:
    enter(site)
    for width, scale in ((640, 2), (320, 4)):  # a screen of 1,280 px at 200% and 400%
        page.set_viewport_size({"width": width, "height": 1600 // scale})
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, scale)
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    page.goto(path)
    assert page.evaluate("document.getAnimations().length") == 0
    bare = page.evaluate(
        "[...document.querySelectorAll('main .button, main .outlined, main input:not("
        "[type=hidden], [type=file], [type=checkbox])')]"
        ".filter(e => getComputedStyle(e).borderTopStyle === 'none').map(e => e.outerHTML)"
    )
    assert bare == []  # a background alone is not seen there


def test_a_phone_needs_no_sideways_scrolling(phone: Page, site: Site) -> None:
    enter(site)
    with Session(site.engine) as session:
        session.add(LedgerEntry(collection_id=1, root="/r", path="x" * 300 + ".md", state="failed", reason="y" * 300))
        session.commit()
    for path in ("/documents", "/settings", "/status", "/documents/collections/1"):
        phone.goto(path)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_documents_status_and_settings_are_one_link_away(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Documents", exact=True).click()
    expect(page.get_by_role("heading", name="Documents", exact=True)).to_be_visible()
    page.get_by_role("link", name="Settings", exact=True).click()
    expect(page.get_by_role("heading", name="Password of the page")).to_be_visible()
    page.get_by_role("link", name="Status", exact=True).first.click()
    expect(page.get_by_role("heading", name="Health")).to_be_visible()
    expect(page.locator(".health li").first).to_be_visible()
