"""How browser tests ask, and the way through every state of the chat."""

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.tiny_site import Site, add_document

LAST = ".turn:last-child"
DONE = f'{LAST}[data-state="done"]'
RUNNING = f'{LAST}[data-state="running"]'


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")


def ask_and_wait(page: Page, question: str = "How much leave?") -> None:
    ask(page, question)
    expect(page.locator(f"{LAST} h2")).to_have_text(question)
    expect(page.locator(DONE)).to_be_visible()


def add_collection(site: Site, folder: Path) -> None:
    """A second one, so that there is something to choose."""
    add_document(site.engine, folder, "dental.txt", "Dental", [("paragraph", "Twice a year.", 0, None)], 2)


def states(page: Page, site: Site) -> Iterator[str]:
    """Bring the page into one state of the chat after the other; each is there when its name is yielded."""
    page.goto("/")
    expect(page.locator("#examples button").first).to_be_visible()
    yield "first visit"
    site.script.wait_before_searching = True
    ask(page, "How many days of leeve do I have in my sixth year? queue")
    expect(page.locator(".turn .status")).to_have_text("Searching the documents")
    yield "searching"
    site.script.wait_before_searching = False
    site.script.release()
    expect(page.locator(".turn .status")).to_have_text("Waiting for the language model: 2 questions are ahead of yours")
    yield "in the queue"
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    yield "answered"
    for question, words in (("load", "Phi-3 loads, about 12 s"), ("read", "Reading 7 passages, 40%")):
        ask(page, f"And then? {question}")
        expect(page.locator(f"{LAST} .status")).to_have_text(words)
        yield words
        site.script.release()
        expect(page.locator(DONE)).to_be_visible()
    ask(page, "And travel? hold")
    expect(page.locator(f"{LAST} .answer .closed")).to_contain_text("You have 25 days")
    yield "streaming"
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(f'{LAST}[data-state="stopped"]')).to_be_visible()
    yield "stopped"
    for question, state in (
        ("Is it unknown?", "[data-unanswered]"),
        ("Please quote", " .extractive"),
        ("Is this weak?", " .answer .weak"),
        ("Please fail", '[data-state="failed"]'),
        ("thanks", '[data-state="done"] .fixed'),
    ):
        ask(page, question)
        expect(page.locator(f"{LAST}{state}").first).to_be_visible()
        yield question
    page.locator("a.edit").last.click()
    expect(page.locator(".edit textarea")).to_be_focused()
    yield "editing"
    page.get_by_role("button", name="This answer did not help").last.click()
    expect(page.get_by_label("What was wrong?")).to_be_visible()
    yield "remark"
    page.locator(".cite").first.click()
    expect(page.locator("#panel #quote")).to_be_visible()
    yield "source"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete this conversation").click()
    expect(page.locator(".undo")).to_be_visible()
    yield "deleted"
