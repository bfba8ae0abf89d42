"""Sizes from a header alone: Phi-3-mini's are known."""

from typing import Any

import pytest

from server.engine.fit import COMPUTE_RESERVE, ModelRefused, context_limit, fit_model, kv_bytes_per_token
from server.engine.gguf_header import GgufHeader, Value

GIB = 1 << 30
PHI: dict[str, Value] = {
    "general.architecture": "phi3",
    "phi3.context_length": 4096,
    "phi3.block_count": 32,
    "phi3.embedding_length": 3072,
    "phi3.attention.head_count": 32,
    "phi3.attention.head_count_kv": 32,
}


def header(size: int = 2 * GIB, tensors: frozenset[str] = frozenset(), **changes: Any) -> GgufHeader:
    return GgufHeader(size, PHI | {key.replace("__", "."): value for key, value in changes.items()}, tensors)


def test_phi_3_mini_takes_384_kib_a_token() -> None:
    assert kv_bytes_per_token(header()) == 384 * 1024
    fit = fit_model(header(), 4096, 8 * GIB)
    assert fit.context == 4096
    assert fit.kv_bytes == 1536 << 20


def test_grouped_queries_wide_heads_and_layers_of_their_own() -> None:
    assert kv_bytes_per_token(header(phi3__attention__head_count_kv=8)) == 96 * 1024
    assert kv_bytes_per_token(header(phi3__attention__key_length=128, phi3__attention__value_length=128)) == 512 * 1024
    assert kv_bytes_per_token(header(phi3__block_count=2, phi3__attention__head_count_kv=(32, 0))) == 12 * 1024
    assert kv_bytes_per_token(GgufHeader(1, {"general.architecture": "x"})) == 0


def test_the_context_is_never_more_than_the_file_declares() -> None:
    assert fit_model(header(), 100_000, 8 * GIB).context == 4096
    assert fit_model(header(), 1024, 8 * GIB).context == 1024
    assert fit_model(header(phi3__context_length=0), 2048, 8 * GIB).context == 2048


def test_past_the_trained_length_only_with_rope_scaling() -> None:
    stretched: dict[str, Any] = {
        "phi3__context_length": 131072,
        "phi3__rope__scaling__original_context_length": 4096,
    }
    assert context_limit(header(**stretched)) == 4096
    assert context_limit(header(tensors=frozenset({"rope_factors_long.weight"}), **stretched)) == 131072
    assert context_limit(header(phi3__rope__scaling__type="yarn", **stretched)) == 131072


def test_a_model_larger_than_memory_is_refused_with_what_would_fit() -> None:
    with pytest.raises(ModelRefused, match=r"needs 3\.8 GiB .* but 3\.0 GiB are free") as caught:
        fit_model(header(), 4096, 3 * GIB)
    assert "DOCENT_CONTEXT=2048" in caught.value.advice
    assert fit_model(header(), 2048, 3 * GIB).needs_bytes <= 3 * GIB
    with pytest.raises(ModelRefused) as caught:
        fit_model(header(), 4096, 2 * GIB)
    assert "smaller model" in caught.value.advice


def test_exactly_enough_is_enough() -> None:
    needed = 2 * GIB + (1536 << 20) + COMPUTE_RESERVE
    assert fit_model(header(), 4096, needed).needs_bytes == needed
    with pytest.raises(ModelRefused):
        fit_model(header(), 4096, needed - 1)


@pytest.mark.parametrize("changes", [{"general__architecture": "phi3small"}, {"general__name": "Phi 3 Small 8k"}])
def test_phi_3_small_is_refused_with_the_reason(changes: dict[str, str]) -> None:
    with pytest.raises(ModelRefused, match=r"Phi-3-small.*block-sparse") as caught:
        fit_model(header(**changes), 4096, 64 * GIB)
    assert "phi-3-mini" in caught.value.advice


def test_a_file_without_an_architecture_or_room_is_refused() -> None:
    with pytest.raises(ModelRefused, match="architecture"):
        fit_model(GgufHeader(1, {}), 4096, GIB)
    with pytest.raises(ModelRefused, match="no room"):
        fit_model(header(phi3__context_length=8), 4096, 64 * GIB)
