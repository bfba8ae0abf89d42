"""Logits to a token: greedy by argmax, otherwise llama.cpp's own samplers over one candidate array.

The order is logit bias, penalties, grammar, top-k, top-p, min-p, temperature, as llama.cpp has it. Penalties count the
answer's own tokens only: those of the prompt are the evidence, which an answer must be free to repeat.
"""

import ctypes
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.engine.token_sampling import Pick, SamplingError, TokenSampling

Logits = NDArray[np.float32]  # (tokens of the vocabulary,)

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data


class TokenSampler:
    """The sampling state of one request. One thread only."""

    def __init__(self, lib: Any, logits: Callable[[int], Logits], sampling: TokenSampling) -> None:
        self._lib = lib
        self._logits = logits
        self._sampling = sampling
        self._candidates: NDArray[np.void] | None = None
        self._produced: Counter[int] = Counter()
        self._walk = sampling.grammar.begin() if sampling.grammar else None
        self._chain = self._make_chain(sampling) if sampling.temperature > 0 else None

    def pick(self, row: int) -> Pick:
        logits = self._logits(row)
        if not np.isfinite(logits.max()):
            raise SamplingError("The model computed no usable numbers: its file is damaged or not supported.")
        scores = self._adjusted(logits) if self._sampling.adjusts else logits
        if self._walk:
            scores = np.where(self._walk.mask(), scores, -np.inf)
        token = int(scores.argmax()) if self._chain is None else self._pick_candidate(self._chain, scores)
        if self._walk:
            self._walk.accept(token)
        if self._sampling.penalises:
            self._produced[token] += 1
        return self._with_logprobs(token, logits)

    def close(self) -> None:
        if self._chain:
            self._lib.llama_sampler_free(self._chain)
        self._chain = self._walk = None

    def _adjusted(self, logits: Logits) -> Logits:
        """A copy with the bias added and the penalties taken off."""
        sampling, scores = self._sampling, logits.copy()
        for token, bias in sampling.logit_bias:
            scores[token] += bias
        if self._produced:
            tokens = np.fromiter(self._produced.keys(), np.int64)
            counts = np.fromiter(self._produced.values(), np.float32)
            repeated, penalty = scores[tokens], np.float32(sampling.repeat_penalty)
            repeated = np.where(repeated > 0, repeated / penalty, repeated * penalty)
            scores[tokens] = repeated - counts * sampling.frequency_penalty - sampling.presence_penalty
        return scores

    def _make_chain(self, sampling: TokenSampling) -> int:
        lib = self._lib
        chain: int = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        if sampling.top_k:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_min_p(sampling.min_p, 1))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(sampling.temperature))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(sampling.seed & 0xFFFFFFFF))
        return chain

    def _pick_candidate(self, chain: int, logits: Logits) -> int:
        if self._candidates is None:
            self._candidates = np.zeros(len(logits), CANDIDATE)
        data = self._candidates
        data["id"] = np.arange(len(logits), dtype=np.int32)
        data["logit"] = logits
        data["p"] = 0
        pointer = data.ctypes.data_as(ctypes.POINTER(self._lib.llama_token_data))
        array = self._lib.llama_token_data_array(data=pointer, size=len(data), selected=-1, sorted=False)
        self._lib.llama_sampler_apply(chain, ctypes.byref(array))
        token = int(array.data[array.selected].id)
        self._lib.llama_sampler_accept(chain, token)
        return token

    def _with_logprobs(self, token: int, logits: Logits) -> Pick:
        count = self._sampling.logprobs
        if count is None:
            return Pick(token)
        scores = logits.astype(np.float64)
        scores -= scores.max()
        scores -= np.log(np.exp(scores).sum())
        count = min(count, len(scores))
        best = np.argpartition(-scores, count - 1)[:count] if count else np.empty(0, np.int64)
        best = best[np.argsort(-scores[best], kind="stable")]
        return Pick(token, float(scores[token]), tuple((int(i), float(scores[i])) for i in best))
