"""A real Chromium. Every page that a test opens fails it on a console error, a policy report or a foreign request."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, sync_playwright

from server.settings import ServerSettings
from tests.tiny_site import Site

FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        message = "NO CHROMIUM: the browser tests did not run. Install the package chromium."
        if os.environ.get("CI") == "true" or os.environ.get("DOCENT_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(settings: ServerSettings) -> Iterator[Site]:
    with Site(settings).served() as site:
        yield site


class Watch:
    """What a page must not do; `allow` names a console error that a test causes on purpose."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.wrong: list[str] = []
        self.allowed: list[str] = []

    def allow(self, words: str) -> None:
        self.allowed.append(words)

    def page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("dialog", self._opened)
        page.on("request", lambda request: self._asked(request.url))
        return page

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text}")

    def _opened(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.wrong.append(f"request: {url}")

    def check(self) -> None:
        assert [line for line in self.wrong if not any(words in line for words in self.allowed)] == []


@pytest.fixture
def watch(site: Site) -> Iterator[Watch]:
    watch = Watch(site.url)
    yield watch
    watch.check()


@pytest.fixture
def context(chromium: Browser, site: Site) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(8000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    return watch.page(context)


@pytest.fixture
def phone(chromium: Browser, site: Site, watch: Watch) -> Iterator[Page]:
    context = chromium.new_context(base_url=site.url, viewport={"width": 360, "height": 740}, has_touch=True)
    context.set_default_timeout(8000)
    yield watch.page(context)
    context.close()


def pytest_collection_modifyitems(items: list[Any]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
