"""A local HTTP server that speaks as much of the Hugging Face hub, and of a package index, as fetching a file takes."""

import base64
import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c" * 40


class FakeHub:
    """Files by `/owner/repository/resolve/revision/path`; misbehaves as a test asks for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}  # media types that are announced
        self.sha256: dict[str, str] = {}  # announced instead of the true one
        self.cut_after: int | None = None  # bytes, then the connection is dropped, once, of a longer body
        self.silent_after: int | None = None  # bytes, then nothing more comes, and the connection stays
        self.moved = ""  # a path that every GET is sent to instead
        self.password = ""  # `name:password` without which nothing is given out
        self.released = threading.Event()  # ends every silence
        self.ignores_ranges = False
        self.status = 200
        self.requests: list[tuple[str, str, str]] = []  # method, path, range
        self.endpoint = ""

    def add(self, path: str, data: bytes) -> None:
        self.files[path] = data

    def downloads(self) -> list[str]:
        """The Range of every GET."""
        return [span for method, _, span in self.requests if method == "GET"]


class Handler(BaseHTTPRequestHandler):
    """Answers one request from `hub`."""

    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        span = self.headers.get("Range", "")
        self.hub.requests.append((self.command, self.path, span))
        data = self.hub.files.get(self.path)
        if self.hub.password:
            expected = "Basic " + base64.b64encode(self.hub.password.encode()).decode()
            if self.headers.get("Authorization") != expected:
                self._refuse(401)
                return
        if self.hub.moved and with_body:
            self.send_response(302)
            self.send_header("Location", self.hub.moved)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.hub.status != 200 or data is None:
            self._refuse(self.hub.status if self.hub.status != 200 else 404)
            return
        start = 0
        found = re.fullmatch(r"bytes=(\d+)-", span)
        if found and not self.hub.ignores_ranges:
            start = int(found[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        sha256 = self.hub.sha256.get(self.path) or hashlib.sha256(data).hexdigest()
        for name, value in [
            ("Content-Length", str(len(data) - start)),
            ("ETag", f'"{sha256}"'),
            ("X-Linked-Etag", f'"{sha256}"'),
            ("X-Linked-Size", str(len(data))),
            ("X-Repo-Commit", COMMIT),
            ("Content-Type", self.hub.types.get(self.path, "application/octet-stream")),
            ("Accept-Ranges", "bytes"),
            ("Connection", "close"),
        ]:
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self._send(data[start:])

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        if status == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def _send(self, body: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # whoever asked may have left
            self._send_to_somebody(body)
        self.close_connection = True

    def _send_to_somebody(self, body: bytes) -> None:
        cut, silent = self.hub.cut_after, self.hub.silent_after
        if silent is not None:
            self.wfile.write(body[:silent])
            self.wfile.flush()
            self.hub.released.wait(60)
        elif cut is not None and cut < len(body):
            self.hub.cut_after = None
            self.wfile.write(body[:cut])
        else:
            self.wfile.write(body)


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    handler = type("HubHandler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        hub.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
