"""Whether the engine's memory grows: resident size after 200 and after 2,000 requests, in one process.

    python benchmarks/memory.py [MODEL.gguf] [--requests 2000]

Requests have prompts of different lengths, of which a third begins as an earlier one did, four at a time; each tenth is
cancelled. Without a model file a tiny one of random weights is written. The last line is JSON.
"""

import argparse
import gc
import json
import queue
import random
import tempfile
from pathlib import Path

import psutil

from server.engine.llama import Context, Model
from server.engine.scheduler import Event, Failed, Finished
from server.engine.slots import CACHED_SEQUENCES
from server.engine.token_sampling import TokenSampling
from server.engine.vocabulary import Vocabulary
from server.engine.worker import Loaded, Worker
from tests.tiny_gguf import TinyModel, write_tiny_gguf

SLOTS = 4
CELLS = 2048
WARM = 200  # requests after which memory should grow no more
CANCELLED = 10  # one in this many


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--requests", type=int, default=2000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.model or write_tiny_gguf(Path(folder) / "tiny.gguf", TinyModel(context=CELLS, ends=False))
        model = Model(path)
        vocabulary = Vocabulary(model)
        sequences = SLOTS + CACHED_SEQUENCES

        def load() -> Loaded:
            context = Context(model, vocabulary, cells=CELLS, sequences=sequences, batch=64 + SLOTS, threads=1)
            return Loaded(context, SLOTS, CELLS, CELLS)

        worker = Worker(load, slots=SLOTS, queue_limit=SLOTS, on_failure=lambda error: None)
        worker.start()
        warm = serve(worker, vocabulary.size, WARM, random.Random(0))
        after = serve(worker, vocabulary.size, arguments.requests - WARM, random.Random(1))
        worker.close()
    growth = after / warm - 1
    print(f"{warm >> 20} MiB after {WARM} requests, {after >> 20} MiB after {arguments.requests}: {growth:+.2%}")
    print(json.dumps({"benchmark": "memory", "requests": arguments.requests, "growth": round(growth, 4)}))


def serve(worker: Worker, vocabulary: int, requests: int, chance: random.Random) -> int:
    """Bytes that this process holds once the requests are answered."""
    events: queue.SimpleQueue[tuple[int, Event]] = queue.SimpleQueue()
    earlier: list[tuple[int, ...]] = []
    left = requests
    running = 0
    while left or running:
        while left and running < SLOTS:
            number = left
            prompt = tuple(chance.randrange(300, vocabulary) for _ in range(chance.randrange(2, 150)))
            if earlier and left % 3 == 0:
                prompt = (*chance.choice(earlier)[:100], *prompt[:40])
            earlier = [*earlier[-50:], prompt]
            sampling = TokenSampling(temperature=left % 2, seed=left)
            request, _ = worker.submit(
                prompt, chance.randrange(1, 12), sampling, lambda e, n=number: events.put((n, e))
            )
            if left % CANCELLED == 0:
                worker.cancel(request)
            else:
                running += 1
            left -= 1
        match events.get():
            case number, Finished() | Failed():
                running -= number % CANCELLED != 0
    gc.collect()
    size: int = psutil.Process().memory_info().rss
    return size


if __name__ == "__main__":
    main()
