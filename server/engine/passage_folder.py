"""Passages that the model has read, as files in one folder.

A file's name is its passage's key; in it stand a checksum of all that follows, the model's key, the source, and the
cells. It is written under another name, flushed to the disk and renamed, so that a power cut leaves a whole file or
none; what is damaged all the same is never given out. Other programs may delete files at any time. Only its owner can
read the folder: of the cells the words of a document can be made again.

Nothing is raised: who asks reads the passage itself, and one line of the log says why.
"""

import hashlib
import json
import logging
import os
import re
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from server.engine.cell_state import State

logger = logging.getLogger("docent.engine")

MAGIC = b"DOCENTP2"  # the first kind may hold cells in the order of their places in the cache
CHECKSUM = 16  # bytes
MOST_HEAD = 4096  # bytes
SPARE_DISK = 1 << 30  # bytes that stay free
SUFFIX, PARTIAL = ".kv", ".part"
NAME = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class SavedPassage:
    key: str
    source: str
    size: int  # bytes of the file


class PassageFolder:
    """One thread at a time uses it, but for `write` and `in`, and one process."""

    def __init__(self, folder: Path, model: str, limit: int) -> None:
        """`model` tells models, builds and settings apart; `limit` is in bytes, for all files together."""
        self._folder = folder
        self._model = model
        self.limit = limit
        self.bytes = 0
        self._sizes: dict[str, int] = {}
        self._said: set[str] = set()  # what one line was written about already

    def open(self) -> list[SavedPassage]:
        """What is there of this model, that which was used last at the end. The rest is removed."""
        found: list[tuple[float, SavedPassage]] = []
        foreign = damaged = 0
        for path in self._ours():
            head = None if path.suffix == PARTIAL else _read_head(path)
            if head is not None and head.model == self._model:
                found.append((head.used, SavedPassage(path.stem, head.source, head.size)))
                continue
            foreign += head is not None
            damaged += head is None and path.suffix != PARTIAL  # else a server ended while it wrote
            self._unlink(path)
        if damaged:
            logger.warning("%d kept passages are damaged and are read again when they are asked for.", damaged)
        if foreign:
            logger.info("%d kept passages were read by another model or with other settings.", foreign)
        found.sort(key=lambda each: each[0])
        self._sizes = {saved.key: saved.size for _, saved in found}
        self.bytes = sum(self._sizes.values())
        return [saved for _, saved in found]

    def clear(self) -> None:
        for path in self._ours():
            self._unlink(path)

    def __contains__(self, key: str) -> bool:
        return key in self._sizes

    def read(self, key: str) -> State | None:
        """None: it is not there, or damaged; then it is removed."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)  # used just now
        except OSError as error:
            self._drop(key)
            self._say(f"A kept passage cannot be read and is read by the model again: {error.strerror}.")
            return None
        begin = len(MAGIC) + CHECKSUM
        if not data.startswith(MAGIC) or _checksum(data[begin:]) != data[len(MAGIC) : begin]:
            self.remove(key)
            self._say("A kept passage is damaged and is read by the model again.")
            return None
        (length,) = struct.unpack_from("<I", data, begin)
        return np.frombuffer(data, np.uint8, offset=begin + 4 + length)

    def write(self, key: str, source: str, data: State) -> int | None:
        """Write a file that counts once it is `place`d; its bytes. None: it is not kept. There must be room within the
        limit. Takes as long as the disk does, and touches nothing that the other methods look at: any thread may call
        it, one at a time.
        """
        head = json.dumps({"model": self._model, "source": source}).encode()
        body = struct.pack("<I", len(head)) + head + data.tobytes()
        size = len(MAGIC) + CHECKSUM + len(body)
        if size + self.bytes > self.limit:
            return None
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free < SPARE_DISK + size:
                self._say(f"Too little disk space is free in {self._folder} to keep passages.")
                return None
            with os.fdopen(os.open(self._fresh(key), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(MAGIC + _checksum(body) + body)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._fail(key, error)
            return None
        return size

    def place(self, key: str, size: int) -> bool:
        """Let the file count that was written. False: it has gone."""
        try:
            self._fresh(key).replace(self._path(key))
        except OSError as error:
            self._fail(key, error)
            return False
        self._drop(key)
        self._sizes[key] = size
        self.bytes += size
        return True

    def discard(self, key: str) -> None:
        """Remove what was written and is not placed."""
        self._unlink(self._fresh(key))

    def remove(self, key: str) -> None:
        self._unlink(self._path(key))
        self._drop(key)

    def _ours(self) -> list[Path]:
        try:
            paths = list(self._folder.iterdir()) if self._folder.is_dir() else []
        except OSError as error:
            self._say(f"The passages kept in {self._folder} cannot be read: {error.strerror}.")
            return []
        return [path for path in paths if path.suffix in (SUFFIX, PARTIAL) and NAME.fullmatch(path.stem)]

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _fresh(self, key: str) -> Path:
        return self._folder / f"{key}{PARTIAL}"

    def _fail(self, key: str, error: OSError) -> None:
        self.discard(key)
        self._say(f"A passage could not be kept in {self._folder}: {error.strerror}.")

    def _drop(self, key: str) -> None:
        self.bytes -= self._sizes.pop(key, 0)

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._say(f"A kept passage in {self._folder} cannot be removed: {error.strerror}.")

    def _say(self, line: str) -> None:
        """Once, not for every passage."""
        if line not in self._said:
            self._said.add(line)
            logger.warning("%s", line)


def remove_passages(folder: Path) -> None:
    """Forget every passage that is kept there."""
    PassageFolder(folder, "", 0).clear()


@dataclass(frozen=True)
class _Head:
    model: str
    source: str
    size: int  # bytes of the file
    used: float  # seconds since 1970


def _read_head(path: Path) -> _Head | None:
    """None where the file is none of ours, its beginning is damaged, or it has gone meanwhile."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                return None
            file.seek(CHECKSUM, os.SEEK_CUR)
            (length,) = struct.unpack("<I", file.read(4))
            head = json.loads(file.read(min(length, MOST_HEAD)))
            status = os.fstat(file.fileno())
        return _Head(str(head["model"]), str(head["source"]), status.st_size, status.st_mtime)
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return None


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=CHECKSUM).digest()
