"""The documents page and the settings page in a real Chromium."""

from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session

from indexer.database import writing
from indexer.models import IngestRun, LedgerEntry, now
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
    page.get_by_role("link", name="Annual leave").click()
    expect(page.locator("#panel")).to_contain_text("Every employee has 25 days")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_empty()


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


def test_undo_stays_while_a_run_ends(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    page.get_by_role("button", name="Delete leave.txt").click()
    expect(page.locator(".undo")).to_be_visible()
    end_a_run(site, "late.md")
    expect(page.locator("tbody")).to_contain_text("late.md")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Delete leave.txt")).to_be_visible()
    expect(page.locator(".undo")).to_have_count(0)


def test_the_keyboard_stays_where_it_is_while_a_run_ends(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    page.get_by_role("button", name="Delete leave.txt").focus()
    end_a_run(site, "late.md")
    expect(page.locator("tbody")).to_contain_text("late.md")
    expect(page.get_by_role("button", name="Delete leave.txt")).to_be_focused()


def test_failures_leave_the_top_when_they_were_seen(page: Page, site: Site) -> None:
    enter(site)
    page.goto("/documents")
    expect(page.locator("tbody tr").nth(0)).to_contain_text("broken.pdf")
    expect(page.locator("tbody tr").nth(1)).to_contain_text("scan.pdf")
    expect(page.locator(".unseen")).to_contain_text("2 files could not be read.")
    page.get_by_role("button", name="Mark as seen").click()
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
    expect(page.locator("tbody")).to_contain_text("late.md")


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
            {"name": "program.exe", "mimeType": "application/x", "buffer": b"x"},
            {"name": "<b>plan</b>.md", "mimeType": "text/markdown", "buffer": b"# Plan"},
        ],
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#sending li")).to_have_count(2)
    expect(page.locator("#sending")).to_contain_text("<b>plan</b>.md")
    expect(page.locator("#progress")).to_contain_text("Files of type .exe are not read.", timeout=30_000)


def test_a_phone_needs_no_sideways_scrolling(phone: Page, site: Site) -> None:
    enter(site)
    with Session(site.engine) as session:
        session.add(LedgerEntry(collection_id=1, root="/r", path="x" * 300 + ".md", state="failed", reason="y" * 300))
        session.commit()
    for path in ("/documents", "/settings"):
        phone.goto(path)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_settings_are_one_link_away(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Health")).to_be_visible()
    expect(page.locator(".health li").first).to_be_visible()
