"""A KV cache as the engine sees it: sequences whose cells can be shared, copied and cut. llama.py has the real one."""

from typing import Any, Protocol


class Cache(Protocol):
    @property
    def sequences(self) -> int:
        """How many sequences there are, numbered from 0 on. Not fewer than slots."""

    @property
    def can_share(self) -> bool:
        """Whether `share` and a `truncate` to more than nothing are possible."""

    def read_state(self, sequence: int) -> Any:
        """A copy of what the sequence holds, with the positions."""

    def write_state(self, sequence: int, data: Any) -> bool:
        """Fill the empty `sequence` with what was read. False: it is empty still."""

    def truncate(self, sequence: int, length: int) -> bool:
        """Keep the first `length` tokens. False: the sequence is now empty."""

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """Make the cells of `source` at positions [start, end) those of `target`, in place of its own."""
