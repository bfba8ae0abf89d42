"""Whether a model fits this machine, decided from its header before anything is loaded (pure).

The context of one conversation is the smallest of what the operator asked for, what the file declares, and what its
RoPE covers. The KV cache has more cells than that, for several conversations at once and for beginnings that are kept,
as far as its share of the free memory goes. Memory is the weights (read, not mapped: as much as the file is large),
the f16 KV cache, the compute buffers, and what the search model takes beside it. Raises ModelRefused.
"""

from dataclasses import dataclass, replace

from indexer.errors import StartError
from server.engine.gguf_header import GgufHeader, is_adapter

F16_BYTES, F32_BYTES = 2, 4
MIB = 1 << 20
SLACK = 64 * MIB  # bytes; tables and buffers beside: the weights of a 2,174 MiB file took 2,206
SEARCH_RESERVE = 512 * MIB  # bytes; torch and all-MiniLM-L6-v2 took 464 MiB
CACHE_SHARE = 2  # more than one context takes at most one part in this many of what the weights leave free
# What a first question takes: instructions, 400 tokens of evidence, 400 of answer. Not more: every cell that holds
# something slows every stream down, see docs/decisions.md.
REQUEST_CELLS = 1024
LONG_CONVERSATIONS = 2  # whole contexts side by side
LEAST_REQUEST = 256  # cells; fewer for each of the answers at once are of no use
CELL_STEP = 256  # llama.cpp rounds up to it
MIN_CONTEXT = 64  # tokens; less leaves no room for a question
UNSUPPORTED = {"phi3small": "Phi-3-small", "phi-3-small": "Phi-3-small"}


class ModelRefused(StartError):  # noqa: N818 (named for what happened to it)
    """A model file that cannot be used here; says what, why and what to do."""


class DoesNotFit(ModelRefused):
    """A model that could be used on a machine with more memory, or with other settings."""


@dataclass(frozen=True)
class Wanted:
    """What the operator and the engine ask for."""

    context: int  # tokens
    slots: int = 8  # answers at once, at most
    rows: int = 112  # of a batch, up to a whole number for each sequence: so llama.cpp reserves buffers
    cache_bytes: int = 0  # for the KV cache; 0: decide
    gpu_layers: int = 0  # layers on a graphics card, which has a memory of its own


@dataclass(frozen=True)
class Fit:
    """The sizes with which a model is loaded."""

    context: int  # tokens of prompt and answer together
    cells: int  # of the KV cache, not fewer
    slots: int  # answers at once
    file_bytes: int  # of weights in the machine's own memory
    kv_bytes: int
    compute_bytes: int
    offload_cells: int = 0  # for which there is memory beside the cache, while no request needs them
    offload_bytes: int = 0
    copy_bytes: int = 0  # most that a copy of cells may take while it is written to the disk: what is left is shared
    rope_length: int = 0  # tokens up to which the short RoPE factors hold, where that is not what the file says

    @property
    def needs_bytes(self) -> int:
        return self.file_bytes + self.kv_bytes + self.offload_bytes + self.compute_bytes

    def __str__(self) -> str:
        memory = (
            f"weights {gib(self.file_bytes)}, KV cache {gib(self.kv_bytes)}, beside it {gib(self.offload_bytes)}, "
            f"buffers {gib(self.compute_bytes)}"
        )
        return (
            f"context {self.context:,} tokens, cache for {self.cells:,} and {self.offload_cells:,} beside it, "
            f"up to {self.slots} answers at once; needs {gib(self.needs_bytes)} ({memory})"
        )


