"""Fixtures of the server's tests."""

import pytest

from tests.server.loop_watch import LoopWatch


@pytest.fixture
def loop_watch(monkeypatch: pytest.MonkeyPatch) -> LoopWatch:
    return LoopWatch(monkeypatch)
