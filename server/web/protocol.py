"""HTTP/1.1 as uvicorn speaks it, with a bound on what a request may hold before anything can refuse it.

uvicorn keeps an address and its headers, whatever their size, until they have all come, and so do the trailers of a
body sent in chunks: one connection could take the machine's memory. web/security.py refuses less than this with a
sentence; this is for what must not be collected.
"""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HELD_LIMIT = 128 * 1024  # bytes that came since anything of the request was handed on
MOST_HEADERS = 200

_TOO_LARGE = "The address and the headers of this request are too large."


class BoundedHeads(HttpToolsProtocol):
    """Closes a connection whose request has more head than HELD_LIMIT and what comes in one read."""

    _held = 0  # bytes
    _too_many = False

    def data_received(self, data: bytes) -> None:
        self._held += len(data)
        super().data_received(data)
        if self._held > HELD_LIMIT and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._too_many = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Raises ValueError, which the parser takes for a malformed request; `send_400_response` then says which."""
        if len(self.headers) >= MOST_HEADERS:
            self._too_many = True
            raise ValueError(_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._held = 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._held = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._held = 0

    def send_400_response(self, msg: str) -> None:
        if self._too_many:
            self._refuse()
        elif self._answers_now:
            super().send_400_response(msg)
        else:
            self.transport.close()

    @property
    def _answers_now(self) -> bool:
        """Whether nothing is being sent, in the middle of which a refusal would stand."""
        return self.cycle is None or self.cycle.response_complete or not self.cycle.response_started

    def _refuse(self) -> None:
        if self._answers_now:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            head += f"Content-Length: {len(_TOO_LARGE)}\r\nConnection: close\r\n\r\n"
            self.transport.write(f"{head}{_TOO_LARGE}".encode("ascii"))
        self.transport.close()
