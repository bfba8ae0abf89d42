"""Threads that wait for each other sleep soon, whichever library brings OpenMP into the process first."""

import re
import subprocess
import sys

import pytest

from server.engine.barriers import ROUNDS

LOADERS = {
    "the engine alone": "from server.engine.llama import library; library()",
    "a command": (
        "from server.cli import main\n"
        "try: main(['models', '--help'])\n"
        "except SystemExit: pass\n"
        "import torch\n"
        "from server.engine.llama import library; library()"
    ),
}


def spin_counts(code: str, **environment: str) -> set[str]:
    """What every copy of GNU's OpenMP in a process that runs `code` says when it is loaded."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "OMP_DISPLAY_ENV": "verbose", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found = set(re.findall(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr))
    if not found:
        pytest.skip("llama.cpp was built here without GNU's OpenMP")
    return found


@pytest.mark.parametrize("code", LOADERS.values(), ids=LOADERS)
def test_threads_wait_awake_for_a_moment_only(code: str) -> None:
    assert spin_counts(code) == {str(ROUNDS)}


def test_what_the_operator_has_chosen_is_kept() -> None:
    assert spin_counts(LOADERS["the engine alone"], GOMP_SPINCOUNT="77") == {"77"}
    assert str(ROUNDS) not in spin_counts(LOADERS["the engine alone"], OMP_WAIT_POLICY="active")
