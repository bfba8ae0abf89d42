"""What a report says of each question: its part of every figure, and what a person needs to see why (pure).

A measure of a question is `[gained, of]`: a figure is the sum of the first over the sum of the second. For most `of` is
1; a question with three citations is three parts of the precision of citations, and one with none is no part of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.evaluate import EvaluationQuestion, QuestionResult, RetrievalReport
from indexer.models import Passage

SHOWN = 5
"""Passages named for each question."""

Measures = dict[str, tuple[float, float]]  # name -> (gained, of)


def question_rows(
    questions: Sequence[EvaluationQuestion], report: RetrievalReport, passages: Mapping[str, Sequence[Passage]]
) -> list[dict[str, Any]]:
    """One row a question, in their order: what was asked, what was found, and the measures."""
    results = {result.id: result for result in report.results}
    return [_row(question, results.get(question.id), passages.get(question.id, ())) for question in questions]


def _row(question: EvaluationQuestion, result: QuestionResult | None, passages: Sequence[Passage]) -> dict[str, Any]:
    found = [{"document": passage.document, "page": passage.page} for passage in passages[:SHOWN]]
    return {
        "id": question.id,
        "question": question.question,
        "history": question.asked_before,
        "answerable": question.answerable,
        "gold": list(question.gold),
        "accepted": [*question.answers, *(" | ".join(alternatives) for alternatives in question.must)],
        "found": found,
        "ranks": result.found if result else {},
        "measures": retrieval_measures(result) if result else {},
    }


def retrieval_measures(result: QuestionResult) -> Measures:
    return {**{name: (value, 1) for name, value in result.measures().items()}, "latency_ms": (result.ms, 1)}
