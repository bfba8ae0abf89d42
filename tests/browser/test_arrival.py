"""A language model that comes behind the page, as somebody sees it who asks meanwhile."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from server.runtime.model_arrival import Arrival, Stage
from tests.browser.asking import DONE, ask_and_wait
from tests.browser.test_accessibility import violations
from tests.server.fakes import ScriptedGenerator
from tests.tiny_site import Site

MODEL, TOTAL = "qwen2.5-coder-1.5b", 1_117_320_768
BANNER = "#arrival"
ENDED: tuple[tuple[Stage, str, str], ...] = (
    ("failed", "The hub cannot be reached.", "Try again"),
    ("too_large", f"The server has too little free memory for {MODEL}.", "Try again"),
    ("no_room", f"The disk of the server has too little room for {MODEL}.", "Try again"),
    ("cancelled", "", "Fetch it after all"),
)


def become(site: Site, stage: Stage, **more: Any) -> None:
    site.live.arrival.become(Arrival(stage, MODEL, **more))


def on_its_way(site: Site, done: int) -> None:
    become(site, "fetching", done=done, total=TOTAL)


def test_the_banner_counts_and_goes_by_itself_when_the_model_writes(page: Page, site: Site) -> None:
    on_its_way(site, 412_000_000)
    page.goto("/")
    banner = page.locator(BANNER)
    expect(banner).to_contain_text("Language model on its way (412 of 1,117 MB): answers are quotations until then.")
    expect(page.locator("#model")).to_contain_text("on its way")
    on_its_way(site, 730_000_000)
    expect(banner).to_contain_text("730 of 1,117 MB")
    become(site, "loading", why="Qwen2.5-Coder-1.5B loads (40%).")
    expect(banner).to_contain_text("Qwen2.5-Coder-1.5B loads (40%). Until then answers are quotations.")
    site.live.generator = ScriptedGenerator(name=MODEL)
    become(site, "ready")
    expect(banner).to_be_hidden()
    expect(page.locator("#model")).to_have_text(MODEL)
    expect(page.locator("#announcer")).to_have_text("The language model is there. From now on it writes the answers.")


def test_numbers_that_change_are_not_read_out(page: Page, site: Site) -> None:
    on_its_way(site, 1_000_000)
    page.goto("/")
    on_its_way(site, 500_000_000)
    expect(page.locator(BANNER)).to_contain_text("500 of 1,117 MB")
    expect(page.locator("#announcer")).to_be_empty()
    assert page.locator(f"{BANNER} [aria-live], {BANNER} [role=status], {BANNER} [role=alert]").count() == 0


def test_it_is_cancelled_and_fetched_after_all_with_the_keyboard(page: Page, site: Site) -> None:
    on_its_way(site, 412_000_000)
    page.goto("/")
    page.get_by_role("button", name="Cancel").focus()
    on_its_way(site, 500_000_000)
    expect(page.locator(BANNER)).to_contain_text("500 of 1,117 MB")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(BANNER)).to_contain_text("The language model is not fetched: that was cancelled.")
    again = page.get_by_role("button", name="Fetch it after all")
    expect(again).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(BANNER)).to_contain_text("Until then answers are quotations.")
    assert site.live.arrival.state.stage == "loading"


def test_asking_goes_on_beside_it(page: Page, site: Site) -> None:
    on_its_way(site, 412_000_000)
    page.goto("/")
    page.fill("#question", "How much")
    on_its_way(site, 500_000_000)
    expect(page.locator(BANNER)).to_contain_text("500 of 1,117 MB")
    expect(page.locator("#question")).to_have_value("How much")
    expect(page.locator("#question")).to_be_focused()
    ask_and_wait(page, "quote me")
    expect(page.locator(".remark")).to_contain_text("no language model is in use")
    expect(page.locator(BANNER)).to_be_in_viewport()
    on_its_way(site, 600_000_000)
    expect(page.locator(BANNER)).to_contain_text("600 of 1,117 MB")
    ask_and_wait(page, "And travel?")
    expect(page.locator(DONE)).to_be_visible()


def test_a_server_that_is_restarted_meanwhile_is_not_complained_of(page: Page, watch: Any, site: Site) -> None:
    watch.allow("net::ERR")
    watch.allow("htmx:sendError")
    watch.allow("[object")
    on_its_way(site, 412_000_000)
    page.goto("/")
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.route("**/language-model/arrival**", lambda route: route.abort())
    page.wait_for_event("requestfailed")
    expect(page.locator("#notice")).to_be_empty()
    page.unroute("**/language-model/arrival**")
    on_its_way(site, 500_000_000)
    expect(page.locator(BANNER)).to_contain_text("500 of 1,117 MB")


@pytest.mark.parametrize(("stage", "why", "button"), ENDED)
def test_where_none_came_the_page_says_why_and_offers_to_try_again(
    page: Page, site: Site, stage: Stage, why: str, button: str
) -> None:
    become(site, stage, why=why)
    page.goto("/")
    expect(page.locator(BANNER)).to_contain_text(why)
    expect(page.locator(BANNER)).to_contain_text("Answers are quotations.")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("button", name=button)).to_have_count(0)


def test_the_settings_page_follows_it(page: Page, site: Site) -> None:
    on_its_way(site, 412_000_000)
    page.goto("/status")
    expect(page.locator(".health").first).to_contain_text("Language model: On its way")
    on_its_way(site, 500_000_000)
    expect(page.locator(BANNER)).to_contain_text("500 of 1,117 MB")
    become(site, "failed", why="The hub cannot be reached.")
    expect(page.locator(".health").first).to_contain_text("Language model: None in use")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".health").first).to_contain_text("Language model: On its way")


@pytest.mark.parametrize("stage", ["fetching", "loading", "failed"])
@pytest.mark.parametrize("path", ["/", "/status"])
def test_no_state_of_it_has_a_violation(page: Page, site: Site, stage: Stage, path: str) -> None:
    become(site, stage, done=5, total=TOTAL, why="The hub cannot be reached.")
    page.goto(path)
    assert violations(page) == []


def test_on_a_phone_it_fits_and_can_be_pressed(phone: Page, site: Site) -> None:
    on_its_way(site, 412_000_000)
    phone.goto("/")
    box = phone.get_by_role("button", name="Cancel").bounding_box()
    assert box
    assert box["height"] >= 44
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ask_and_wait(phone, "quote me")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
