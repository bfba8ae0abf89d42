"""The ten things that docs/asking.md says people do, each to its end, with reloads and the back button."""

from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.asking import DONE, LAST, ask, ask_and_wait
from tests.tiny_site import QUOTES, Site

TRAVEL = "And when are travel claims paid?"


def test_asking_and_checking_what_the_answer_rests_on(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    for _ in range(2):
        page.locator(f"{LAST} .cite").last.click()
        expect(page.locator("#panel mark")).to_have_text(QUOTES[4][1])
        page.keyboard.press("Escape")
        expect(page.locator(f"{LAST} .cite").last).to_be_focused()
        page.reload()


def test_asking_on(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    ask_and_wait(page, TRAVEL)
    page.reload()
    expect(page.locator(".turn h2")).to_have_text(["How much leave?", TRAVEL])
    expect(page.locator(f"{LAST} .searched")).to_contain_text("Searched together with “How much leave?”")


def test_not_waiting(page: Page, site: Site) -> None:
    page.goto("/")
    ask(page, "How much leave? hold")
    expect(page.locator(f"{LAST} .answer .closed")).to_contain_text("You have 25 days")
    ask(page, TRAVEL)
    site.script.release()
    expect(page.locator(f"{LAST} h2")).to_have_text(TRAVEL)
    expect(page.locator(DONE)).to_be_visible()


def test_stopping_what_misses_the_point(page: Page) -> None:
    page.goto("/")
    ask(page, "How much leave? hold")
    expect(page.locator(f"{LAST} .answer .closed")).to_contain_text("You have 25 days")
    page.keyboard.press("Escape")
    expect(page.locator(f'{LAST}[data-state="stopped"]')).to_contain_text("What was written before is kept.")
    ask_and_wait(page, "How much leave in a year?")
    page.reload()
    expect(page.locator(".turn")).to_have_count(2)


def test_changing_a_question(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    page.locator("a.edit").click()
    page.get_by_label("The question in other words").fill("How much paid leave?")
    page.get_by_role("button", name="Ask instead").click()
    expect(page.locator(f"{DONE} h2")).to_have_text("How much paid leave?")
    page.get_by_role("link", name="The version before").click()
    expect(page.locator(f"{DONE} h2")).to_have_text("How much leave?")
    page.go_back()
    expect(page.locator(f"{DONE} h2")).to_have_text("How much paid leave?")


def test_seeing_what_comes_closest(page: Page) -> None:
    page.goto("/")
    ask(page, "Is this unknown?")
    expect(page.locator(".turn[data-unanswered]")).to_contain_text("The documents do not say.")
    page.reload()
    page.locator(".closest a").first.click()
    expect(page.locator("#panel h2")).to_have_text("Annual leave")


def test_taking_an_answer_along(page: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/")
    ask_and_wait(page)
    page.reload()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("You have **25 days** of paid leave a year.[1]")
    assert f"[1] Annual leave, page 1: “{QUOTES[0][1]}”" in copied
    with page.expect_download() as download:
        page.get_by_role("link", name="Export this conversation").click()
    assert download.value.suggested_filename == "How-much-leave.md"
    assert Path(download.value.path()).read_text(encoding="utf-8").startswith("# How much leave?\n")


def test_finding_again_what_was_asked(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    page.goto("/")
    ask_and_wait(page, "Is this weak?")
    page.goto("/")
    page.get_by_label("Search your conversations").fill("how much portal")
    expect(page.locator("#conversations a")).to_have_count(1)
    page.locator("#conversations a").click()
    expect(page.locator(f"{DONE} h2")).to_have_text("How much leave?")
    page.go_back()
    expect(page.locator("#welcome")).to_be_visible()


def test_keeping_the_list_in_order(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    page.locator(".rename summary").click()
    page.get_by_label("Title", exact=True).fill("Days off")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Days off")
    expect(page.locator("#conversations a")).to_have_text("Days off")
    page.get_by_role("button", name="Delete this conversation").click()
    expect(page.locator("#conversations a")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Days off")


def test_saying_that_an_answer_was_wrong(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    page.get_by_role("button", name="This answer did not help").click()
    page.get_by_label("What was wrong?").fill("It is 30 days.")
    page.keyboard.press("Enter")
    expect(page.locator(".turn-foot")).to_contain_text("Thank you")
    page.reload()
    expect(page.get_by_role("button", name="This answer did not help")).to_have_attribute("aria-pressed", "true")
