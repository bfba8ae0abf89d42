"""The chat in a real Chromium: ask, stream, cite, open the source, stop, reload, come back."""

import re

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Watch
from tests.tiny_site import QUOTES, Site

DONE = '.turn[data-state="done"]'

UNCOVERED = """(mark) => { const box = mark.getClientRects()[0];
  return document.elementFromPoint(box.left + 2, box.top + 2) === mark; }"""


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")


def ask_and_wait(page: Page) -> None:
    """An answer with five citations; those of a running answer lead to the cards, not yet to the words."""
    page.goto("/")
    ask(page, "How much leave?")
    expect(page.locator(DONE)).to_be_visible()


def marked(page: Page) -> str:
    return "".join(page.locator("#panel mark").all_text_contents())


def test_a_question_is_streamed_and_its_answer_cited(page: Page, site: Site) -> None:
    page.goto("/")
    ask(page, "How much leave? hold")
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator("details.more-sources summary")).to_have_text("and 4 more")
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days of paid leave a year.")
    expect(page.locator(".turn .status")).to_contain_text("Writing")
    expect(page).to_have_url(re.compile(r"/c/[0-9a-f]{32}$"))
    expect(page.locator(".action button")).to_have_text("Stop")
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator(".answer ol > li")).to_have_count(2)
    expect(page.locator(".answer table td").nth(1)).to_have_text("25")
    expect(page.locator(".answer .cite")).to_have_count(5)
    expect(page.locator(".action button")).to_have_text("Ask")
    expect(page.locator("#announcer")).to_have_text("Answer ready")
    expect(page.locator("#conversations a")).to_have_text("How much leave? hold")


def test_a_citation_shows_its_quote_and_opens_the_very_words(page: Page) -> None:
    ask_and_wait(page)
    for number, (_n, quote) in enumerate(QUOTES):
        cite = page.locator(".cite").nth(number)
        page.mouse.move(0, 0)  # off the words beside the citation before, which may lie over this one
        cite.hover()
        expect(page.locator(".tip").nth(number)).to_be_visible()
        expect(page.locator(".tip").nth(number)).to_contain_text(quote)
        cite.click()
        expect(page.locator("#panel .source-bar")).to_contain_text(f"Citation {number + 1} of 5")
        assert marked(page) == quote
        assert page.locator("#panel #quote").evaluate(UNCOVERED)
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("#panel .source-bar")).to_contain_text("Citation 4 of 5")
    assert marked(page) == QUOTES[3][1]
    expect(page.locator("#panel h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".cite").nth(4)).to_be_focused()


def test_a_citation_shows_its_quote_on_focus(page: Page) -> None:
    ask_and_wait(page)
    page.locator(".more-sources summary").focus()
    page.keyboard.press("Tab")
    expect(page.locator(".cite").first).to_be_focused()
    expect(page.locator(".tip").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".tip").first).to_be_hidden()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(page.locator(".tip").first).to_be_visible()


def test_a_citation_opens_its_words_while_the_answer_is_written(page: Page, site: Site) -> None:
    page.goto("/")
    ask(page, "hold")
    page.locator(".answer .closed .cite").first.click()
    expect(page.locator("#panel #quote")).to_have_text(QUOTES[0][1])
    expect(page.locator('.turn[data-state="running"]')).to_be_visible()
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    assert marked(page) == QUOTES[0][1]


def test_arrow_keys_go_from_citation_to_citation(page: Page) -> None:
    ask_and_wait(page)
    page.locator(".cite").first.click()
    expect(page.locator("#panel h2")).to_be_focused()
    for key, number in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2)):
        page.keyboard.press(key)
        expect(page.locator("#panel .source-bar")).to_contain_text(f"Citation {number} of 5")
        expect(page.locator("#panel h2")).to_be_focused()
    assert marked(page) == QUOTES[1][1]


def test_the_original_file_opens(page: Page, context: BrowserContext) -> None:
    ask_and_wait(page)
    page.locator(".cite").first.click()
    with context.expect_page() as opened:
        page.get_by_role("link", name="Open original").click()
    expect(opened.value.locator("body")).to_contain_text("Every employee has 25 days.")


