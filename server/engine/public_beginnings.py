"""Which beginnings of prompts are the server's own fixed words and nobody else's (pure)."""

from collections.abc import Sequence

from server.engine.prefixes import common_prefix

MOST_PUBLIC = 16  # beginnings that are remembered


class PublicBeginnings:
    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], None] = {}  # the one used last is the last

    def note(self, tokens: tuple[int, ...]) -> None:
        if tokens:
            self._known.pop(tokens, None)
            self._known[tokens] = None
            while len(self._known) > MOST_PUBLIC:
                del self._known[next(iter(self._known))]

    def part(self, tokens: Sequence[int]) -> tuple[int, ...]:
        """How far a beginning is nobody's own words."""
        length = max((common_prefix(tokens, public) for public in self._known), default=0)
        return tuple(tokens[:length])
