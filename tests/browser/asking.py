"""How browser tests ask, and what a turn looks like in its states."""

from playwright.sync_api import Page, expect

DONE = '.turn:last-child[data-state="done"]'


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")


def ask_and_wait(page: Page, question: str = "How much leave?") -> None:
    ask(page, question)
    expect(page.locator(".turn:last-child h2")).to_have_text(question)
    expect(page.locator(DONE)).to_be_visible()
