"""Copies of cells as llama.cpp lays them out, with numbers of chance."""

from collections.abc import Sequence

import numpy as np

from server.engine.cell_state import State

HEADS, HEAD, LAYERS = 2, 8, 3


def cell_state(
    first: int, count: int, *, by_element: bool = True, seed: int = 0, kind: int = 1, order: Sequence[int] | None = None
) -> State:
    """The cells at positions [first, first + count); `order` says which of them lies where in the cache."""
    lie = list(range(count) if order is None else order)
    random = np.random.default_rng(seed)
    width = HEADS * HEAD
    parts: list[np.ndarray] = [np.array([0xAF143CE8, 3, 1, len(lie)], np.uint32)]
    parts.append(np.array([[first + i, 1, 3] for i in lie], np.int32))
    parts.append(np.array([by_element, LAYERS], np.uint32))
    row = np.array([kind, 2 * width, 0], np.uint32)
    for values in (False, True):
        for _ in range(LAYERS):
            if values and by_element:
                parts.append(np.array([kind, 2, width], np.uint32))
            else:
                parts.append(row)
            numbers = random.normal(size=(count, width)).astype(np.float16)
            parts.append(numbers.reshape(width, count)[:, lie] if values and by_element else numbers[lie])
    return np.concatenate([np.ascontiguousarray(part).reshape(-1).view(np.uint8) for part in parts])
