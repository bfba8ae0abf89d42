"""What the documents add to a model: the evaluation asks a real server, whose model knows only what its prompt says."""

from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from indexer.errors import DocentError
from indexer.evaluate.by_question import question_rows
from indexer.evaluate.folder import ask_server
from indexer.evaluate.retrieval import EvaluationQuestion, RetrievalReport
from server.app import Parts
from server.llm.generator import GenerationEvent, Message, Sampling
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, ScriptedGenerator, fill, no_generator, open_fake_retriever, serving

QUESTIONS = [
    EvaluationQuestion("leave", "How many days of annual leave do employees have?", ("leave.md",), answers=("25",)),
    EvaluationQuestion("cup", "Which Hungarian composer wrote nine symphonies?", (), answerable=False),
]


class ForgetfulGenerator(ScriptedGenerator):
    """Answers from the passages in its prompt, and else that it does not remember."""

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[GenerationEvent]:
        knows = any("25 days" in message.content for message in messages)
        self.words = ScriptedGenerator.words if knows else ("I", " do", " not", " remember.")
        async for event in super().generate(messages, sampling):
            yield event


@pytest.fixture
def generator() -> ForgetfulGenerator:
    return ForgetfulGenerator()


@pytest.fixture
def url(settings: ServerSettings, generator: ForgetfulGenerator) -> Iterator[str]:
    fill(settings, {"handbook": HANDBOOK})
    with serving(settings, Parts(open_fake_retriever, lambda _settings: generator)) as url:
        yield url


def test_the_documents_are_what_the_model_answers_from(url: str, generator: ForgetfulGenerator) -> None:
    rows = question_rows(QUESTIONS, RetrievalReport(), {})
    figures = ask_server(QUESTIONS, rows, url, closed_book=True)

    assert figures["contains"] == 1
    closed = figures["closed_book"]
    assert (closed["contains"], closed["open_book"], closed["gained"]) == (0, 1, 1)
    assert 0 < closed["tokens"]["prompt"] < figures["tokens"]["prompt"]
    assert figures["citations"] == {"precision": 1, "recall": 1}
    assert figures["abstention"] == {"precision": 1, "recall": 1, "false_refusals": 0}

    leave = rows[0]
    assert leave["answer"] == "Employees have 25 days of annual leave [1]."
    assert leave["closed_book"] == "I do not remember."
    assert leave["measures"]["closed_book.contains"] == (0, 1)
    first = generator.prompts[0]
    assert not any("25 days" in message.content for message in first)


def test_without_it_every_question_is_asked_once(url: str, generator: ForgetfulGenerator) -> None:
    rows = question_rows(QUESTIONS, RetrievalReport(), {})
    figures = ask_server(QUESTIONS, rows, url, closed_book=False)
    assert "closed_book" not in figures
    assert "closed_book" not in rows[0]
    assert len(generator.prompts) == 1  # the other was refused before any model was asked


def test_quotations_alone_have_no_closed_book(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with serving(settings, Parts(open_fake_retriever, no_generator)) as url:
        rows = question_rows(QUESTIONS, RetrievalReport(), {})
        with pytest.raises(DocentError, match="503"):
            ask_server(QUESTIONS, rows, url, closed_book=True)
        assert "answer" not in rows[0]
