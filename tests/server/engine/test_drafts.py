"""Drafts from a request's own text: what is found, and when it is worth its time."""

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.drafts import ALLOWANCE, CREDIT, EARNED, LENGTHS, LONGEST, SHORTEST, CopyIndex, Drafter, expected

TOKENS = st.lists(st.integers(0, 3), max_size=60)


def free(_rows: int) -> float:
    return 0.0


def slow(rows: int) -> float:
    """Four rows take nearly twice as long as one, as on two cores."""
    return 0.25 * rows


def test_the_longest_match_wins_and_among_equals_the_last() -> None:
    index = CopyIndex([1, 2, 3, 9, 7, 2, 3, 8, 2, 3, 6, 1, 2, 3])
    assert index.find() == (3, 3)  # 1 2 3 before, rather than the later 2 3
    assert CopyIndex([2, 3, 9, 2, 3, 8, 2, 3]).find() == (2, 5)
    assert CopyIndex([1, 2, 3, 4]).find() == (0, 0)
    assert CopyIndex([]).find() == (0, 0)


def test_a_draft_that_reaches_the_end_goes_on_repeating() -> None:
    index = CopyIndex([5, 1, 2, 3, 1, 2])
    assert index.find() == (2, 3)
    assert index.read(3, 7) == (3, 1, 2, 3, 1, 2, 3)


@given(TOKENS)
def test_what_is_found_stands_there(tokens: list[int]) -> None:
    index = CopyIndex(tokens)
    matching, place = index.find()
    longest = 0
    for size in range(SHORTEST, min(LONGEST, len(tokens) - 1) + 1):
        places = [end for end in range(size, len(tokens)) if tokens[end - size : end] == tokens[-size:]]
        if places:
            longest, last = size, places[-1]
    assert matching == longest
    if longest:
        assert place == last


@given(TOKENS, TOKENS)
def test_the_index_is_the_same_built_at_once_or_token_by_token(start: list[int], rest: list[int]) -> None:
    index = CopyIndex(start)
    for token in rest:
        index.append(token)
    assert index.find() == CopyIndex(start + rest).find()


def test_a_draft_is_as_long_as_pays() -> None:
    tokens = [*range(1, 40), 1, 2, 3, 4]
    assert Drafter(tokens).propose(100, free) == tuple(range(5, 20))
    assert Drafter(tokens).propose(100, slow) == (5, 6, 7)  # longer ones cost more than it may lose
    assert Drafter(tokens).propose(2, slow) == (5, 6)
    assert Drafter(tokens).propose(100, lambda rows: 2.0 * rows) == ()
    assert Drafter(tokens).propose(100, lambda rows: math.inf) == ()
    assert Drafter(range(50)).propose(100, free) == ()


def answer_time(prompt: Sequence[int], answer: Sequence[int]) -> tuple[float, int]:
    """Plain tokens' time that an answer takes where rows are slow, and its steps."""
    drafter = Drafter(prompt)
    time, steps, place = 0.0, 0, 0
    while place < len(answer):
        draft = drafter.propose(len(answer) - place - 1, slow) if place + 1 < len(answer) else ()
        right = 0
        while right < len(draft) and draft[right] == answer[place + right]:
            right += 1
        time += 1 + slow(len(draft))
        steps += 1
        if draft:
            drafter.judge(right)
        for token in answer[place : place + right + 1]:
            drafter.append(token)
        place += right + 1
    return time, steps


def test_copying_needs_a_fraction_of_the_steps() -> None:
    prompt = [*range(200, 400), 210, 211]
    time, steps = answer_time(prompt, range(212, 312))
    assert 100 / steps >= 2.5
    assert time < 50


@given(st.integers(0, 10_000), st.integers(20, 400))
def test_drafts_that_are_always_wrong_cost_little(seed: int, length: int) -> None:
    """Every token was seen after the two before it, but another one comes."""
    choose = random.Random(seed)
    prompt = [choose.randrange(3) for _ in range(200)]
    drafter = Drafter(prompt)
    lost = 0.0
    for _ in range(length):
        draft = drafter.propose(length, slow)
        if draft:
            drafter.judge(0)
            lost += slow(len(draft))
        drafter.append((draft[0] + 1) % 3 if draft else choose.randrange(3))
    assert lost <= ALLOWANCE + EARNED * length


def test_what_failed_is_tried_again_later() -> None:
    drafter = Drafter([1, 2, 3, 9] * 3)
    tries = []
    for step in range(400):
        if drafter.propose(100, slow):
            drafter.judge(0)
            tries.append(step)
        drafter.append([1, 2, 3, 9][step % 4])
    assert 2 <= len(tries) <= 12
    assert tries[-1] > 200


def test_one_long_copy_does_not_pay_for_endless_failures() -> None:
    drafter = Drafter([1, 2, 3, 4] * 3)
    for _ in range(50):
        assert drafter.propose(100, free)
        drafter.judge(max(LENGTHS))
        drafter.append(1)
        for token in (2, 3, 4):
            drafter.append(token)
    lost = 0.0
    for step in range(100):
        draft = drafter.propose(100, slow)
        if draft:
            drafter.judge(0)
            lost += slow(len(draft))
        drafter.append(step % 4 + 1)
    assert lost <= CREDIT + EARNED * 100


@pytest.mark.parametrize(("likely", "length", "tokens"), [(1.0, 7, 7.0), (0.0, 3, 0.0), (0.5, 2, 0.75)])
def test_expected_tokens(likely: float, length: int, tokens: float) -> None:
    assert expected(likely, length) == tokens
