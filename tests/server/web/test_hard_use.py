"""Many clients and slow ones, on a real server with a tiny model that answers two at a time."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from server.app import Parts
from server.engine.gguf_header import read_header
from server.llm.machine import fit_here
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, fill, open_fake_retriever, serving
from tests.tiny_gguf import TinyModel, write_tiny_gguf
from tests.waiting import WAIT, until

CLIENTS = 200
WIDE = TinyModel(ends=False, width=256)  # a cache of one megabyte holds 512 tokens: two answers at once


def question(number: int, **more: object) -> dict[str, object]:
    messages = [{"role": "user", "content": f"{number}: what is it"}]
    return {"model": "docent", "messages": messages, "docent": {"retrieval": "off"}, "max_tokens": 8, **more}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    settings = ServerSettings(data=tmp_path, threads=1, queue=20, cache_mb=1)
    settings.models_path.mkdir()
    write_tiny_gguf(settings.models_path / "tiny.gguf", WIDE)
    fill(settings, {"handbook": HANDBOOK})
    assert fit_here(read_header(settings.models_path / "tiny.gguf"), settings, 8 << 30).slots == 2
    with serving(settings, Parts(open_retriever=open_fake_retriever)) as url:
        until(lambda: httpx.get(f"{url}/readyz", timeout=WAIT).status_code == 200)
        yield url


async def test_200_clients_on_two_slots_are_answered_or_told_when_to_come_back(url: str) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, timeout=WAIT, limits=limits) as client:

        async def ask(number: int) -> httpx.Response:
            return await client.post("/v1/chat/completions", json=question(number, stream=number % 2 == 1))

        answers = await asyncio.gather(*(ask(number) for number in range(CLIENTS)))
        counted = Counter(answer.status_code for answer in answers)
        assert set(counted) <= {200, 429}, counted
        assert counted[200] >= 22  # two slots and the queue
        for answer in answers:
            if answer.status_code == 429:
                assert int(answer.headers["retry-after"]) > 0
                assert answer.json()["error"]["code"] == "queue_full"
            elif "event-stream" in answer.headers["content-type"]:
                assert answer.text.endswith("data: [DONE]\n\n")
            else:
                assert answer.json()["usage"]["completion_tokens"] == 8
        last = await ask(CLIENTS)
        assert last.status_code == 200


def slow_client(url: str, number: int) -> socket.socket:
    """Asks for a long stream and reads one byte of it."""
    address = urlsplit(url)
    body = json.dumps(question(number, stream=True, max_tokens=400, logprobs=True, top_logprobs=20)).encode()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(WAIT)
    connection.connect((address.hostname, address.port))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert connection.recv(1) == b"H"
    return connection


def test_clients_that_hardly_read_hold_no_slot(url: str) -> None:
    slow = [slow_client(url, number) for number in range(4)]  # twice as many as there are slots
    try:
        for number in range(4):
            answer = httpx.post(f"{url}/v1/chat/completions", json=question(number + 10), timeout=WAIT)
            assert answer.status_code == 200
        assert all(connection.recv(1) for connection in slow)  # still there, a byte at a time
    finally:
        for connection in slow:
            connection.close()
    assert httpx.post(f"{url}/v1/chat/completions", json=question(99), timeout=WAIT).status_code == 200


async def test_clients_that_leave_in_the_middle_hold_no_slot(url: str) -> None:
    for number in range(10):
        await asyncio.to_thread(lambda number=number: slow_client(url, number).close())
    async with httpx.AsyncClient(base_url=url, timeout=WAIT) as client:
        answer = await client.post("/v1/chat/completions", json=question(50))
    assert answer.status_code == 200
