"""Whether a file of twice the size takes twice the time to read, whatever is in it: hostile shapes, doubled.

    python benchmarks/linear_reading.py [--kilobytes 16] [--doubled 3] [--only WORDS]

Each shape is read and cut into chunks as the indexer's reading process does it, in a process of its own within the
memory that is its by default. Printed are the processor time at each size, how many times as long the last doubling
took, the chunks, and the memory beyond that of a process that has read nothing. More than three times as long is
marked: linear work takes twice as long, quadratic four times. Ends with status 1 where a shape is marked, but for the
two that are known to be quadratic in a library. The last line is JSON.
"""

import argparse
import json
import multiprocessing
import resource
import signal
import sys
import time
from multiprocessing.connection import Connection
from typing import NamedTuple

from indexer.documents.chunk import chunk_document
from indexer.documents.extract.formats import extract_bytes
from indexer.embed import model_folder
from indexer.errors import FileError
from indexer.settings import IndexerSettings
from indexer.text.word_pieces import SPECIAL_TOKENS, WordPieces
from tests.indexer.documents.extract.shapes import IN_LIBRARIES, SHAPES, Shape

LIMIT = 20  # seconds of processor time for one file
WORST = 3.0  # times as long after a doubling
TELLS = 0.1  # seconds below which a ratio says nothing
_FORK = multiprocessing.get_context("fork")


class Read(NamedTuple):
    """Processor seconds, chunks or what the file was refused with, and MiB at the peak."""

    seconds: float
    outcome: str
    mebibytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kilobytes", type=int, default=16, help="the smallest size")
    parser.add_argument("--doubled", type=int, default=3, help="how often")
    parser.add_argument("--only", default="", help="shapes whose name holds these words")
    arguments = parser.parse_args()
    settings = IndexerSettings()
    pieces = WordPieces(model_folder(settings.embedder))
    sizes = [arguments.kilobytes * 1024 << times for times in range(arguments.doubled + 1)]
    for one in {shape.name: shape for shape in SHAPES.values()}.values():
        read(one, 2048, pieces, settings, here=True)  # imports what reads the format
    ratios: dict[str, float] = {}
    marked = []
    print(f"{'':38}{' '.join(f'{size // 1024:>6}K' for size in sizes)}   last    MiB")
    for name, shape in SHAPES.items():
        if arguments.only not in name:
            continue
        reads = []
        for size in sizes:
            reads.append(read(shape, size, pieces, settings))
            if reads[-1].outcome == "not done":
                break
        last = reads[-1].seconds / max(reads[-2].seconds, 0.001) if len(reads) > 1 else 0.0
        ratios[name] = round(last, 2)
        if reads[-1].outcome == "not done" or (last > WORST and reads[-1].seconds > TELLS):
            marked.append(name)
        seconds = " ".join(f"{one.seconds:7.3f}" for one in reads)
        mark = "  <--" if name in marked else ""
        row = f"{name:38}{seconds:{8 * len(sizes) - 1}}  x{last:4.1f} {reads[-1].mebibytes:6.0f}"
        print(f"{row}  {reads[-1].outcome}{mark}", flush=True)
    print(json.dumps({"benchmark": "linear_reading", "sizes": sizes, "shapes": len(ratios), "marked": marked}))
    sys.exit(bool(set(marked) - IN_LIBRARIES))


def read(shape: Shape, size: int, pieces: WordPieces, settings: IndexerSettings, here: bool = False) -> Read:
    """One file, read in a process of its own, or `here`."""
    data = shape.make(size)
    if here:
        return _read(data, shape.name, pieces, settings)
    receives, sends = _FORK.Pipe(duplex=False)
    child = _FORK.Process(target=_limited, args=(sends, data, shape.name, pieces, settings))
    child.start()
    sends.close()
    try:
        found: Read = receives.recv()
    except EOFError:
        found = Read(LIMIT, "not done", 0)
    child.join()
    return found


def _limited(sends: Connection, data: bytes, name: str, pieces: WordPieces, settings: IndexerSettings) -> None:
    memory = settings.extract_memory_mb << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 1))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    sends.send(_read(data, name, pieces, settings))


def _read(data: bytes, name: str, pieces: WordPieces, settings: IndexerSettings) -> Read:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    try:
        document = extract_bytes(data, name)
        chunks = chunk_document(document, pieces.offsets, settings.chunk_tokens - SPECIAL_TOKENS)
        outcome = f"{len(chunks)} chunks"
    except FileError as error:
        outcome = error.what[:40]
    except Exception as error:  # any library may raise anything, which the reading process tells people in a sentence
        outcome = type(error).__name__
    seconds = time.process_time() - started
    return Read(seconds, outcome, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


if __name__ == "__main__":
    main()
