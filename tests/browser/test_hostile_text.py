"""Hostile text in a real Chromium, on a screen of 360 px: it runs nothing, fetches nothing, and stays readable."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from indexer.knowledge.database import writing
from server.settings import ServerSettings
from tests.browser.conftest import Watch
from tests.hostile import QUESTION, TAGS, UPLOAD_INTO, HostileSite, addresses, hostile, write_conversations

REPORTS = "document.addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.blockedURI))"


@pytest.fixture
def site(settings: ServerSettings) -> Iterator[HostileSite]:
    with HostileSite(settings).served() as site:
        assert isinstance(site, HostileSite)
        with writing(site.settings):  # so that its run goes on
            yield site


@pytest.fixture
def reader(phone: Page, watch: Watch) -> Page:
    watch.allow("the server responded with a status of 4")  # pages that are not there are a part of the tour
    phone.add_init_script(REPORTS)
    return phone


def check(page: Page) -> None:
    """Nothing to scroll sideways for, and the words are there to be read as they were written."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    assert page.title() != "owned"
    seen = "[...document.querySelectorAll('main > *')].map((part) => { const copy = part.cloneNode(true);"
    seen += " copy.querySelectorAll('noscript').forEach((one) => one.remove()); return copy.innerHTML; }).join('')"
    if "script&gt;" in page.evaluate(seen):
        shown = page.evaluate("[document.body.innerText, ...[...document.querySelectorAll('input')].map(i => i.value)]")
        assert any("<script>alert(1)" in text for text in shown), page.url


def test_every_page_stays_inert(reader: Page) -> None:
    def post(address: str, form: dict[str, str]) -> tuple[str, str]:
        answer = reader.request.post(address, form=form)
        return answer.url.removeprefix(reader.url.rstrip("/")).partition("#")[0], answer.text()

    reader.goto("/")
    conversations = [address for address, _ in write_conversations(post)]
    for address in [*conversations, *addresses()]:
        if "/turns/" in address or "/pages/" in address or address.endswith("/original"):
            continue
        reader.goto(address)
        check(reader)


def test_what_is_typed_and_streamed_stays_inert(reader: Page, site: HostileSite) -> None:
    reader.goto("/")
    reader.fill("#question", f"{QUESTION} hold")
    reader.get_by_role("button", name="Ask", exact=True).click()
    expect(reader.locator(".answer .closed")).to_contain_text("zqanswer<script>")
    expect(reader.locator(".card").first).to_contain_text("zqheading<script>")
    check(reader)
    site.script.release()
    expect(reader.locator('.turn[data-state="done"]')).to_be_visible()
    check(reader)
    for mark in reader.locator(".cite").all():
        mark.click()
        expect(reader.locator("#panel #quote")).to_be_visible()
        check(reader)
        reader.keyboard.press("Escape")
    reader.get_by_role("button", name="This answer did not help").click()
    reader.get_by_label("What was wrong?").fill(hostile("remark", "w" * 500))
    reader.get_by_role("button", name="Send").click()
    expect(reader.get_by_text("Thank you")).to_be_visible()
    reader.locator(".rename summary").click()
    reader.get_by_label("Title", exact=True).fill(hostile("renamed", "w" * 50))
    reader.get_by_role("button", name="Save").click()
    reader.get_by_role("button", name="Conversations").click()
    expect(reader.locator("#conversations")).to_contain_text("zqrenamed<script>")
    check(reader)


def test_files_and_collections_stay_inert(reader: Page) -> None:
    reader.goto("/documents?state=failed")
    reader.fill("#upload-collection", UPLOAD_INTO)
    names = [f"{TAGS}good.md", f"{TAGS}\u202edm.bad.md", f"zq{TAGS}.exe"]
    files = [{"name": name, "mimeType": "text/markdown", "buffer": b"# Words"} for name in names]
    reader.set_input_files("#upload-files", files)  # type: ignore[arg-type]
    reader.get_by_role("button", name="Upload").click()
    expect(reader.locator("#sending li").first).to_contain_text("Sent")
    expect(reader.locator("#progress")).to_contain_text("zqoutcome<script>", timeout=20_000)
    expect(reader.locator("#progress")).to_contain_text("zqupload<img")
    check(reader)
    reader.get_by_role("button", name="Delete zqfile").first.click()
    expect(reader.locator(".undo")).to_contain_text("zqfile<script>")
    check(reader)
    reader.get_by_role("button", name="Undo").click()
    reader.get_by_role("button", name="Mark as seen").click()
    expect(reader.locator(".unseen")).to_have_count(0)
    reader.goto("/documents?collection=1")
    reader.locator('tbody a[href="/documents/1"]').first.click()
    expect(reader.locator("#panel")).to_contain_text("zqbody<script>")
    check(reader)
