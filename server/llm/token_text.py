"""Tokens as they come, to text as it may be shown: whole characters, and nothing of a stop string.

Both transformers are fed; what comes out does not depend on how the input was cut. What is held back at the end is
flushed where it is text, and dropped where it is half a character.
"""

import codecs
from collections.abc import Sequence


class Utf8Stream:
    """Bytes to text. A character that is not complete yet is held back; bytes that are none become U+FFFD."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        return self._decoder.decode(data)


class StopScanner:
    """Text up to the first stop string. What may be the beginning of one is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        if self.stopped:
            return ""
        held = self._held + text
        found = [at for at in (held.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self.stopped, self._held = True, ""
            return held[: min(found)]
        keep = self._possible_beginning(held)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def flush(self) -> str:
        held, self._held = self._held, ""
        return held

    def _possible_beginning(self, text: str) -> int:
        """How many characters at the end of `text` may become a stop string."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0
