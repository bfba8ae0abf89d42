"""Files that a browser sends: streamed to the disk as they come, under safe names, within the limits.

They are kept in `<data>/uploads/<collection>/`. A file is written under a name that no ingest reads and moved to its
own when it is whole, so that a lost connection leaves nothing behind but what `Incoming` removes.
"""

import asyncio
import contextlib
import errno
import re
import secrets
import shutil
import unicodedata
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, ParamSpec

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from indexer.documents.extract.files import MEGABYTE
from indexer.documents.extract.formats import check_supported
from indexer.errors import UnsupportedFile
from server.errors import BadRequest
from server.library.upload_folders import INCOMING, bring_back, no_space, replaced
from server.settings import ServerSettings

UPLOAD_PATH = "/documents/upload"
FILES_AT_ONCE = 200
MOST_PARTS = 1000  # files that are refused, by name, and other fields among them
FIELD_BYTES = 4096
PORTION = 1 << 18  # bytes parsed and written at once, in a thread
NAME_BYTES = 180  # of a file's name; file systems allow 255, and there may be a number to add
SPARE_BYTES = 256 * MEGABYTE  # left free on the disk for the index to grow
P = ParamSpec("P")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Received:
    """A file that was sent: `path` is where it lies, or None and `reason` says why it does not."""

    name: str
    path: Path | None
    reason: str = ""
    size: int = 0  # bytes; of what was refused as far as it came


def body_limit(settings: ServerSettings) -> int:
    """The largest body of one upload, in bytes: some of the largest files and what surrounds them."""
    return 8 * settings.max_file_mb * MEGABYTE + MEGABYTE


def collection_name(name: str) -> str:
    """The name of a collection as it is kept. Raises BadRequest for none."""
    shown = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] != "C").strip()
    if not shown or len(shown) > 100:
        raise BadRequest("A collection needs a name of 1 to 100 characters.", "Choose one.", param="collection")
    return shown


