"""The reading process: `python -m indexer.documents.worker MEMORY_MB SECONDS PARENT MODEL CHUNK_TOKENS`. Reads one file
a request and cuts it into chunks, with the tokenizer in the folder MODEL.

Documents come from anywhere, and the libraries that parse them are large. Here a crash, an endless loop or a file that
swells in memory costs one file, whichever step of the way from bytes to chunks it happens in. Messages go over the
descriptors that were standard input and output; whatever a library prints goes to standard error. The process ends with
its parent: by the signal that Linux sends it, by the end of its input, and by an alarm where both fail.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from indexer.documents import channel
from indexer.documents.chunk import chunk_document
from indexer.documents.extract.files import read_file
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.wire import document_to_message, error_to_message
from indexer.errors import SAVE_AGAIN, EmbedderError, FileError, UnreadableFile
from indexer.text.word_pieces import WordPieces

_PR_SET_PDEATHSIG = 1
_GRACE = 10  # seconds after which the alarm ends a process that nobody has ended


def main() -> None:
    memory_mb, seconds, parent = (int(argument) for argument in sys.argv[1:4])
    folder, chunk_tokens = Path(sys.argv[4]), int(sys.argv[5])
    _end_with(parent)
    _limit(memory_mb)
    requests, replies = _take_channel()
    try:
        pieces = WordPieces(folder)
    except EmbedderError as error:
        channel.send(replies, {"refused": [error.what, error.advice]})
        return
    channel.send(replies, {"ready": True})
    while True:
        try:
            request = channel.receive(requests)
        except channel.ChannelClosed:
            return
        signal.alarm(seconds + _GRACE)
        try:
            channel.send(replies, _reply(request, pieces, chunk_tokens), channel.longest(memory_mb))
        except MemoryError:
            channel.send(replies, {"out_of_memory": True})
        signal.alarm(0)


def _reply(request: dict[str, Any], pieces: WordPieces, chunk_tokens: int) -> dict[str, Any]:
    path = Path(str(request["path"]))
    try:
        document = extract_bytes(read_file(path, int(request["max_file_mb"])), path.name)
        return document_to_message(document, chunk_document(document, pieces.offsets, chunk_tokens))
    except FileError as error:
        return error_to_message(error)
    except MemoryError:
        raise
    except RecursionError:
        return error_to_message(UnreadableFile("What is in the file is nested too deeply to be read.", SAVE_AGAIN))
    except Exception:  # any library may raise anything: that is what this process is for
        traceback.print_exc()  # for whoever runs the worker by hand: a reader of the ledger could do nothing with it
        return error_to_message(
            UnreadableFile("The file is damaged, or made in a way that Docent does not understand.", SAVE_AGAIN)
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


if __name__ == "__main__":
    with contextlib.suppress(channel.ChannelClosed, KeyboardInterrupt):
        main()
