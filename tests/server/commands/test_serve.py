"""`docent serve --fetch` as a process: what it fetches, what a kill leaves, what a later start does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from indexer.client import read_address
from server.cli import main
from server.commands.serve import _what_answers
from server.llm.catalogue import DEFAULT_MODEL
from server.llm.fetch_plan import DEFAULTS
from server.llm.model_files import ModelNotFound
from server.settings import ServerSettings
from tests.server.arriving import COMMIT
from tests.server.fakes import HANDBOOK, fill
from tests.server.llm.fake_hub import FakeHub, running_hub
from tests.tiny_gguf import TinyModel, write_tiny_gguf
from tests.waiting import WAIT, Said, until

ROOT = Path(__file__).parents[3]
ADDRESS = f"/some/models/resolve/{COMMIT}/tiny.gguf"
CHAT = {
    "model": "docent",
    "messages": [{"role": "user", "content": "How many days of annual leave do employees have?"}],
    "max_tokens": 8,
}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with running_hub() as hub:
        yield hub


class Server:
    """A process that serves, and what it has said."""

    def __init__(self, process: "subprocess.Popen[str]", settings: ServerSettings) -> None:
        self.process = process
        self._settings = settings
        self._said = Said(process.stderr)

    @property
    def said(self) -> str:
        """On standard error, so far."""
        return self._said.text

    @property
    def url(self) -> str:
        """Empty while it does not serve."""
        address = read_address(self._settings.server_file)
        return address.url if address is not None and address.pid == self.process.pid else ""

    def model(self) -> dict[str, str]:
        try:
            parts: dict[str, dict[str, str]] = httpx.get(f"{self.url}/readyz", trust_env=False).json()["parts"]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            assert self.process.poll() is None, "the server ended"
            return {"state": "", "detail": ""}
        return parts["language_model"]

    def ask(self) -> Any:
        answer = httpx.post(f"{self.url}/v1/chat/completions", json=CHAT, timeout=WAIT, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        assert self.process.wait(WAIT) == (0 if number == signal.SIGTERM else -number)
        self._said.rest()


@contextmanager
def serving(settings: ServerSettings, model: Path, hub: FakeHub) -> Iterator[Server]:
    command = [sys.executable, "-m", "tests.server.arriving", str(settings.data), str(model)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DOCENT_", "HF_"))}
    environment |= {"HF_ENDPOINT": hub.endpoint, "PYTHONUNBUFFERED": "1", "NO_PROXY": "*"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process, settings)
        finally:
            process.kill()


def test_a_killed_fetch_goes_on_at_the_next_start_and_a_later_one_fetches_nothing(
    settings: ServerSettings, hub: FakeHub, tmp_path: Path
) -> None:
    fill(settings, {"handbook": HANDBOOK})
    model = write_tiny_gguf(tmp_path / "made.gguf", TinyModel(context=4096))
    size = model.stat().st_size
    partial = settings.models_path / ".partial"
    hub.add(ADDRESS, model.read_bytes())

    hub.silent_after = size // 2
    with serving(settings, model, hub) as server:
        until(lambda: sum(path.stat().st_size for path in partial.glob("*-tiny.gguf")) == size // 2)
        assert server.model()["state"] == "fetching"
        assert "25 days" in server.ask()["choices"][0]["message"]["content"]
        assert server.ask()["usage"]["total_tokens"] == 0
        until(lambda: "Language model tiny (0 MB) is fetched behind the page" in server.said)
        server.end(signal.SIGKILL)
    assert list(settings.models_path.glob("*.gguf")) == []

    hub.silent_after = None
    with serving(settings, model, hub) as server:
        until(lambda: server.model()["state"] == "ready")
        assert hub.downloads()[-1] == f"bytes={size // 2}-"
        assert server.ask()["usage"]["completion_tokens"] > 0
        until(lambda: "tiny writes the answers from now on. Open http://127.0.0.1:" in server.said)
        server.end(signal.SIGTERM)
    assert "no language model yet: answers are quotes until then" in server.said.splitlines()[0]
    assert "Traceback" not in server.said

    hub.requests.clear()
    with serving(settings, model, hub) as server:
        until(lambda: server.model()["state"] == "ready")
        assert server.ask()["usage"]["completion_tokens"] > 0
        server.end(signal.SIGTERM)
    assert "tiny loads" in server.said.splitlines()[0]
    assert "fetched" not in server.said
    assert hub.requests == []


def test_the_end_of_a_server_does_not_wait_for_a_source_that_says_nothing(
    settings: ServerSettings, hub: FakeHub, tmp_path: Path
) -> None:
    fill(settings, {"handbook": HANDBOOK})
    model = write_tiny_gguf(tmp_path / "made.gguf")
    hub.add(ADDRESS, model.read_bytes())
    hub.silent_after = 0
    with serving(settings, model, hub) as server:
        until(lambda: server.model()["state"] == "fetching" and bool(hub.downloads()))
        server.end(signal.SIGTERM)  # which waits for less than the source has time to speak
    assert "Traceback" not in server.said


def test_a_name_that_no_start_can_fetch_is_refused_before_anything_begins(settings: ServerSettings) -> None:
    result = CliRunner().invoke(main, ["serve", "--fetch", "nonsense"], env={"DOCENT_DATA": str(settings.data)})
    assert result.exit_code == 2
    assert f"Give one of default, {DEFAULT_MODEL}" in result.stderr
    assert not settings.data.exists()


def test_the_first_line_says_what_answers(settings: ServerSettings) -> None:
    assert _what_answers(settings, ()) == "no language model: answers are quotes"
    assert _what_answers(settings, DEFAULTS) == "no language model yet: answers are quotes until then"
    settings.models_path.mkdir(parents=True)
    with (settings.models_path / DEFAULTS[0].file).open("wb") as file:
        file.truncate(DEFAULTS[0].size)
    assert _what_answers(settings, DEFAULTS) == "Qwen2.5-Coder-1.5B loads"
    with pytest.raises(ModelNotFound, match="gone"):
        _what_answers(settings.model_copy(update={"model": "gone"}), ())
