"""Two runs compared: intervals that hold what is known, verdicts that chance cannot give, files that are no report."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import StartError
from indexer.evaluate.compare import COSTS, Comparison, Difference, compare, read_baseline


def rows(values: Sequence[float], measure: str = "hit@1", of: float = 1) -> list[dict[str, Any]]:
    return [{"id": str(n), "measures": {measure: [value, of]}} for n, value in enumerate(values)]


def only(comparison: Comparison) -> Difference:
    (difference,) = comparison.differences
    return difference


def test_the_interval_is_that_of_the_normal_distribution() -> None:
    """Differences of mean .1 and deviation 1 over 400 questions: .1 -+ 1.96 / 20, by the central limit theorem."""
    noise = np.random.default_rng(3).normal(size=400)
    changes = 0.1 + (noise - noise.mean()) / noise.std()
    found = only(compare(rows([0.5] * 400), rows(list(0.5 + changes))))
    assert found.difference == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((0.1 - 0.098, 0.1 + 0.098), abs=0.005)


def test_pairing_finds_what_the_spread_of_the_questions_hides() -> None:
    before = [float(n) for n in range(100)]
    found = only(compare(rows(before), rows([value - 0.5 - 0.1 * (value % 2) for value in before])))
    assert found.high < 0
    assert found.verdict == "loss"


def test_a_clear_loss_and_a_clear_gain() -> None:
    worse, better = rows([0] * 20 + [1] * 80), rows([1] * 100)
    assert compare(better, worse).lost
    assert only(compare(better, worse)).verdict == "loss"
    assert only(compare(worse, better)).verdict == "gain"
    assert not compare(worse, better).lost


def test_the_same_run_twice_is_no_difference() -> None:
    same = rows([1, 0, 1, 1, 0, 0, 1])
    found = only(compare(same, same))
    assert (found.difference, found.low, found.high, found.changed) == (0, 0, 0, 0)
    assert found.verdict == "no difference"


@pytest.mark.parametrize(("changed", "verdict"), [(1, "no difference"), (5, "no difference"), (6, "loss")])
def test_a_handful_of_questions_proves_nothing(changed: int, verdict: str) -> None:
    assert only(compare(rows([1.0] * changed), rows([0.0] * changed))).verdict == verdict


def test_as_many_won_as_lost_is_no_difference() -> None:
    assert only(compare(rows([1.0] * 20 + [0.0] * 20), rows([0.0] * 20 + [1.0] * 20))).verdict == "no difference"


@pytest.mark.parametrize("measure", sorted(COSTS))
def test_what_it_cost_is_told_and_is_no_loss(measure: str) -> None:
    dearer = compare(rows([10.0] * 20, measure), rows([20.0] * 20, measure))
    assert (only(dearer).verdict, dearer.lost) == ("cost", False)
    assert only(compare(rows([20.0] * 20, measure), rows([10.0] * 20, measure))).verdict == "saved"


@pytest.mark.parametrize(
    "measure", ["abstention.false_refusals", "refused", "wrong_facts", "wrong_facts_cited", "empty", "cut"]
)
def test_more_of_what_is_bad_is_a_loss(measure: str) -> None:
    assert compare(rows([0.0] * 20, measure), rows([1.0] * 20, measure)).lost
    assert not compare(rows([1.0] * 20, measure), rows([0.0] * 20, measure)).lost


@pytest.mark.parametrize("measure", ["facts_held.written", "facts_held.shown", "off_topic.refused"])
def test_less_of_what_is_good_is_a_loss(measure: str) -> None:
    assert compare(rows([1.0] * 20, measure), rows([0.0] * 20, measure)).lost


def test_longer_answers_are_neither_better_nor_worse() -> None:
    longer = compare(rows([10.0] * 20, "words"), rows([20.0] * 20, "words"))
    assert (only(longer).verdict, longer.lost) == ("more", False)
    assert only(compare(rows([20.0] * 20, "words"), rows([10.0] * 20, "words"))).verdict == "less"


def test_a_question_with_more_parts_counts_for_more() -> None:
    """Precision of citations: 3 of 3 and 0 of 1 are 3 of 4, not the mean of 1 and 0."""
    before = [{"id": "a", "measures": {"p": [3, 3]}}, {"id": "b", "measures": {"p": [0, 1]}}]
    assert only(compare(before, before)).before == 0.75


def test_only_what_both_runs_measured_is_compared() -> None:
    before = [{"id": "a", "measures": {"x": [1, 1], "y": [1, 1]}}, {"id": "b", "measures": {"x": [0, 1]}}]
    after = [{"id": "a", "measures": {"x": [0, 1]}}, {"id": "c", "measures": {"x": [1, 1], "z": [1, 1]}}]
    found = compare(before, after)
    assert (found.questions, found.only_one) == (1, 2)
    assert (only(found).measure, only(found).before, only(found).after) == ("x", 1, 0)


def test_a_measure_with_nothing_counted_is_left_out() -> None:
    assert compare(rows([0.0] * 8, of=0), rows([0.0] * 8, of=0)).differences == ()


def test_ids_that_stand_twice_are_paired_in_their_order() -> None:
    twice = [{"id": "a", "measures": {"x": [value, 1]}} for value in (0, 1)]
    found = compare(twice, twice)
    assert (found.questions, only(found).changed) == (2, 0)


def test_other_questions_cannot_be_compared() -> None:
    with pytest.raises(StartError, match="other questions"):
        compare(rows([1.0]), [{"id": "else", "measures": {}}])


def test_the_same_comparison_twice_is_the_same() -> None:
    values = [float(n % 3) for n in range(50)]
    assert compare(rows(values), rows(values[::-1])) == compare(rows(values), rows(values[::-1]))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_turned_round_it_is_the_same_with_the_other_sign(pairs: list[tuple[float, float]]) -> None:
    before, after = rows([a for a, _ in pairs]), rows([b for _, b in pairs])
    there, back = only(compare(before, after)), only(compare(after, before))
    assert there.difference == -back.difference
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    assert there.low - 1e-9 <= there.difference <= there.high + 1e-9 or there.verdict == "no difference"


def test_a_report_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"folder": "x", "per_question": rows([1.0])}))
    assert read_baseline(path) == rows([1.0])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"per_question": 5}',
        b'{"per_question": [{}]}',
        b'{"per_question": [{"id": 1, "measures": []}]}',
        b'{"per_question": [{"id": 1, "measures": {"x": 1}}]}',
        b'{"per_question": [{"id": 1, "measures": {"x": ["a", "b"]}}]}',
        b'{"per_question": [{"id": 1, "measures": {"x": [1, NaN]}}]}',
        b'{"per_question": [{"id": 1, "measures": {"x": [1, -1]}}]}',
        b'{"per_question": [{"id": 1, "measures": {"x": [1' + b"0" * 400 + b", 1]}}]}",
        b'{"per_question": ' + b"[" * 100_000 + b"}",
    ],
)
def test_what_is_no_report_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(StartError, match="no report to compare with"):
        read_baseline(path)


def test_a_report_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no report to compare with"):
        read_baseline(tmp_path / "missing.json")
