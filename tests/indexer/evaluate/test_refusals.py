"""Which questions search alone would refuse."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.evaluate.refusals import summarise_refusals

ANSWERABLE = [0.01 * n for n in range(30, 131)]
values = st.lists(st.floats(-1, 1.3), min_size=1, max_size=30)


def test_figures_of_both_kinds_of_questions() -> None:
    found = summarise_refusals(ANSWERABLE, [0.2, 0.304, 0.37, 2.0], [], 0.325)
    assert found == {
        "false_refusals": 0.0297,
        "unanswerable": {"questions": 4, "refused": 0.5, "at_5%": 0.5, "at_10%": 0.75, "auroc": 0.729},
        "off_topic": None,
    }


def test_without_answerable_questions_nothing_can_be_compared() -> None:
    assert summarise_refusals([], [0.1], [0.2], 0.3) == {
        "false_refusals": None,
        "unanswerable": None,
        "off_topic": None,
    }


@given(values, values)
def test_the_auroc_counts_pairs(higher: list[float], lower: list[float]) -> None:
    pairs = [(one > other) + (one == other) / 2 for one in higher for other in lower]
    found = summarise_refusals(higher, lower, [], 0.5)["unanswerable"]
    assert abs(found["auroc"] - sum(pairs) / len(pairs)) < 1e-4
    assert found["at_5%"] <= found["at_10%"]
