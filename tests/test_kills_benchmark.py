"""Kills at random moments of every command that writes; benchmarks/kills.py makes hundreds of them."""

from pathlib import Path

from benchmarks.kills import Kills

KILLS = 4


def test_some_kills(tmp_path: Path) -> None:
    figures = Kills(tmp_path, seed=7).run(KILLS)
    assert figures["broken"] == []
    assert sum(count for what, count in dict(figures["counts"]).items() if what.startswith("kills of")) >= KILLS  # type: ignore[call-overload]
