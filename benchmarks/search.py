"""Time of a search inside a running server: `POST /v1/search` over loopback, the question's embedding included.

    python benchmarks/search.py FOLDER [--questions FOLDER/questions.jsonl]

Ingests the folder into a temporary data folder, starts `docent serve` on it, asks each question three times and prints
the percentiles that the client saw and that the server reports. The last line is JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from indexer.evaluate_folder import running_server
from indexer.settings import IndexerSettings

QUESTIONS = [
    "How do I install a language model without internet?",
    "What does it mean when the documents do not say?",
    "Which files can be read?",
    "How do I delete a document?",
    "Where are conversations kept?",
]
REPEATS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", default=[Path("docs")])
    parser.add_argument("--questions", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
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
            seen, told = [], []
            for question in questions * REPEATS:
                started = time.perf_counter()
                answer = client.post("/v1/search", json={"query": question}).raise_for_status().json()
                seen.append((time.perf_counter() - started) * 1000)
                told.append(answer["took_ms"])
    figures: dict[str, Any] = {
        "benchmark": "search",
        "searches": len(seen),
        "client_ms": {"p50": percentile(seen, 50), "p95": percentile(seen, 95)},
        "server_ms": {"p50": percentile(told, 50), "p95": percentile(told, 95)},
    }
    client_ms = figures["client_ms"]
    print(f"{len(seen)} searches: p50 {client_ms['p50']} ms, p95 {client_ms['p95']} ms at the client")
    print(json.dumps(figures))


def percentile(values: list[float], percent: int) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 1)


if __name__ == "__main__":
    main()
