"""What a process that opens documents does to itself first: its limits, its channel, and that it ends with its parent.

Documents come from anywhere, and the libraries that open them are large. In such a process a crash, an endless loop or
a file that swells in memory costs one file. Messages go over the descriptors that were standard input and output;
whatever a library prints goes to standard error.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys

GRACE = 10  # seconds after which the alarm ends a process that nobody has ended
_PR_SET_PDEATHSIG = 1


def take_channel() -> tuple[int, int]:
    """Keep the channel for ourselves, so that what a library prints or reads cannot disturb it."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, replies


def end_with(parent: int) -> None:
    """Beside the signal that Linux sends, the end of its input ends such a process, and an alarm where both fail."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        sys.exit(0)


def limit_memory(megabytes: int) -> None:
    most = megabytes << 20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
