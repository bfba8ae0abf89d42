"""The reading process: `python -m indexer.documents.worker MEMORY_MB SECONDS PARENT MODEL CHUNK_TOKENS`. Reads one file
a request and cuts it into chunks, with the tokenizer in the folder MODEL.

It is confined (`confined`), whichever step of the way from bytes to chunks a file is in.
"""

import contextlib
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from indexer.documents import channel
from indexer.documents.chunk import chunk_document
from indexer.documents.confined import GRACE, end_with, limit_memory, take_channel
from indexer.documents.extract.files import read_file
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.wire import document_to_message, error_to_message
from indexer.errors import SAVE_AGAIN, EmbedderError, FileError, UnreadableFile
from indexer.text.word_pieces import WordPieces


def main() -> None:
    memory_mb, seconds, parent = (int(argument) for argument in sys.argv[1:4])
    folder, chunk_tokens = Path(sys.argv[4]), int(sys.argv[5])
    end_with(parent)
    limit_memory(memory_mb)
    requests, replies = take_channel()
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
        signal.alarm(seconds + GRACE)
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


if __name__ == "__main__":
    with contextlib.suppress(channel.ChannelClosed, KeyboardInterrupt):
        main()