def test_a_long_document_opens_around_the_words_and_shows_more(page: Page) -> None:
    ask_and_wait(page)
    page.locator(".cite").nth(4).click()
    shown = page.locator("#panel .document p").count()
    page.get_by_role("link", name="Show more").click()
    expect(page.locator("#panel .document p").nth(shown)).to_be_attached()
    expect(page.locator("#panel")).to_have_count(1)
    assert marked(page) == QUOTES[4][1]


def test_words_deep_in_a_long_document_are_scrolled_to(page: Page, site: Site) -> None:
    text = site.catalog.document(2, site.catalog.everything()).text  # type: ignore[union-attr]
    start = text.find("Rule 300")
    page.goto(f"/documents/2?start={start}&end={start + 8}#quote")
    assert page.locator("#quote").evaluate(UNCOVERED)
    page.get_by_role("link", name="Show what comes before").click()
    expect(page.get_by_text("Rule 230 of")).to_be_attached()


def test_stop_keeps_what_was_written(page: Page, site: Site) -> None:
    page.goto("/")
    ask(page, "hold")
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator('.turn[data-state="stopped"]')).to_contain_text("Stopped. What was written before is kept.")
    expect(page.locator(".answer")).to_contain_text("You have 25 days of paid leave a year.")
    page.reload()
    expect(page.locator(".answer")).to_contain_text("You have 25 days of paid leave a year.")
    site.script.held.clear()
    page.get_by_role("button", name="Ask again").click()
    site.script.held.wait(5)
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()


def test_escape_stops(page: Page) -> None:
    page.goto("/")
    ask(page, "hold")
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    page.keyboard.press("Escape")
    expect(page.locator('.turn[data-state="stopped"]')).to_be_visible()
    ask(page, "And travel?")
    expect(page.locator(f".turn:last-child{DONE.removeprefix('.turn')} h2")).to_have_text("And travel?")


def test_reloading_in_mid_stream_follows_the_same_answer(page: Page, site: Site) -> None:
    page.goto("/")
    ask(page, "hold")
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    page.reload()
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator(".answer > p").first).to_have_text(re.compile("^You have 25 days"))
    assert site.script.started == 1


def test_a_lost_connection_comes_back_without_repeating_anything(page: Page, watch: Watch, site: Site) -> None:
    watch.allow("[object Event]")  # htmx writes the lost connection to the console
    page.goto("/")
    page.evaluate(
        """() => {
          const Real = window.EventSource;
          window.EventSource = class extends Real { constructor(...args) { super(...args); window.lost = this; } };
        }"""
    )
    ask(page, "hold")
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    blocks = page.locator(".answer .closed > *").count()
    # What htmx does after an error that closed the stream: a new one, which cannot name the last event.
    page.evaluate(
        """() => { const lost = window.lost; lost.close();
          Object.defineProperty(lost, 'readyState', { value: EventSource.CLOSED });
          lost.onerror(new Event('error')); }"""
    )
    page.wait_for_function("() => window.lost.readyState === EventSource.OPEN")
    expect(page.locator(".turn .status")).to_contain_text("Writing")
    assert page.locator(".answer .closed > *").count() == blocks
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    assert site.script.started == 1


def test_two_tabs_see_one_answer(page: Page, context: BrowserContext, watch: Watch, site: Site) -> None:
    page.goto("/")
    ask(page, "hold")
    expect(page.locator(".answer .closed")).to_contain_text("You have 25 days")
    second = watch.page(context)
    second.goto(page.url)
    expect(second.locator(".answer .closed")).to_contain_text("You have 25 days")
    watch.allow("400")
    watch.allow("Response Status Error Code 400")
    second.evaluate("document.getElementById('action').replaceChildren()")
    second.fill("#question", "and another")
    second.evaluate("document.getElementById('ask').requestSubmit()")
    expect(second.locator("#notice")).to_contain_text("still answering the question before this one")
    expect(second.locator("#question")).to_have_value("and another")
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    expect(second.locator(DONE)).to_be_visible()
    assert site.script.started == 1


