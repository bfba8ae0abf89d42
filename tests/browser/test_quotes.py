"""What an answer rests on, in a real Chromium: numbers from 1 in each answer, and the documents' words beneath it."""

from playwright.sync_api import Browser, BrowserContext, Page, expect

from server.settings import ServerSettings
from tests.browser.asking import DONE, LAST, ask, ask_and_wait
from tests.browser.conftest import Watch
from tests.server.fakes import ScriptedGenerator
from tests.tiny_site import BRIEF, BRIEF_QUOTES, QUOTES, REPEATED, Site

WORDS = [quote for _n, quote in BRIEF_QUOTES]


def marked(page: Page) -> str:
    return "".join(page.locator("#panel mark").all_text_contents())


def test_the_words_beneath_an_answer_open_their_source(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page, "How much leave, in brief?")
    for _ in range(2):  # as it was streamed, and after a reload
        expect(page.locator(".quotes blockquote")).to_have_text(WORDS)
        expect(page.locator(".quotes a")).to_have_text(["Source 1 Annual leave, page 1", "Source 2 Travel expenses"])
        page.locator(".quotes a").nth(1).click()
        expect(page.locator("#panel .source-bar")).to_contain_text("Quotation 2 of 2")
        assert marked(page) == WORDS[1]
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#panel .source-bar")).to_contain_text("Quotation 1 of 2")
        assert marked(page) == WORDS[0]
        page.keyboard.press("Escape")
        expect(page.locator(".quotes a").nth(1)).to_be_focused()
        page.locator(".cite").click()
        expect(page.locator("#panel mark")).to_have_text(QUOTES[0][1])
        expect(page.locator("#panel .source-bar nav")).to_have_count(0)  # it is the only mark of this answer
        page.reload()


def test_words_that_the_answer_says_are_folded_away(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page, "Please repeat it")
    words = page.locator(".quotes blockquote")
    expect(words).to_be_hidden()
    page.locator(".quotes summary").focus()
    page.keyboard.press("Enter")
    expect(words).to_have_text(QUOTES[0][1])
    expect(words).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#panel mark")).to_have_text(QUOTES[0][1])


def test_each_answer_counts_its_sources_from_one(page: Page, site: Site) -> None:
    page.goto("/")
    ask_and_wait(page)
    ask(page, "And travel? hold")
    numbers = page.locator(f"{LAST} .card:visible .card-n")
    expect(numbers).to_have_text(["1", "2", "3"])
    expect(page.locator(f"{LAST} .closed .cite")).to_have_text(["1", "1"])
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    for _ in range(2):
        expect(numbers).to_have_text(["1", "2", "3"])
        expect(page.locator(f"{LAST} .cite")).to_have_text(["1", "1", "1", "1", "2"])
        page.locator(f"{LAST} .cite").last.click()
        expect(page.locator("#panel mark")).to_have_text(QUOTES[4][1])
        page.reload()


def test_a_source_that_is_found_while_an_answer_is_written_is_shown_at_once(page: Page, site: Site) -> None:
    site.script.wait_before_searching = True
    page.goto("/")
    ask(page, "This adds one. hold")
    site.script.held.wait(5)
    site.script.wait_before_searching = False
    site.script.release()
    expect(page.locator(f"{LAST} .card-n")).to_have_text(["1", "2", "3"])
    expect(page.locator(f"{LAST} .closed")).to_contain_text("You have 25 days")
    page.locator(f"{LAST} .card").nth(2).click()
    expect(page.locator("#panel h2")).to_have_text("Parental leave")
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator(f"{LAST} .card-n")).to_have_text(["1", "2", "3"])
    page.keyboard.press("Escape")
    expect(page.locator(f"{LAST} .card").nth(2)).to_be_focused()


def test_copy_gives_the_answer_its_words_and_its_sources_also_after_a_reload(
    page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/")
    ask_and_wait(page, "How much leave, in brief?")
    for _ in range(2):
        page.evaluate("navigator.clipboard.writeText('')")
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == (
            f"{BRIEF}\n\nThe documents’ words:\n\n> {WORDS[0]} [1]\n\n> {WORDS[1]} [2]\n\n"
            f"[1] Annual leave, page 1: “{QUOTES[0][1]}”\n[2] Travel expenses\n"
        )
        page.reload()


def test_a_printed_answer_has_its_words_however_the_page_was_folded(page: Page) -> None:
    page.goto("/")
    ask_and_wait(page, "How much leave, in brief?")
    page.locator(".quotes summary").click()
    expect(page.locator(".quotes blockquote").first).to_be_hidden()
    page.emulate_media(media="print")
    assert page.locator(".quotes").evaluate("(element) => element.offsetHeight") > 100
    page.emulate_media(media="screen")
    ask_and_wait(page, "Please repeat it")
    page.locator(f"{LAST} .quotes summary").click()
    page.emulate_media(media="print")
    expect(page.locator(f"{LAST} .quotes")).to_be_hidden()
    expect(page.locator(f"{LAST} .footnotes li")).to_have_text([f"Annual leave, page 1: “{QUOTES[0][1]}”"])


def test_the_words_are_there_without_javascript(chromium: Browser, site: Site, watch: Watch) -> None:
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    page = watch.page(context)
    page.goto("/")
    page.fill("#question", "Please repeat it")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".answer")).to_contain_text(REPEATED.removesuffix("[1]"))
    page.locator(".quotes summary").click()
    page.locator(".quotes a").click()
    expect(page.locator(".document mark")).to_have_text(QUOTES[0][1])
    context.close()


def test_on_a_phone_the_words_fit_and_can_be_touched(phone: Page) -> None:
    phone.goto("/")
    ask_and_wait(phone, "How much leave, in brief?")
    for element in phone.locator(".quotes :is(summary, a)").all():
        box = element.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 43.9
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_where_a_model_is_in_use_quotations_are_not_laid_to_its_absence(
    chromium: Browser, settings: ServerSettings
) -> None:
    with_model = Site(settings)
    with_model.generator = ScriptedGenerator()
    with with_model.served() as site:
        watch = Watch(site.url)
        context = chromium.new_context(base_url=site.url)
        page = watch.page(context)
        page.goto("/")
        ask_and_wait(page, "Please quote it")
        for _ in range(2):
            expect(page.locator(f"{LAST} .remark")).to_have_text("These are the documents’ own words.")
            expect(page.locator(".quotes")).to_have_count(0)
            page.reload()
        context.close()
        watch.check()


def test_the_documents_own_words_are_there_while_the_model_reads_and_give_way_without_a_jump(
    page: Page, site: Site
) -> None:
    page.goto("/")
    ask(page, "How much leave, in brief? read hold")
    words = page.locator(f"{LAST} .meanwhile blockquote")
    expect(words).to_have_text(QUOTES[0][1])
    expect(page.locator(f"{LAST} .status")).to_have_text("Reading 7 passages, 40%")
    page.locator(f"{LAST} .meanwhile a").click()
    expect(page.locator("#panel mark")).to_have_text(QUOTES[0][1])
    expect(words, "the source opens beside them").to_be_visible()
    site.script.release()
    expect(page.locator(DONE)).to_be_visible()
    expect(words).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#question"), "the link that opened the source is gone").to_be_focused()
    expect(page.locator(f"{LAST} .quotes blockquote")).to_have_text(WORDS)
