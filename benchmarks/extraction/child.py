"""The process in which one reader reads: `python -m benchmarks.extraction.child READER FOLDER NAME...`.

Prints a line of JSON for each file as soon as it is read, and at the end one with the memory at the peak. Whatever a
library prints goes to standard error, and what it raises is told as the file's error.
"""

import contextlib
import json
import os
import re
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.extraction.readers import READERS


def main() -> None:
    name, folder, files = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(line: dict[str, Any]) -> None:
        replies.write(json.dumps(line) + "\n")
        replies.flush()

    try:
        read = READERS[name].open()
        say({"version": metadata.version(READERS[name].package)})
    except (ImportError, metadata.PackageNotFoundError) as error:
        say({"skipped": f"not installed: {error}"})
        return
    with contextlib.suppress(BaseException):
        read((folder / files[0]).read_bytes(), files[0])  # loads what a reader loads with its first file
    for file in files:
        data = (folder / file).read_bytes()
        started = time.perf_counter()
        parts: list[Any] = []
        problem = ""
        try:
            parts = read(data, file)
        except BaseException as error:  # a panic of a compiled library is no Exception
            problem = f"{type(error).__name__}: {error}"[:300]
        say({"file": file, "seconds": time.perf_counter() - started, "parts": parts, "error": problem})
    say({"peak_mb": _peak_mb()})


def _peak_mb() -> float:
    """Not `ru_maxrss`, which counts what the parent held when it started this process."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text(encoding="utf-8")) if status.exists() else None
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    main()
