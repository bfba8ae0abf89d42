"""Finds where "the documents do not say" begins, for the documents at hand.

Questions that are surely off topic (`off_topic.txt`: everyday questions of many fields) are searched for in them. How
answerable they seem is what these documents give to questions that they do not answer; no labels are needed. An
operator's own labelled questions say it directly.
"""

from collections.abc import Callable, Sequence
from importlib.resources import files

import numpy as np

from indexer.errors import StartError
from indexer.knowledge.calibration import Calibration, keep_labelled, keep_off_topic, read_calibration
from indexer.passages import Scope
from indexer.search.answerability import answerability
from indexer.search.retrieve import Retriever

Asked = tuple[str, Sequence[str]]
"""A question and the questions before it, oldest first."""

LEAST_LABELLED = 20
"""Answerable questions to fit to; with fewer, one odd question moves the limit further than what is to be measured."""


def off_topic_questions() -> list[str]:
    return files("indexer.search").joinpath("off_topic.txt").read_text(encoding="utf-8").splitlines()


def calibrate(retriever: Retriever, scope: Scope, on_progress: Callable[[int, int], None] = lambda *_: None) -> None:
    """Ask the off-topic questions of everything in `scope` and keep what comes of it: seconds.

    `on_progress` is told how many of how many were asked.
    """
    change = retriever.store.change  # not the database's: what the search has not taken up is not calibrated
    questions = off_topic_questions()
    found = []
    for done, question in enumerate(questions, start=1):
        found.append(answerability(retriever.retrieve(question, [], scope)))
        on_progress(done, len(questions))
    keep_off_topic(retriever.engine, float(np.mean(found)), float(np.std(found)), change)


def fit_labelled(answerable: Sequence[Asked], retriever: Retriever, scope: Scope) -> Calibration:
    """Let these answerable questions decide from now on. Raises StartError when they are too few."""
    if len(answerable) < LEAST_LABELLED:
        raise StartError(
            f"There are {len(answerable)} questions with `answerable` true, and it takes {LEAST_LABELLED}.",
            "Add questions that the documents answer, or run `indexer calibrate` without a folder.",
        )
    keep_labelled(retriever.engine, answerabilities(answerable, retriever, scope))
    return read_calibration(retriever.engine)


def answerabilities(questions: Sequence[Asked], retriever: Retriever, scope: Scope) -> list[float]:
    """Of each question, with the questions before it."""
    return [answerability(retriever.retrieve(question, before, scope)) for question, before in questions]
