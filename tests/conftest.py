"""Fixtures that more than one package's tests share."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from server.settings import ServerSettings
from tests.word_embedder import WordEmbedder

ROOT = Path(__file__).parents[1]

# A shell that starts the tests in the background has them ignore Ctrl-C, and every process that a test starts as well.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes depends on what else the machine does, and says nothing of the code.
# The checks before a landing try the same examples each time, so that what fails there fails anywhere; people's own
# runs try new ones.
hypothesis_settings.register_profile("docent", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis_settings.load_profile("docent")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running in this thread, in which no asyncio test can start."""
    items.sort(key=lambda item: "browser" in item.path.relative_to(ROOT).parts)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    """Settings with a data folder of their own, untouched by the environment of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("DOCENT_")]:
        monkeypatch.delenv(name)
    return ServerSettings(data=tmp_path / "data", port=0)


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def shared() -> Path:
    """The folder of corpora, question sets and models beside the checkout. Skips where there is none."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the corpora and question sets in {folder.name}/ beside the checkout")
    return folder
