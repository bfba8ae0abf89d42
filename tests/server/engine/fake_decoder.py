"""A decoder without a model, which holds the scheduler to the rules of a KV cache.

The next token after a sequence is a function of all its tokens, so that wrong reuse, wrong positions and mixed-up
sequences change the answer.
"""

from collections.abc import Sequence

from server.engine.scheduler import DecodeError, Pick, Row, SamplingError, TokenSampling

END = 0
VOCABULARY = 50


def next_token(tokens: Sequence[int]) -> int:
    value = 7
    for token in tokens:
        value = (value * 31 + token + 1) % 1_000_003
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


class FakeSampler:
    def __init__(self, decoder: "FakeDecoder", sampling: TokenSampling) -> None:
        self._decoder = decoder
        self._fails_at = int(sampling.grammar) if sampling.grammar else -1
        self._picks = 0
        decoder.open_samplers += 1

    def pick(self, row: int) -> Pick:
        if self._picks == self._fails_at:
            raise SamplingError("No token fits.")
        self._picks += 1
        return Pick(self._decoder.logits[row])

    def close(self) -> None:
        self._decoder.open_samplers -= 1


class FakeDecoder:
    def __init__(self, sequences: int, cells: int, batch: int = 10_000) -> None:
        self.cache: list[list[int]] = [[] for _ in range(sequences)]
        self.cells = cells
        self.batch = batch
        self.logits: dict[int, int] = {}
        self.batches: list[list[Row]] = []
        self.aborts = 0  # decodes to abort
        self.errors = 0  # decodes to fail
        self.can_truncate = True
        self.open_samplers = 0
        self.most_cells = 0

    def decode(self, rows: Sequence[Row]) -> bool:
        assert 0 < len(rows) <= self.batch
        if self.aborts:
            self.aborts -= 1
            return False
        if self.errors:
            self.errors -= 1
            raise DecodeError("it broke")
        self.batches.append(list(rows))
        self.logits = {}
        for i, row in enumerate(rows):
            sequence = self.cache[row.sequence]
            assert row.position == len(sequence), "a position was skipped or filled twice"
            sequence.append(row.token)
            if row.wants_logits:
                self.logits[i] = next_token(sequence)
        self.most_cells = max(self.most_cells, sum(map(len, self.cache)))
        assert self.most_cells <= self.cells, "more cells are filled than there are"
        return True

    def truncate(self, sequence: int, length: int) -> bool:
        self.cache[sequence] = self.cache[sequence][: length if self.can_truncate else 0]
        return self.can_truncate or length == 0

    def share(self, source: int, target: int, length: int) -> bool:
        assert not self.cache[target]
        if self.can_truncate:
            self.cache[target] = self.cache[source][:length]
        return self.can_truncate

    def is_end(self, token: int) -> bool:
        return token == END

    def sampler(self, sampling: TokenSampling) -> FakeSampler:
        if sampling.grammar == "unreadable":
            raise SamplingError("The grammar cannot be read.")
        return FakeSampler(self, sampling)
