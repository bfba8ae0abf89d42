"""A file over HTTP, from where an earlier try left it.

    download(Request(client, url, name, size), path, watch, watch.report)

A server that sends ranges goes on where the file ends; from one that does not, the file is read from its beginning.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from server.llm.sources.transfer import ATTEMPTS, BUSY_STATUS, POLL, SourceFailed, Watch, blocks

PAUSE = 0.5  # seconds before another attempt, times how many were in vain


@dataclass(frozen=True)
class Request:
    """What to ask for, and how much may come."""

    client: httpx.Client
    url: str
    name: str  # of the file, for people
    size: int = 0  # bytes; 0: unknown
    limit: int = 0  # bytes at most where the size is unknown; 0: what the server announces
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: httpx.Auth | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url


class _BrokenOff(Exception):  # noqa: N818 (named for what the connection did)
    """The transfer ended before the file did; the same server may go on with it."""


def download(request: Request, path: Path, watch: Watch, on_size: Callable[[int], None]) -> None:
    """Append to `path` what is missing. Raises SourceFailed, Silent, PullCancelled, and OSError for the disk alone."""
    if request.size and _size(path) > request.size:
        path.unlink()
    began = _size(path)
    fruitless = 0
    while not request.size or _size(path) < request.size:
        before = _size(path)
        try:
            if _transfer(request, path, watch, on_size):
                return
        except httpx.InvalidURL as error:
            raise SourceFailed(f"{request.host} names an address for {request.name} that is none.") from error
        except (_BrokenOff, httpx.HTTPError) as error:
            fruitless = 0 if _size(path) > before else fruitless + 1
            unreachable = isinstance(error, httpx.ConnectError | httpx.ProxyError) and _size(path) == began
            if unreachable or fruitless >= ATTEMPTS:
                raise SourceFailed(_broken(request, error, unreachable)) from error
        _pause(PAUSE * fruitless, watch)


def _transfer(request: Request, path: Path, watch: Watch, on_size: Callable[[int], None]) -> bool:
    """Whether the file is whole now."""
    have = _size(path)
    arriving = blocks(lambda: _read(request, have, watch.patience), watch)
    response, _ = next(arriving)
    if response.status_code == 416 and have:
        if response.headers.get("Content-Range", "") == f"bytes */{have}":
            return True  # it had arrived before
        path.unlink()
        return False  # what is here is of another file, or longer than it
    start, expected = _place(request, response, have)
    with path.open("r+b" if start else "wb") as file:
        file.seek(start)
        at = start
        for _, block in arriving:
            at += len(block)
            if at > expected > 0:
                raise SourceFailed(f"{request.host} sends more of {request.name} than the {expected:,} bytes it has.")
            file.write(block)
            on_size(at)
        if at < (request.size or expected):
            raise _BrokenOff(f"it ended after {at:,} bytes")
    return True


def _read(request: Request, have: int, patience: float) -> Iterator[tuple[httpx.Response, bytes]]:
    """The response, at first with no bytes of it, then with one block after the other."""
    headers = {"Accept-Encoding": "identity", **request.headers}
    if have:
        headers["Range"] = f"bytes={have}-"
    auth = request.auth or httpx.USE_CLIENT_DEFAULT
    with request.client.stream(
        "GET", request.url, headers=headers, auth=auth, follow_redirects=True, timeout=patience + 1
    ) as response:
        yield response, b""
        if response.is_success:
            yield from ((response, block) for block in response.iter_raw())  # as it comes: no block waits to be full


def _place(request: Request, response: httpx.Response, have: int) -> tuple[int, int]:
    """Where what comes belongs in the file, and how long that is at most. Raises SourceFailed or _BrokenOff."""
    status = response.status_code
    if status in BUSY_STATUS:
        raise _BrokenOff(f"HTTP status {status}")
    if not response.is_success:
        raise SourceFailed(f"{request.host} answered with HTTP status {status} for {request.name}.")
    goes_on = status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    if status == 206 and not goes_on:
        raise SourceFailed(f"{request.host} sent another part of {request.name} than it was asked for.")
    start = have if goes_on else 0
    announced = response.headers.get("Content-Length", "")
    whole = start + int(announced) if announced.isdigit() else 0
    if request.size and whole and whole != request.size:
        raise SourceFailed(f"{request.host} has {whole:,} bytes as {request.name}, not {request.size:,}.")
    if request.limit and whole > request.limit:
        raise SourceFailed(f"{request.host} has {whole:,} bytes as {request.name}, more than it can have.")
    return start, request.size or whole or request.limit


def _broken(request: Request, error: Exception, unreachable: bool) -> str:
    reason = str(error).strip().splitlines()[0:1] or [type(error).__name__]
    if unreachable:
        return f"{request.host} could not be reached ({reason[0][:200]})."
    return f"The connection to {request.host} broke off again and again ({reason[0][:200]})."


def _pause(seconds: float, watch: Watch) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        watch.check()
        time.sleep(min(left, POLL))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
