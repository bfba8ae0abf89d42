"""Two runs over the same questions: is the difference of a figure more than luck?

Paired bootstrap over questions (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993; for rankings Sakai,
"Evaluating Evaluation Metrics based on the Bootstrap", 2006): the questions are drawn anew, with repeats, and both runs
are compared on each draw. The interval holds the middle 95% of the differences.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import StartError

RESAMPLES = 10_000
SEED = 1
BATCH = 500  # draws at once: 500 x 2,000 questions are 8 MB
LEAST_CHANGED = 6
"""Questions that must have changed before a difference counts: five of five have a chance of 6% in a sign test."""

COSTS = frozenset(
    {
        "latency_ms",
        "first_token_ms",
        "tokens.prompt",
        "tokens.completion",
        "closed_book.tokens.prompt",
        "closed_book.first_token_ms",
    }
)
"""Less is better, and no loss: they depend on the machine, or are what an improvement was bought with."""
LESS_IS_BETTER = COSTS | {"abstention.false_refusals", "wrong_facts", "wrong_facts_cited", "refused", "empty", "cut"}
NEITHER = frozenset({"words"})
"""What they say of an answer stands in other measures: how long it is is neither better nor worse."""


@dataclass(frozen=True)
class Difference:
    """How a measure went over the questions that both runs have; `low` and `high` bound `after - before` to 95%."""

    measure: str
    before: float
    after: float
    low: float
    high: float
    changed: int  # questions

    @property
    def difference(self) -> float:
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """gain | loss | cost | saved | more | less | no difference"""
        if self.changed < LEAST_CHANGED or self.low <= 0 <= self.high:
            return "no difference"
        if self.measure in NEITHER:
            return "more" if self.low > 0 else "less"
        better = (self.low > 0) != (self.measure in LESS_IS_BETTER)
        if self.measure in COSTS:
            return "saved" if better else "cost"
        return "gain" if better else "loss"


@dataclass(frozen=True)
class Comparison:
    """Every shared measure; `only_one` counts the questions that the other run lacks."""

    questions: int
    only_one: int
    differences: tuple[Difference, ...]

    @property
    def lost(self) -> bool:
        return any(one.verdict == "loss" for one in self.differences)

    def as_json(self) -> dict[str, Any]:
        return {
            "questions": self.questions,
            "only_one": self.only_one,
            "measures": {
                one.measure: {
                    "before": round(one.before, 4),
                    "after": round(one.after, 4),
                    "difference": round(one.difference, 4),
                    "interval": [round(one.low, 4), round(one.high, 4)],
                    "verdict": one.verdict,
                }
                for one in self.differences
            },
        }


def read_baseline(path: Path) -> list[dict[str, Any]]:
    """The questions of a report that `indexer evaluate --json` printed. Raises StartError."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["per_question"]
        _measured(rows)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise StartError(
            f"{path} is no report to compare with ({error!r}).",
            "Save one with `indexer evaluate FOLDER --json > FILE`.",
        ) from error
    return list(rows)


def compare(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Comparison:
    """Both are `per_question` of a report. Raises StartError when they share no question."""
    first, second = _measured(before), _measured(after)
    shared = [key for key in second if key in first]
    if not shared:
        raise StartError(
            "The report to compare with is about other questions.", "Compare two runs over the same folder."
        )
    names = dict.fromkeys(name for key in shared for name in second[key] if name in first[key])
    parts = np.array([[_parts(name, first[key], second[key]) for name in names] for key in shared], np.float64)
    parts = parts.reshape(len(shared), len(names), 4)  # gained and of before, gained and of after
    means, drawn = _means(parts.sum(axis=0)), _resampled(parts)
    differences = [
        _difference(name, parts[:, at], means[at], drawn[:, at, 1] - drawn[:, at, 0])
        for at, name in enumerate(names)
        if np.isfinite(means[at]).all()
    ]
    return Comparison(len(shared), len(first) + len(second) - 2 * len(shared), tuple(differences))


def _measured(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], dict[str, tuple[float, float]]]:
    """The measures of each question; ids that stand twice are told apart by their order."""
    seen: Counter[str] = Counter()
    measured = {}
    for row in rows:
        id_ = str(row["id"])
        seen[id_] += 1
        pairs = {name: (float(gained), float(of)) for name, (gained, of) in row["measures"].items()}
        if not all(math.isfinite(gained) and 0 <= of < math.inf for gained, of in pairs.values()):
            raise ValueError(f"the measures of {id_} are no numbers to reckon with")
        measured[id_, seen[id_]] = pairs
    return measured


def _parts(
    name: str, before: Mapping[str, tuple[float, float]], after: Mapping[str, tuple[float, float]]
) -> tuple[float, float, float, float]:
    """A question that lacks the measure in one of the runs counts in neither."""
    return (*before[name], *after[name]) if name in before and name in after else (0.0, 0.0, 0.0, 0.0)


def _means(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 4) sums to (..., 2) means of both runs; nan where nothing was counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([sums[..., 0] / sums[..., 1], sums[..., 2] / sums[..., 3]], axis=-1)


def _resampled(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(questions, measures, 4) to the means of each draw: (RESAMPLES, measures, 2)."""
    questions, measures, _ = parts.shape
    generator = np.random.default_rng(SEED)
    flat = parts.reshape(questions, -1)
    shares = np.full(questions, 1 / questions)
    draws = [generator.multinomial(questions, shares, size=BATCH) @ flat for _ in range(RESAMPLES // BATCH)]
    return _means(np.concatenate(draws).reshape(RESAMPLES, measures, 4))


def _difference(
    name: str, parts: NDArray[np.float64], means: NDArray[np.float64], drawn: NDArray[np.float64]
) -> Difference:
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    changed = int((parts[:, :2] != parts[:, 2:]).any(axis=1).sum())
    return Difference(name, float(means[0]), float(means[1]), float(low), float(high), changed)
