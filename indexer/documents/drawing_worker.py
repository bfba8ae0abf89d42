"""The drawing process: `python -m indexer.documents.drawing_worker MEMORY_MB SECONDS PARENT IDLE MAX_FILE_MB`. Draws
one page of a PDF a request.

It is confined (`confined`), and ends by itself when nothing was asked for IDLE seconds. The files that were asked for
last stay open, so that their next page costs no more than drawing it.
"""

import base64
import contextlib
import hashlib
import signal
import sys
import time
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import pypdfium2 as pdfium

from indexer.documents import channel
from indexer.documents.confined import GRACE, end_with, limit_memory, take_channel
from indexer.documents.extract.files import read_file
from indexer.documents.extract.pdf.opening import open_pdf
from indexer.documents.extract.pdf.page_picture import CannotDraw, draw_page
from indexer.errors import FileError

_OPEN = 2  # files
_State = tuple[int, int, int]


class _Opened(NamedTuple):
    state: _State
    sha256: str
    document: pdfium.PdfDocument


class Desk:
    """The files that are open, the one that was asked for last behind the others."""

    def __init__(self, max_file_mb: int) -> None:
        self._max_file_mb = max_file_mb
        self._opened: OrderedDict[Path, _Opened] = OrderedDict()

    def document(self, path: Path, sha256: str) -> pdfium.PdfDocument:
        """The PDF in a file that still has this checksum. Raises CannotDraw, FileError."""
        try:
            found = path.stat()
        except OSError as error:
            raise CannotDraw("The file is not there any more.") from error
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        opened = self._opened.get(path)
        if opened is None or opened.state != state:
            self._close(path)
            while len(self._opened) >= _OPEN:
                self._close(next(iter(self._opened)))
            data = read_file(path, self._max_file_mb)
            is_same = hashlib.sha256(data).hexdigest() == sha256
            if not is_same:
                raise CannotDraw("The file has changed since it was indexed.")
            opened = self._opened[path] = _Opened(state, sha256, open_pdf(data))
        if opened.sha256 != sha256:
            raise CannotDraw("The file has changed since it was indexed.")
        self._opened.move_to_end(path)
        return opened.document

    def _close(self, path: Path) -> None:
        opened = self._opened.pop(path, None)
        if opened is not None:
            opened.document.close()


def main() -> None:
    memory_mb, seconds, parent, idle, max_file_mb = (int(argument) for argument in sys.argv[1:6])
    end_with(parent)
    limit_memory(memory_mb)
    requests, replies = take_channel()
    desk = Desk(max_file_mb)
    channel.send(replies, {"ready": True})
    while True:
        try:
            request = channel.receive(requests, time.monotonic() + idle)
        except (channel.ChannelClosed, TimeoutError):
            return
        signal.alarm(seconds + GRACE)
        try:
            channel.send(replies, reply(request, desk), channel.longest(memory_mb))
        except MemoryError:
            channel.send(replies, {"out_of_memory": True})
        signal.alarm(0)


def reply(request: dict[str, Any], desk: Desk) -> dict[str, Any]:
    """The picture, how large its page is and how many there are; or why there is none."""
    try:
        document = desk.document(Path(str(request["path"])), str(request["sha256"]))
        number, pages = int(request["number"]), len(document)
        if not 1 <= number <= pages:
            return {"refused": "The file has no such page.", "pages": pages}
        drawn = draw_page(document, number, int(request["width"]))
        png = base64.b64encode(drawn.png).decode("ascii")
        return {"png": png, "width": drawn.width, "height": drawn.height, "pages": pages}
    except CannotDraw as error:
        return {"refused": str(error)}
    except FileError as error:
        return {"refused": error.what}
    except MemoryError:
        raise
    except Exception:  # a library may raise anything: that is what this process is for
        traceback.print_exc()  # for whoever runs the worker by hand
        return {"refused": "This page is damaged, or made in a way that cannot be drawn."}


if __name__ == "__main__":
    with contextlib.suppress(channel.ChannelClosed, KeyboardInterrupt):
        main()
