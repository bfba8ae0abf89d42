"""The whole way with real weights: documents, `docent serve`, a written answer over HTTP; and again after a kill."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.llm.real_weights.conftest import MARKS
from tests.test_whole_way import LEAVE, TRAVEL, Place, free_port, wait_for
from tests.waiting import until

pytestmark = [*MARKS, pytest.mark.models]
QUESTION = {"role": "user", "content": "How many days of annual leave do I get?"}
ASKED = {"model": "docent", "messages": [QUESTION], "max_tokens": 40}


@contextmanager
def served(data: Path, weights: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "server", "serve", "--port", str(port)]
    environment = Place(data, data).environment(DOCENT_MODEL=str(weights), DOCENT_THREADS="1")
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(url)
        yield url, process
    finally:
        process.kill()
        process.wait(30)


def upload(url: str) -> None:
    """Both documents; returns when they are found."""
    files = [("files", ("leave.md", LEAVE.encode())), ("files", ("travel.txt", TRAVEL.encode()))]
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        client.post("/documents/upload", data={"collection": "handbook"}, files=files)
        until(lambda: {"leave.md", "travel.txt"} <= found(client), pause=0.5)


def found(client: httpx.Client) -> set[str]:
    passages = client.post("/v1/search", json={"query": "leave, receipts"}).json()["passages"]
    return {passage["document"] for passage in passages}


def ask(url: str) -> dict[str, Any]:
    response = httpx.post(f"{url}/v1/chat/completions", json=ASKED, trust_env=False, timeout=120)
    assert response.status_code == 200, response.text
    completion: dict[str, Any] = response.json()
    return completion


def kill_in_an_answer(url: str, process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL: nothing is saved, nothing is closed."""
    request = {**ASKED, "stream": True}
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=request, trust_env=False, timeout=120) as response:
        assert next(response.iter_lines()).startswith("data: ")
        process.kill()
    process.wait(30)


def test_a_written_answer_and_another_after_a_kill(weights: Path, tmp_path: Path) -> None:
    with served(tmp_path, weights) as (url, process):
        upload(url)
        first = ask(url)
        kill_in_an_answer(url, process)
    with served(tmp_path, weights) as (url, _):
        second = ask(url)
    for completion in (first, second):
        content, docent = completion["choices"][0]["message"]["content"], completion["docent"]
        assert content.strip()
        assert "<|" not in content
        assert {"mode", "answered", "citations", "took_ms"} <= docent.keys()
        assert docent["sources"][0]["document"] == "leave.md"
        usage = completion["usage"]
        assert usage["prompt_tokens"] > 50
        assert 0 < usage["completion_tokens"] <= 40
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
