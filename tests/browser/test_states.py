"""States of the chat that test_chat.py does not go through, each in a real Chromium."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.asking import ask, ask_and_wait
from tests.browser.conftest import Watch
from tests.tiny_site import Site, add_document


def test_what_was_searched_for_is_shown_and_kept(page: Page, site: Site) -> None:
    page.goto("/")
    ask(page, "How much leeve? hold")
    line = page.locator(".turn:last-child .searched")
    expect(line).to_have_text("Searched for: How much leave? hold")
    site.script.release()
    expect(page.locator('.turn[data-state="done"]')).to_be_visible()
    expect(line).to_have_text("Searched for: How much leave? hold")
    page.reload()
    expect(line).to_have_text("Searched for: How much leave? hold")
    ask_and_wait(page, "And travel?")
    expect(line).to_have_text("Searched together with “How much leeve? hold”")


def test_the_chosen_collection_is_remembered(page: Page, site: Site, tmp_path: Path) -> None:
    add_document(site.engine, tmp_path, "dental.txt", "Dental", [("paragraph", "Twice a year.", 0, None)], 2)
    page.goto("/")
    page.select_option("#collection", "handbook")
    ask_and_wait(page)
    expect(page.locator("#collection")).to_have_value("handbook")
    page.reload()
    expect(page.locator("#collection")).to_have_value("handbook")
    page.goto("/")
    expect(page.locator("#collection")).to_have_value("")


def test_a_paste_that_will_not_fit_says_so_before_it_is_sent(page: Page, site: Site) -> None:
    page.goto("/")
    page.fill("#question", "x" * 4001)
    said = page.locator("#length")
    expect(said).to_have_text("This has 4,001 characters. Without a language model Docent reads at most 4,000.")
    page.press("#question", "Enter")
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#question")).to_have_value("x" * 4001)
    assert site.script.started == 0
    page.fill("#question", "x" * 4000)
    expect(said).to_be_empty()
    page.press("#question", "Enter")
    expect(page.locator('.turn[data-state="done"]')).to_be_visible()


def test_a_paste_that_is_sent_at_once_is_kept_in_the_box(page: Page, watch: Watch) -> None:
    watch.allow("400")
    page.goto("/")
    ask(page, "y" * 4001)
    expect(page.locator("#notice")).to_contain_text("Shorten it and send it again.")
    expect(page.locator("#question")).to_have_value("y" * 4001)
