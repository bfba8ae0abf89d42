"""The source panel: it moves nothing, always says what it shows, shows the page of a PDF and a sheet as a grid."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from server.answering.events import Evidence, Question
from tests.browser.asking import DONE, ask
from tests.browser.conftest import Watch
from tests.browser.test_accessibility import AXE, violations
from tests.pdf_documents import NOTICE, RULE, add_file, handbook, wide
from tests.tiny_site import QUOTES, Script, Site, evidence_of

SIZES = [(390, 844), (844, 390), (720, 450), (1280, 720), (1440, 900)]
WIDTHS = [900, 1024, 1199, 1280, 1366, 1440, 1600, 1920]
EVERY_SHIFT = """window.shift = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: false });"""
REMEMBER = "([x, y]) => { window.under = document.elementFromPoint(x, y); return window.under !== null; }"
SAME = "([x, y]) => document.elementFromPoint(x, y) === window.under"
UNCOVERED = """(mark) => { const box = mark.getClientRects()[0], panel = document.getElementById('panel');
  const bar = document.querySelector('.source-bar').getBoundingClientRect();
  return box.top >= bar.bottom && box.bottom <= innerHeight; }"""


class BookScript(Script):
    """Quotes a PDF first; what is quoted of it as the second and third does not stand there any more."""

    book = 0

    def _evidence(self, question: Question) -> tuple[Evidence, ...]:
        book = self.catalog.document(self.book, question.scope)
        return evidence_of(([book] if book else []) + self.found(question), question.following)


@pytest.fixture
def root(site: Site) -> Path:
    return site.settings.data.parent / "documents"


@pytest.fixture
def book(site: Site, root: Path) -> int:
    script = BookScript(site.catalog)
    script.book = add_file(site.engine, root, "rules/book.pdf", handbook(12))
    site.script = script
    return script.book


@pytest.fixture
def opened(chromium: Browser, site: Site, watch: Watch) -> Iterator[Any]:
    contexts = []

    def open_page(width: int, height: int, **settings: Any) -> Page:
        size = {"width": width, "height": height}
        context = chromium.new_context(base_url=site.url, viewport=size, reduced_motion="reduce", **settings)
        context.set_default_timeout(8000)
        contexts.append(context)
        return watch.page(context)

    yield open_page
    for context in contexts:
        context.close()


def answered(page: Page) -> None:
    page.goto("/")
    ask(page, "How much leave?")
    expect(page.locator(DONE)).to_be_visible()
    page.mouse.move(1, 1)


def address(site: Site, document: int, words: str, more: str = "") -> str:
    found = site.catalog.document(document, site.catalog.everything())
    assert found is not None
    at = found.text.index(words)
    return f"/documents/{document}?start={at}&end={at + len(words)}{more}#quote"


def in_view(page: Page, element: Locator) -> bool:
    box, size = element.bounding_box(), page.viewport_size
    assert box
    assert size
    return box["y"] >= 0 and box["y"] + box["height"] <= size["height"] and box["x"] + box["width"] <= size["width"]


@pytest.mark.parametrize("width", WIDTHS)
def test_opening_and_closing_moves_nothing(opened: Any, width: int) -> None:
    page = opened(width, 800)
    answered(page)
    page.evaluate(EVERY_SHIFT)
    for target in (".card >> nth=0", ".card >> nth=2", ".cite >> nth=0", ".cite >> nth=-1"):
        link = page.locator(target)
        link.scroll_into_view_if_needed()
        box = link.bounding_box()
        assert box
        point = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        assert page.evaluate(REMEMBER, point)
        page.evaluate("window.shift = 0")
        page.mouse.click(*point)
        expect(page.locator("#panel h2")).to_be_focused()
        assert page.evaluate(SAME, point), target
        page.wait_for_timeout(100)
        page.keyboard.press("Escape")
        expect(page.locator("#panel")).to_be_hidden()
        page.wait_for_timeout(50)
        assert page.evaluate(SAME, point), target
        assert page.evaluate("window.shift") == 0, target


def test_a_table_of_documents_stays_too(opened: Any) -> None:
    page = opened(1280, 800)
    page.goto("/documents")
    page.evaluate(EVERY_SHIFT)
    link = page.get_by_role("link", name="Annual leave", exact=True)
    box = link.bounding_box()
    assert box
    point = [box["x"] + 5, box["y"] + 5]
    assert page.evaluate(REMEMBER, point)
    page.mouse.click(*point)
    expect(page.locator("#panel h2")).to_be_focused()
    assert page.evaluate(SAME, point)
    page.wait_for_timeout(100)
    assert page.evaluate("window.shift") == 0
    expect(link).to_have_attribute("aria-current", "true")


def test_what_is_open_is_shown_as_open(page: Page) -> None:
    answered(page)
    current = page.locator('main [aria-current="true"]')
    look = "(link) => getComputedStyle(link).backgroundColor"
    before = page.locator(".cite").first.evaluate(look)
    page.locator(".card").nth(1).click()
    expect(current).to_have_count(1)
    expect(page.locator(".card").nth(1)).to_have_attribute("aria-current", "true")
    page.locator(".cite").first.click()
    expect(page.locator(".cite").first).to_have_attribute("aria-current", "true")
    expect(page.locator(".card").first).to_have_attribute("aria-current", "true")
    assert page.locator(".cite").first.evaluate(look) != before
    expect(current).to_have_count(2)
    arrow = page.get_by_role("link", name="Next citation")
    box = arrow.bounding_box()
    assert box
    for number in range(2, 6):
        page.mouse.click(box["x"] + 20, box["y"] + 20)  # it stays under the pointer
        expect(page.locator("#panel .source-bar")).to_contain_text(f"Citation {number} of 5")
    expect(page.locator("#panel .source-bar")).to_contain_text("Citation 5 of 5")
    expect(page.locator(".cite").nth(4)).to_have_attribute("aria-current", "true")
    expect(page.locator(".card").nth(1)).to_have_attribute("aria-current", "true")
    expect(current).to_have_count(2)
    page.keyboard.press("Escape")
    expect(current).to_have_count(0)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_the_source_is_stays_in_view(opened: Any, width: int, height: int) -> None:
    page = opened(width, height, has_touch=width < 900)
    answered(page)
    page.locator(".cite").nth(1).click()
    expect(page.locator("#panel #quote")).to_be_visible()
    page.locator("#panel").evaluate("(panel) => panel.scrollBy(0, 400)")
    bar = page.locator("#panel .source-bar")
    for part in (
        bar.get_by_role("heading", name="Annual leave"),
        bar.get_by_text("leave.txt"),
        bar.get_by_role("link", name="Open original"),
        bar.get_by_role("link", name="Previous citation"),
        bar.get_by_role("link", name="Next citation"),
        bar.get_by_role("button", name="Close the source"),
    ):
        expect(part).to_be_visible()
        assert in_view(page, part)
    assert bar.bounding_box()["height"] <= max(60, 0.16 * height)
    for target in bar.locator("a, button").all():
        box = target.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#panel").evaluate("(panel) => panel.scrollWidth <= panel.clientWidth")


def test_the_page_of_a_pdf_is_shown_with_the_words_marked(page: Page, site: Site, book: int) -> None:
    answered(page)
    page.locator(".cite").first.click()
    picture = page.get_by_role("img", name="Page 1 as it looks; the quoted words are marked")
    expect(picture).to_be_visible()
    page.wait_for_function("() => document.querySelector('.sheet img').naturalWidth > 0")
    page.wait_for_timeout(200)  # whatever else scrolls has scrolled
    assert page.locator("rect#quote").evaluate(UNCOVERED)
    sheet, mark = page.locator(".sheet img").bounding_box(), page.locator("rect#quote").bounding_box()
    assert sheet
    assert mark
    scale = sheet["width"] / 612
    assert mark["x"] - sheet["x"] == pytest.approx(72 * scale, abs=3)
    assert mark["y"] - sheet["y"] == pytest.approx((792 - 700) * scale, abs=4)
    page.get_by_role("link", name="Text", exact=True).click()
    expect(page.locator("#panel mark")).to_have_text(RULE)
    page.get_by_role("link", name="Page", exact=True).click()
    expect(page.locator("rect#quote")).to_be_attached()
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#panel .page-mark")).to_have_text("Page 2 of 12")
    expect(page.locator(".cite").first).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Back to the quoted words").click()
    expect(page.locator("rect#quote")).to_be_attached()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#panel")).to_contain_text("This document has changed since.")
    expect(page.locator("#panel blockquote")).to_have_text(QUOTES[1][1])


@pytest.mark.parametrize(("scale", "width"), [(1, 640), (2, 960), (3, 1440)])
def test_a_sharp_screen_has_a_larger_picture(opened: Any, site: Site, book: int, scale: int, width: int) -> None:
    page = opened(1280, 720, device_scale_factor=scale)
    answered(page)
    page.locator(".cite").first.click()
    page.wait_for_function("() => document.querySelector('.sheet img')?.naturalWidth > 0")
    assert f"width={width}" in page.locator(".sheet img").evaluate("(picture) => picture.currentSrc")


def test_a_picture_that_does_not_come_is_told(page: Page, site: Site, book: int, watch: Watch) -> None:
    watch.allow("Failed to load resource")
    page.route("**/pages/*", lambda route: route.abort())
    answered(page)
    page.locator(".cite").first.click()
    expect(page.locator("#panel")).to_contain_text("The page could not be shown just now.")
    page.get_by_role("link", name="Read its text").click()
    expect(page.locator("#panel mark")).to_have_text(RULE)


def test_a_changed_a_removed_and_an_undrawable_page_are_text(page: Page, site: Site, root: Path, book: int) -> None:
    huge = add_file(site.engine, root, "wide.pdf", wide())
    page.goto(address(site, huge, RULE))
    expect(page.locator(".source-remark")).to_contain_text("This page has a size that cannot be shown.")
    assert page.locator("mark#quote").evaluate("(mark) => mark.getBoundingClientRect().bottom <= innerHeight")
    (root / "rules/book.pdf").write_bytes(handbook(1))
    page.goto(address(site, book, RULE))
    expect(page.locator(".source-remark")).to_contain_text("The file has changed since it was indexed.")
    (root / "rules/book.pdf").unlink()
    page.reload()
    expect(page.locator(".source-remark")).to_contain_text("The file is not there any more.")
    expect(page.locator("mark#quote")).to_have_text(RULE)


def test_without_javascript_the_page_is_shown_too(opened: Any, site: Site, book: int) -> None:
    page = opened(1280, 720, java_script_enabled=False)
    with page.expect_response(lambda answer: "/pages/1" in answer.url) as picture:
        page.goto(address(site, book, NOTICE))
    assert picture.value.status == 200
    mark, bar = page.locator("rect#quote").bounding_box(), page.locator(".source-bar").bounding_box()
    assert mark
    assert bar
    assert bar["y"] + bar["height"] <= mark["y"] <= 720
    assert page.locator(".sheet rect").count() == 2
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".page-mark")).to_have_text("Page 2 of 12")
    page.goto(address(site, book, NOTICE))
    page.get_by_role("link", name="Text", exact=True).click()
    expect(page.locator("mark")).to_have_text(NOTICE)


def prices(site: Site, root: Path) -> str:
    """The address of a row in the middle of a wide sheet."""
    names = ",".join(["Article", *(f"Store number {n}" for n in range(30))])
    rows = "\n".join(f"Article {n}," + ",".join(str(n * m) for m in range(30)) for n in range(300))
    document = add_file(site.engine, root, "prices.csv", f"{names}\n{rows}\n".encode())
    found = site.catalog.document(document, site.catalog.everything())
    assert found is not None
    return address(site, document, next(line for line in found.text.splitlines() if line.startswith("Article 150 ")))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_sheet_scrolls_under_its_names(opened: Any, site: Site, root: Path, width: int, height: int) -> None:
    page = opened(width, height)
    page.goto(prices(site, root))
    grid = page.locator(".grid", has=page.locator("#quote"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("th.cited")).to_have_text("Article 150")
    assert page.locator("td.cited").count() == 30
    row = page.locator("th.cited")
    assert in_view(page, row)
    header, first = grid.locator('th[scope="col"]').first.bounding_box(), row.bounding_box()
    assert header
    assert first
    assert first["y"] >= header["y"] + header["height"] - 1  # not under the names
    grid.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.grid:has(#quote)').scrollLeft > 50")
    top = grid.locator('th[scope="col"]').nth(3).bounding_box()
    outer, cell = grid.bounding_box(), row.bounding_box()
    assert top
    assert outer
    assert cell
    assert abs(top["y"] - outer["y"]) <= 2
    assert abs(cell["x"] - outer["x"]) <= 2


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_source_has_a_violation(
    opened: Any, site: Site, root: Path, book: int, theme: str, width: int, height: int
) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run `make setup-dev`")
    page = opened(width, height, color_scheme=theme)
    answered(page)
    page.locator(".cite").first.click()
    expect(page.locator("rect#quote")).to_be_attached()
    assert violations(page) == []
    page.get_by_role("link", name="Text", exact=True).click()
    expect(page.locator("#panel mark")).to_have_text(RULE)
    assert violations(page) == []
    page.get_by_role("link", name="Next citation").click()
    expect(page.locator("#panel")).to_contain_text("This document has changed since.")
    assert violations(page) == []
    for opened_page in (prices(site, root), address(site, book, RULE)):
        page.goto(opened_page)
        expect(page.locator("#quote")).to_be_attached()
        assert violations(page) == []
