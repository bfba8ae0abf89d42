"""One document, or some, asked in a real Chromium: chosen, asked, taken off, after a reload and on the way back."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session

from indexer.knowledge.tables import Document, now
from tests.browser.asking import LAST, add_collection, ask_and_wait
from tests.browser.conftest import Watch
from tests.tiny_site import Site

CHIP = "#asking .chip-name"


def choose(page: Page, words: str, name: str) -> None:
    """With the keyboard alone."""
    page.locator("#picker > summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pick")).to_be_focused()
    page.keyboard.type(words)
    option = page.get_by_role("option", name=name)
    expect(page.get_by_role("option")).to_have_count(1)
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator(CHIP).filter(has_text=name)).to_be_visible()
    expect(page.locator("#question")).to_be_focused()


def test_a_document_is_chosen_asked_and_taken_off(page: Page) -> None:
    page.goto("/")
    box = page.locator("#question").bounding_box()
    choose(page, "travel", "Travel expenses")
    assert box
    assert "document=2" in page.url
    page.reload()
    expect(page.locator(CHIP)).to_have_text("Travel expenses")
    ask_and_wait(page, "Is it brief?")
    expect(page.locator(f"{LAST} .asked-of")).to_have_text("in Travel expenses")
    expect(page.locator(f"{LAST} .card")).to_have_count(1)
    conversation = page.url
    page.reload()
    expect(page.locator(CHIP)).to_have_text("Travel expenses")
    page.get_by_label("Do not ask only Travel expenses").click()
    expect(page.locator(CHIP)).to_have_count(0)
    expect(page.locator("#announcer")).to_have_text("Asking all documents")
    expect(page.locator("#question")).to_be_focused()
    page.reload()
    expect(page.locator(CHIP)).to_have_count(0)
    ask_and_wait(page, "And in all?")
    expect(page.locator(f"{LAST} .asked-of")).to_have_count(0)
    expect(page.locator(f"{LAST} .card").nth(1)).to_be_visible()
    page.goto("/documents")
    page.go_back()
    assert page.url == conversation
    expect(page.locator(".turn .asked-of")).to_have_count(1)
    expect(page.locator(CHIP)).to_have_count(0)


def test_two_documents_and_their_examples(page: Page) -> None:
    page.goto("/")
    choose(page, "travel", "Travel expenses")
    expect(page.locator("#examples button")).to_have_count(1)
    choose(page, "sick", "Sick days")
    expect(page.locator(CHIP)).to_have_text(["Travel expenses", "Sick days"])
    page.locator("#examples button", has_text="Sick days").click()
    expect(page.locator(f"{LAST} .asked-of")).to_have_text("in Travel expenses and Sick days")


def test_from_the_table_and_from_a_source(page: Page) -> None:
    page.goto("/documents")
    page.get_by_label("Ask only Equipment").click()
    expect(page.locator(CHIP)).to_have_text("Equipment")
    page.get_by_label("Do not ask only Equipment").click()
    expect(page.locator(CHIP)).to_have_count(0)
    ask_and_wait(page)
    page.locator(".card").nth(1).click()
    page.locator("#panel").get_by_label("Ask only Travel expenses").click()
    expect(page.locator("#panel")).to_be_empty()
    expect(page.locator(CHIP)).to_have_text("Travel expenses")
    ask_and_wait(page, "Only there, in brief?")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(f"{LAST} .asked-of")).to_have_text("in Travel expenses")


def test_the_picker_takes_the_keys_of_a_combobox(page: Page, site: Site, tmp_path: Path) -> None:
    add_collection(site, tmp_path)
    page.goto("/")
    page.get_by_label("Choose what to ask").click()
    field = page.get_by_role("combobox", name="Ask only")
    expect(page.get_by_role("option")).to_have_count(10)
    first, second = page.get_by_role("option").nth(0), page.get_by_role("option").nth(1)
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(second).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == second.get_attribute("id")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(page.locator("#picker > summary")).to_be_focused()
    page.locator("#picker > summary").click()
    expect(field).to_be_focused()
    page.keyboard.type("zebra")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(page.get_by_role("option")).to_have_text("Nothing is called so.")
    page.keyboard.press("Enter")
    expect(field).to_be_visible()
    page.locator("h1").click()
    expect(field).to_be_hidden()


def test_a_document_deleted_in_midway_is_said_and_widens_nothing(page: Page, site: Site, watch: Watch) -> None:
    watch.allow("the server responded with a status of 400")
    watch.allow("Response Status Error Code 400 from /ask")
    page.goto("/?document=2")
    ask_and_wait(page, "Is it brief?")
    with Session(site.engine) as session:
        session.get_one(Document, 2).deleted_at = now()
        session.commit()
    page.fill("#question", "And now?")
    page.press("#question", "Enter")
    expect(page.locator("#notice")).to_contain_text("What you chose to ask is not there any more.")
    expect(page.locator("#question")).to_have_value("And now?")
    page.reload()
    expect(page.locator(CHIP)).to_have_text("Travel expenses (not there any more)")
    page.get_by_label("Do not ask only Travel expenses").click()
    ask_and_wait(page, "And now?")


@pytest.mark.parametrize("size", [(390, 844), (844, 390), (720, 450), (1280, 720)])
def test_the_box_stays_a_line_until_something_is_chosen(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto("/")
    expect(page.locator("#examples button").first).to_be_visible()
    box, question = (page.locator(name).bounding_box() for name in (".composer", "#question"))
    assert box
    assert question
    assert box["height"] <= question["height"] + 8, "nothing but the question"
    page.get_by_label("Choose what to ask").click()
    expect(page.get_by_role("option").first).to_be_visible()
    pick = page.locator(".pick").bounding_box()
    assert pick
    assert pick["x"] >= 0
    assert pick["y"] >= 0, "all of it is on the screen"
    assert pick["x"] + pick["width"] <= size[0]
    page.keyboard.press("Escape")
    choose(page, "travel", "Travel expenses")
    ask_and_wait(page, "Is it brief?")
    with page.expect_response("**/ask/find*"):
        page.get_by_label("Choose what to ask").click()
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    covering = "(field) => { const at = field.getBoundingClientRect(); const top = document.elementFromPoint("
    covering += "at.x + at.width / 2, at.y + at.height / 2); return at.top >= 0 && top === field; }"
    assert page.locator("#pick").evaluate(covering), "what is typed is seen in a conversation too"
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option").last).to_be_in_viewport()


def test_a_question_under_an_answer_is_asked_with_a_click(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    offered = page.locator(f"{LAST} .next button")
    expect(offered.first).to_be_visible()
    assert 1 <= offered.count() <= 3
    words = offered.first.inner_text()
    offered.first.click()
    expect(page.locator(f"{LAST} h2")).to_have_text(words)
    expect(page.locator(".turn").first.locator(".next")).to_be_hidden()
    expect(page.locator(f"{LAST} .next button").filter(has_text=words)).to_have_count(0)
    page.reload()
    expect(page.locator(".turn")).to_have_count(2)


def test_nothing_moves_when_they_come(page: Page) -> None:
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver((all) => { for (const one of all.getEntries())"
        " if (!one.hadRecentInput) window.moved += one.value; }).observe({ type: 'layout-shift', buffered: true })"
    )
    page.goto("/")
    ask_and_wait(page)
    page.reload()
    page.locator(f"{LAST} .turn-foot").scroll_into_view_if_needed()
    expect(page.locator(f"{LAST} .next")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.moved") < 0.02
