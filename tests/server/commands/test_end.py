"""SIGTERM in the middle of work, in a real process: every stream ends with words, the process whatever hangs."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.client import read_address
from server.app import Parts
from server.commands import serve as serve_module
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, ScriptedGenerator, fill, open_fake_retriever
from tests.waiting import WAIT, Said, until

ROOT = Path(__file__).parents[3]
QUESTION = "How many days of annual leave do employees have?"
CHAT = {"model": "docent", "messages": [{"role": "user", "content": QUESTION}], "docent": {"retrieval": "off"}}


class HangingGenerator(ScriptedGenerator):
    """Neither goes on nor lets itself be closed."""

    async def aclose(self) -> None:
        time.sleep(WAIT)  # noqa: ASYNC251 (as a computation in C would)


def serve_one_that_waits(data: Path, how: str) -> None:
    """A model that writes a word and then waits for ever."""
    generator = ScriptedGenerator()
    if how == "hangs":
        generator, serve_module.END_SECONDS = HangingGenerator(), 5.0
    generator.gate.clear()
    parts = Parts(open_fake_retriever, lambda _settings: generator)
    serve_module.serve(ServerSettings(data=data, port=0, model=""), parts=parts)


@contextmanager
def serving(settings: ServerSettings, how: str = "") -> Iterator[tuple["subprocess.Popen[str]", str, Said]]:
    fill(settings, {"handbook": HANDBOOK})
    command = [sys.executable, "-m", "tests.server.commands.test_end", str(settings.data), how]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOCENT_")}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment | {"PYTHONUNBUFFERED": "1"}, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            said = Said(process.stderr)
            said.line(0)
            address = read_address(settings.server_file)
            assert address is not None
            until(lambda: httpx.get(f"{address.url}/readyz", trust_env=False).status_code == 200)
            yield process, address.url, said
        finally:
            process.kill()


def first_word(lines: Iterator[str]) -> None:
    for line in lines:
        if '"content":"Employees"' in line or "Employees" in line:
            return
    pytest.fail("the stream ended before its first word")


def ends(lines: Iterator[str]) -> list[str]:
    return [line for line in lines if line]


def test_every_stream_ends_with_words_and_nothing_is_left_of_the_server(settings: ServerSettings) -> None:
    with serving(settings) as (process, url, said), ExitStack() as stack, httpx.Client(base_url=url) as client:
        wanted: dict[str, Any] = {"json": CHAT | {"stream": True}, "timeout": WAIT}
        streams = [stack.enter_context(client.stream("POST", "/v1/chat/completions", **wanted)) for _ in range(3)]
        api = [stream.iter_lines() for stream in streams]
        for lines in api:
            first_word(lines)
        whole: list[httpx.Response] = []
        waiting = threading.Thread(
            target=lambda: whole.append(httpx.post(f"{url}/v1/chat/completions", json=CHAT, timeout=WAIT))
        )
        waiting.start()
        page = client.post("/ask", data={"question": QUESTION}, headers={"Origin": url, "HX-Request": "true"})
        assert page.status_code == 200, page.text
        turn = page.text.split("/turns/")[1].split("/")[0]
        followed = stack.enter_context(client.stream("GET", f"/turns/{turn}/events", timeout=WAIT)).iter_lines()
        first_word(followed)
        progress = stack.enter_context(client.stream("GET", "/documents/events", timeout=WAIT)).iter_lines()
        host, port = url.removeprefix("http://").split(":")
        upload = stack.enter_context(socket.create_connection((host, int(port))))
        upload.sendall(
            b"POST /documents/upload HTTP/1.1\r\nHost: " + f"{host}:{port}".encode() + b"\r\n"
            b"Content-Type: multipart/form-data; boundary=xx\r\nContent-Length: 100000\r\n\r\n--xx\r\n"
        )
        process.send_signal(signal.SIGTERM)
        for lines in api:
            last = ends(lines)[-1]
            assert json.loads(last.removeprefix("data: "))["error"]["code"] == "server_stops"
        assert any("being stopped or restarted" in line for line in ends(followed))
        ends(progress)  # a connection that breaks in it would raise
        waiting.join(WAIT)
        assert (whole[0].status_code, whole[0].json()["error"]["code"]) == (503, "server_stops")
        upload.settimeout(WAIT)
        assert b" 503 " in upload.recv(100)
        assert process.wait(WAIT) == 0
        assert "Traceback" not in said.rest()
    assert not settings.server_file.exists()


def test_whatever_hangs_the_process_ends(settings: ServerSettings) -> None:
    with serving(settings, "hangs") as (process, url, said), httpx.Client(base_url=url) as client:
        with client.stream("POST", "/v1/chat/completions", json=CHAT | {"stream": True}, timeout=WAIT) as stream:
            lines = stream.iter_lines()
            first_word(lines)
            process.send_signal(signal.SIGTERM)
            assert "server_stops" in ends(lines)[-1]
        assert process.wait(WAIT) == 1
        assert "something hangs: it ends now" in said.rest()
        assert "Traceback" not in said.text
    assert not settings.server_file.exists()


if __name__ == "__main__":
    serve_one_that_waits(Path(sys.argv[1]), sys.argv[2])
