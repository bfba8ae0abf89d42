"""How a loaded model turns its keys, from its file and measured on it.

Only plain RoPE is known here: factors for each frequency (Llama 3, LongRoPE) and YaRN are not. What is known is tried
on the model itself before it is used, since a wrong rotation would not be seen in anything but worse answers.
"""

import numpy as np

from server.engine.cell_state import CellState, Rotation, UnknownState
from server.engine.gguf_header import GgufHeader
from server.engine.scheduler import Decoder, Row

NEIGHBOURS, HALVES = 0, 2  # LLAMA_ROPE_TYPE_NORM, _NEOX
TOLERANCE = 0.02
"""Of a key's length in its head: twenty times what rounding to float16 and sums in another order make of it."""


def rotation_of(header: GgufHeader, kind: int, scale: float) -> Rotation | None:
    """`kind` and `scale` as llama.cpp has them of the model. None: it is not plain RoPE."""
    prefix = header.architecture
    scaling = header.text(f"{prefix}.rope.scaling.type")
    factors = any(name.startswith("rope_f") for name in header.tensors)
    if kind not in (NEIGHBOURS, HALVES) or factors or scaling not in ("", "none", "linear"):
        return None
    heads = max(header.numbers("attention.head_count", 1), default=0)
    head = header.number("attention.key_length") or header.number("embedding_length") // max(heads, 1)
    dims = header.number("rope.dimension_count") or head
    base = header.metadata.get(f"{prefix}.rope.freq_base", 10000.0)
    if not isinstance(base, int | float) or base <= 1 or not 0 < dims <= head or dims % 2:
        return None
    return Rotation(dims, head, float(base), scale, halves=kind == HALVES)


def turns_as(decoder: Decoder, rotation: Rotation, token: int, distance: int) -> bool:
    """Whether the model's keys are turned so. The cache must be empty, with two sequences, and is so afterwards.

    A token alone sees only itself, so that in every layer its keys differ by the rotation and its values not at all.
    """
    decoder.decode([Row(token, 0, 0, False), Row(token, distance, 1, False)])
    try:
        here, there = CellState(decoder.read_state(0)), CellState(decoder.read_state(1))
        moved = CellState(here.moved(rotation, start=0, to=distance))
        pairs = zip(here.keys, moved.keys, there.keys, strict=True)
        return all(_alike(a, rotation) and _near(b, c, rotation) for a, b, c in pairs)
    except (UnknownState, ValueError):
        return False
    finally:
        decoder.truncate(0, 0)
        decoder.truncate(1, 0)


def _alike(keys: np.ndarray, rotation: Rotation) -> bool:
    return keys.shape[1] % rotation.head == 0 and bool(np.isfinite(keys).all())


def _near(left: np.ndarray, right: np.ndarray, rotation: Rotation) -> bool:
    ours, theirs = (keys.reshape(-1, rotation.head).astype(np.float32) for keys in (left, right))
    lengths = np.linalg.norm(theirs, axis=1)
    return bool((np.linalg.norm(ours - theirs, axis=1) <= TOLERANCE * lengths + 1e-6).all())
