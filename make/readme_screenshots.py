"""The README's pictures: a real language model answers from Docent's own guide, into docs/screenshots/readme.

Takes the language model that a server would take here (DOCENT_MODEL, DOCENT_DATA), and needs a Chromium. The data are
in a folder that is removed again.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

from indexer.client import find_server
from make.screenshots import DONE, ROOT, ask, chromium, keep
from server.llm.model_files import resolve_model
from server.settings import ServerSettings
from tests.browser.conftest import FLAGS

FOLDER = ROOT / "docs" / "screenshots" / "readme"
SECONDS = 300  # that indexing, loading and an answer may take
ANSWERED = "How do I upgrade to a newer version?"
ON_A_PHONE = "How long are conversations kept?"
NOT_ANSWERED = "How many people work in our office in Berlin?"


@contextmanager
def served(model: Path) -> Iterator[str]:
    """The address of a server that has read the guide and loaded the model."""
    with tempfile.TemporaryDirectory() as data:
        environment = os.environ | {"DOCENT_DATA": data, "DOCENT_MODEL": str(model)}
        command = [sys.executable, "-m", "server", "serve", "--port", "0", "--ingest", "docs"]
        with subprocess.Popen(command, cwd=ROOT, env=environment) as server:  # noqa: S603 (this interpreter)
            try:
                yield ready(ServerSettings(data=Path(data)))
            finally:
                server.terminate()


def ready(settings: ServerSettings) -> str:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        time.sleep(1)
        running = find_server(settings)
        if running is None:
            continue
        url = running.address.url
        parts = httpx.get(f"{url}/readyz", trust_env=False).json()["parts"]
        examples = httpx.get(f"{url}/examples", trust_env=False).text
        if all(part["state"] == "ready" for part in parts.values()) and "<button" in examples:
            return url
    sys.exit(f"The server was not ready within {SECONDS} seconds.")


def shoot(browser: Browser, url: str) -> None:
    with page_of(browser, url, 1040, 660, "light") as page:
        answered(page, ANSWERED)
        page.locator(".answer .cite").first.click()
        page.locator("#panel #quote").wait_for()
        save(page, "answer-and-source")
    with page_of(browser, url, 1040, 660, "dark") as page:
        page.goto("/")
        ask(page, NOT_ANSWERED)
        expect(page.locator(".turn[data-unanswered]")).to_be_visible(timeout=SECONDS * 1000)
        save(page, "not-in-the-documents")
    with page_of(browser, url, 360, 640, "light") as page:
        answered(page, ON_A_PHONE)
        save(page, "phone")


@contextmanager
def page_of(browser: Browser, url: str, width: int, height: int, theme: str) -> Iterator[Page]:
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def answered(page: Page, question: str) -> None:
    page.goto("/")
    ask(page, question)
    expect(page.locator(f"{DONE} .answer.model")).to_be_visible(timeout=SECONDS * 1000)


def save(page: Page, name: str) -> None:
    page.wait_for_timeout(300)  # what was just put in has settled
    keep(page.screenshot(), FOLDER / f"{name}.webp")


def main() -> None:
    model = resolve_model(ServerSettings())
    if model is None:
        sys.exit("This needs a language model: docent models pull qwen2.5-coder-1.5b")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with served(model) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        shoot(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
