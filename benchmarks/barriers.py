"""How long llama.cpp's threads should wait for each other awake, on an idle machine and beside a busy process.

    python benchmarks/barriers.py MODEL.gguf [--threads 2] [--rounds 3] [--busy 1] [--spins 0 1000 ...]

For each number of rounds (GOMP_SPINCOUNT) a fresh process reads 256 tokens and writes 24, first alone and then beside
`--busy` processes that do nothing but run, at the same niceness. A figure is the median of the rounds, in seconds. The
last line is JSON. `server/engine/barriers.py` holds what was chosen.
"""

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from server.engine.barriers import ROUNDS
from server.engine.llama import Context, Model
from server.engine.scheduler import PIECE, Row
from server.engine.vocabulary import Vocabulary

SPINS = (0, 300, ROUNDS, 3000, 10_000, 300_000)
READ, WRITTEN = 4 * PIECE, 24  # tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", type=int, default=1)
    parser.add_argument("--spins", type=int, nargs="*", default=SPINS)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.model is None:
        why = "no model given: benchmarks/barriers.py MODEL.gguf"
        print(f"Not measured: {why}")
        print(json.dumps({"benchmark": "barriers", "skipped": why}))
        return
    if arguments.once:
        print(json.dumps(read_and_write(arguments.model, arguments.threads)))
        return
    figures = measure(arguments.model, arguments.threads, arguments.rounds, arguments.busy, arguments.spins)
    print(f"{'spins':>8} {'busy':>5} {'read s':>8} {'write s':>8}")
    for each in figures:
        print(f"{each['spins']:8} {each['busy']:5} {each['read_s']:8.2f} {each['write_s']:8.2f}")
    print(json.dumps({"benchmark": "barriers", "model": arguments.model.name, "figures": figures}))


def measure(model: Path, threads: int, rounds: int, busy: int, spins: Sequence[int]) -> list[dict[str, float]]:
    """The medians, for each number of rounds awake alone and beside busy processes; these take turns."""
    runs: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for awake, beside in itertools.product(spins, (0, busy)):
            with busy_processes(beside):
                runs.setdefault((awake, beside), []).append(in_own_process(awake, model, threads))
    figures = []
    for (awake, beside), times in runs.items():
        reading, writing = (statistics.median(values) for values in zip(*times, strict=True))
        figures.append({"spins": awake, "busy": beside, "read_s": reading, "write_s": writing})
    return figures


def in_own_process(spins: int, model: Path, threads: int) -> tuple[float, float]:
    """OpenMP reads its settings once."""
    command = [sys.executable, __file__, str(model), "--threads", str(threads), "--once"]
    environment = os.environ | {"GOMP_SPINCOUNT": str(spins)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    reading, writing = json.loads(done.stdout)
    return reading, writing


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Processes that do nothing but run, at this process's niceness."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def read_and_write(path: Path, threads: int) -> tuple[float, float]:
    """Seconds that reading takes, and writing."""
    model = Model(path)
    vocabulary = Vocabulary(model)
    context = Context(model, vocabulary, cells=512, sequences=1, batch=PIECE, threads=threads)
    chance = random.Random(0)
    tokens = [chance.randrange(vocabulary.size // 2) for _ in range(READ + WRITTEN)]
    context.decode([Row(tokens[0], 0, 0, wants_logits=True)])
    context.truncate(0, 0)
    times = [time.perf_counter()]
    for start in range(0, READ, PIECE):
        context.decode([Row(tokens[at], at, 0, wants_logits=False) for at in range(start, start + PIECE)])
    times.append(time.perf_counter())
    for at in range(READ, READ + WRITTEN):
        context.decode([Row(tokens[at], at, 0, wants_logits=True)])
    times.append(time.perf_counter())
    return times[1] - times[0], times[2] - times[1]


if __name__ == "__main__":
    main()
