"""What is answered where no language model can write: quotations, or that this needs one."""

from collections.abc import Iterator

from indexer.passages import Retrieved
from server.answering.abstention import refuse
from server.answering.clock import Clock
from server.answering.events import Answer, AnswerEvent, Question, Sources, Text
from server.answering.evidence import whole_evidence
from server.answering.extractive import choose_sentences, extractive_answer
from server.answering.small_talk import NEEDS_MODEL
from server.errors import Unavailable


def answer_without_model(
    question: Question, retrieved: Retrieved | None, why: str, clock: Clock
) -> Iterator[AnswerEvent]:
    """Events up to one Answer. `why` there is no model. Raises Unavailable where only a model can answer."""
    if question.rewrites:
        yield Text(NEEDS_MODEL)
        yield Answer(NEEDS_MODEL, NEEDS_MODEL, True, "fixed", took_ms=clock.timing())
        return
    if retrieved is None or question.sampling.json_schema is not None or question.sampling.logprobs is not None:
        raise Unavailable(f"This needs a language model. {why}", code="model_failed")
    if not choose_sentences(retrieved):
        yield from refuse(retrieved, clock.timing)
        return
    sources = whole_evidence(retrieved, question.shown)
    yield Sources(tuple(dict.fromkeys(sources)))
    yield from extractive_answer(retrieved, [source.n for source in sources], clock.timing)
