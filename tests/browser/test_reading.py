"""Reading an answer on every screen: its sources, marks, the words that stand there meanwhile, editing, the list."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.asking import DONE, LAST, ask, ask_and_wait
from tests.browser.conftest import Watch
from tests.browser.test_weight import FORGET_INPUT, SHIFT, WATCH_SHIFTS
from tests.tiny_site import QUOTES, Site

SCREENS = {
    "desktop": (1440, 900),
    "laptop": (1280, 720),
    "phone": (390, 844),
    "sideways": (844, 390),
    "200%": (720, 450),
}
CUT = "(element) => element.scrollHeight > element.clientHeight + 1 || element.scrollWidth > element.clientWidth + 1"
GAP = """(mark) => {
  const after = document.createRange();
  after.setStart(mark.nextSibling, 0);
  after.setEnd(mark.nextSibling, 1);
  const number = document.createRange();
  number.selectNodeContents(mark.querySelector('a').firstChild);
  return [after.toString(), after.getBoundingClientRect().left - number.getBoundingClientRect().right];
}"""


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest, chromium: Browser, site: Site, watch: Watch) -> Iterator[Page]:
    yield from opened(chromium, site, watch, request.param)


def opened(chromium: Browser, site: Site, watch: Watch, name: str) -> Iterator[Page]:
    width, height = SCREENS[name]
    touch = name in ("phone", "sideways")
    context = chromium.new_context(base_url=site.url, viewport={"width": width, "height": height}, has_touch=touch)
    context.set_default_timeout(8000)
    yield watch.page(context)
    context.close()


def test_cards_can_be_read(screen: Page) -> None:
    """Two or three beside each other, below each other on a phone; nothing of them is cut off."""
    screen.goto("/")
    ask_and_wait(screen)
    cards = screen.locator(f"{LAST} .cards").first.locator(".card")
    expect(cards).to_have_count(3)
    expect(screen.locator(f"{LAST} .more-sources summary")).to_have_text("and 4 more")
    boxes = [card.bounding_box() for card in cards.all()]
    tops = {round(box["y"]) for box in boxes if box}
    size = screen.viewport_size
    assert size
    assert len(tops) == (3 if size["width"] < 600 else 1 if size["width"] > 700 else 2)
    for part in screen.locator(".card-title, .card-place, .card-text").all():
        if part.is_visible():
            assert not part.evaluate(CUT), part.text_content()
    assert all(box and box["width"] >= 200 for box in boxes)
    expect(cards.first).to_have_accessible_name(f"1 Text Annual leave {QUOTES[0][1]}")


def test_conversations_are_reachable_on_every_screen(screen: Page) -> None:
    screen.goto("/")
    for number in range(8):
        screen.request.post("/ask", form={"question": f"{number}. How much leave?"}, max_redirects=0)
    screen.goto("/")
    if screen.locator(".bar").is_visible():
        screen.locator(".bar").get_by_role("button", name="Conversations").click()
    lines = screen.locator("#conversations a")
    expect(lines).to_have_count(8)
    expect(lines.first, "the newest is in sight at once").to_be_in_viewport(ratio=0.9)
    lines.last.click()
    expect(screen.locator(f"{LAST} h2")).to_have_text("0. How much leave?")


@pytest.mark.parametrize("media", ["screen", "print"])
def test_no_gap_is_between_a_mark_and_the_full_stop(page: Page, site: Site, media: Literal["screen", "print"]) -> None:
    page.goto("/")
    ask_and_wait(page, "A full stop follows the mark")
    page.emulate_media(media=media)
    mark = page.locator(f"{LAST} .mark").first
    stop, gap = mark.evaluate(GAP)
    assert stop == "."
    assert gap < 1.5


def test_two_marks_are_no_number(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page, "A full stop follows the mark")
    one, two = (mark.bounding_box() for mark in page.locator(f"{LAST} .cite").all()[1:3])
    assert one
    assert two
    assert 2 <= two["x"] - one["x"] - one["width"] <= 8


def test_the_words_beside_a_mark_leave_the_next_quotations_in_sight(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page, "Please quote it")
    mark = page.locator(f"{LAST} .cite").first
    mark.hover()
    tip = page.locator(f"{LAST} .tip").first
    expect(tip).to_have_text("Annual leave, page 1")
    box = tip.bounding_box()
    assert box
    assert box["height"] < 50
    ask_and_wait(page)
    page.locator(f"{LAST} .cite").first.hover()
    box = page.locator(f"{LAST} .tip").first.bounding_box()
    assert box
    assert box["height"] <= 128


@pytest.mark.parametrize("question", ["How much leave, in brief? read hold", "Please quote what you drop, read"])
def test_the_documents_words_give_way_without_a_jump(screen: Page, site: Site, question: str) -> None:
    screen.goto("/")
    ask(screen, question)
    expect(screen.locator(f"{LAST} .meanwhile blockquote")).to_have_text(QUOTES[0][1])
    expect(screen.locator(f"{LAST} .meanwhile h3")).to_contain_text("The documents’ own words")
    expect(screen.locator(f"{LAST} .status")).to_have_text("Reading 7 passages, 40%")
    screen.evaluate(WATCH_SHIFTS.replace(", buffered: true", ""))
    screen.wait_for_timeout(FORGET_INPUT)
    before = screen.evaluate("scrollY")
    site.script.release()
    expect(screen.locator(DONE)).to_be_visible()
    screen.wait_for_timeout(200)
    assert screen.evaluate("window.shift") < SHIFT
    if screen.evaluate("innerHeight") > 400:  # a lower screen follows the words
        assert screen.evaluate("scrollY") == before
    if "drop" in question:
        expect(screen.locator(f"{LAST} .answer blockquote")).to_contain_text(QUOTES[0][1])
        expect(screen.locator(f"{LAST} .remark")).to_have_text(
            "What the language model wrote has no support in the documents. These are their own words."
        )


@pytest.mark.parametrize("end", ["stop", "fail"])
def test_where_nothing_was_written_the_documents_words_stay(page: Page, site: Site, end: str) -> None:
    page.goto("/")
    ask(page, f"How much leave? read {'break' if end == 'fail' else ''}")
    expect(page.locator(f"{LAST} .status")).to_have_text("Reading 7 passages, 40%")
    if end == "stop":
        page.get_by_role("button", name="Stop").click()
    else:
        site.script.release()
    for _ in range(2):
        expect(page.locator(f'{LAST}:not([data-state="running"]) .quotes blockquote')).to_have_text(QUOTES[0][1])
        expect(page.locator(f"{LAST} .quotes summary")).to_have_text("The documents’ words")
        page.reload()
    page.locator(f"{LAST} .quotes a").click()
    expect(page.locator("#panel mark")).to_have_text(QUOTES[0][1])


def test_a_question_is_edited_where_it_stands(screen: Page) -> None:
    screen.goto("/")
    ask_and_wait(screen)
    ask_and_wait(screen, "And travel?")
    first = screen.locator(".turn").first
    first.locator("h2").hover()
    first.locator("a.edit").click()
    field = screen.get_by_label("The question in other words")
    expect(field).to_be_focused()
    expect(first.locator("h2")).to_have_count(0)
    expect(screen.get_by_role("button", name="Ask", exact=True)).to_have_count(1)
    place, turn = field.bounding_box(), first.bounding_box()
    assert place
    assert turn
    assert place["y"] - turn["y"] < 60, "at the heading"
    first.get_by_role("link", name="Cancel").click()
    expect(first.locator("h2")).to_have_text("How much leave?")
    expect(first.locator("a.edit")).to_be_focused()
    screen.keyboard.press("Enter")
    expect(field).to_be_focused()
    screen.keyboard.press("Escape")
    expect(first.locator("h2")).to_have_text("How much leave?")
    screen.keyboard.press("Enter")
    field.fill("How much paid leave?")
    field.press("Enter")
    expect(screen.locator(f"{DONE} h2")).to_have_text("How much paid leave?")
    expect(screen.locator(".versions")).to_contain_text("Version 2 of 2")


def test_a_conversation_s_name_and_what_is_done_with_it_stand_together(screen: Page) -> None:
    screen.goto("/")
    ask_and_wait(screen)
    screen.reload()
    title = screen.get_by_role("heading", level=1).bounding_box()
    delete = screen.get_by_role("button", name="Delete this conversation").bounding_box()
    heading = screen.locator(".turn h2").bounding_box()
    assert title
    assert delete
    assert heading
    assert abs(title["y"] + title["height"] / 2 - delete["y"] - delete["height"] / 2) < 4
    assert delete["y"] + delete["height"] <= heading["y"]
    screen.locator(".rename summary").click()
    expect(screen.get_by_label("Title", exact=True)).to_be_focused()
    assert screen.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_conversations_of_one_title_have_their_time_and_a_search_shows_its_words(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page)
    page.goto("/")
    ask_and_wait(page)
    page.goto("/")
    ask_and_wait(page, "And travel?")
    times = page.locator("#conversations .when")
    expect(times).to_have_count(2)
    page.get_by_label("Search your conversations").fill("PORTAL")
    found = page.locator("#conversations .found")
    expect(found.first).to_contain_text("Enter the days in the staff portal")
    expect(found.first.locator("mark")).to_have_text("portal")
    page.locator("#conversations a").last.click()
    expect(page.locator(DONE)).to_contain_text("staff portal")


def test_the_foot_of_an_earlier_answer_is_quiet_until_it_is_wanted(page: Page) -> None:
    def seen() -> Any:
        return first.evaluate("(foot) => getComputedStyle(foot).opacity")

    page.goto("/")
    ask_and_wait(page)
    ask_and_wait(page, "And travel?")
    page.mouse.move(0, 0)
    first = page.locator(".turn-foot").first
    assert seen() == "0"
    first.get_by_role("button", name="Copy").focus()
    assert seen() == "1"
    page.locator("#question").focus()
    page.locator(".turn").first.hover()
    assert seen() == "1"
    first.get_by_role("button", name="This answer helped").click()
    expect(first.get_by_role("button", name="This answer helped")).to_have_attribute("aria-pressed", "true")
    page.mouse.move(0, 0)
    page.locator("#question").focus()
    assert seen() == "1", "what was said of it stays in sight"
