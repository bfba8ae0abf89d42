"""When retrieval alone is sure that the documents do not say, and the answer that says so."""

from collections.abc import Callable, Iterator

from sqlalchemy import Engine

from indexer.knowledge.calibration import read_calibration
from indexer.passages import Retrieved
from indexer.search.answerability import answerability
from server.answering.events import Answer, Sources, Text, Timing
from server.answering.prompt import NOT_FOUND


def says_nothing(retrieved: Retrieved, engine: Engine, false_refusals: float) -> bool:
    """Whether what was found bears less on the question than an answer would, by what is known of these documents."""
    return answerability(retrieved) < read_calibration(engine).least(false_refusals)


def refuse(retrieved: Retrieved, timing: Callable[[], Timing]) -> Iterator[Sources | Text | Answer]:
    """That the documents do not say, with the closest passages."""
    yield Sources(())
    yield Text(NOT_FOUND)
    yield Answer(NOT_FOUND, NOT_FOUND, False, "extractive", closest=retrieved.passages, took_ms=timing())
