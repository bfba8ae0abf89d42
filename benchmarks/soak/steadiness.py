"""What the server holds while it works: memory, file handles and threads, looked at while nobody asks."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

FIRST = 200  # requests after which it should hardly grow
WARM = 700
"""Requests after which it should grow no more: until then requests meet at the same moment for the first time, threads
and connections are made for them, and each connection fills its own cache of the database's pages. One run had 1,005
MiB after 200 requests, 1,059 after 700 and 1,059 after 1,200."""
GROWTH = 0.02  # of its memory, at most
SPARE = 4  # handles and threads: of a pool that is filled when two ask at the same moment
REST_SECONDS = 3.0  # connections close, and what was begun ends


@dataclass(frozen=True)
class Sample:
    requests: int
    memory: int  # bytes that are resident
    handles: int
    threads: int


def sample(pid: int, requests: int) -> Sample:
    """Call it when nothing is asked: the lowest of some looks, since work of the server's own comes and goes."""
    process = psutil.Process(pid)
    looks = []
    for _ in range(5):
        time.sleep(REST_SECONDS / 5)
        looks.append((process.memory_info().rss, process.num_fds(), process.num_threads()))
    memory, handles, threads = (min(column) for column in zip(*looks, strict=True))
    return Sample(requests, memory, handles, threads)


def growth(samples: Sequence[Sample], since: int = WARM) -> float | None:
    """Of the memory since the first so many requests; None where there were no more than these."""
    warm = [one for one in samples if one.requests >= since]
    return warm[-1].memory / warm[0].memory - 1 if len(warm) > 1 else None


def unsteady(samples: Sequence[Sample]) -> list[str]:
    """What grew that should not. Handles and threads are judged from the first sample after `WARM` requests on; where
    there were fewer, they may double from the second sample on."""
    grown = growth(samples)
    problems = []
    if grown is not None and grown > GROWTH:
        problems.append(f"the server's memory grew by {grown:.1%} after {WARM} requests")
    is_warm = grown is not None
    settled = [one for one in samples if one.requests >= WARM] if is_warm else list(samples[1:])
    for name in ("handles", "threads"):
        held = [getattr(one, name) for one in settled]
        if held and held[-1] > held[0] + (SPARE if is_warm else held[0]):
            problems.append(f"the server's {name} went from {held[0]} to {held[-1]}")
    return problems
