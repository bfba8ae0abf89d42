"""Drafts of what comes next, copied from a request's own tokens: an answer repeats the passages in its prompt.

    drafter = Drafter(prompt); drafter.append(token)      what the request has
    draft = drafter.propose(most, cost)                   tokens to evaluate beside the next one, perhaps none
    drafter.judge(right)                                  how many of them were

A draft is free to be wrong: the scheduler keeps only what the request's own sampler chooses too. It costs time, though,
so a drafter proposes only what is likely to save more than it costs, and pays for what it wastes. Pure.
"""

from collections.abc import Callable, Sequence

LENGTHS = (3, 7, 11, 15)  # with the token before them 4, 8, 12 or 16 rows: llama.cpp's kernels work on rows in fours
"""Without 15 the answers below took .660 and .820; 16 rows took no longer than 12 (92.6 and 91.4 ms, 0.5B, 2 cores)."""
LONGEST, SHORTEST = 4, 2  # tokens at the end that must have stood before, in the same order
LIKELY = {2: 0.4, 3: 0.6, 4: 0.8}
"""How probably the next token follows too, by matching tokens, before anything is known.

Written answers to clapnq's (142) and multi-turn's (137) questions as the tokens, their passages as the prompt, the
times of rows of a 0.5B model on two cores: decoding takes .651 and .816 of its time without drafts, 2.2 and 1.5 tokens
a step, the worst answer 1.03. Every constant here was halved and doubled: .63 to .66 and .80 to .84.
"""
WEIGHT = 2.0  # tokens that this first guess counts for
FADING = 0.97  # of what was seen of drafts remains at the next token
ALLOWANCE = 1.0  # plain tokens' time that a request may lose to begin with
EARNED = 0.02  # of a plain token's time, for each token: the share that failing drafts may cost in the long run
CREDIT = 8.0  # most that a request may lose after drafts that paid


class CopyIndex:
    """Where the last tokens stood before, as one lookup."""

    def __init__(self, tokens: Sequence[int] = ()) -> None:
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}  # tokens to the place after their last occurrence but this one
        for token in tokens:
            self.append(token)

    def append(self, token: int) -> None:
        tokens, after, end = self._tokens, self._after, len(self._tokens)
        for size in range(SHORTEST, min(LONGEST, end) + 1):
            after[tuple(tokens[end - size :])] = end
        tokens.append(token)

    def find(self) -> tuple[int, int]:
        """How many of the last tokens stood before (the most; where last), and the place after them; else (0, 0)."""
        for size in range(min(LONGEST, len(self._tokens)), SHORTEST - 1, -1):
            place = self._after.get(tuple(self._tokens[-size:]))
            if place is not None:
                return size, place
        return 0, 0

    def read(self, place: int, length: int) -> tuple[int, ...]:
        """`length` tokens from `place` on; where they end, as if they went on repeating themselves."""
        found = self._tokens[place : place + length]
        period = len(found)
        while len(found) < length:
            found.append(found[-period])
        return tuple(found)


class Drafter:
    """The drafts of one request, and whether they pay. Times are in plain tokens: what one takes without drafts."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._index = CopyIndex(tokens)
        self._credit = ALLOWANCE
        self._right = dict.fromkeys(LIKELY, 0.0)  # by matching tokens, fading
        self._tried = dict.fromkeys(LIKELY, 0.0)
        self._matching, self._length, self._price = SHORTEST, 0, 0.0  # of the last proposal

    def append(self, token: int) -> None:
        self._index.append(token)
        self._credit = min(CREDIT, self._credit + EARNED)
        for matching in LIKELY:
            self._right[matching] *= FADING
            self._tried[matching] *= FADING

    def propose(self, most: int, cost: Callable[[int], float]) -> tuple[int, ...]:
        """At most `most` tokens that may come next, where they pay; `cost` of a draft's length is its extra time."""
        matching, place = self._index.find()
        if not matching:
            return ()
        likely = self.likely(matching)
        best, length, price = 1.0, 0, 0.0
        for candidate in {min(each, most) for each in LENGTHS}:
            extra = cost(candidate)
            gain = (1 + expected(likely, candidate)) / (1 + extra)
            if extra <= self._credit and gain > best:
                best, length, price = gain, candidate, extra
        self._matching, self._length, self._price = matching, length, price
        return self._index.read(place, length)

    def judge(self, right: int) -> None:
        """The first `right` tokens of the last proposal came next."""
        self._credit = min(CREDIT, self._credit + right - self._price)
        self._right[self._matching] += right
        self._tried[self._matching] += right + (right < self._length)

    def likely(self, matching: int) -> float:
        """How probably the next token follows too, where `matching` tokens stood before."""
        first = LIKELY[matching] * WEIGHT
        return (first + self._right[matching]) / (WEIGHT + self._tried[matching])


def expected(likely: float, length: int) -> float:
    """Right tokens at the head of a draft, each right with that probability where those before it are."""
    return sum(likely**i for i in range(1, length + 1))
