"""A document in brief in a real Chromium, with a model and without, and the questions under an answer."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session

from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import LedgerEntry
from server.app import Parts
from server.settings import ServerSettings
from tests.server.fakes import LEAVE, ScriptedGenerator, fill, open_fake_retriever, serving

SAID = "Employees have 25 days of annual leave."
TEXT = f"{LEAVE} Parental leave takes up to twelve weeks for each child. Sick leave needs a note after three days."


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator((SAID, " Parrots dance on every third moon of the year."))


@pytest.fixture
def opened(chromium: Browser, settings: ServerSettings, generator: ScriptedGenerator) -> Iterator[Page]:
    yield from _opened(chromium, settings, generator)


@pytest.fixture
def bare(chromium: Browser, settings: ServerSettings) -> Iterator[Page]:
    yield from _opened(chromium, settings, None)


def _opened(chromium: Browser, settings: ServerSettings, generator: ScriptedGenerator | None) -> Iterator[Page]:
    fill(settings, {"handbook": {"leave.md": TEXT}})
    engine = open_knowledge(settings)
    with Session(engine) as session:  # the table lists the ledger
        session.add(LedgerEntry(collection_id=1, root="/documents", path="leave.md", state="indexed", chunks=1))
        session.commit()
    engine.dispose()
    parts = Parts(open_retriever=open_fake_retriever, open_generator=lambda _settings: generator)
    with serving(settings, parts) as url:
        context = chromium.new_context(base_url=url, viewport={"width": 1280, "height": 800})
        context.set_default_timeout(8000)
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        yield page
        context.close()
    assert wrong == []


def test_without_a_model_its_sentences_open_at_their_place(bare: Page) -> None:
    bare.goto("/documents/1")
    bare.get_by_role("link", name="Leave in brief").click()
    expect(bare.get_by_text("No language model is in use")).to_be_visible()
    first = bare.locator(".central li").first
    words = first.locator("blockquote").inner_text()
    first.locator("a").click()
    expect(bare.locator("#panel #quote, #quote").first).to_have_text(words)


def test_a_summary_is_written_while_one_watches_and_is_there_the_next_time(
    opened: Page, generator: ScriptedGenerator
) -> None:
    generator.gate.clear()
    opened.goto("/documents/1/brief")
    expect(opened.locator("#brief-summary .status")).to_have_text("Reading the document")
    expect(opened.locator(".central li").first).to_be_visible()
    generator.gate.set()
    summary = opened.locator("#brief-summary")
    expect(summary).to_contain_text("Written by scripted")
    expect(summary).to_contain_text("Employees have 25 days of annual leave")
    expect(summary).not_to_contain_text("Parrots")
    summary.locator(".cite").first.hover()
    expect(summary.locator(".tip")).to_contain_text(SAID)
    opened.reload()
    expect(summary).to_contain_text("Written by scripted")
    assert len(generator.prompts) == 1
    summary.locator(".cite").first.click()
    expect(opened.locator("#quote")).to_have_text(SAID)


def test_it_is_stopped_and_begun_again(opened: Page, generator: ScriptedGenerator) -> None:
    generator.gate.clear()
    generator.waits_first = True
    opened.goto("/documents/1/brief")
    opened.get_by_role("button", name="Stop").click()
    expect(opened.locator("#brief-summary")).to_contain_text("Stopped.")
    generator.waits_first = False
    opened.get_by_role("button", name="Summarise it again").click()
    expect(opened.locator("#brief-summary")).to_contain_text("Written by scripted")


def test_from_the_table_it_opens_beside_it(opened: Page) -> None:
    opened.goto("/documents")
    opened.get_by_label("Leave in brief").click()
    expect(opened.locator("#panel h2")).to_have_text("Leave")
    expect(opened.locator("#panel #brief-summary")).to_contain_text("Written by scripted")
    opened.keyboard.press("Escape")
    expect(opened.locator("#panel")).to_be_empty()
    expect(opened.get_by_label("Leave in brief")).to_be_focused()
