"""How soon a small file that is uploaded into a large data folder can be found, and what is written to the disk for it.

    python benchmarks/upload.py [--chunks 100000] [--rounds 3] [--keep DATA]

Writes that many chunks, with random vectors, straight into a data folder, starts `docent serve` on it and uploads one
file, which is not counted: whatever stood out is done with it. Then `--rounds` files are uploaded as the documents page
sends them, one after the other. Printed are the seconds from each upload until a search finds it, and what was written
until the folder stood still again: beside the databases (files that are new or changed, and what was added to others),
and by the server and its children in all, the databases' own pages included (where the system tells). The last line is
JSON.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from indexer.client import read_address
from indexer.evaluate.folder import running_server
from indexer.knowledge.database import open_knowledge
from server.settings import ServerSettings
from tests.large_folder import Library, write_library

CHUNKS = 10  # of a document
CHARACTERS = 10_000  # of a document
MEGABYTE = 1e6
FOUND_SECONDS = 900
STILL_SECONDS = 15.0  # without a change of any file: longer than the server waits before it writes
POLL_SECONDS = 0.1
DATABASES = ("knowledge.db", "chat.db")

Files = dict[Path, tuple[int, int, int]]
"""Each file's number in the file system, when it was changed, and its size in bytes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, metavar="DATA")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        settings = ServerSettings(data=arguments.keep or Path(temporary))
        if not settings.knowledge_path.exists():
            engine = open_knowledge(settings)
            write_library(engine, settings, Library(max(1, arguments.chunks // CHUNKS), CHARACTERS, CHUNKS))
            engine.dispose()
        with running_server(settings) as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            rounds = [uploaded(client, settings) for _ in range(arguments.rounds + 1)][1:]
    report({"benchmark": "upload", "chunks": arguments.chunks, "rounds": rounds})


def uploaded(client: httpx.Client, settings: ServerSettings) -> dict[str, float]:
    """Seconds until a new file is found, and megabytes written until nothing is written any more."""
    word = f"benchmark{time.time_ns()}"
    files, written = files_of(settings.data), bytes_written(settings)
    started = time.perf_counter()
    sent = {"files": (f"{word}.txt", f"The word of the day is {word}. Nobody says it twice.".encode())}
    answer = client.post("/documents/upload", data={"collection": "handbook"}, files=sent)
    assert answer.status_code == 303, answer.text
    while f"{word}.txt" not in found(client, word):
        assert time.perf_counter() - started < FOUND_SECONDS, "the file was not found in time"
        time.sleep(POLL_SECONDS)
    seconds = time.perf_counter() - started
    wait_until_still(settings.data)
    return {
        "seconds": round(seconds, 2),
        "beside_mb": round(added(files, files_of(settings.data)) / MEGABYTE, 2),
        "all_mb": round((bytes_written(settings) - written) / MEGABYTE, 2),
    }


def found(client: httpx.Client, word: str) -> set[str]:
    passages = client.post("/v1/search", json={"query": word}).raise_for_status().json()["passages"]
    return {passage["document"] for passage in passages}


def files_of(data: Path) -> Files:
    """All but the databases."""
    found: Files = {}
    for path in data.rglob("*"):
        try:
            status = path.stat()
        except FileNotFoundError:  # it was a file for a moment
            continue
        if path.is_file() and not path.name.startswith(DATABASES):
            found[path] = (status.st_ino, status.st_mtime_ns, status.st_size)
    return found


def added(before: Files, after: Files) -> int:
    """Bytes of the files that are new or were written anew, and by how much the others grew."""
    return sum(grown(before.get(path), file) for path, file in after.items())


def grown(before: tuple[int, int, int] | None, after: tuple[int, int, int]) -> int:
    number, changed, size = after
    if before is None or before[0] != number:
        return size
    if size > before[2]:
        return size - before[2]
    return size if changed != before[1] else 0


def wait_until_still(data: Path) -> None:
    seen, since = files_of(data), time.monotonic()
    while time.monotonic() - since < STILL_SECONDS:
        time.sleep(1)
        now = files_of(data)
        if now != seen:
            seen, since = now, time.monotonic()


def bytes_written(settings: ServerSettings) -> int:
    """By the server and its children that have ended; 0 where the system does not tell."""
    address = read_address(settings.server_file)
    assert address is not None, "the server has said where it is"
    process = psutil.Process(address.pid)
    return int(process.io_counters().write_bytes) if hasattr(process, "io_counters") else 0


def report(figures: dict[str, Any]) -> None:
    print(f"one small file into {figures['chunks']} passages")
    for name, words in (
        ("seconds", "seconds until a search finds it"),
        ("beside_mb", "megabytes written beside the databases"),
        ("all_mb", "megabytes written in all"),
    ):
        values = [one[name] for one in figures["rounds"]]
        print(f"{words:40} median {statistics.median(values):8}   longest {max(values):8}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
