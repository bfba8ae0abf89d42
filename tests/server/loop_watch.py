"""Which thread does the work: calls that block must not be made where an event loop runs.

No time is measured: a call is noted by whether its thread runs a loop.
"""

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest


class LoopWatch:
    """Calls of what is watched: `on_loop` those that made every other request wait, `in_threads` the others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.on_loop: list[str] = []
        self.in_threads: list[str] = []

    def watch(self, owner: Any, *names: str) -> None:
        """Functions of a module, or methods of a class."""
        for name in names:
            self._monkeypatch.setattr(owner, name, self._noted(getattr(owner, name), name))

    def note(self, name: str) -> None:
        (self.on_loop if _runs_a_loop() else self.in_threads).append(name)

    def begin(self) -> None:
        """Forget what was done so far, as a server's start does it on its loop."""
        self.on_loop.clear()
        self.in_threads.clear()

    def _noted(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(call)
        def noted(*args: Any, **kwargs: Any) -> Any:
            self.note(name)
            return call(*args, **kwargs)

        return noted


def _runs_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
