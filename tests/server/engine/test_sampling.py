"""How a token is chosen from scores, against the rules written out and against llama.cpp's own penalties."""

import ctypes
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.llama import library
from server.engine.sampling import Logits, TokenSampler
from server.engine.token_sampling import TokenSampling

SCORES = (3.0, 2.9, 0.5, -1.0)


def sampler(scores: Sequence[float], sampling: TokenSampling) -> TokenSampler:
    logits: Logits = np.array(scores, np.float32)
    logits.flags.writeable = False  # they are llama.cpp's own, and others read them
    return TokenSampler(library(), lambda _row: logits, sampling)


def chosen(sampling: TokenSampling, count: int, scores: Sequence[float] = SCORES) -> list[int]:
    choosing = sampler(scores, sampling)
    found = [choosing.pick(0).token for _ in range(count)]
    choosing.close()
    return found


def test_greedy_takes_the_best() -> None:
    assert chosen(TokenSampling(), 3) == [0, 0, 0]


def test_a_bias_lifts_and_bans() -> None:
    assert chosen(TokenSampling(logit_bias=((3, 100.0),)), 2) == [3, 3]
    assert chosen(TokenSampling(logit_bias=((0, -100.0),)), 2) == [1, 1]
    assert set(chosen(TokenSampling(1.0, logit_bias=((0, -100.0), (1, -100.0))), 50)) <= {2, 3}


def test_presence_counts_once_and_frequency_each_time() -> None:
    assert chosen(TokenSampling(presence_penalty=0.2), 5) == [0, 1, 0, 0, 0]
    assert chosen(TokenSampling(frequency_penalty=0.2), 6) == [0, 1, 0, 1, 0, 1]
    assert chosen(TokenSampling(presence_penalty=-1.0), 3, (1.0, 1.0)) == [0, 0, 0]


def test_repetition_makes_scores_of_either_sign_less_likely() -> None:
    assert chosen(TokenSampling(repeat_penalty=1.5), 2, (1.0, 0.9)) == [0, 1]
    assert chosen(TokenSampling(repeat_penalty=1.5), 2, (-1.0, -1.2)) == [0, 1]


def test_penalties_of_one_request_do_not_reach_another() -> None:
    first, second = (sampler(SCORES, TokenSampling(presence_penalty=1.0)) for _ in range(2))
    assert [first.pick(0).token, first.pick(0).token] == [0, 1]
    assert second.pick(0).token == 0


def test_top_k_and_min_p_bound_the_choice() -> None:
    assert set(chosen(TokenSampling(2.0, seed=1), 300)) == {0, 1, 2, 3}
    assert set(chosen(TokenSampling(2.0, seed=1, top_k=2), 100)) == {0, 1}
    assert chosen(TokenSampling(2.0, seed=1, top_k=1), 20) == [0] * 20
    assert set(chosen(TokenSampling(2.0, seed=1, min_p=0.05), 200)) == {0, 1, 2}  # e^-2.5 is .08, e^-4 is .02
    assert set(chosen(TokenSampling(2.0, seed=1, min_p=0.5), 100)) == {0, 1}


def test_log_probabilities_stay_those_of_the_model() -> None:
    plain = sampler(SCORES, TokenSampling(logprobs=2)).pick(0)
    biased = sampler(SCORES, TokenSampling(logprobs=2, logit_bias=((1, 50.0),))).pick(0)
    assert biased.token == 1
    assert biased.top == plain.top
    assert biased.logprob == pytest.approx(dict(plain.top)[1])


@given(
    scores=st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=12, unique=True),
    repeat=st.floats(0.5, 2, width=32),
    frequency=st.floats(-2, 2, width=32),
    presence=st.floats(-2, 2, width=32),
)
def test_penalties_are_those_of_llama_cpp(
    scores: list[float], repeat: float, frequency: float, presence: float
) -> None:
    lib = library()
    sampling = TokenSampling(repeat_penalty=repeat, presence_penalty=presence, frequency_penalty=frequency)
    ours = sampler(scores, sampling)
    penalties = lib.llama_sampler_init_penalties(len(scores), 64, repeat, frequency, presence)
    for _ in range(10):
        token = ours.pick(0).token
        data = (lib.llama_token_data * len(scores))(*((i, score, 0) for i, score in enumerate(scores)))
        array = lib.llama_token_data_array(data=data, size=len(scores), selected=-1, sorted=False)
        lib.llama_sampler_apply(penalties, ctypes.byref(array))
        theirs = [data[i].logit for i in range(len(scores))]
        assert theirs[token] == pytest.approx(max(theirs), abs=1e-4)  # the same, but for rounding
        lib.llama_sampler_accept(penalties, token)
    lib.llama_sampler_free(penalties)
