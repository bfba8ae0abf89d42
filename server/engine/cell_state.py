"""The cells of one sequence as llama.cpp copies them, cut and moved to another place of a prompt (pure).

    first 8 bytes          a magic number and the sequence's number
    streams, cells         uint32 each; there is one stream
    for each cell          its position, how many sequences hold it (1), which: int32 each
    values lie by element  uint32 (1 where flash attention is off); layers: uint32
    for each layer         type of the keys (int32), bytes of a cell's keys (uint64), then these bytes, cell by cell
    for each layer         type (int32), bytes of an element and elements of a cell (uint32 each), then the values:
                           element by element, in each the cells in turn; or, with flash attention, as the keys are

A key knows its position by a rotation (RoPE), a value knows none. So a passage that was read behind one text can stand
behind another: what it has seen of that text is not the same, which is why a stitched answer is an approximation.
Cells are copied as they lie in the cache: where places of others are used again, that is not the order of their
positions, which is restored here.
llama.cpp's own shift goes through all cells of the cache, the running answers' too (`llama_memory_seq_add`, on the next
batch); this one through the passage's alone. Raises UnknownState for what is not laid out so.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

F16 = 1  # GGML_TYPE_F16
HEAD, CELL = 8, 12  # bytes

State = NDArray[np.uint8]


class UnknownState(Exception):  # noqa: N818 (a state that is not known, not a fault)
    """A model's cells are laid out in another way, or the bytes are damaged."""


@dataclass(frozen=True)
class Rotation:
    """How a model's keys depend on their position."""

    dims: int  # of each head, from its first on, that are rotated
    head: int  # dimensions of a head's key
    base: float
    scale: float = 1.0  # of positions
    halves: bool = False  # a dimension's partner is half the rotated ones further on, not its neighbour

    def turned(self, keys: NDArray[np.float16], distance: int) -> NDArray[np.float16]:
        """Keys float16 (cells, heads * head) as they would be `distance` positions further on."""
        pairs = self.dims // 2
        angles = distance * self.scale * self.base ** (-np.arange(pairs) / pairs)  # (pairs,), float64
        cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        heads = keys.reshape(len(keys), -1, self.head).astype(np.float32)
        first = slice(0, pairs) if self.halves else slice(0, self.dims, 2)
        second = slice(pairs, self.dims) if self.halves else slice(1, self.dims, 2)
        left, right = heads[..., first].copy(), heads[..., second].copy()
        heads[..., first] = left * cosines - right * sines
        heads[..., second] = left * sines + right * cosines
        return heads.astype(np.float16).reshape(keys.shape)


@dataclass(frozen=True)
class _Layer:
    head: State  # type and sizes
    data: State  # keys (cells, bytes); values (elements, cells, bytes) or as keys


class CellState:
    """The parsed copy of a sequence's cells by position; it refers to the bytes, which are never changed."""

    def __init__(self, data: State) -> None:
        reader = _Reader(data)
        self._head = reader.take(HEAD)
        streams, self.cells = reader.uint32(), reader.uint32()
        if streams != 1:
            raise UnknownState(f"{streams} streams")
        self._cells = reader.take(CELL * self.cells).view(np.int32).reshape(self.cells, 3)
        self._by_element, layers = reader.uint32(), reader.uint32()
        self._keys = [self._read_rows(reader, 12) for _ in range(layers)]
        self._values = [
            self._read_elements(reader) if self._by_element else self._read_rows(reader, 12) for _ in range(layers)
        ]
        if reader.left:
            raise UnknownState(f"{reader.left} bytes too many")
        if (np.diff(self._cells[:, 0]) < 0).any():
            self._sort()

    @property
    def positions(self) -> list[int]:
        found: list[int] = self._cells[:, 0].tolist()
        return found

    @property
    def keys(self) -> list[NDArray[np.float16]]:
        """For each layer, float16 (cells, heads * head)."""
        return [layer.data.view(np.float16) for layer in self._keys]

    def check(self, start: int, end: int) -> None:
        """Raises UnknownState unless there is one cell for each of the positions [start, end), and no other."""
        if not np.array_equal(self._cells[:, 0], np.arange(start, end)):
            raise UnknownState(f"{self.cells} cells for the positions {start} to {end}")

    def alone(self, start: int) -> State:
        """The cells from number `start` on, where they are."""
        return self._written(start, 0, None)

    def moved(self, rotation: Rotation, *, start: int, to: int) -> State:
        """The cells from number `start` on, the first of them at position `to`.

        Where that is its position already they are the same to the last bit.
        """
        return self._written(start, to - int(self._cells[start, 0]), rotation)

    def _written(self, start: int, distance: int, rotation: Rotation | None) -> State:
        cells = self._cells[start:].copy()
        cells[:, 0] += distance
        parts = [self._head, np.array([1, len(cells)], np.uint32), cells]
        parts.append(np.array([self._by_element, len(self._keys)], np.uint32))
        for layer in self._keys:
            kept = layer.data[start:]
            if rotation is not None and distance:
                kept = rotation.turned(kept.view(np.float16), distance).view(np.uint8)
            parts += [layer.head, kept]
        for layer in self._values:
            parts += [layer.head, layer.data[:, start:] if self._by_element else layer.data[start:]]
        return np.concatenate([np.ascontiguousarray(part).reshape(-1).view(np.uint8) for part in parts])

    def _sort(self) -> None:
        order = np.argsort(self._cells[:, 0], kind="stable")
        self._cells = self._cells[order]
        self._keys = [replace(layer, data=layer.data[order]) for layer in self._keys]
        self._values = [
            replace(layer, data=layer.data[:, order] if self._by_element else layer.data[order])
            for layer in self._values
        ]

    def _read_rows(self, reader: "_Reader", size: int) -> _Layer:
        head = reader.take(size)
        (kind,), (row,) = head[:4].view(np.int32), head[4:].view(np.uint64)
        _check(int(kind))
        return _Layer(head, reader.take(int(row) * self.cells).reshape(self.cells, int(row)))

    def _read_elements(self, reader: "_Reader") -> _Layer:
        head = reader.take(12)
        kind, size, count = (int(value) for value in head.view(np.uint32))
        _check(kind)
        return _Layer(head, reader.take(size * count * self.cells).reshape(count, self.cells, size))


class _Reader:
    def __init__(self, data: State) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> State:
        if count > self.left:
            raise UnknownState("it ends before it should")
        self._at += count
        return self._data[self._at - count : self._at]

    def uint32(self) -> int:
        return int(self.take(4).view(np.uint32)[0])


def _check(kind: int) -> None:
    if kind != F16:
        raise UnknownState(f"numbers of type {kind}")
