"""Writes LoRA adapters with random weights for the tiny models."""

from pathlib import Path

import gguf
import numpy as np

from tests.tiny_gguf import TinyModel

RANK = 2


def write_tiny_lora(path: Path, model: TinyModel | None = None, *, seed: int = 7) -> Path:
    """An adapter for the output projection of each layer's attention, large enough to change what is said."""
    model = model or TinyModel()
    random = np.random.default_rng(seed)
    out = gguf.GGUFWriter(str(path), model.architecture)
    out.add_type(gguf.GGUFType.ADAPTER)
    out.add_string(gguf.Keys.Adapter.TYPE, "lora")
    out.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(RANK))
    for i in range(model.layers):
        name = f"blk.{i}.attn_output.weight"
        out.add_tensor(f"{name}.lora_a", random.normal(0, 1, (RANK, model.width)).astype(np.float32))
        out.add_tensor(f"{name}.lora_b", random.normal(0, 1, (model.width, RANK)).astype(np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path