def fit_model(header: GgufHeader, wanted: Wanted, available: int) -> Fit:
    """Sizes for a machine with `available` bytes of free memory."""
    _refuse_unsupported(header)
    context = min(wanted.context, context_limit(header) or wanted.context)
    if context < MIN_CONTEXT:
        raise ModelRefused(
            f"The model's file declares a context of {context} tokens, which leaves no room for a question.",
            "Choose another model: docent models list.",
        )
    cells = _cells(header, wanted, context, available)
    fit = _with_offload(header, wanted, _sized(header, wanted, context, cells), available)
    if fit.needs_bytes + SEARCH_RESERVE > available:
        raise DoesNotFit(_too_large(fit, available), _smaller(header, wanted, available))
    return replace(fit, copy_bytes=(available - SEARCH_RESERVE - fit.needs_bytes) // CACHE_SHARE)


def context_limit(header: GgufHeader) -> int:
    """Tokens that the file declares; past the trained length only where its RoPE scaling covers more. 0: unknown."""
    declared = header.context_length
    original = header.number("rope.scaling.original_context_length")
    scaled = header.text(f"{header.architecture}.rope.scaling.type") in {"yarn", "linear", "longrope"}
    if original and declared > original and not (scaled or _has_long_factors(header)):
        return original
    return declared


def kv_bytes_per_token(header: GgufHeader) -> int:
    """f16 bytes of K and V that one token takes in all layers."""
    _, kv_heads, key, value = _heads(header)
    return sum(kv_heads) * (key + value) * F16_BYTES


def compute_bytes(header: GgufHeader, rows: int, cells: int) -> int:
    """An upper bound of llama.cpp's buffers for batches of `rows`.

    Attention scores of one layer and their mask, the logits twice (once to be read), the widest activations.
    llama.cpp's own sum against this, 112 rows: Phi-3-mini 28 of 118 MiB at 1,024 cells, 129 of 219 at 8,192; the 0.5B
    model 40 of 127 at 4,096, 129 of 216 at 16,384; SLACK included.
    """
    return _fixed_bytes(header, rows) + cells * _scores_per_cell(header, rows)


def gib(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"


def _sized(header: GgufHeader, wanted: Wanted, context: int, cells: int) -> Fit:
    here = 1 - _share_on_card(header, wanted)
    original = header.number("rope.scaling.original_context_length") or header.context_length
    stays_short = _has_long_factors(header) and context <= original < cells
    return Fit(
        context=context,
        cells=cells,
        slots=max(1, min(wanted.slots, cells // LEAST_REQUEST)),
        file_bytes=int(header.file_size * here),
        kv_bytes=int(kv_bytes_per_token(header) * cells * here),
        compute_bytes=compute_bytes(header, wanted.rows, cells),
        rope_length=cells if stays_short else 0,
    )


def _cells(header: GgufHeader, wanted: Wanted, context: int, available: int) -> int:
    """Not fewer than one context, so that whoever has the machine alone gets all of it."""
    token = kv_bytes_per_token(header)
    if wanted.cache_bytes and token:
        told = wanted.cache_bytes // token
        if told < context:
            raise DoesNotFit(
                f"DOCENT_CACHE_MB={wanted.cache_bytes // MIB} holds {told:,} tokens of this model, fewer than one "
                f"conversation of {context:,}.",
                f"Set DOCENT_CACHE_MB to {-(-context * token // MIB)} or more, or lower DOCENT_CONTEXT.",
            )
        return max(context, told // CACHE_SHARE // CELL_STEP * CELL_STEP)
    here = 1 - _share_on_card(header, wanted)
    cost = max(int(token * here) + _scores_per_cell(header, wanted.rows), 1)
    room = available - SEARCH_RESERVE - int(header.file_size * here) - _fixed_bytes(header, wanted.rows)
    affordable = room // CACHE_SHARE // cost
    useful = max(LONG_CONVERSATIONS * context, wanted.slots * min(REQUEST_CELLS, context))
    return max(context, min(useful, affordable) // CELL_STEP * CELL_STEP)


def _with_offload(header: GgufHeader, wanted: Wanted, fit: Fit, available: int) -> Fit:
    """As much again as the cache for what no request needs just now, in at most its share of what is left."""
    token = max(kv_bytes_per_token(header), 1)
    if wanted.cache_bytes:
        cells = max(0, wanted.cache_bytes // token - fit.cells)
    else:
        cells = max(0, min(fit.cells, (available - SEARCH_RESERVE - fit.needs_bytes) // CACHE_SHARE // token))
    return replace(fit, offload_cells=cells, offload_bytes=cells * token)


def _fixed_bytes(header: GgufHeader, rows: int) -> int:
    width = header.number("embedding_length")
    inner = max(header.numbers("feed_forward_length", 1), default=0)
    experts = max(1, header.number("expert_used_count"))
    logits = 2 * header.lengths.get("tokenizer.ggml.tokens", 0)
    return SLACK + rows * F32_BYTES * (logits + 4 * width + 2 * inner * experts)


def _scores_per_cell(header: GgufHeader, rows: int) -> int:
    heads, *_ = _heads(header)
    return rows * F32_BYTES * (max(heads, default=0) + 1)


def _heads(header: GgufHeader) -> tuple[tuple[int, ...], tuple[int, ...], int, int]:
    """Heads and KV heads of each layer; the width of a key and of a value."""
    layers = min(header.number("block_count"), 1024)
    heads = header.numbers("attention.head_count", layers)
    kv_heads = header.numbers("attention.head_count_kv", layers)
    if not any(kv_heads):
        kv_heads = heads
    head = header.number("embedding_length") // max(max(heads, default=0), 1)
    key, value = header.number("attention.key_length") or head, header.number("attention.value_length") or head
    return heads[:layers], kv_heads[:layers], key, value


def _has_long_factors(header: GgufHeader) -> bool:
    return any(name.startswith("rope_factors_long") for name in header.tensors)


def _share_on_card(header: GgufHeader, wanted: Wanted) -> float:
    """How much of the weights and the cache lies on a graphics card; the output counts as a layer, as in llama.cpp."""
    return min(1.0, wanted.gpu_layers / (header.number("block_count") + 1))


def _refuse_unsupported(header: GgufHeader) -> None:
    named = f"{header.architecture} {header.name}".lower().replace(" ", "-")
    for mark, name in UNSUPPORTED.items():
        if mark in named:
            raise ModelRefused(
                f"{name} cannot be used: llama.cpp does not support its block-sparse attention.",
                "Use Phi-3-mini instead: docent models pull phi-3-mini.",
            )
    if is_adapter(header):
        raise ModelRefused(
            "The file is a LoRA adapter, not a model.",
            "Name it in DOCENT_LORA, and in DOCENT_MODEL the model it is for.",
        )
    if not header.architecture:
        raise ModelRefused(
            "The model's file does not name its architecture.", "Choose another model: docent models list."
        )


def _too_large(fit: Fit, available: int) -> str:
    return (
        f"The model needs {gib(fit.needs_bytes)} of memory (weights {gib(fit.file_bytes)}, KV cache for "
        f"{fit.cells} tokens {gib(fit.kv_bytes)}, buffers {gib(fit.compute_bytes)}) beside {gib(SEARCH_RESERVE)} for "
        f"the search, but {gib(max(available, 0))} are free."
    )


def _smaller(header: GgufHeader, wanted: Wanted, available: int) -> str:
    if wanted.cache_bytes:
        return "Set DOCENT_CACHE_MB=0, so that Docent decides, or choose a smaller model: docent models list."
    here = 1 - _share_on_card(header, wanted)
    room = available - SEARCH_RESERVE - int(header.file_size * here) - _fixed_bytes(header, wanted.rows)
    cost = max(int(kv_bytes_per_token(header) * here) + _scores_per_cell(header, wanted.rows), 1)
    fits = room // cost // CELL_STEP * CELL_STEP
    if fits >= 1024:
        return f"Set DOCENT_CONTEXT={fits}, close other programs, or choose a smaller model."
    return "Close other programs or choose a smaller model: docent models list."
