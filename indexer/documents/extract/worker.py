"""The reading process: `python -m indexer.documents.extract.worker MEMORY_MB SECONDS PARENT`. Reads one file a request.

Documents come from anywhere, and the libraries that parse them are large. Here a crash, an endless loop or a file that
swells in memory costs one file. Messages go over the descriptors that were standard input and output; whatever a
library prints goes to standard error. The process ends with its parent: by the signal that Linux sends it, by the end
of its input, and by an alarm where both fail.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from indexer.documents.extract import channel
from indexer.documents.extract.files import read_file
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.wire import document_to_message, error_to_message
from indexer.errors import FileError, UnreadableFile

_PR_SET_PDEATHSIG = 1
_NICENESS = 10
_GRACE = 10  # seconds after which the alarm ends a process that nobody has ended


def main() -> None:
    memory_mb, seconds, parent = (int(argument) for argument in sys.argv[1:4])
    _end_with(parent)
    _limit(memory_mb)
    requests, replies = _take_channel()
    channel.send(replies, {"ready": True})
    while True:
        try:
            request = channel.receive(requests)
        except channel.ChannelClosed:
            return
        signal.alarm(seconds + _GRACE)
        try:
            channel.send(replies, _reply(request))
        except MemoryError:
            channel.send(replies, {"out_of_memory": True})
        signal.alarm(0)


def _reply(request: dict[str, Any]) -> dict[str, Any]:
    path = Path(str(request["path"]))
    try:
        return document_to_message(extract_bytes(read_file(path, int(request["max_file_mb"])), path.name))
    except FileError as error:
        return error_to_message(error)
    except MemoryError:
        raise
    except RecursionError:
        return error_to_message(UnreadableFile("Its parts are nested too deeply to be read.", "Save it anew."))
    except Exception as error:  # any library may raise anything: that is what this process is for
        kind, detail = type(error).__name__, " ".join(str(error).split())[:200]
        return error_to_message(
            UnreadableFile(
                f"The file is damaged or not what its name says ({kind}: {detail}).", "Open and save it again."
            )
        )


def _take_channel() -> tuple[int, int]:
    """Keep the channel for ourselves, so that what a library prints or reads cannot disturb it."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, replies


def _end_with(parent: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        sys.exit(0)


def _limit(memory_mb: int) -> None:
    limit = memory_mb << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)


if __name__ == "__main__":
    with contextlib.suppress(channel.ChannelClosed, KeyboardInterrupt):
        main()
