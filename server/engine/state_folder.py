"""Prefixes of the KV cache as files in one folder: what a restart need not compute again.

`prefixes.json` names each file with its tokens, its checksum and the key of the model and settings that it was computed
with; it is replaced as a whole, and a file that it does not name does not count and is removed. What is damaged, or
made by another model, is never given out. The folder is bounded in bytes; what nobody has begun with for a week goes.
Only its owner can read it: the tokens are text of prompts.
"""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

logger = logging.getLogger("docent.engine")

MAX_AGE = 7 * 24 * 3600.0  # seconds since a prefix was last among the hottest
SPARE_DISK = 1 << 30  # bytes that stay free
SAMPLES, SAMPLE_BYTES, HEAD_BYTES = 64, 4096, 1 << 20  # what is read of a model file to tell it from others
INDEX, SUFFIX, PARTIAL = "prefixes.json", ".kv", ".part"
OLD_INDEX = "index.json"  # named beginnings with people's questions in them: it is removed, and its files with it

Write = Callable[[tuple[int, ...], Path, int], bool]
"""Puts the state of a prefix into a file of at most so many bytes. False: it did not."""


@dataclass(frozen=True)
class SavedPrefix:
    name: str  # of its file
    key: str  # of model and settings, see `model_key`
    tokens: tuple[int, ...]
    size: int  # bytes
    checksum: str
    seen: float  # seconds since 1970, when it was last among the hottest


class StateFolder:
    """One process at a time uses it."""

    def __init__(self, folder: Path, key: str, limit: int, *, clock: Callable[[], float] = time.time) -> None:
        """`limit` is in bytes, for all files together."""
        self._folder = folder
        self._key = key
        self._limit = limit
        self._clock = clock
        self._saved: list[SavedPrefix] = []  # of every model, the hottest first

    def open(self) -> list[tuple[tuple[int, ...], Path]]:
        """Tokens and undamaged files of this model and these settings, the hottest first. Cleans the folder."""
        if self._folder.is_dir():
            _remove(self._folder / OLD_INDEX)
        self._saved = [saved for saved in self._read_index() if self._is_wanted(saved)]
        mine = [saved for saved in self._saved if saved.key == self._key]
        if len(mine) < len(self._saved):
            foreign = len(self._saved) - len(mine)
            logger.info("%d saved prompt beginnings belong to another model or other settings.", foreign)
        damaged = [saved for saved in mine if not self._is_whole(saved)]
        if damaged:
            logger.warning("%d saved prompt beginnings are damaged and are not used.", len(damaged))
        self._saved = [saved for saved in self._saved if saved not in damaged]
        self._write_index()
        return [(saved.tokens, self._folder / saved.name) for saved in mine if saved not in damaged]

    def keep(self, hottest: Iterable[tuple[int, ...]], write: Write) -> set[tuple[int, ...]]:
        """Save the hottest that are not saved yet; older ones stay as far as there is room. Which of them are saved."""
        kept: list[SavedPrefix] = []
        self._saved = [saved for saved in self._saved if self._is_wanted(saved)]
        for tokens in hottest:
            room = self._limit - sum(each.size for each in kept)
            saved = self._find(tokens) or self._save(tokens, write, room)
            if saved is None or saved.size > room:
                continue
            kept.append(replace(saved, seen=self._clock()))
            known = {each.name for each in kept}
            self._saved = self._bounded(kept + [each for each in self._saved if each.name not in known])
            self._write_index()
        if not kept:
            self._write_index()
        return {saved.tokens for saved in kept}

    def _find(self, tokens: tuple[int, ...]) -> SavedPrefix | None:
        return next((saved for saved in self._saved if saved.key == self._key and saved.tokens == tokens), None)

    def _save(self, tokens: tuple[int, ...], write: Write, room: int) -> SavedPrefix | None:
        """None: it was not written."""
        name = hashlib.blake2b(repr((self._key, tokens)).encode(), digest_size=16).hexdigest() + SUFFIX
        fresh = self._folder / (name + PARTIAL)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free < SPARE_DISK + room:
                logger.info("Too little disk space is free to save prompt beginnings.")
                return None
            os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            if not write(tokens, fresh, room):
                return None
            saved = SavedPrefix(name, self._key, tokens, fresh.stat().st_size, _checksum(fresh), self._clock())
            fresh.replace(self._folder / name)
            return saved
        except OSError as error:
            logger.warning("A prompt beginning could not be saved in %s: %s.", self._folder, error.strerror)
            return None
        finally:
            if self._folder.is_dir():
                _remove(fresh)

    def _bounded(self, saved: Sequence[SavedPrefix]) -> list[SavedPrefix]:
        """As many as the limit allows, without those that are the beginning of a kept one."""
        kept: list[SavedPrefix] = []
        total = 0
        for each in saved:
            covered = any(one.key == each.key and one.tokens[: len(each.tokens)] == each.tokens for one in kept)
            if not covered and total + each.size <= self._limit:
                kept.append(each)
                total += each.size
        return kept

    def _is_wanted(self, saved: SavedPrefix) -> bool:
        return saved.seen > self._clock() - MAX_AGE and (self._folder / saved.name).is_file()

    def _is_whole(self, saved: SavedPrefix) -> bool:
        path = self._folder / saved.name
        try:
            return path.stat().st_size == saved.size and _checksum(path) == saved.checksum
        except OSError:
            return False

    def _read_index(self) -> list[SavedPrefix]:
        try:
            records = json.loads((self._folder / INDEX).read_bytes())
            return [_saved_prefix(record) for record in records]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError) as error:
            logger.warning("The list of saved prompt beginnings in %s cannot be read: %s.", self._folder, error)
            return []

    def _write_index(self) -> None:
        """Write down what is saved, then remove all that is not."""
        if not self._folder.is_dir():
            return
        fresh = self._folder / (INDEX + PARTIAL)
        try:
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump([asdict(saved) for saved in self._saved], file)
            fresh.replace(self._folder / INDEX)
            named = {saved.name for saved in self._saved} | {INDEX}
            for path in self._folder.iterdir():
                if path.suffix in {SUFFIX, PARTIAL} and path.name not in named:
                    _remove(path)
        except OSError as error:
            logger.warning("The list of saved prompt beginnings in %s cannot be written: %s.", self._folder, error)


