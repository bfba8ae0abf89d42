"""How the indexer and its reading process speak: one JSON object a message, its length in four bytes before it.

No pickle: a hostile document may have taken over the reading process, and what comes from there is only data.
"""

import json
import os
import select
import time
from typing import Any

_LONGEST = 1 << 29  # bytes of one message, whatever memory there is
_SWELLS = 12
"""Times its bytes is what a message takes of memory while it is read: prose 6, blocks of one letter 12."""
_HEAD = 4


class ChannelClosed(Exception):  # noqa: N818 (an end, not an error)
    """The other side is gone."""


class ChannelBroken(Exception):  # noqa: N818
    """What came is no message."""


def longest(memory_mb: int) -> int:
    """Bytes of a message whose reader shall need no more than so many megabytes for it."""
    return min(_LONGEST, (memory_mb << 20) // _SWELLS)


def send(descriptor: int, message: dict[str, Any], most: int = _LONGEST) -> None:
    """Raises ChannelClosed, MemoryError where the message has more than `most` bytes."""
    body = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    if len(body) > most:
        raise MemoryError
    view = memoryview(len(body).to_bytes(_HEAD, "big") + body)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except (BrokenPipeError, ConnectionError) as error:
        raise ChannelClosed from error


def receive(descriptor: int, deadline: float | None = None, most: int = _LONGEST) -> dict[str, Any]:
    """The next message; waits until `deadline` (time.monotonic). Raises TimeoutError, ChannelClosed, ChannelBroken."""
    length = int.from_bytes(_read(descriptor, _HEAD, deadline), "big")
    if length > most:
        raise ChannelBroken(f"a message of {length} bytes")
    try:
        message = json.loads(_read(descriptor, length, deadline))
    except (ValueError, RecursionError) as error:
        raise ChannelBroken(str(error)) from error
    if not isinstance(message, dict):
        raise ChannelBroken("a message that is no object")
    return message


def _read(descriptor: int, length: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < length:
        if deadline is not None:
            _wait(descriptor, deadline)
        part = os.read(descriptor, min(length - len(data), 1 << 20))
        if not part:
            raise ChannelClosed
        data += part
    return bytes(data)


def _wait(descriptor: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError
