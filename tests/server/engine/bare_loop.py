"""llama.cpp as plainly as it goes, to hold the engine against: one sequence in an empty cache, the prompt as one
batch, then one token a batch, always that of the highest score.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from server.engine.llama import Model
from server.engine.vocabulary import Vocabulary

Evaluate = Callable[[Sequence[int]], NDArray[np.float64]]


@dataclass(frozen=True)
class Answer:
    """What was chosen, and how likely each was."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    ended: bool  # the model chose to end it


@dataclass(frozen=True)
class Difference:
    """What an answer of the engine has against the bare loop's scores after the same tokens; 0: nothing."""

    behind: float  # most by which a chosen token's score lies behind the highest
    mean: float  # of how far log probabilities lie apart


class BareLoop:
    def __init__(self, model: Model, cells: int, adapters: Sequence[tuple[int, float]] = ()) -> None:
        self._vocabulary = vocabulary = Vocabulary(model)
        self._ends = [special.id for special in vocabulary.specials if vocabulary.is_end(special.id)]
        self._answers: dict[tuple[tuple[int, ...], int, range], Answer] = {}
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = cells
        params.n_threads = params.n_threads_batch = 1
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED  # as llama_cpp.Llama has it
        self._context = llama_cpp.llama_init_from_model(model.pointer, params)
        for adapter, scale in adapters:
            pointers, scales = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter), (ctypes.c_float * 1)(scale)
            llama_cpp.llama_set_adapters_lora(self._context, pointers, 1, scales)

    def close(self) -> None:
        llama_cpp.llama_free(self._context)

    def answer(self, prompt: tuple[int, ...], count: int, written: range = range(0)) -> Answer:
        """At most `count` tokens. What the model itself wrote of the prompt is evaluated as it was then, one by one."""
        known = self._answers.get((prompt, count, written))
        if known is None:
            known = self._answers[prompt, count, written] = self._compute(prompt, count, written)
        return known

    def _compute(self, prompt: tuple[int, ...], count: int, written: range) -> Answer:
        tokens: list[int] = []
        logprobs: list[float] = []
        with self._started() as evaluate:
            for start, end in pairwise((0, *written, written.stop) if written else (0,)):
                evaluate(prompt[start:end])
            new = prompt[written.stop :]
            while len(tokens) < count:
                scores = evaluate(new)
                best = int(scores.argmax())
                if self._vocabulary.is_end(best):
                    return Answer(tuple(tokens), tuple(logprobs), ended=True)
                tokens.append(best)
                logprobs.append(float(scores[best]))
                new = (best,)
        return Answer(tuple(tokens), tuple(logprobs), ended=False)

    def difference(self, prompt: Sequence[int], answer: Answer) -> Difference:
        """The bare loop is given the answer's own tokens, so one that differs does not end the comparison."""
        behind, apart = [0.0], [0.0]
        with self._started() as evaluate:
            new: Sequence[int] = prompt
            for token, logprob in zip(answer.tokens, answer.logprobs, strict=True):
                scores = evaluate(new)
                behind.append(float(scores.max() - scores[token]))
                apart.append(abs(float(scores[token]) - logprob))
                new = [token]
            if answer.ended:
                scores = evaluate(new)
                behind.append(float(scores.max() - scores[self._ends].max()))
        return Difference(max(behind), float(np.mean(apart[1:] or apart)))

    @contextmanager
    def _started(self) -> Iterator[Evaluate]:
        """A function that appends tokens to an empty sequence and gives the log probabilities of the next one."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)

        def evaluate(tokens: Sequence[int]) -> NDArray[np.float64]:
            ids = (ctypes.c_int32 * len(tokens))(*tokens)  # which the batch only points to
            assert llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(ids, len(ids))) == 0
            logits = llama_cpp.llama_get_logits_ith(self._context, -1)
            scores = np.ctypeslib.as_array(logits, (self._vocabulary.size,)).astype(np.float64)
            scores -= scores.max()
            return scores - np.log(np.exp(scores).sum())

        yield evaluate
