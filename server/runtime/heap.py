"""How the C library hands out the memory of this process.

glibc gives up to eight heaps for each core to threads that allocate at the same time, 16 on two cores. What a request
took and gave back stays in the heap of its thread, and the next request is likely to run in another: the server grew
over a thousand requests by some 250 MB that were free. Two heaps are enough here: what is worked on at length lies in
arrays that the C library takes from the system one by one.
"""

import ctypes
import os
import platform

HEAPS = 2
_M_ARENA_MAX = -8  # malloc.h


def limit_heaps() -> bool:
    """Before threads are started. False: another C library, or the operator has set MALLOC_ARENA_MAX."""
    if platform.libc_ver()[0] != "glibc" or "MALLOC_ARENA_MAX" in os.environ:
        return False
    return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, HEAPS))
