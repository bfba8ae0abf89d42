"""However many threads allocate at the same time, the C library keeps few heaps."""

import platform
import subprocess
import sys

import pytest

from server.runtime.heap import HEAPS

HEAPS_OF_THREADS = """
import ctypes, re, sys, threading
from server.runtime.heap import limit_heaps
limited = limit_heaps() if sys.argv[1:] else None
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
all_there = threading.Barrier(12)
def work():
    all_there.wait()
    addresses.append(libc.malloc(2000))
    all_there.wait()
addresses = []
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(limited, len({address >> 26 for address in addresses}))
"""


def heaps(*arguments: str, **environment: str) -> tuple[str, int]:
    """What limit_heaps said, and in how many heaps twelve threads were given memory."""
    done = subprocess.run(
        [sys.executable, "-c", HEAPS_OF_THREADS, *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    limited, count = done.stdout.split()
    return limited, int(count)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has heaps for threads")
def test_many_threads_have_few_heaps() -> None:
    _, many = heaps()
    limited, few = heaps("limit")
    assert limited == "True"
    assert few <= HEAPS + 1 < many, "the first heap may lie across two stretches"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has heaps for threads")
def test_what_the_operator_set_stays() -> None:
    limited, _ = heaps("limit", MALLOC_ARENA_MAX="7")
    assert limited == "False"