def safe_name(name: str) -> str:
    """The last part of what a browser calls a file, without what a file system or an ingest takes amiss."""
    last = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).name
    kept = "".join(c for c in _UNSAFE.sub("_", last) if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    kept = kept.strip(" .").removeprefix("~$").strip(" .")
    stem, dot, suffix = kept.rpartition(".")
    if not dot:
        stem, suffix = kept, ""
    ending = f".{suffix}" if suffix else ""
    ending = ending.encode()[:30].decode(errors="ignore")
    stem = stem.encode()[: NAME_BYTES - len(ending.encode())].decode(errors="ignore").rstrip(" .")
    safe = f"{stem or 'file'}{ending}"
    return f"_{safe}" if _RESERVED.fullmatch(safe) else safe


class Incoming:
    """One upload. `await receive(...)` gives what became of each file; `fields` are the form's other values.

    Raises BadRequest for what is no upload.
    """

    def __init__(self, settings: ServerSettings, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise BadRequest("This is not an upload of files.", "Choose the files on the documents page.")
        self.settings = settings
        self.fields: dict[str, str] = {}
        self.received: list[Received] = []
        self._limit = settings.max_file_mb * MEGABYTE
        self._incoming = settings.uploads_path.resolve() / INCOMING
        self._parts: list[tuple[str, Path]] = []  # (safe name, where it lies for now)
        self._header_name = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._field = ""
        self._value = b""
        self._name = ""
        self._refusal = ""
        self._size = 0
        self._file: BinaryIO | None = None
        self._ended = False
        self._begun = 0  # parts
        self._parser = self._made_parser(options[b"boundary"])

    def _made_parser(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._on_header_name,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._on_data,
                    "on_part_end": self._part_ends,
                    "on_end": self._ends,
                },
            )
        except FormParserError as error:  # longer than the parser looks for
            raise BadRequest(
                f"The upload cannot be read: what separates its parts has {len(boundary)} characters.",
                "Send it with a shorter boundary; browsers choose one themselves.",
            ) from error

    async def receive(self, body: AsyncIterator[bytes], length: int) -> None:
        """Read the whole body. Raises BadRequest, StorageError; nothing is left of a body that broke off.

        It is parsed and written in threads, one portion after the other; the next one is awaited only then.
        """
        try:
            await self._read(body, length)
        except FormParserError as error:
            raise BadRequest("The upload cannot be read: it is damaged.", "Send the files again.") from error
        except OSError as error:
            raise no_space(error) from error

    async def _read(self, body: AsyncIterator[bytes], length: int) -> None:
        try:
            await _in_thread(self._make_room, length)
            async for portion in _portions(body):
                await _in_thread(self._parser.write, portion)
            if not self._ended:
                raise BadRequest("The upload broke off before it was complete.", "Send the files again.")
        except BaseException:
            await _in_thread(self.discard)
            raise

    def keep(self, folder: Path) -> list[Received]:
        """Move the files to their names in `folder`; older ones of these names are replaced. Raises StorageError."""
        names = [name for name, _ in self._parts]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, draft in self._parts:
                self._set_aside(folder / name)
                draft.replace(folder / name)
                self.received.append(Received(name, folder / name, size=(folder / name).stat().st_size))
        except OSError as error:
            for name in names:
                if not (folder / name).exists():
                    bring_back(self.settings, folder / name)
            raise no_space(error) from error
        finally:
            self.discard()
        return self.received

    def _set_aside(self, path: Path) -> None:
        """The copy that was read, or is to be, until the newer one is read: that one may be cancelled."""
        aside = replaced(self.settings, path)
        if path.exists() and not aside.exists():
            aside.parent.mkdir(exist_ok=True)
            path.replace(aside)

    def discard(self) -> None:
        """Remove what was not kept."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what is still to be written does not fit on a full disk either
                self._file.close()
            self._file = None
        for _, draft in self._parts:
            draft.unlink(missing_ok=True)
        self._parts = []

    def _make_room(self, length: int) -> None:
        self._incoming.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._incoming).free < length + SPARE_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")

    def _part_begins(self) -> None:
        """Raises BadRequest for more parts than anybody sends at once: each costs time and is remembered."""
        self._begun += 1
        if self._begun > MOST_PARTS:
            raise BadRequest(
                f"An upload may have at most {MOST_PARTS:,} parts, and {FILES_AT_ONCE} files of it are kept.",
                "None was kept. Send fewer files at a time.",
            )
        self._headers, self._field, self._value, self._name, self._refusal, self._size = {}, "", b"", "", "", 0

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"filename" not in options:
            self._field = options.get(b"name", b"").decode("utf-8", "replace")
            return
        given = options[b"filename"].decode("utf-8", "replace")
        if not given:  # a form that was sent with no file chosen
            self._name = ""
            return
        self._name = self._unlike_others(safe_name(given))
        self._refusal = self._refuse()
        if not self._refusal:
            draft = self._incoming / secrets.token_hex(12)
            self._file = draft.open("wb")
            self._parts.append((self._name, draft))

    def _unlike_others(self, name: str) -> str:
        """A folder that is dropped may hold two files of one name; neither may replace the other."""
        taken = {other.lower() for other, _ in self._parts}
        path, number, free = PurePosixPath(name), 2, name
        while free.lower() in taken:
            free, number = f"{path.stem} ({number}){path.suffix}", number + 1
        return free

    def _refuse(self) -> str:
        if len(self._parts) >= FILES_AT_ONCE:
            return f"At most {FILES_AT_ONCE} files can be sent at once. Send it again."
        try:
            check_supported(PurePosixPath(self._name))
        except UnsupportedFile as error:
            return str(error)
        return ""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._field:
            self._value = (self._value + data[start:end])[:FIELD_BYTES]
        elif self._file is not None and self._size > self._limit:
            self._refusal = f"It is larger than the {self.settings.max_file_mb} MB that are read. Split it up, or ask "
            self._refusal += "whoever runs Docent to raise DOCENT_MAX_FILE_MB."
            self._drop()
        elif self._file is not None:
            self._file.write(data[start:end])

    def _part_ends(self) -> None:
        if self._field:
            self.fields[self._field] = self._value.decode("utf-8", "replace")
            return
        if self._file is not None and self._size == 0:
            self._refusal = "The file is empty."
            self._drop()
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._name and self._refusal:
            self.received.append(Received(self._name, None, self._refusal, self._size))

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._parts.pop()[1].unlink(missing_ok=True)

    def _ends(self) -> None:
        self._ended = True


async def _portions(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of PORTION at the least: a browser's come 64 kB at a time, a hop to a thread each."""
    gathered: list[bytes] = []
    size = 0
    async for piece in body:
        gathered.append(piece)
        size += len(piece)
        if size >= PORTION:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)


async def _in_thread(work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Do `work` in a thread. Who is cancelled waits for it all the same: nothing may be written after `discard`."""
    working = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise
