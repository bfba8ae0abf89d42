"""When retrieval alone is sure that the documents do not say, and the answer that says so (pure)."""

from collections.abc import Callable, Iterator

from indexer.retrieve import Retrieved
from server.events import Answer, Sources, Text, Timing
from server.extractive import score_sentences
from server.prompt import NOT_FOUND

LEAST_SCORE = 0.28
LEAST_COSINE = 0.38
"""A question whose best sentence lies below either is refused. So are .017 of squad's answerable questions, .007 of
clapnq's and none of handbook's and contoso's 39; and .55 to .90 of the questions of one set that are asked of another's
documents (with .40: .030, .007, none, and .65 to .94). Questions that are near the topic are not caught by this."""


def says_nothing(retrieved: Retrieved) -> bool:
    """Whether retrieval alone is sure that the documents do not answer: no sentence is near the question."""
    scored = score_sentences(retrieved)
    return not scored or scored[0].score < LEAST_SCORE or max(s.cosine for s in scored) < LEAST_COSINE


def refuse(retrieved: Retrieved, timing: Callable[[], Timing]) -> Iterator[Sources | Text | Answer]:
    """That the documents do not say, with the closest passages."""
    yield Sources(())
    yield Text(NOT_FOUND)
    yield Answer(NOT_FOUND, NOT_FOUND, False, "extractive", closest=retrieved.passages, took_ms=timing())
