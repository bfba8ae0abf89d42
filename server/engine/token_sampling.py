"""How a request's tokens are chosen, and what chooses them: what the scheduler knows of it. sampling.py does it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class SamplingError(Exception):
    """A request's own rules leave no token to choose, or cannot be read."""


class Walk(Protocol):
    """One answer's way through a grammar."""

    def mask(self) -> NDArray[np.bool_]:
        """Of the vocabulary's size: the tokens that the answer may go on with. Raises SamplingError."""

    def accept(self, token: int) -> None:
        """Go on with one of them. Raises SamplingError."""


class Grammar(Protocol):
    """What a text must be: see grammar.Grammar."""

    def begin(self) -> Walk: ...


@dataclass(frozen=True)
class TokenSampling:
    """How to choose tokens. Temperature 0 is greedy; the seed is always given, so that a repeat is a repeat."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    grammar: Grammar | None = None
    logprobs: int | None = None  # alternatives a token; None: no log probabilities
    top_k: int = 0  # 0: all tokens
    min_p: float = 0.0
    repeat_penalty: float = 1.0  # penalties count the tokens of the answer, not those of the prompt
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()  # ids of the vocabulary, each once

    @property
    def adjusts(self) -> bool:
        """Whether scores are changed before a token is chosen."""
        return bool(self.logit_bias) or self.penalises

    @property
    def penalises(self) -> bool:
        return self.repeat_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0


GREEDY = TokenSampling()


@dataclass(frozen=True)
class Pick:
    """A chosen token, with log probabilities from the raw logits where they were asked for."""

    token: int
    logprob: float = 0.0
    top: tuple[tuple[int, float], ...] = ()


class Sampler(Protocol):
    def pick(self, row: int) -> Pick:
        """Choose the token after batch row `row`. Raises SamplingError."""

    def close(self) -> None: ...
