"""Enter while an answer runs, in a real Chromium: the question waits in sight and nothing that was typed is lost."""

from playwright.sync_api import Page, expect

from tests.browser.asking import DONE, LAST, ask, ask_and_wait
from tests.browser.conftest import Watch
from tests.tiny_site import Site

NEXT = "And travel?"


def wait_in_line(page: Page) -> None:
    """An answer runs, and a question waits for its end."""
    page.goto("/")
    ask(page, "How much leave? hold")
    expect(page.locator(f"{LAST} .answer .closed")).to_contain_text("You have 25 days")
    ask(page, NEXT)
    expect(page.locator("#queued")).to_be_visible()


def test_a_question_waits_for_the_answer_before_it_and_is_asked_at_its_end(page: Page, site: Site) -> None:
    wait_in_line(page)
    expect(page.locator("#queued p")).to_have_text(f"Asked when this answer ends: {NEXT}")
    expect(page.locator("#question")).to_have_value("")
    expect(page.locator("#announcer")).to_have_text("Your question waits. It is asked when this answer ends.")
    assert site.script.started == 1
    page.fill("#question", "half a thought")
    site.script.release()
    expect(page.locator(f"{LAST} h2")).to_have_text(NEXT)
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator("#queued")).to_be_hidden()
    expect(page.locator("#question"), "what was typed since is still there").to_have_value("half a thought")
    expect(page.locator(".turn")).to_have_count(2)
    page.reload()
    expect(page.locator("#queued")).to_be_hidden()
    assert site.script.started == 2


def test_it_is_taken_back_in_front_of_what_was_typed_since(page: Page, site: Site) -> None:
    wait_in_line(page)
    page.fill("#question", "and more")
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("#question")).to_have_value(f"{NEXT}\nand more")
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator("#queued")).to_be_hidden()
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)


def test_one_question_waits_and_another_stays_in_the_box(page: Page, site: Site) -> None:
    wait_in_line(page)
    ask(page, "And dental?")
    expect(page.locator("#announcer")).to_contain_text("One question is waiting already.")
    expect(page.locator("#question")).to_have_value("And dental?")
    expect(page.locator("#queued p")).to_contain_text(NEXT)
    ask(page, "   ")
    expect(page.locator("#queued p")).to_contain_text(NEXT)


def test_it_is_asked_when_the_answer_is_stopped(page: Page) -> None:
    wait_in_line(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(f"{LAST} h2")).to_have_text(NEXT)
    expect(page.locator(DONE)).to_be_visible()


def test_it_outlives_a_reload_while_the_answer_runs(page: Page, site: Site) -> None:
    wait_in_line(page)
    page.reload()
    expect(page.locator("#queued p")).to_contain_text(NEXT)
    site.script.release()
    expect(page.locator(f"{LAST} h2")).to_have_text(NEXT)
    expect(page.locator(DONE)).to_be_visible()


def test_where_the_answer_ended_meanwhile_it_is_in_the_box_and_not_asked(page: Page, site: Site) -> None:
    wait_in_line(page)
    conversation = page.url
    page.goto("/")
    site.script.release()
    expect(page.locator("#queued")).to_be_hidden()
    expect(page.locator("#question")).to_have_value("")
    page.wait_for_timeout(500)
    page.goto(conversation)
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator("#question")).to_have_value(NEXT)
    expect(page.locator("#announcer")).to_have_text("Your next question was not asked yet. It is in the box.")
    page.reload()
    expect(page.locator("#question")).to_have_value(NEXT)
    expect(page.locator(".turn")).to_have_count(1)


def test_what_is_typed_outlives_a_reload_and_another_page(page: Page) -> None:
    page.goto("/")
    page.fill("#question", "Half a\nthought")
    page.reload()
    expect(page.locator("#question")).to_have_value("Half a\nthought")
    page.goto("/documents")
    page.goto("/")
    expect(page.locator("#question")).to_have_value("Half a\nthought")
    page.press("#question", "Enter")
    expect(page.locator(DONE)).to_be_visible()
    page.goto("/")
    expect(page.locator("#question")).to_have_value("")


def test_a_question_that_cannot_be_sent_is_back_in_the_box(page: Page, watch: Watch, site: Site) -> None:
    for words in ("net::ERR", "htmx:sendError", "[object"):
        watch.allow(words)
    wait_in_line(page)
    page.route("**/ask", lambda route: route.abort())
    site.script.release()
    expect(page.locator("#notice")).to_contain_text("Docent cannot be reached.")
    expect(page.locator("#question")).to_have_value(NEXT)
    expect(page.locator("#queued")).to_be_hidden()
    page.unroute("**/ask")
    page.press("#question", "Enter")
    expect(page.locator(f"{LAST} h2")).to_have_text(NEXT)
    expect(page.locator(DONE)).to_be_visible()


def test_a_paste_that_will_not_fit_does_not_wait(page: Page) -> None:
    page.goto("/")
    ask(page, "hold")
    expect(page.locator(f"{LAST} .answer .closed")).to_contain_text("You have 25 days")
    page.fill("#question", "x" * 4001)
    expect(page.locator("#length")).to_contain_text("This has 4,001 characters.")
    page.press("#question", "Enter")
    expect(page.locator("#queued")).to_be_hidden()
    expect(page.locator("#question")).to_have_value("x" * 4001)


def test_a_question_that_waits_is_text(phone: Page) -> None:
    phone.goto("/")
    ask(phone, "hold")
    expect(phone.locator(f"{LAST} .answer .closed")).to_contain_text("You have 25 days")
    ask(phone, "<img src=x onerror=\"document.title='owned'\"> " + "w" * 500)
    expect(phone.locator("#queued bdi")).to_contain_text("<img src=x")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in (phone.get_by_role("button", name="Take back"), phone.get_by_role("button", name="Stop")):
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 43.9
    phone.reload()
    expect(phone.locator("#queued bdi")).to_contain_text("<img src=x")
    assert phone.title() != "owned"


def test_without_a_running_answer_enter_asks(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    ask_and_wait(page, NEXT)
    expect(page.locator("#queued")).to_be_hidden()
