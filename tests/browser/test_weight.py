"""What the page weighs, and that nothing on it moves by itself: measured in a real Chromium, without a clock."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from server.app import Parts
from server.settings import ServerSettings
from tests.browser.asking import DONE, ask
from tests.browser.conftest import Watch
from tests.server.fakes import no_generator, open_fake_retriever, serving
from tests.tiny_site import Site

FIRST_VIEW = 60_000  # bytes on the wire, headers included
SHIFT = 0.02
WATCH_SHIFTS = """window.shift = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });"""
FORGET_INPUT = 600  # milliseconds; a shift within 500 of a key press would be excused


def test_the_first_view_is_small_and_all_from_here(context: BrowserContext, settings: ServerSettings) -> None:
    parts = Parts(open_retriever=open_fake_retriever, open_generator=no_generator)
    sizes: dict[str, int] = {}
    asked: dict[str, str] = {}
    with serving(settings, parts) as url:  # the whole application, which compresses
        page = context.new_page()
        client = context.new_cdp_session(page)
        client.on(
            "Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]["url"]})
        )
        client.on(
            "Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]})
        )
        client.send("Network.enable")
        page.goto(url, wait_until="networkidle")
        page.close()
    assert [address for address in asked.values() if not address.startswith((url, "data:"))] == []
    assert len(sizes) >= 5  # the page, its styles, its scripts
    assert sum(sizes.values()) < FIRST_VIEW, sizes


@pytest.mark.parametrize("question", ["How much leeve? hold", "unknown", "quote", "please fail"])
def test_nothing_moves_from_the_first_word_to_the_end(page: Page, site: Site, question: str) -> None:
    page.goto("/")
    page.evaluate(WATCH_SHIFTS)
    page.fill("#question", question)
    site.script.wait_before_searching = True
    page.press("#question", "Enter")
    expect(page.locator('.turn[data-state="running"]')).to_be_visible()
    page.wait_for_timeout(FORGET_INPUT)
    site.script.release()
    if "hold" in question:
        expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
        site.script.release()
    expect(page.locator('.turn:not([data-state="running"])')).to_be_visible()
    page.wait_for_timeout(200)
    assert page.evaluate("window.shift") < SHIFT


def test_an_answer_in_a_long_conversation_moves_nothing(page: Page, site: Site, watch: Watch) -> None:
    page.goto("/")
    ask(page, "How much leave?")
    expect(page.locator(DONE)).to_be_visible()
    address = page.url.rpartition("/")[2]
    for number in range(20):
        form = {"question": f"{number}. How much leave?", "conversation": address}
        page.request.post("/ask", form=form, max_redirects=0)
    page.goto(f"/c/{address}")
    page.evaluate(WATCH_SHIFTS)
    ask(page, "hold")
    expect(page.locator(".turn:last-child .answer .closed")).to_contain_text("You have 25 days")
    page.wait_for_timeout(FORGET_INPUT)
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    page.wait_for_timeout(200)
    assert page.evaluate("window.shift") < SHIFT
    assert page.locator(".turn:last-child h2").evaluate("(heading) => heading.getBoundingClientRect().top") >= 0