def remove_saved(folder: Path) -> None:
    """Forget every saved prefix, as far as the disk allows it."""
    try:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name in (INDEX, OLD_INDEX) or path.suffix in {SUFFIX, PARTIAL}:
                _remove(path)
    except OSError as error:
        logger.warning("Saved prompt beginnings in %s cannot be looked for: %s.", folder, error.strerror)


def _remove(path: Path) -> None:
    """One line of the log says why not, where it cannot be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s cannot be removed: %s.", path, error.strerror)


def model_key(files: Sequence[Path], settings: Sequence[object]) -> str:
    """Tells model files (and adapters), builds and settings apart.

    Of a file: its size, when it was written, its head and samples from all over it. Two fine-tunings of one model can
    have the same size and the same header; reading gigabytes at each start would delay the first answer.
    """
    found = hashlib.blake2b(repr(list(settings)).encode(), digest_size=16)
    for path in files:
        status = path.stat()
        found.update(repr((status.st_size, status.st_mtime_ns)).encode())
        with path.open("rb") as file:
            found.update(file.read(HEAD_BYTES))
            for sample in range(SAMPLES):
                file.seek(status.st_size * sample // SAMPLES)
                found.update(file.read(SAMPLE_BYTES))
    return found.hexdigest()


def _saved_prefix(record: dict[str, Any]) -> SavedPrefix:
    """Raises KeyError, TypeError or ValueError for anything but what was written."""
    name, tokens = str(record["name"]), tuple(int(token) for token in record["tokens"])
    if Path(name).name != name or not name.endswith(SUFFIX) or not tokens:
        raise ValueError(f"{name!r} is not the name of a saved state")
    size, seen = int(record["size"]), float(record["seen"])
    return SavedPrefix(name, str(record["key"]), tokens, size, str(record["checksum"]), seen)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
