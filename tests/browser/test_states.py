"""States of the chat that test_chat.py does not go through, each in a real Chromium."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.asking import ask, ask_and_wait
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
