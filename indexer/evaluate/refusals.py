"""Which questions would be refused: as it is set, and at false refusals that are the same for every run.

`summarise_refusals` is about search alone; `told_apart` takes whatever number a question was judged by.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

RATES = (0.05, 0.1)
"""False refusals at which runs and sets can be compared, whatever the limit is."""


def summarise_refusals(
    answerable: Sequence[float], unanswerable: Sequence[float], off_topic: Sequence[float], least: float
) -> dict[str, Any]:
    """From the answerability of each question of the three kinds; `least`: below it a question is refused."""
    return {
        "false_refusals": _below(answerable, least),
        "unanswerable": _refused(answerable, unanswerable, least),
        "off_topic": _refused(answerable, off_topic, least),
    }


def _refused(answerable: Sequence[float], others: Sequence[float], least: float) -> dict[str, Any] | None:
    """How many of the others are refused; None where one of the two kinds is missing."""
    apart = told_apart(answerable, others)
    return apart and {**apart, "refused": _below(others, least)}


def told_apart(answerable: Sequence[float], others: Sequence[float]) -> dict[str, Any] | None:
    """How many of the others are below the limits at those false refusals; None where one of the kinds is missing."""
    if not len(answerable) or not len(others):
        return None
    at = {f"at_{rate:.0%}": _below(others, float(np.quantile(answerable, rate))) for rate in RATES}
    return {"questions": len(others), **at, "auroc": _auroc(answerable, others)}


def _below(values: Sequence[float], least: float) -> float | None:
    return round(float(np.mean(np.asarray(values) < least)), 4) if len(values) else None


def _auroc(higher: Sequence[float], lower: Sequence[float]) -> float:
    """How often one of the first is above one of the second; a tie counts half."""
    ordered = np.sort(np.asarray(lower))
    below = np.searchsorted(ordered, higher, "left")
    up_to = np.searchsorted(ordered, higher, "right")
    return round(float(np.mean(below + up_to)) / (2 * len(ordered)), 4)
