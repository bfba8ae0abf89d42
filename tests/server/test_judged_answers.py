"""What an evaluation says of a real server's answers: written by a model, and quoted where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from indexer.evaluate.by_question import question_rows
from indexer.evaluate.facts import known
from indexer.evaluate.folder import ask_server
from indexer.evaluate.retrieval import EvaluationQuestion, RetrievalReport
from server.app import Parts
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, LEAVE, ScriptedGenerator, fill, no_generator, open_fake_retriever, serving

LEAVE_QUESTION = EvaluationQuestion(
    "leave", "How many days of annual leave do employees have?", ("leave.md",), must=(("25 days",), ("portal",))
)
QUESTIONS = [LEAVE_QUESTION, EvaluationQuestion("cup", "Which Hungarian composer wrote?", (), answerable=False)]
OTHERS = [EvaluationQuestion("sea", "Which Hungarian composer wrote nine symphonies?", ("sea.md",), answers=("Liszt",))]
SOURCES = {"leave.md": known(LEAVE)}


@contextmanager
def served(settings: ServerSettings, generator: ScriptedGenerator | None) -> Iterator[str]:
    fill(
        settings, {"handbook": {**HANDBOOK, "people.md": "Employees have their days of annual leave from Paul Miller."}}
    )
    opened = no_generator if generator is None else lambda _settings: generator
    with serving(settings, Parts(open_fake_retriever, opened)) as url:
        yield url


def judged(url: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    rows = question_rows(QUESTIONS, RetrievalReport(), {})
    return ask_server(QUESTIONS, rows, url, closed_book=False, sources=SOURCES, off_topic=OTHERS), rows


def test_a_written_answer(settings: ServerSettings) -> None:
    words = (
        "Employees have 25 days of annual leave.",
        " Employees have their days of annual leave from Paul Miller. It is 99.",
    )
    with served(settings, ScriptedGenerator(words)) as url:
        figures, rows = judged(url)
    assert (rows[0]["mode"], rows[0]["reason"]) == ("model", "stop")
    assert rows[0]["facts"]["written"] == {"held": ("25 days",), "missing": ("portal",)}
    wrong = [(one["facts"], one["cited"]) for one in rows[0]["wrong"]]
    assert wrong == [(("paul", "miller"), True)], "the right document does not say so; what none says was not shown"
    assert (figures["wrong_facts"], figures["wrong_facts_cited"]) == (0.5, 0.5)
    assert (figures["facts_held"]["written"], figures["refused"], figures["empty"], figures["cut"]) == (0, 0, 0, 0)


def test_quotations_are_judged_by_their_facts_and_are_not_made_up(settings: ServerSettings) -> None:
    with served(settings, None) as url:
        figures, rows = judged(url)
    assert rows[0]["mode"] == "extractive"
    assert rows[0]["facts"]["written"] == rows[0]["facts"]["shown"] == {"held": ("25 days",), "missing": ("portal",)}
    assert (figures["wrong_facts"], figures["wrong_facts_cited"]) == (None, None)


def test_what_is_off_topic_is_asked_and_counted_apart(settings: ServerSettings) -> None:
    with served(settings, None) as url:
        figures, rows = judged(url)
    assert [row["id"] for row in rows] == ["leave", "cup", "sea"]
    assert rows[2]["measures"] == {"off_topic.refused": (1, 1)}
    assert (figures["off_topic"]["refused"], figures["off_topic"]["questions"]) == (1, 1)
    assert figures["abstention"]["recall"] == 1
