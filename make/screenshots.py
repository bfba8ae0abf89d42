"""Pictures of every state of the page, desktop and phone, light and dark, into docs/screenshots.

They are made from the small site that the browser tests use, and need a Chromium. Their colours are reduced, so that
all of them together stay small.
"""

import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sqlmodel import Session

from indexer.knowledge.database import writing
from indexer.knowledge.tables import Collection, IngestRun
from make.screenshots_documents import shoot_documents
from server.runtime.model_arrival import Arrival
from server.settings import ServerSettings
from tests.browser.conftest import FLAGS
from tests.tiny_site import Site

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "screenshots" / "states"
SIZES = {"desktop": (1040, 660), "phone": (360, 640)}
COLOURS = 24
DONE = '.turn:last-child[data-state="done"]'


def shoot(page: Page, site: Site, save: Callable[[str], None]) -> None:
    """Go through the states in the order in which a person meets them."""
    shoot_arrival(page, site, save)
    shoot_on_the_way(page, site, save)
    shoot_answers(page, save)


def shoot_arrival(page: Page, site: Site, save: Callable[[str], None]) -> None:
    """A language model that is fetched behind the page."""
    for name, state in (
        ("model-on-its-way", Arrival("fetching", "qwen2.5-coder-1.5b", 412_000_000, 1_117_320_768)),
        ("model-not-fetched", Arrival("failed", why="qwen2.5-coder-1.5b could not be fetched. The disk is full.")),
        ("too-little-memory", Arrival("too_large", why="The server has too little free memory for phi-3-mini.")),
    ):
        site.live.arrival.become(state)
        page.goto("/")
        save(name)
    site.live.arrival.become(Arrival())


def shoot_on_the_way(page: Page, site: Site, save: Callable[[str], None]) -> None:
    """Until an answer is there."""
    page.goto("/")
    save("first-visit")
    ask(page, "How long? load")
    page.get_by_text("Phi-3 loads").wait_for()
    save("model-loading")
    stop(page)
    page.goto("/")
    ask(page, "How many days of leeve? queue")
    page.get_by_text("questions are ahead of yours").wait_for()
    save("in-the-queue")
    stop(page)
    page.goto("/")
    ask(page, "How much leave do I have? Please hold")
    page.locator(".answer .closed p").wait_for()
    save("streaming")
    stop(page)
    save("stopped")
    page.goto("/")
    ask(page, "How much leave do I have? Please hold")
    page.locator(".answer .closed p").wait_for()
    page.route("**/events", lambda route: route.abort())
    site.drop_connections()
    page.locator(".status.lost").wait_for()
    save("connection-lost")
    page.unroute("**/events")
    page.reload()
    stop(page)
    page.goto("/")
    page.fill("#question", "A text that somebody copied out of a long report. " * 90)
    page.locator("#length:not(:empty)").wait_for()
    save("too-long")


def shoot_answers(page: Page, save: Callable[[str], None]) -> None:
    """What may become of a question, and what can be done with an answer."""
    page.goto("/")
    ask(page, "How much leave do I have?")
    page.locator(DONE).wait_for()
    save("answered")
    page.locator(".cite").first.click()
    page.locator("#panel #quote").wait_for()
    save("source")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Answer again").click()
    page.locator(".versions").wait_for()
    page.locator(DONE).wait_for()
    page.locator("a.edit").click()
    save("edit-and-versions")
    for question, state, name in (
        ("Is this unknown to the documents?", ".turn:last-child[data-unanswered]", "not-in-the-documents"),
        ("Is the rule weak?", ".turn:last-child .answer .weak", "partly-supported"),
        ("Please quote the rule", ".turn:last-child .extractive", "without-a-model"),
        ("Please fail", '.turn:last-child[data-state="failed"]', "failed"),
        ("What can you do?", DONE, "small-talk"),
    ):
        page.goto("/")
        ask(page, question)
        page.locator(state).wait_for()
        save(name)
    page.get_by_role("button", name="Delete this conversation").click()
    page.locator(".undo").wait_for()
    save("deleted")
    page.goto("/language-model")
    save("language-model")


def shoot_empty(page: Page, site: Site, save: Callable[[str], None]) -> None:
    """Before there is anything to ask about."""
    page.goto("/")
    save("nothing-indexed")
    with writing(site.settings), Session(site.engine) as session:
        session.add(Collection(id=1, name="handbook"))
        session.add(IngestRun(collection_id=1, total=254, done=40))
        session.commit()
        page.goto("/")
        save("indexing")


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop").click()
    page.locator('.turn:last-child[data-state="stopped"]').wait_for()


def visit(browser: Browser, device: str, theme: str) -> None:
    width, height = SIZES[device]

    @contextmanager
    def opened(site: Site) -> Iterator[Page]:
        context = browser.new_context(
            base_url=site.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
        )
        yield context.new_page()
        context.close()

    def save(page: Page, name: str) -> None:
        page.wait_for_timeout(150)  # what was just put in has settled
        keep(page.screenshot(), FOLDER / f"{name}-{device}-{theme}.webp")

    with tempfile.TemporaryDirectory() as folder:
        site = Site(ServerSettings(data=Path(folder) / "data"))
        with site.served(), opened(site) as page:
            shoot(page, site, lambda name: save(page, name))
        site = Site(ServerSettings(data=Path(folder) / "empty"), documents_too=False)
        with site.served(), opened(site) as empty:
            shoot_empty(empty, site, lambda name: save(empty, name))
        shoot_documents(opened, Path(folder), save)


def keep(picture: bytes, path: Path) -> None:
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    image.convert("RGB").save(path, lossless=True, quality=100, method=6)  # two thirds of the same as PNG


def chromium() -> str:
    """Its path. Ends the program where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        sys.exit("This needs a Chromium, and none was found. Install the package chromium.")
    return found


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)  # states that are no more
    FOLDER.mkdir(parents=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for device in SIZES:
            for theme in ("light", "dark"):
                visit(browser, device, theme)
        browser.close()
    pictures = list(FOLDER.glob("*.webp"))
    sys.stdout.write(
        f"{len(pictures)} pictures, {sum(path.stat().st_size for path in pictures) / 1000:.0f} kB in {FOLDER}\n"
    )


if __name__ == "__main__":
    main()
