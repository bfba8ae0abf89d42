"""States of the chat that test_chat.py does not go through, each in a real Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlmodel import Session

from indexer.knowledge.database import writing
from indexer.knowledge.tables import Collection, IngestRun
from server.settings import ServerSettings
from tests.browser.asking import DONE, LAST, add_collection, ask, ask_and_wait, states
from tests.browser.conftest import Watch
from tests.tiny_site import Site, add_document


def test_what_was_searched_for_is_shown_and_kept(page: Page, site: Site) -> None:
    page.goto("/")
    ask(page, "How much leeve? hold")
    line = page.locator(".turn:last-child .searched > span")
    expect(line).to_have_text("Searched for: How much leave? hold")
    site.script.release()
    expect(page.locator('.turn[data-state="done"]')).to_be_visible()
    expect(line).to_have_text("Searched for: How much leave? hold")
    page.reload()
    expect(line).to_have_text("Searched for: How much leave? hold")
    ask_and_wait(page, "And travel?")
    expect(line).to_have_text("Searched together with “How much leeve? hold”")


def test_exactly_what_was_written_is_searched_for_at_a_click(page: Page, site: Site) -> None:
    """While the answer to the mended question is written still, and after it."""
    exactly = page.get_by_role("button", name="Search for exactly what I wrote")
    page.goto("/")
    ask_and_wait(page, "How much leeve?")
    exactly.click()
    expect(page.locator(".versions")).to_contain_text("Version 2 of 2")
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator(f"{LAST} .searched")).to_have_count(0)
    ask(page, "And leeve? hold")
    expect(page.locator(f"{LAST} .answer .closed")).to_contain_text("You have 25 days")
    exactly.click()
    expect(page.locator(f"{LAST} .versions")).to_contain_text("Version 2 of 2")
    expect(page.locator(f"{LAST} .searched > span")).to_have_text("Searched together with “How much leeve?”")
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator(f"{LAST} h2")).to_have_text("And leeve? hold")


def test_the_chosen_collection_is_remembered(page: Page, site: Site, tmp_path: Path) -> None:
    add_collection(site, tmp_path)
    page.goto("/")
    page.get_by_label("Choose what to ask").click()
    page.get_by_role("option", name="handbook").click()
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
    assert len(page.locator(".turn h2").inner_text()) < 250
    page.get_by_text("The whole question").click()
    expect(page.locator(".whole p")).to_have_text("x" * 4000)


def test_a_paste_that_is_sent_at_once_is_kept_in_the_box(page: Page, watch: Watch) -> None:
    watch.allow("400")
    page.goto("/")
    ask(page, "y" * 4001)
    expect(page.locator("#notice")).to_contain_text("Shorten it and send it again.")
    expect(page.locator("#question")).to_have_value("y" * 4001)


def test_the_first_start_is_followed_until_questions_can_be_asked(
    chromium: Browser, settings: ServerSettings, tmp_path: Path
) -> None:
    with Site(settings, documents_too=False).served() as site:
        watch = Watch(site.url)
        context = chromium.new_context(base_url=site.url)
        page = watch.page(context)
        page.goto("/")
        expect(page.locator("#welcome h1")).to_have_text("Nothing is indexed yet")
        page.fill("#question", "How do I")
        with Session(site.engine) as session, writing(settings):
            session.add(Collection(id=1, name="handbook"))
            session.add(IngestRun(collection_id=1, total=40, done=7))
            session.commit()
            expect(page.locator("#welcome")).to_contain_text("Indexing: 7 of 40 files")
            expect(page.locator("#indexed")).to_contain_text("Indexing: 7 of 40")
            add_document(site.engine, tmp_path, "a.md", "A", [("heading", "How do I book leave?", 1, None)])
            expect(page.locator("#welcome h1")).to_have_text("What would you like to know?")
            expect(page.locator("#examples button")).to_have_text("How do I book leave?")
            expect(page.locator("#indexed")).to_contain_text("1 document")
        expect(page.locator("#question")).to_have_value("How do I")
        expect(page.locator("#indexed span")).to_have_count(0)
        context.close()
        watch.check()


def test_every_state_is_there_again_after_a_reload(page: Page, site: Site) -> None:
    """Also what is under way: nobody loses an answer by pressing a key too many."""
    for state in states(page, site):
        if page.locator(".turn").count() == 0 or state in ("editing", "remark", "source"):
            continue
        before = page.locator(LAST).get_attribute("data-state")
        words = page.locator(f"{LAST} :is(h2, .remark, .closest, .status)").all_text_contents()
        page.reload()
        expect(page.locator(LAST)).to_have_attribute("data-state", before or "")
        if before == "running":
            expect(page.locator(f"{LAST} .status")).to_have_text(words[-1].strip())
        else:
            assert page.locator(f"{LAST} :is(h2, .remark, .closest, .status)").all_text_contents() == words, state


def test_a_sentence_without_support_is_underlined_and_says_so(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page, "Is this weak?")
    expect(page.locator(".answer .weak")).to_contain_text("After five years it is 28.")
    expect(page.locator(".remark")).to_contain_text("no source was found for these words")
    line = page.locator(".answer .weak").evaluate("(words) => getComputedStyle(words).textDecorationStyle")
    assert line == "dotted"


def test_a_connection_that_breaks_comes_back_where_it_was(page: Page, watch: Watch, site: Site) -> None:
    watch.allow("[object Event]")  # htmx writes the lost connection to the console
    watch.allow("net::ERR")
    page.goto("/")
    ask(page, "hold")
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    blocks = page.locator(".answer .closed > *").count()
    site.drop_connections()
    expect(page.locator(".turn .status")).to_have_text("The connection was lost. Trying to come back…")
    expect(page.locator(".turn .status.lost")).to_have_count(0)
    assert page.locator(".answer .closed > *").count() == blocks
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    assert page.locator(".answer").inner_text().count("You have 25 days of paid leave") == 1
    assert site.script.started == 1


def test_a_server_that_stays_away_is_offered_a_retry(page: Page, watch: Watch, site: Site) -> None:
    watch.allow("[object Event]")
    watch.allow("net::ERR")
    page.goto("/")
    ask(page, "hold")
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + (window.later ?? 0); }")
    page.route("**/turns/*/events", lambda route: route.abort())
    site.drop_connections()
    expect(page.locator(".turn .status.lost")).to_be_visible()
    page.evaluate("window.later = 31_000")
    expect(page.get_by_role("link", name="Try again")).to_be_visible(timeout=20_000)
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    page.unroute("**/turns/*/events")
    page.get_by_role("link", name="Try again").click()
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    assert site.script.started == 1


@pytest.mark.parametrize("trouble", ["unreachable", "server error"])
def test_what_goes_wrong_while_sending_keeps_the_question(page: Page, watch: Watch, trouble: str) -> None:
    for words in ("net::ERR", "500", "htmx:sendError", "[object"):
        watch.allow(words)
    page.goto("/")
    broken = "<p>Something went wrong in Docent.</p>"
    page.route(
        "**/ask",
        lambda route: route.abort() if trouble == "unreachable" else route.fulfill(status=500, body=broken),
    )
    ask(page, "How much leave?")
    words = (
        "Docent cannot be reached. Your question is kept here" if trouble == "unreachable" else "Something went wrong"
    )
    expect(page.locator("#notice")).to_contain_text(words)
    expect(page.locator("#question")).to_have_value("How much leave?")
    page.unroute("**/ask")
    page.press("#question", "Enter")
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator("#notice")).to_be_empty()


def test_an_example_is_asked_by_pressing_it(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="How do I book leave?").click()
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator("#welcome, #examples")).to_have_count(0)


def test_two_tabs_of_one_conversation_do_not_mix(page: Page, context: BrowserContext, watch: Watch) -> None:
    page.goto("/")
    ask_and_wait(page)
    second = watch.page(context)
    second.goto(page.url)
    ask_and_wait(second, "And travel?")
    ask_and_wait(page, "And dental?")  # goes on from what this tab shows: a version of the other's question
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(f"{LAST} .versions")).to_contain_text("Version 2 of 2")
    page.get_by_role("link", name="The version before").click()
    expect(page.locator(f"{LAST} h2")).to_have_text("And travel?")
    page.go_back()
    expect(page.locator(f"{LAST} h2")).to_have_text("And dental?")
    page.go_forward()
    expect(page.locator(f"{LAST} h2")).to_have_text("And travel?")
