"""Sizes from a header alone: Phi-3-mini's are known."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.gguf_header import GgufHeader, Value
from server.engine.memory_fit import (
    CACHE_SHARE,
    SEARCH_RESERVE,
    ModelRefused,
    Wanted,
    compute_bytes,
    context_limit,
    fit_model,
    kv_bytes_per_token,
)

GIB, MIB = 1 << 30, 1 << 20
PHI: dict[str, Value] = {
    "general.architecture": "phi3",
    "phi3.context_length": 4096,
    "phi3.block_count": 32,
    "phi3.embedding_length": 3072,
    "phi3.feed_forward_length": 8192,
    "phi3.attention.head_count": 32,
    "phi3.attention.head_count_kv": 32,
}


def header(size: int = 2 * GIB, tensors: frozenset[str] = frozenset(), **changes: Any) -> GgufHeader:
    metadata = PHI | {key.replace("__", "."): value for key, value in changes.items()}
    return GgufHeader(size, metadata, tensors, {"tokenizer.ggml.tokens": 32064})


def test_phi_3_mini_takes_384_kib_a_token() -> None:
    assert kv_bytes_per_token(header()) == 384 * 1024
    fit = fit_model(header(), Wanted(4096), 16 * GIB)
    assert fit.context == 4096
    assert fit.kv_bytes == fit.cells * 384 * 1024


# Phi-3-mini 4k of 2.2 GB on common machines: what is left for conversations grows, and stays a share of what is free.
@pytest.mark.parametrize(
    ("free", "context", "cells"),
    [
        (4, 2048, 2048),
        (5, 4096, 4096),  # more than the share: one conversation goes first
        (8, 4096, 6912),
        (16, 4096, 8192),  # as much as is of use
        (64, 4096, 8192),
    ],
)
def test_cells_follow_the_free_memory(free: float, context: int, cells: int) -> None:
    fit = fit_model(header(), Wanted(context), int(free * GIB))
    assert (fit.context, fit.cells) == (context, cells)
    assert fit.needs_bytes + SEARCH_RESERVE + fit.copy_bytes <= free * GIB
    assert 1 <= fit.slots <= 8


def test_two_long_conversations_fit_side_by_side_where_memory_allows() -> None:
    long = header(phi3__context_length=32768, phi3__attention__head_count_kv=8)
    assert fit_model(long, Wanted(32768), 64 * GIB).cells == 2 * 32768
    assert fit_model(long, Wanted(32768), 12 * GIB).cells >= 32768


def test_the_operator_s_word_on_the_cache_holds() -> None:
    told = fit_model(header(), Wanted(4096, cache_bytes=6 * GIB), 16 * GIB)
    assert (told.cells, told.offload_cells) == (8192, 8192)
    assert told.kv_bytes + told.offload_bytes == 6 * GIB
    small = fit_model(header(), Wanted(4096, cache_bytes=2 * GIB), 16 * GIB)
    assert (small.cells, small.offload_cells) == (4096, 5461 - 4096)
    with pytest.raises(ModelRefused, match="fewer than one conversation of 4,096") as caught:
        fit_model(header(), Wanted(4096, cache_bytes=GIB), 64 * GIB)
    assert "DOCENT_CACHE_MB to 1536" in caught.value.advice
    with pytest.raises(ModelRefused, match="are free") as caught:
        fit_model(header(), Wanted(4096, cache_bytes=20 * GIB), 16 * GIB)
    assert "DOCENT_CACHE_MB=0" in caught.value.advice


@given(
    free=st.integers(0, 96 * GIB),
    size=st.integers(MIB, 20 * GIB),
    context=st.integers(256, 200_000),
    kv_heads=st.sampled_from([1, 8, 32]),
    layers=st.integers(-1, 40),
)
def test_what_is_promised_fits(free: int, size: int, context: int, kv_heads: int, layers: int) -> None:
    shape = header(size, phi3__context_length=131072, phi3__attention__head_count_kv=kv_heads)
    try:
        fit = fit_model(shape, Wanted(context, gpu_layers=max(layers, 0)), free)
    except ModelRefused as refusal:
        advice = re.search(r"DOCENT_CONTEXT=(\d+)", refusal.advice)
        if advice:
            less = Wanted(int(advice[1]), gpu_layers=max(layers, 0))
            assert fit_model(shape, less, free).context == less.context
        return
    assert fit.copy_bytes >= 0
    assert fit.needs_bytes + SEARCH_RESERVE + fit.copy_bytes <= free
    assert fit.cells >= fit.context == min(context, 131072)
    assert 0 <= fit.offload_cells <= fit.cells
    assert fit.cells == fit.context or fit.kv_bytes * CACHE_SHARE <= free


def test_layers_on_a_graphics_card_are_not_in_the_machine_s_memory() -> None:
    alone = fit_model(header(), Wanted(4096), 16 * GIB)
    all_of_it = fit_model(header(), Wanted(4096, gpu_layers=99), 16 * GIB)
    assert (all_of_it.file_bytes, all_of_it.kv_bytes) == (0, 0)
    half = fit_model(header(), Wanted(4096, gpu_layers=16), 16 * GIB)
    assert all_of_it.needs_bytes < half.needs_bytes < alone.needs_bytes


def test_short_rope_factors_stay_those_of_short_conversations() -> None:
    stretched = {"phi3__context_length": 131072, "phi3__rope__scaling__original_context_length": 4096}
    model = header(tensors=frozenset({"rope_factors_long.weight"}), **stretched)
    fit = fit_model(model, Wanted(4096), 16 * GIB)
    assert fit.rope_length == fit.cells == 8192
    assert fit_model(model, Wanted(8192), 64 * GIB).rope_length == 0  # the long ones are meant
    assert fit_model(header(), Wanted(4096), 16 * GIB).rope_length == 0


# What llama.cpp 0.3.36's own log says for these shapes: compute and output buffers, bytes.
@pytest.mark.parametrize(("cells", "said"), [(1024, 27.9), (4096, 71.2), (8192, 128.9)])
def test_buffers_are_never_underestimated(cells: int, said: float) -> None:
    estimate = compute_bytes(header(), 112, cells) / MIB
    assert said < estimate < said + 110


def test_grouped_queries_wide_heads_and_layers_of_their_own() -> None:
    assert kv_bytes_per_token(header(phi3__attention__head_count_kv=8)) == 96 * 1024
    assert kv_bytes_per_token(header(phi3__attention__key_length=128, phi3__attention__value_length=128)) == 512 * 1024
    assert kv_bytes_per_token(header(phi3__block_count=2, phi3__attention__head_count_kv=(32, 0))) == 12 * 1024
    assert kv_bytes_per_token(GgufHeader(1, {"general.architecture": "x"})) == 0


def test_the_context_is_never_more_than_the_file_declares() -> None:
    assert fit_model(header(), Wanted(100_000), 8 * GIB).context == 4096
    assert fit_model(header(), Wanted(1024), 8 * GIB).context == 1024
    assert fit_model(header(phi3__context_length=0), Wanted(2048), 8 * GIB).context == 2048


def test_past_the_trained_length_only_with_rope_scaling() -> None:
    stretched: dict[str, Any] = {
        "phi3__context_length": 131072,
        "phi3__rope__scaling__original_context_length": 4096,
    }
    assert context_limit(header(**stretched)) == 4096
    assert context_limit(header(tensors=frozenset({"rope_factors_long.weight"}), **stretched)) == 131072
    assert context_limit(header(phi3__rope__scaling__type="yarn", **stretched)) == 131072


def test_a_model_larger_than_memory_is_refused_with_what_would_fit() -> None:
    with pytest.raises(ModelRefused, match=r"needs 3\.7 GiB .* but 3\.8 GiB are free") as caught:
        fit_model(header(), Wanted(4096), int(3.8 * GIB))
    assert "DOCENT_CONTEXT=3072" in caught.value.advice
    with pytest.raises(ModelRefused) as caught:
        fit_model(header(), Wanted(4096), 2 * GIB)
    assert "smaller model" in caught.value.advice


def test_exactly_enough_is_enough() -> None:
    needed = 2 * GIB + (1536 << 20) + compute_bytes(header(), 112, 4096)
    assert fit_model(header(), Wanted(4096), needed + SEARCH_RESERVE).needs_bytes == needed
    with pytest.raises(ModelRefused):
        fit_model(header(), Wanted(4096), needed + SEARCH_RESERVE - 1)


@pytest.mark.parametrize("changes", [{"general__architecture": "phi3small"}, {"general__name": "Phi 3 Small 8k"}])
def test_phi_3_small_is_refused_with_the_reason(changes: dict[str, str]) -> None:
    with pytest.raises(ModelRefused, match=r"Phi-3-small.*block-sparse") as caught:
        fit_model(header(**changes), Wanted(4096), 64 * GIB)
    assert "phi-3-mini" in caught.value.advice


def test_a_file_without_an_architecture_or_room_is_refused() -> None:
    with pytest.raises(ModelRefused, match="architecture"):
        fit_model(GgufHeader(1, {}), Wanted(4096), GIB)
    with pytest.raises(ModelRefused, match="no room"):
        fit_model(header(phi3__context_length=8), Wanted(4096), 64 * GIB)
