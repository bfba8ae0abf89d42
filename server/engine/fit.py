"""Whether a model fits this machine, decided from its header before anything is loaded (pure).

The context is the smallest of what the operator asked for, what the file declares, and what its RoPE covers. Memory
is the file's size (its weights are mapped or repacked once), the f16 KV cache and a reserve for compute buffers.
Raises ModelRefused.
"""

from dataclasses import dataclass

from indexer.errors import StartError
from server.engine.gguf_header import GgufHeader

F16_BYTES = 2
COMPUTE_RESERVE = 256 << 20  # bytes; the compute buffers of a 4B model with batches of 96 rows stay under it
MIN_CONTEXT = 64  # tokens; less leaves no room for a question
UNSUPPORTED = {"phi3small": "Phi-3-small", "phi-3-small": "Phi-3-small"}


class ModelRefused(StartError):  # noqa: N818 (named for what happened to it)
    """A model file that cannot be used here; says what, why and what to do."""


@dataclass(frozen=True)
class Fit:
    """The sizes with which a model is loaded."""

    context: int  # tokens of prompt and answer together, and cells of the KV cache
    kv_bytes: int
    file_bytes: int

    @property
    def needs_bytes(self) -> int:
        return self.file_bytes + self.kv_bytes + COMPUTE_RESERVE

    def __str__(self) -> str:
        return (
            f"context {self.context} tokens, weights {gib(self.file_bytes)}, "
            f"KV cache {gib(self.kv_bytes)}, needs {gib(self.needs_bytes)}"
        )


def fit_model(header: GgufHeader, wanted_context: int, available: int) -> Fit:
    """Sizes for a machine with `available` bytes of free memory."""
    _refuse_unsupported(header)
    context = min(wanted_context, context_limit(header) or wanted_context)
    if context < MIN_CONTEXT:
        raise ModelRefused(
            f"The model's file declares a context of {context} tokens, which leaves no room for a question.",
            "Choose another model: docent models list.",
        )
    fit = Fit(context, kv_bytes_per_token(header) * context, header.file_size)
    if fit.needs_bytes > available:
        raise ModelRefused(_too_large(header, fit, available), _smaller(header, fit, available))
    return fit


def context_limit(header: GgufHeader) -> int:
    """Tokens that the file declares; past the trained length only where its RoPE scaling covers more. 0: unknown."""
    declared = header.context_length
    original = header.number("rope.scaling.original_context_length")
    scaled = header.text(f"{header.architecture}.rope.scaling.type") in {"yarn", "linear", "longrope"}
    long_factors = any(name.startswith("rope_factors_long") for name in header.tensors)
    if original and declared > original and not (scaled or long_factors):
        return original
    return declared


def kv_bytes_per_token(header: GgufHeader) -> int:
    """f16 bytes of K and V that one token takes in all layers."""
    layers = min(header.number("block_count"), 1024)
    heads = header.numbers("attention.head_count", layers)
    kv_heads = header.numbers("attention.head_count_kv", layers)
    if not any(kv_heads):
        kv_heads = heads
    head = header.number("embedding_length") // max(max(heads, default=0), 1)
    key, value = header.number("attention.key_length") or head, header.number("attention.value_length") or head
    return sum(kv_heads[:layers]) * (key + value) * F16_BYTES


def gib(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"


def _refuse_unsupported(header: GgufHeader) -> None:
    named = f"{header.architecture} {header.name}".lower().replace(" ", "-")
    for mark, name in UNSUPPORTED.items():
        if mark in named:
            raise ModelRefused(
                f"{name} cannot be used: llama.cpp does not support its block-sparse attention.",
                "Use Phi-3-mini instead: docent models pull phi-3-mini.",
            )
    if not header.architecture:
        raise ModelRefused(
            "The model's file does not name its architecture.", "Choose another model: docent models list."
        )


def _too_large(header: GgufHeader, fit: Fit, available: int) -> str:
    return (
        f"The model needs {gib(fit.needs_bytes)} of memory (weights {gib(fit.file_bytes)}, KV cache for "
        f"{fit.context} tokens {gib(fit.kv_bytes)}), but {gib(available)} are free."
    )


def _smaller(header: GgufHeader, fit: Fit, available: int) -> str:
    room = available - fit.file_bytes - COMPUTE_RESERVE
    fits = room // max(kv_bytes_per_token(header), 1) // 256 * 256
    if fits >= 1024:
        return f"Set DOCENT_CONTEXT={fits}, close other programs, or choose a smaller model."
    return "Close other programs or choose a smaller model: docent models list."
