"""What a GGUF file says about itself, read without loading it and without trusting a byte of it.

Every count and length in the file is checked against a bound before it is used, so a hostile or damaged file costs a
refusal and never memory. The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3,
little-endian). Raises GgufError with a sentence that says what is wrong.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

MAGIC = b"GGUF"
MAX_HEADER_BYTES = 256 << 20  # the largest vocabularies (260,000 tokens with merges) take about 12 MiB
MAX_KEYS = 4096
MAX_TENSORS = 1 << 17
MAX_ARRAY = 1 << 22  # elements
MAX_STRING = 1 << 22  # bytes; chat templates stay under 64 KiB
MAX_KEY = 1024  # bytes
KEPT_ARRAY = 1024  # longer arrays (vocabularies) are walked over, not kept

MAX_PARTS = 1000
SPLIT = re.compile(r"-([0-9]{5})-of-([0-9]{5})\.gguf$", re.IGNORECASE)

STRING, ARRAY = 8, 9
SCALARS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip

Scalar = int | float | bool | str
Value = Scalar | tuple[Scalar, ...]


class GgufError(Exception):
    """The file is not a GGUF that can be used; the message is one sentence."""


@dataclass(frozen=True)
class GgufHeader:
    """The metadata, without arrays longer than KEPT_ARRAY, and the names of the tensors."""

    file_size: int  # bytes, of all parts of a split model
    metadata: dict[str, Value]
    tensors: frozenset[str] = field(default_factory=frozenset)
    lengths: dict[str, int] = field(default_factory=dict)  # of all arrays, in elements

    @property
    def architecture(self) -> str:
        return self.text("general.architecture")

    @property
    def name(self) -> str:
        return self.text("general.name")

    @property
    def context_length(self) -> int:
        """Tokens of the context that the file declares; 0 if it does not say."""
        return self.number("context_length")

    @property
    def chat_template(self) -> str:
        return self.text("tokenizer.chat_template")

    def text(self, key: str) -> str:
        value = self.metadata.get(key, "")
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int:
        """A whole number under the architecture's own prefix; 0 if missing."""
        value = self.metadata.get(f"{self.architecture}.{key}", 0)
        return value if isinstance(value, int) else 0

    def numbers(self, key: str, count: int) -> tuple[int, ...]:
        """One number for each of `count` layers, whether the file gives one for all or one for each."""
        value = self.metadata.get(f"{self.architecture}.{key}", 0)
        if isinstance(value, tuple):
            return tuple(item for item in value if isinstance(item, int))
        return (value if isinstance(value, int) else 0,) * count


def is_adapter(header: GgufHeader) -> bool:
    """Whether the file holds a LoRA adapter instead of a model."""
    return header.text("general.type") == "adapter" or bool(header.text("adapter.type"))


def read_header(path: Path) -> GgufHeader:
    """Read the header of `path`, of a split model the first part. Raises GgufError, or OSError if it cannot be."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if size == 0:
            raise GgufError("The file is empty.")
        header = _Reader(file, size).header()
    return replace(header, file_size=size + sum(map(_part_size, _other_parts(path))))


def _other_parts(path: Path) -> list[Path]:
    found = SPLIT.search(path.name)
    if found is None or int(found[1]) != 1:
        return []
    return [
        path.with_name(f"{path.name[: found.start()]}-{part:05d}-of-{found[2]}{path.suffix}")
        for part in range(2, min(int(found[2]), MAX_PARTS) + 1)
    ]


def _part_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise GgufError(f"A part of it is missing: {path.name}.") from error


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._left = min(size, MAX_HEADER_BYTES)
        self._lengths: dict[str, int] = {}

    def header(self) -> GgufHeader:
        if self._size < len(MAGIC) or self._take(len(MAGIC)) != MAGIC:
            raise GgufError("It is not a GGUF file: it does not begin with the letters GGUF.")
        version = self._scalar("<I")
        if version not in (2, 3):
            raise GgufError(f"Its GGUF version is {version}; versions 2 and 3 can be read.")
        tensors = self._count("<Q", MAX_TENSORS, "tensors")
        keys = self._count("<Q", MAX_KEYS, "metadata entries")
        metadata: dict[str, Value] = {}
        for _ in range(keys):
            key = self._string(MAX_KEY)
            value = self._value(int(self._scalar("<I")), key)
            if value is not None:
                metadata[key] = value
        names, last = self._tensor_names(tensors)
        if tensors and self._file.tell() + last >= self._size:
            raise GgufError("The file is incomplete: the weights that it announces are beyond its end.")
        return GgufHeader(self._size, metadata, names, self._lengths)

    def _tensor_names(self, tensors: int) -> tuple[frozenset[str], int]:
        """The names, and the offset of the last tensor within the data."""
        names, last = set(), 0
        for _ in range(tensors):
            names.add(self._string(MAX_KEY))
            dimensions = self._count("<I", 8, "dimensions of a tensor")
            self._take(8 * dimensions + 4)
            last = max(last, int(self._scalar("<Q")))
        return frozenset(names), last

    def _value(self, kind: int, key: str) -> Value | None:
        if kind == ARRAY:
            return self._array(key)
        return self._read_kind(kind, key)()

    def _array(self, key: str) -> Value | None:
        kind = int(self._scalar("<I"))
        if kind == ARRAY:
            raise GgufError(f"The metadata entry {key!r} nests arrays, which no model needs.")
        read = self._read_kind(kind, key)
        count = self._count("<Q", MAX_ARRAY, f"elements in {key!r}")
        self._lengths[key] = count
        if count <= KEPT_ARRAY:
            return tuple(read() for _ in range(count))
        if kind in SCALARS:
            self._take(count * struct.calcsize(SCALARS[kind]))
        else:
            for _ in range(count):
                self._take(self._count("<Q", MAX_STRING, f"bytes in {key!r}"))
        return None

    def _read_kind(self, kind: int, key: str) -> Callable[[], Scalar]:
        if kind == STRING:
            return lambda: self._string(MAX_STRING)
        if kind in SCALARS:
            return lambda: self._scalar(SCALARS[kind])
        raise GgufError(f"The metadata entry {key!r} has the unknown type {kind}; the file is damaged.")

    def _string(self, limit: int) -> str:
        return self._take(self._count("<Q", limit, "bytes in a text")).decode("utf-8", "replace")

    def _count(self, layout: str, limit: int, what: str) -> int:
        count = int(self._scalar(layout))
        if count > limit:
            raise GgufError(f"The header announces {count} {what}, more than any model has; the file is damaged.")
        return count

    def _scalar(self, layout: str) -> int | float | bool:
        value: int | float | bool = struct.unpack(layout, self._take(struct.calcsize(layout)))[0]
        return value

    def _take(self, count: int) -> bytes:
        if count > self._left:
            raise GgufError("The file is incomplete: it ends inside its header.")
        self._left -= count
        data = self._file.read(count)
        if len(data) != count:
            raise GgufError("The file is incomplete: it ends inside its header.")
        return data
