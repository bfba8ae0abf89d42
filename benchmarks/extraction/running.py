"""Runs a reader over files of one family in a process of its own; one that dies costs the file that it was at."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.extraction.cases import Part

_ROOT = Path(__file__).parents[2]
_LIMIT = 120  # seconds for all files of a family


@dataclass
class Run:
    """What a reader gave: parts or an error for each file, seconds of each, MiB at the peak of its process."""

    parts: dict[str, list[Part]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    peak_mb: float = 0.0
    version: str = ""
    skipped: str = ""


def run(reader: str, python: str, folder: Path, files: Sequence[str]) -> Run:
    done = Run()
    waiting = list(files)
    while waiting and not done.skipped:
        before = len(waiting)
        ended = _once(reader, python, folder, waiting, done)
        waiting = [file for file in waiting if file not in done.parts]
        if ended and waiting and len(waiting) <= before:
            done.errors[waiting[0]] = ended
            done.parts[waiting.pop(0)] = []
    return done


def _once(reader: str, python: str, folder: Path, files: Sequence[str], done: Run) -> str:
    """How the process ended before it had read everything, or ""."""
    command = [python, "-m", "benchmarks.extraction.child", reader, str(folder), *files]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    try:
        ended = subprocess.run(
            command, cwd=_ROOT, env=environment, capture_output=True, timeout=_LIMIT, check=False, text=True
        )
        output, how = ended.stdout, f"crashed with status {ended.returncode}: {ended.stderr.strip()[-200:]}"
    except subprocess.TimeoutExpired as stopped:
        output, how = (stopped.stdout or b"").decode("utf-8", "replace"), f"took more than {_LIMIT} s"
    for line in output.splitlines():
        if not line.endswith("}"):
            continue
        said = json.loads(line)
        done.version = said.get("version", done.version)
        done.skipped = said.get("skipped", done.skipped)
        done.peak_mb = max(done.peak_mb, said.get("peak_mb", 0.0))
        if "file" in said:
            done.parts[said["file"]] = [(kind, text) for kind, text in said["parts"]]
            done.seconds += said["seconds"]
            if said["error"]:
                done.errors[said["file"]] = said["error"]
    return how if len(done.parts) < len(files) or "peak_mb" not in output else ""
