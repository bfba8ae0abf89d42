"""The chat for everyone: at 200% zoom, on a narrow phone, in forced colours, without motion, by keyboard, by ear."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.asking import DONE, LAST, RUNNING, add_collection, ask, ask_and_wait, states
from tests.browser.conftest import Watch
from tests.tiny_site import Site

FITS = "document.documentElement.scrollWidth <= innerWidth"
LISTEN = """window.heard = []; new MutationObserver((changes) => {
  for (const { target } of changes) {
    const element = target.closest ? target : target.parentElement;
    const region = element?.closest("[role=status], [role=alert], [aria-live]");
    const words = region?.textContent.trim();
    if (words) window.heard.push(words);
  }
}).observe(document.body, { childList: true, subtree: true, characterData: true });"""
LOOK = """(element) => { const style = getComputedStyle(element);
  return { outline: style.outlineStyle, border: style.borderTopStyle, colour: style.backgroundColor }; }"""


@pytest.fixture
def opened(chromium: Browser, site: Site, watch: Watch) -> Iterator[Any]:
    """Opens a page in a browser that is set up as the keywords say."""
    contexts = []

    def open_page(**settings: Any) -> Page:
        context = chromium.new_context(base_url=site.url, **settings)
        context.set_default_timeout(8000)
        contexts.append(context)
        return watch.page(context)

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    "screen",
    [
        {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
        {"viewport": {"width": 360, "height": 640}, "has_touch": True},
        {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4},
    ],
    ids=["200%", "phone", "400%"],
)
def test_every_state_fits_a_small_screen(opened: Any, site: Site, tmp_path: Path, screen: dict[str, Any]) -> None:
    add_collection(site, tmp_path)
    page = opened(**screen)
    for state in states(page, site):
        assert page.evaluate(FITS), state
        box = page.locator(".composer").bounding_box()
        assert box, state
        assert box["height"] <= 0.55 * screen["viewport"]["height"], f"the box leaves no room: {state}"
        assert page.locator("#question").evaluate("(box) => box.clientWidth > 120"), state


def test_forced_colours_keep_what_colour_says(opened: Any, site: Site) -> None:
    page = opened(forced_colors="active")
    page.goto("/")
    assert page.locator(".send").evaluate(LOOK)["border"] == "solid"
    page.get_by_role("button", name="Colours").click()
    chosen, other = (page.get_by_role("button", name=name).evaluate(LOOK)["colour"] for name in ("System", "Dark"))
    assert chosen != other
    page.keyboard.press("Escape")
    ask(page, "hold")
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    paper = page.locator("body").evaluate(LOOK)["colour"]
    caret = "(open) => getComputedStyle(open, '::after').backgroundColor"
    assert page.locator(".answer .open > :last-child").evaluate(caret) != paper
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    page.locator(".cite").first.click()
    assert page.locator("#panel #quote").evaluate(LOOK)["colour"] != paper
    page.keyboard.press("Escape")
    assert page.locator(".cite").first.evaluate(LOOK)["outline"] == "solid"  # it has the focus again
    helped = page.get_by_role("button", name="This answer helped")
    helped.click()
    expect(page.get_by_role("button", name="This answer helped")).to_have_attribute("aria-pressed", "true")
    assert page.get_by_role("button", name="This answer helped").evaluate(LOOK)["colour"] != paper


def test_nothing_moves_for_who_wants_no_motion(opened: Any, site: Site) -> None:
    page = opened(reduced_motion="reduce")
    for state in states(page, site):
        assert page.evaluate("document.getAnimations().length") == 0, state


def test_everything_by_keyboard(page: Page, site: Site) -> None:
    page.goto("/conversations")  # where no box takes the focus
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.goto("/")
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("/")
    page.keyboard.type("How much leave? hold")
    page.keyboard.press("Enter")
    expect(page.locator(f"{LAST} .answer .closed")).to_contain_text("You have 25 days")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f'{LAST}[data-state="stopped"]')).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("How much leave?")
    page.keyboard.press("Enter")
    expect(page.locator(DONE)).to_be_visible()
    tab_to(page, f"{LAST} .card >> nth=0")
    tab_to(page, f"{LAST} .cite >> nth=0")
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_be_focused()
    tab_to(page, "#panel .close")
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_empty()
    expect(page.locator(f"{LAST} .cite").first).to_be_focused()
    page.locator(f"{LAST} .card").first.focus()
    page.keyboard.press("Shift+Tab")
    expect(page.locator(f"{LAST} a.edit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".edit textarea")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(f"{LAST} a.edit")).to_be_focused()
    tab_to(page, "[aria-label='This answer did not help'] >> nth=-1")
    page.keyboard.press("Enter")
    tab_to(page, "input[name=remark]")
    page.keyboard.type("Too long.")
    page.keyboard.press("Enter")
    expect(page.locator(f"{LAST} .turn-foot")).to_contain_text("Thank you")
    page.locator("main").focus()
    tab_to(page, ".delete button")
    page.keyboard.press("Enter")
    tab_to(page, ".undo button")
    page.keyboard.press("Enter")
    expect(page.locator(DONE)).to_be_visible()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until it has the focus; every stop on the way shows that it has it."""
    wanted = page.locator(selector)
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{selector} cannot be reached with Tab")


def test_a_streaming_answer_is_announced_once(page: Page, site: Site) -> None:
    page.goto("/")
    page.evaluate(LISTEN)
    for _ in range(2):  # the second time the same words must be heard again
        page.evaluate("window.heard.length = 0")
        ask(page, "hold")
        expect(page.locator(f"{RUNNING} .answer .closed")).to_contain_text("You have 25 days")
        site.script.release()
        expect(page.locator(DONE)).to_be_visible()
        expect(page.locator("#announcer")).to_have_text("Answer ready")
        assert page.evaluate("window.heard") == ["Answer ready"]


def test_landmarks_and_headings_lead_through_a_conversation(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    ask_and_wait(page, "unknown")
    tree = page.locator("body").aria_snapshot()
    for line in ('- navigation "Conversations"', "- main", '- heading "How much leave?" [level=1]'):
        assert line in tree, tree
    assert page.locator("h2").all_text_contents()[-2:] == ["How much leave?", "unknown"]
    tags = page.locator(":is(h1, h2, h3, h4, h5, h6)").evaluate_all("(all) => all.map((one) => one.tagName)")
    assert all(int(after[1]) <= int(before[1]) + 1 for before, after in pairwise(tags)), tags
    assert page.locator("[aria-busy], [aria-live]").count() == 0
    assert page.get_by_role("status").count() <= 2  # the announcer, and the length of what is typed
    unnamed = page.locator("main :is(button, a, input:not([type=hidden]), textarea, select)").evaluate_all(
        """(all) => all.filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length))
          .map((one) => one.outerHTML)"""
    )
    assert unnamed == []
