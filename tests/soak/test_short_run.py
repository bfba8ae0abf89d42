"""A short soak from end to end: the real server, real kills, a stop with streams open, and one line of JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.real_weights import smollm2

pytestmark = [pytest.mark.models, pytest.mark.weights, pytest.mark.xdist_group("weights")]
ROOT = Path(__file__).parents[2]


def soak(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.soak", "--folder", str(folder), "--minutes", "0", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOCENT_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    (line,) = done.stdout.splitlines()
    figures: dict[str, Any] = json.loads(line)
    assert figures["broken"] == [], done.stderr
    assert done.returncode == 0
    return figures


def test_two_kills_and_a_stop(tmp_path: Path) -> None:
    smollm2()  # skips where it is not
    figures = soak(tmp_path / "soak", "--phases", "kills", "--kills", "2")
    counts = figures["counts"]
    assert counts["server kills"] >= 1
    assert counts["indexer kills"] >= 1
    assert counts["SIGTERMs"] >= 1
    assert counts["streams ended with an event at a SIGTERM"] >= 3
    assert counts["inspections"] >= 2
    assert counts["requests"] > 0
