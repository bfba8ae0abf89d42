"""What a connection may hold before anything can refuse it, on a real server."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.app import Parts
from server.settings import ServerSettings
from server.web.protocol import HELD_LIMIT, MOST_HEADERS
from server.web.security import HEAD_LIMIT
from tests.server.fakes import no_generator, open_fake_retriever, serving
from tests.waiting import WAIT

FLOOD = 64  # times as much as is held
CHUNKED = b"POST /theme HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    settings = ServerSettings(data=Path(tmp_path_factory.mktemp("protocol")), port=0)
    with serving(settings, Parts(open_retriever=open_fake_retriever, open_generator=no_generator)) as url:
        place = urlsplit(url)
        assert place.hostname
        assert place.port
        yield place.hostname, place.port


def taken(address: tuple[str, int], begin: bytes, more: bytes, times: int) -> tuple[int, bytes]:
    """(bytes that were taken, what was answered) of a request that begins so and then goes on without an end."""
    sent, answer = 0, b""
    with socket.create_connection(address, timeout=WAIT) as connection:
        try:
            connection.sendall(begin)
            for _ in range(times):
                connection.sendall(more)
                sent += len(more)
        except OSError:  # closed at the other end
            pass
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
    return sent, answer


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /", b"a" * 65536),
        (b"GET /?", b"a=b&" * 16384),
        (b"GET / HTTP/1.1\r\nX: ", b"a" * 65536),
        (b"GET / HTTP/1.1\r\n", b"X: " + b"a" * 65530 + b"\r\n"),
        (b"GET / HTTP/1.1\r\n", b"X: a\r\n" * 8192),
        (CHUNKED + FORM + b"3\r\na=b\r\n0\r\n", b"X: " + b"a" * 65530 + b"\r\n"),
        (CHUNKED + FORM + b"3;", b"a" * 65536),
    ],
    ids=["an address", "a query", "a header", "headers", "short headers", "trailers", "a chunk's extension"],
)
def test_what_has_no_end_is_not_collected(address: tuple[str, int], begin: bytes, more: bytes) -> None:
    sent, answer = taken(address, begin, more, FLOOD * HELD_LIMIT // len(more))
    assert sent < FLOOD * HELD_LIMIT // 2, "the connection was closed long before all of it came"
    assert answer == b"" or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ", b"HTTP/1.1 303 "))


def answered(address: tuple[str, int], headers: bytes) -> bytes:
    with socket.create_connection(address, timeout=WAIT) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + headers + b"\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def test_a_head_that_is_too_large_is_told_so(address: tuple[str, int]) -> None:
    assert answered(address, b"").startswith(b"HTTP/1.1 200 ")
    assert answered(address, b"X: " + b"a" * (HEAD_LIMIT - 500) + b"\r\n").startswith(b"HTTP/1.1 200 ")
    large = answered(address, b"X: " + b"a" * HEAD_LIMIT + b"\r\n")
    assert large.startswith(b"HTTP/1.1 431 ")
    assert b"Delete this site's cookies" in large
    assert answered(address, b"X: a\r\n" * 90).startswith(b"HTTP/1.1 200 ")
    assert b"headers of this request" in answered(address, b"X: a\r\n" * 120)
    assert answered(address, b"X: a\r\n" * (MOST_HEADERS + 1)).startswith(b"HTTP/1.1 431 ")


def test_requests_one_after_the_other_on_a_connection_are_no_large_one(address: tuple[str, int]) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 16_000 + b"\r\n\r\n"
    with socket.create_connection(address, timeout=WAIT) as connection:
        for _ in range(2 * HELD_LIMIT // len(request)):
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_body_in_small_chunks_is_no_large_head(address: tuple[str, int]) -> None:
    chunks = b"1\r\na\r\n" * HELD_LIMIT
    with socket.create_connection(address, timeout=WAIT) as connection:
        connection.sendall(CHUNKED + b"Connection: close\r\n" + FORM + b"6\r\ntheme=\r\n" + chunks + b"0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 303 ")
