"""An OpenAI-compatible API on a real socket that answers what it is told, well or badly."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODELS = b'{"data": [{"id": "phi", "max_model_len": 2048}, {"id": "other"}]}'


def event(text: str | None = None, *, reason: str | None = None, **more: Any) -> bytes:
    """One `data:` line of a stream."""
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": reason}
    return b"data: " + json.dumps({"choices": [choice], **more}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


@dataclass
class ScriptedApi:
    """`parts` are the stream, sent one after the other; then `gate` is waited for where `hangs`."""

    url: str = ""
    models: bytes = MODELS
    models_status: int = 200
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=lambda: [event("Hello"), event(" you"), event(reason="stop"), DONE])
    hangs: bool = False
    dies: bool = False  # closes the connection inside the chunked body
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)  # the client closed its connection

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["Content-Length"])
        self.requests.append(json.loads(handler.rfile.read(length)))
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in self.parts:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        if self.hangs:
            self._wait_for_end(handler)
        elif not self.dies:
            handler.wfile.write(b"0\r\n\r\n")

    def _wait_for_end(self, handler: BaseHTTPRequestHandler) -> None:
        handler.connection.settimeout(20)
        try:
            if handler.connection.recv(1) == b"":
                self.left.set()
        except OSError:
            self.left.set()


@contextmanager
def scripted_api(api: ScriptedApi, port: int = 0) -> Iterator[ScriptedApi]:
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(api))
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.socket.close()
        thread.join()


def _handler(api: ScriptedApi) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            api.keys.append(self.headers.get("Authorization", ""))
            self.send_response(api.models_status)
            self.send_header("Content-Length", str(len(api.models)))
            self.send_header("Connection", "close")  # a stopped server must not go on answering on kept connections
            self.end_headers()
            self.wfile.write(api.models)

        def do_POST(self) -> None:
            self.close_connection = True
            api.answer(self)

        def log_message(self, *_args: Any) -> None:
            """Nothing on the terminal."""

    return Handler
