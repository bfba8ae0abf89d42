"""What a report says of each question, and the figures of the answers, which are sums over these rows (pure).

A measure of a question is `[gained, of]`: a figure is the sum of the first over the sum of the second. For most `of` is
1; a question with three citations is three parts of the precision of citations, and one with none is no part of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.evaluate.answer_measures import Sources, answer_measures, judge
from indexer.evaluate.answers import AnswerResult
from indexer.evaluate.refusals import told_apart
from indexer.evaluate.retrieval import EvaluationQuestion, Measures, QuestionResult, RetrievalReport
from indexer.passages import Passage

SHOWN = 5
"""Passages named for each question."""

SHARES = {
    "contains": (),
    "facts_held": ("written", "shown"),
    "wrong_facts": (),
    "wrong_facts_cited": (),
    "refused": (),
    "empty": (),
    "cut": (),
    "abstention": ("precision", "recall", "false_refusals"),
    "citations": ("precision", "recall"),
}
"""Figures of the answers as they stand in the report; one without parts is a share by itself."""


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
        "answerability": round(result.answerability, 4) if result else None,
        "measures": retrieval_measures(result) if result else {},
    }


def retrieval_measures(result: QuestionResult) -> Measures:
    return {**{name: (value, 1) for name, value in result.measures().items()}, "latency_ms": (result.ms, 1)}


def add_answers(rows: Sequence[dict[str, Any]], results: Sequence[AnswerResult], sources: Sources) -> None:
    """Put each answer, and what it is worth, into the row of its question."""
    for row, result in zip(rows, results, strict=True):
        judgement = judge(result, sources)
        row |= {**_as_given(result), **judgement.as_row()}
        row["measures"] |= answer_measures(result, judgement)


def off_topic_rows(results: Sequence[AnswerResult]) -> list[dict[str, Any]]:
    """A row for each question of another folder, which is to be refused and counts for nothing else."""
    rows = question_rows([result.question for result in results], RetrievalReport(), {})
    for row, result in zip(rows, results, strict=True):
        row |= {**_as_given(result), "off_topic": True, "answerable": False, "gold": [], "accepted": []}
        row["measures"] = {"off_topic.refused": (float(not result.answered), 1)}
    return rows


def _as_given(result: AnswerResult) -> dict[str, Any]:
    places = ("document", "page", "quote")
    return {
        "answer": result.text,
        "answered": result.answered,
        "mode": result.mode,
        "reason": result.reason,
        "citations": [{key: citation.get(key) for key in ("n", *places)} for citation in result.citations],
        "quotes": [{key: quote.get(key) for key in places} for quote in result.quotes],
        "judged": result.answerability,
    }


def add_closed_book(rows: Sequence[dict[str, Any]], results: Sequence[AnswerResult]) -> None:
    """The same for answers without retrieval: what the model remembers by itself."""
    for row, result in zip(rows, results, strict=True):
        row["closed_book"] = result.text
        measures = answer_measures(result, judge(result, {}))
        kept = ("contains", "tokens.prompt", "first_token_ms")
        row["measures"] |= {f"closed_book.{name}": measures[name] for name in kept if name in measures}


def summarise_answers(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of the answers; a share over nothing is None."""
    every = {
        name: {part: share(rows, f"{name}.{part}") for part in parts} if parts else share(rows, name)
        for name, parts in SHARES.items()
    }
    tokens = {part: mean(rows, f"tokens.{part}") for part in ("prompt", "completion")}
    times = {"tokens": tokens, "first_token_ms": mean(rows, "first_token_ms")}
    return {**every, "words": mean(rows, "words"), **_by_the_server(rows), **times}


def _by_the_server(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How well the server's own judgement of a question tells those apart that the documents answer."""
    judged = [row for row in rows if row.get("judged") is not None]
    answerable = [row["judged"] for row in judged if row["answerable"] is True]
    off_topic = [row["judged"] for row in judged if row.get("off_topic")]
    near = [row["judged"] for row in judged if row["answerable"] is False and not row.get("off_topic")]
    figures: dict[str, Any] = {"answerability": told_apart(answerable, near)} if judged else {}
    asked = sum("off_topic.refused" in row["measures"] for row in rows)
    if asked:
        found = told_apart(answerable, off_topic) or {}
        figures["off_topic"] = {"refused": share(rows, "off_topic.refused"), **found, "questions": asked}
    return figures


def summarise_closed_book(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the model holds by itself, beside what it holds with the documents; `gained` is the difference."""
    judged = [row for row in rows if {"contains", "closed_book.contains"} <= row["measures"].keys()]
    opened, closed = share(judged, "contains"), share(judged, "closed_book.contains")
    return {
        "closed_book": {
            "contains": closed,
            "open_book": opened,
            "gained": None if opened is None or closed is None else round(opened - closed, 4),
            "tokens": {"prompt": mean(rows, "closed_book.tokens.prompt")},
            "first_token_ms": mean(rows, "closed_book.first_token_ms"),
        }
    }


def share(rows: Sequence[Mapping[str, Any]], measure: str) -> float | None:
    gained, of = _sums(rows, measure)
    return round(gained / of, 4) if of else None


def mean(rows: Sequence[Mapping[str, Any]], measure: str) -> float:
    gained, of = _sums(rows, measure)
    return round(gained / of, 1) if of else 0.0


def _sums(rows: Sequence[Mapping[str, Any]], measure: str) -> tuple[float, float]:
    parts = [row["measures"][measure] for row in rows if measure in row["measures"]]
    return sum(gained for gained, _ in parts), sum(of for _, of in parts)