def test_back_and_forward(page: Page) -> None:
    ask_and_wait(page)
    page.go_back()
    expect(page.locator("#welcome")).to_be_visible()
    page.go_forward()
    expect(page.locator(DONE)).to_be_visible()
    page.locator("#conversations a").click()
    expect(page.locator(DONE)).to_be_visible()


def test_what_the_documents_do_not_say(page: Page) -> None:
    page.goto("/")
    ask(page, "something unknown")
    turn = page.locator(".turn[data-unanswered]")
    expect(turn).to_contain_text("The documents do not say.")
    expect(turn.locator(".closest li")).to_have_count(3)
    turn.locator(".closest a").first.click()
    expect(page.locator("#panel #quote")).to_be_visible()


def test_without_a_model_the_answer_is_quoted_and_says_so(page: Page) -> None:
    page.goto("/")
    ask(page, "quote me")
    expect(page.locator(".answer.extractive blockquote")).to_contain_text("Every employee has 25 days")
    expect(page.get_by_text("these are the documents’ own words")).to_be_visible()
    page.get_by_role("link", name="About the language model").click()
    expect(page.get_by_text("docent models pull qwen2.5-coder-1.5b")).to_be_visible()


def test_a_failure_says_what_to_do_and_keeps_the_question(page: Page) -> None:
    page.goto("/")
    ask(page, "please fail")
    failed = page.locator('.turn[data-state="failed"]')
    expect(failed).to_contain_text("The language model stopped working. Ask again in a minute.")
    expect(failed.locator(".answer")).to_contain_text("You have 25 days of paid leave a year.")
    expect(failed.get_by_role("button", name="Ask again")).to_have_attribute("value", "please fail")


def test_an_unforeseen_failure_hides_its_inside(page: Page) -> None:
    page.goto("/")
    ask(page, "please crash")
    expect(page.locator('.turn[data-state="failed"]')).to_contain_text("Something went wrong")
    assert "secret inner detail" not in page.content()


def test_each_wait_is_named(page: Page, site: Site) -> None:
    page.goto("/")
    for question, words in (
        ("queue", "Waiting for the language model: 2 questions are ahead of yours"),
        ("load", "Phi-3 loads, about 12 s"),
        ("read", "Reading 7 passages, 40%"),
    ):
        ask(page, question)
        expect(page.locator(".turn .status")).to_have_text(words)
        site.script.release()
        expect(page.locator(".turn .status")).to_have_count(0)


def test_hostile_words_are_inert_everywhere(page: Page) -> None:
    page.goto("/")
    ask(page, "hostile <img src=x onerror=\"document.title='owned'\"> \u202eabc")
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator(".turn h2")).to_contain_text("<img src=x")
    page.reload()
    expect(page.locator(DONE)).to_be_visible()
    assert page.title() != "owned"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keyboard(page: Page) -> None:
    page.goto("/documents")
    page.goto("/")
    page.locator("body").click(position={"x": 700, "y": 700})
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(page.locator("#question")).to_have_value("one\ntwo")


def test_the_box_grows_with_its_text(page: Page) -> None:
    page.goto("/")
    box = page.locator("#question")
    before = box.bounding_box()
    box.fill("one\ntwo\nthree")
    grown = box.bounding_box()
    box.fill("line\n" * 30)
    most = box.bounding_box()
    heights = [place["height"] if place else 0 for place in (before, grown, most)]
    assert 0 < heights[0] < heights[1] < heights[2] < 260


