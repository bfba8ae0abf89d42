"""Time of a search inside a running server: `POST /v1/search` over loopback, the question's embedding included.

    python benchmarks/search.py FOLDER [--questions FOLDER/questions.jsonl] [--while-ingesting FOLDER]

Ingests the folder into a temporary data folder, starts `docent serve` on it, asks each question three times and prints
the percentiles that the client saw and that the server reports. The last line is JSON.

With `--while-ingesting` the files of a second folder are then uploaded on the documents page, and the questions are
asked over and over until the server has read them all: the percentiles beside each other, and the ratio of the p95.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from indexer.evaluate.folder import running_server
from indexer.settings import IndexerSettings

QUESTIONS = [
    "How do I install a language model without internet?",
    "What does it mean when the documents do not say?",
    "Which files can be read?",
    "How do I delete a document?",
    "Where are conversations kept?",
]
REPEATS = 3
LONGEST = 150.0  # seconds that are asked while files are read
BETWEEN = 0.05  # seconds between two questions: people who ask, not a flood that would hold the ingest up


def main() -> None:
    arguments = parsed()
    questions = [
        json.loads(line)["question"] for path in arguments.questions for line in path.read_text().splitlines()
    ] or QUESTIONS
    with tempfile.TemporaryDirectory() as data:
        settings = IndexerSettings(data=Path(data))
        for folder in arguments.folders:
            command = [sys.executable, "-m", "indexer", "ingest", str(folder)]
            subprocess.run(command, env={**os.environ, "DOCENT_DATA": data}, check=True)
        with running_server(settings) as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            client.post("/v1/search", json={"query": questions[0]}).raise_for_status()
            figures: dict[str, Any] = {"benchmark": "search"}
            figures |= timed(client, questions * REPEATS)
            report("", figures)
            if arguments.while_ingesting is not None:
                upload(client, arguments.while_ingesting)
                started = time.monotonic()
                busy = timed(client, until_read(client, questions))
                busy["seconds"] = round(time.monotonic() - started, 1)
                report(" while ingesting", busy)
                ratio = round(busy["client_ms"]["p95"] / figures["client_ms"]["p95"], 2)
                print(f"p95 while ingesting: {ratio} times")
                figures |= {"while_ingesting": busy, "p95_ratio": ratio}
    print(json.dumps(figures))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", default=[Path("docs")])
    parser.add_argument("--questions", type=Path, nargs="*", default=[])
    parser.add_argument("--while-ingesting", type=Path, metavar="FOLDER")
    return parser.parse_args()


def timed(client: httpx.Client, questions: Iterable[str]) -> dict[str, Any]:
    """Ask one question after the other."""
    seen, told = [], []
    for question in questions:
        time.sleep(BETWEEN)
        started = time.perf_counter()
        answer = client.post("/v1/search", json={"query": question}).raise_for_status().json()
        seen.append((time.perf_counter() - started) * 1000)
        told.append(answer["took_ms"])
    return {
        "searches": len(seen),
        "client_ms": {"p50": percentile(seen, 50), "p95": percentile(seen, 95)},
        "server_ms": {"p50": percentile(told, 50), "p95": percentile(told, 95)},
    }


def upload(client: httpx.Client, folder: Path) -> None:
    """The folder's files, as the documents page sends them."""
    files = [("files", (path.name, path.read_bytes())) for path in sorted(folder.iterdir()) if path.is_file()]
    client.post(
        "/documents/upload", data={"collection": "uploaded"}, files=files, follow_redirects=True
    ).raise_for_status()


def until_read(client: httpx.Client, questions: Iterable[str]) -> Iterator[str]:
    """Questions from when the uploaded files begin to be read until they are read, or `LONGEST` has passed."""
    started = time.monotonic()
    for number, question in enumerate(cycle(questions)):
        if number % 20 == 0:
            page = client.get("/documents").text
            if "Waits to be read" not in page and "Getting ready" not in page and 'class="run"' not in page:
                return
        if time.monotonic() - started > LONGEST:
            return
        yield question


def report(when: str, figures: dict[str, Any]) -> None:
    ms = figures["client_ms"]
    print(f"{figures['searches']} searches{when}: p50 {ms['p50']} ms, p95 {ms['p95']} ms at the client")


def percentile(values: list[float], percent: int) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 1)


if __name__ == "__main__":
    main()
