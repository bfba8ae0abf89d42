"""axe-core finds nothing to object to: every page and state, light and dark, desktop and phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session

from indexer.knowledge.database import writing
from indexer.knowledge.tables import IngestRun, LedgerEntry
from tests.browser.conftest import Watch
from tests.tiny_site import Site

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NOTHING_STICKS = """() => { const sheet = new CSSStyleSheet();
  sheet.replaceSync('.dock, .bar { position: static !important }');
  document.adoptedStyleSheets = [sheet]; }"""
"""A button that is half under the box would count as too small, though it can be scrolled from there."""
PAGES = [
    "/documents",
    "/documents?state=needs_ocr",
    "/documents?q=nothing",
    "/settings",
    "/settings?saved=model",
    "/status",
    "/documents/collections/1",
    "/login",
    "/documents/1?start=14&end=40",
    "/documents/999",
    "/language-model",
    "/conversations?search=x",
]


SIZES = [(1440, 900), (1280, 720), (390, 844), (844, 390), (720, 450)]  # the last is a laptop's at 200%
THEMES = ("light", "dark")


@pytest.fixture(params=[(theme, 1280, 800) for theme in THEMES] + [(theme, 360, 800) for theme in THEMES], ids=str)
def visitor(request: pytest.FixtureRequest, chromium: Browser, site: Site, watch: Watch) -> Iterator[Page]:
    yield from visit(chromium, site, watch, *request.param)


@pytest.fixture(params=[(theme, *size) for size in SIZES for theme in THEMES], ids=str)
def asker(request: pytest.FixtureRequest, chromium: Browser, site: Site, watch: Watch) -> Iterator[Page]:
    yield from visit(chromium, site, watch, *request.param)


def visit(chromium: Browser, site: Site, watch: Watch, theme: Any, width: int, height: int) -> Iterator[Page]:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run `make setup-dev`")
    context = chromium.new_context(
        base_url=site.url,
        viewport={"width": width, "height": height},
        color_scheme=theme,
        reduced_motion="reduce",
        has_touch=width < 900,
    )
    context.set_default_timeout(8000)
    yield watch.page(context)
    context.close()


def violations(page: Page, rules: list[str] = RULES) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.evaluate(NOTHING_STICKS)
    found: dict[str, Any] = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", rules)
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in found["violations"]]


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")


def test_no_state_of_the_chat_has_a_violation(asker: Page, site: Site) -> None:
    page = asker
    page.goto("/")
    assert violations(page) == []
    ask(page, "read hold")
    expect(page.locator(".meanwhile blockquote")).to_be_visible()
    assert violations(page) == []
    site.script.release()
    expect(page.locator(".answer .closed p")).to_be_visible()
    ask(page, "And travel?")
    expect(page.locator("#queued")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Take back").click()
    site.script.release()
    expect(page.locator('.turn:last-child[data-state="done"]')).to_be_visible()
    page.locator("a.edit").click()
    page.locator(".rename summary").click()
    page.get_by_role("button", name="This answer did not help").click()
    expect(page.get_by_label("What was wrong?")).to_be_visible()
    assert violations(page) == []
    for question, state in (
        ("unknown", ".turn:last-child[data-unanswered]"),
        ("fail", '.turn:last-child[data-state="failed"]'),
        ("quote", ".turn:last-child .extractive"),
        ("brief", ".turn:last-child .quotes[open]"),
        ("repeat", ".turn:last-child .quotes summary"),
        ("weak", ".turn:last-child .answer .weak"),
        ("hi", '.turn:last-child[data-state="done"] .fixed'),
    ):
        ask(page, question)
        expect(page.locator(state)).to_be_visible()
        assert violations(page) == []
    if page.locator(".bar").is_visible():
        page.locator(".bar").get_by_role("button", name="Conversations").click()
    page.get_by_label("Search your conversations").fill("portal")
    expect(page.locator("#conversations mark").first).to_be_attached()
    page.get_by_role("button", name="Colours").click()
    assert violations(page) == []
    page.reload()
    page.locator(".cite").first.click()
    expect(page.locator("#panel #quote")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_violation(visitor: Page, watch: Watch, path: str) -> None:
    watch.allow("404")
    visitor.goto(path)
    assert violations(visitor) == []


def test_no_state_of_the_documents_page_has_a_violation(visitor: Page, site: Site) -> None:
    page = visitor
    root = str(site.settings.data.parent / "documents")
    with writing(site.settings), Session(site.engine) as session:
        session.add(LedgerEntry(collection_id=1, root=root, path="a.pdf", state="failed", reason="It is damaged."))
        session.add(IngestRun(collection_id=1, total=9, done=4))
        session.commit()
        page.goto("/documents")
        expect(page.locator(".run")).to_be_visible()
        assert violations(page) == []
    expect(page.locator(".run")).to_have_count(0)
    refused = {"name": "a.exe", "mimeType": "x/y", "buffer": b"x"}
    page.set_input_files("#upload-files", [refused])  # type: ignore[list-item]
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#sending")).to_contain_text("files of type .exe are not read.")
    page.get_by_role("checkbox", name="Choose leave.txt").check()
    expect(page.locator("#several")).to_be_visible()
    page.locator("#collections summary").click()
    assert violations(page) == []
    page.get_by_role("button", name="Delete leave.txt").click()
    expect(page.locator(".undo")).to_be_visible()
    page.get_by_text("Folders", exact=True).click()
    assert violations(page) == []
    page.get_by_role("link", name="Parental leave", exact=True).click()
    expect(page.locator("#panel h2")).to_be_visible()
    assert violations(page) == []


def test_an_answer_has_the_higher_contrast(visitor: Page) -> None:
    visitor.goto("/")
    ask(visitor, "How much leave, in brief?")
    expect(visitor.locator(".quotes blockquote").first).to_be_visible()
    visitor.evaluate(AXE.read_text(encoding="utf-8"))
    found = visitor.evaluate(
        """() => axe.run('.answer, .quotes blockquote, .turn h2', { runOnly: ['color-contrast-enhanced'],
          rules: { 'color-contrast-enhanced': { enabled: true } } })"""
    )
    assert [node["html"] for one in found["violations"] for node in one["nodes"]] == []