def test_feedback(page: Page) -> None:
    ask_and_wait(page)
    page.get_by_role("button", name="This answer did not help").click()
    page.get_by_label("What was wrong?").fill("It is 30 days.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".turn-foot")).to_contain_text("Thank you")
    page.reload()
    expect(page.get_by_role("button", name="This answer did not help")).to_have_attribute("aria-pressed", "true")


def test_a_conversation_can_be_deleted_and_brought_back(page: Page) -> None:
    ask_and_wait(page)
    page.get_by_role("button", name="Delete this conversation").click()
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#conversations a")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(DONE)).to_be_visible()


def test_a_question_is_edited_and_the_old_one_stays_reachable(page: Page) -> None:
    ask_and_wait(page)
    page.locator("a.edit").click()
    page.get_by_label("The question in other words").fill("How much paid leave?")
    page.get_by_role("button", name="Ask instead").click()
    expect(page.locator(f"{DONE} h2")).to_have_text("How much paid leave?")
    expect(page.locator(".versions")).to_contain_text("Version 2 of 2")
    page.get_by_role("link", name="The version before").click()
    expect(page.locator(f"{DONE} h2")).to_have_text("How much leave?")
    page.get_by_role("button", name="Answer again").click()
    expect(page.locator(".versions")).to_contain_text("Version 3 of 3")
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)


def test_conversations_are_searched_and_renamed(page: Page) -> None:
    ask_and_wait(page)
    page.get_by_label("Search your conversations").fill("zebra")
    expect(page.locator("#conversations")).to_contain_text("No conversation holds these words.")
    page.get_by_label("Search your conversations").fill("STAFF")
    expect(page.locator("#conversations .listed")).to_have_text("How much leave?")
    page.locator(".rename summary").click()
    page.get_by_label("Title", exact=True).fill("Days off")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#conversations a")).to_have_text("Days off")


def test_it_answers_without_javascript(chromium: Browser, site: Site, watch: Watch) -> None:
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    page = watch.page(context)
    page.goto("/")
    page.fill("#question", "How much leave?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".answer")).to_contain_text("You have 25 days")
    page.locator(".cite").first.click()
    expect(page.locator(".document mark")).to_have_text(QUOTES[0][1])
    page.goto("/")
    page.get_by_role("button", name="How do I book leave?").click()
    expect(page.locator(".answer")).to_contain_text("You have 25 days")
    context.close()


def test_a_phone_needs_no_sideways_scrolling(phone: Page) -> None:
    def fits() -> bool:
        return bool(phone.evaluate("document.documentElement.scrollWidth <= innerWidth"))

    phone.goto("/")
    assert fits()
    ask(phone, "How much leave?")
    expect(phone.locator(DONE)).to_be_visible()
    assert fits()
    phone.locator(".cite").first.click()
    expect(phone.locator("#panel #quote")).to_be_visible()
    assert fits()
    phone.get_by_role("button", name="Close the source").click()
    phone.locator(".bar").get_by_role("button", name="Conversations").click()
    expect(phone.locator("#side")).to_be_visible()
    phone.goto("/documents")
    assert fits()


def test_touch_targets_are_large_enough(phone: Page) -> None:
    phone.goto("/")
    ask(phone, "How much leave?")
    expect(phone.locator(DONE)).to_be_visible()
    small = phone.evaluate(
        """() => [...document.querySelectorAll('button, summary, .card, .name, #question')]
          .filter((e) => e.checkVisibility()).map((e) => [e.className, e.getBoundingClientRect()])
          .filter(([, box]) => box.height < 43.9 || box.width < 43.9).map(([name]) => name)"""
    )
    assert small == []


def test_dark_is_rendered_by_the_server(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("#themes")).to_be_hidden()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    assert 'data-theme="dark"' in page.request.get("/").text()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(26, 24, 21)"


def test_nothing_moves_while_an_answer_streams(page: Page, site: Site) -> None:
    page.goto("/")
    ask(page, "hold")
    expect(page.locator(".card").first).to_be_visible()
    page.evaluate(
        """() => { window.shift = 0; new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.shift += entry.value;
        }).observe({ type: 'layout-shift' }); }"""
    )
    site.script.held.wait(5)
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    page.wait_for_timeout(200)
    assert page.evaluate("window.shift") < 0.02
    assert page.locator(".turn h2").evaluate("(heading) => heading.getBoundingClientRect().top") >= 0


def test_the_documents_are_listed_with_reasons(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="7 documents").click()
    expect(page.locator("tbody tr").first).to_contain_text("Needs text recognition")
    expect(page.locator("tbody tr").first).to_contain_text("All 3 pages are pictures.")
    expect(page.locator("tbody tr")).to_have_count(8)
