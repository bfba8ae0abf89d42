"""A decoder without a model, which holds the scheduler to the rules of a KV cache.

The next token after a sequence is a function of all its tokens, so that wrong reuse, wrong positions and mixed-up
sequences change the answer. Mostly it is what followed the last token before, if it stood before: answers repeat
their prompts, which drafts live from.
"""

import itertools
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.engine.scheduler import DecodeError, Request, Row
from server.engine.token_sampling import Pick, SamplingError, TokenSampling, Walk

END = 0
HOLE = -1  # no cell at this position
VOCABULARY = 50


def next_token(tokens: Sequence[int]) -> int:
    value = 7
    for token in tokens:
        value = (value * 31 + token + 1) % 1_000_003
    if value // VOCABULARY % 8:  # else it stops copying
        for place in range(len(tokens) - 1, 0, -1):
            if tokens[place - 1] == tokens[-1]:
                return tokens[place]
    return value % VOCABULARY


def expected_answer(prompt: Sequence[int], max_tokens: int) -> list[int]:
    tokens, answer = list(prompt), []
    while len(answer) < max_tokens:
        token = next_token(tokens)
        if token == END:
            break
        answer.append(token)
        tokens.append(token)
    return answer


def random_prompt(seed: int, length: int) -> tuple[int, ...]:
    """The first token tells seeds below VOCABULARY apart."""
    chance = random.Random(seed)
    return (seed % VOCABULARY, *(chance.randrange(1, VOCABULARY) for _ in range(length - 1)))


def long_answers(count: int, tokens: int) -> list[Request]:
    """Requests, numbered from 1 on, whose answers have `tokens` tokens."""
    found: list[Request] = []
    for seed in itertools.count(1):
        request = Request(len(found) + 1, random_prompt(seed, 8), tokens)
        if len(expected_answer(request.prompt, tokens)) == tokens:
            found.append(request)
        if len(found) == count:
            return found
    raise AssertionError


@dataclass(frozen=True)
class FakeGrammar:
    """Fits as many tokens as it says."""

    tokens: int

    def begin(self) -> Walk:
        raise SamplingError("The fake decoder's sampler counts instead.")


UNREADABLE = FakeGrammar(-2)


class FakeSampler:
    def __init__(self, decoder: "FakeDecoder", sampling: TokenSampling) -> None:
        self._decoder = decoder
        self.slow = sampling.grammar is not None
        self._fails_at = sampling.grammar.tokens if isinstance(sampling.grammar, FakeGrammar) else -1
        self._random = random.Random(sampling.seed) if sampling.temperature else None
        self._picks = 0
        decoder.open_samplers += 1

    def pick(self, row: int) -> Pick:
        if self._picks == self._fails_at:
            raise SamplingError("No token fits.")
        self._picks += 1
        token = self._decoder.logits[row]
        if self._random is not None and self._random.random() < 0.2:
            token = (token + self._random.randrange(VOCABULARY)) % VOCABULARY
        return Pick(token)

    def close(self) -> None:
        self._decoder.open_samplers -= 1


class FakeDecoder:
    """A KV cache of numbered cells, each held by one or more sequences and free when none holds it."""

    def __init__(self, sequences: int, cells: int, batch: int = 10_000) -> None:
        self.sequences = sequences
        self.can_share = True
        self.held: list[list[int]] = [[] for _ in range(sequences)]  # cells, by position
        self.tokens: dict[int, int] = {}  # by cell
        self.ids = itertools.count()
        self.cells = cells
        self.batch = batch
        self.logits: dict[int, int] = {}
        self.batches: list[list[Row]] = []
        self.aborts = 0  # decodes to abort
        self.errors = 0  # decodes to fail
        self.open_samplers = 0
        self.most_cells = 0
        self.now = 0.0  # seconds
        self.seconds: Callable[[int], float] = lambda rows: 1 + 0.01 * rows  # that a batch takes

    @property
    def used(self) -> int:
        return len({cell for held in self.held for cell in held} - {HOLE})

    def cached(self, sequence: int) -> list[int]:
        return [self.tokens[cell] for cell in self.held[sequence]]

    def decode(self, rows: Sequence[Row]) -> bool:
        assert 0 < len(rows) <= self.batch
        assert self.used + len(rows) <= self.cells, "more cells are filled than there are"
        if self.aborts:
            self.aborts -= 1
            return False
        if self.errors:
            self.errors -= 1
            raise DecodeError("it broke")
        self.batches.append(list(rows))
        self.now += self.seconds(len(rows))
        self.logits = {}
        for i, row in enumerate(rows):
            assert row.position == len(self.held[row.sequence]), "a position was skipped or filled twice"
            assert HOLE not in self.held[row.sequence]
            cell = next(self.ids)
            self.tokens[cell] = row.token
            self.held[row.sequence].append(cell)
            if row.wants_logits:
                self.logits[i] = next_token(self.cached(row.sequence))
        self.most_cells = max(self.most_cells, self.used)
        return True

    def clock(self) -> float:
        return self.now

    def truncate(self, sequence: int, length: int) -> bool:
        del self.held[sequence][length if self.can_share else 0 :]
        return self.can_share or length == 0

    def share(self, source: int, target: int, start: int, end: int) -> None:
        assert self.can_share
        assert HOLE not in self.held[source][start:end], "cells were shared that are not there"
        assert len(self.held[source]) >= end, "cells were shared that are not there"
        self.held[target] += [HOLE] * (start - len(self.held[target]))
        for old, new in zip(self.held[target][start:end], self.held[source][start:end], strict=False):
            assert old == HOLE or self.tokens[old] == self.tokens[new], "other tokens were put in place of these"
        self.held[target][start:end] = self.held[source][start:end]

    def is_end(self, token: int) -> bool:
        return token == END

    def sampler(self, sampling: TokenSampling) -> FakeSampler:
        if sampling.grammar == UNREADABLE:
            raise SamplingError("The grammar cannot be read.")
        return FakeSampler(self, sampling)

    def read_state(self, sequence: int) -> list[tuple[int, int]]:
        return [(position, self.tokens[cell]) for position, cell in enumerate(self.held[sequence]) if cell != HOLE]

    def write_state(self, sequence: int, data: list[tuple[int, int]]) -> bool:
        assert not self.held[sequence]
        assert self.used + len(data) <= self.cells, "more cells are filled than there are"
        self.held[sequence] = [HOLE] * data[0][0]
        for position, token in data:
            assert position == len(self.held[sequence])
            self.held[sequence].append(next(self.ids))
            self.tokens[self.held[sequence][-1]] = token
        return True

    def state_size(self, sequence: int) -> int:
        return 10 * len(self.held[sequence])

    def state_file(self, tokens: Sequence[int], data: list[tuple[int, int]]) -> tuple[bytes]:
        assert data == list(enumerate(tokens))
        return (json.dumps(tokens).encode(),)

    def load_state(self, sequence: int, tokens: Sequence[int], path: Path) -> bool:
        assert not self.held[sequence]
        assert self.used + len(tokens) <= self.cells
        if json.loads(path.read_text()) != list(tokens):
            return False
        self.held[sequence] = [next(self.ids) for _ in tokens]
        self.tokens.update(zip(self.held[sequence], tokens, strict=True))
        return True
