"""Docent answers about itself: over docs/ as the first start indexes it, with the real embedder and no language model.

`tests/data/itself` holds twenty questions of new operators, employees and programmers, `tests/data/itself-reworded` ten
of them in other words, which nothing was fitted to. Both are evaluation folders: `indexer evaluate tests/data/itself
--answers` measures them with a language model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.embed import SentenceTransformerEmbedder
from indexer.evaluate.answers import AnswerResult
from indexer.evaluate.retrieval import EvaluationQuestion, check_gold, ingest_folder, load_questions
from indexer.knowledge.calibration import read_calibration
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import LedgerEntry
from indexer.passages import Scope
from indexer.search.calibrate import calibrate
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from server.answering.abstention import says_nothing
from server.answering.events import Clock
from server.answering.extractive import extractive_answer

pytestmark = pytest.mark.models

DATA = Path(__file__).parent / "data"
QUESTIONS, REWORDED = (load_questions(DATA / name) for name in ("itself", "itself-reworded"))
REWORDED_RIGHT = 8  # of 10: "we are air-gapped" is refused, "can't open the page from their laptops" taken for another


@dataclass(frozen=True)
class Guide:
    """docs/, indexed."""

    engine: Engine
    retriever: Retriever
    scope: Scope
    least: float  # answerability

    def answer(self, question: EvaluationQuestion) -> AnswerResult:
        found = self.retriever.retrieve(question.question, [], self.scope)
        if says_nothing(found, self.least):
            return AnswerResult(question, "refused", answered=False)
        numbers = range(1, len(found.passages) + 1)
        *_, answer = extractive_answer(found, numbers, Clock().timing)
        return AnswerResult(question, answer.text, answered=True)


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    settings = IndexerSettings(data=tmp_path_factory.mktemp("itself"))
    engine = open_knowledge(settings)
    embedder = SentenceTransformerEmbedder(settings)
    ingest_folder(DATA / "itself", settings, engine, embedder)
    store = Store(engine, settings.index_path)
    store.load()
    retriever = Retriever(engine, embedder, store, settings)
    scope = Catalog(engine).everything()
    calibrate(retriever, scope)
    yield Guide(engine, retriever, scope, read_calibration(engine).least(settings.false_refusals))
    engine.dispose()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_docent_answers_about_itself(question: EvaluationQuestion, guide: Guide) -> None:
    answer = guide.answer(question)
    assert answer.contains, f"{question.question}\n{answer.text}"


def test_it_answers_most_of_the_same_in_other_words(guide: Guide) -> None:
    answers = [guide.answer(question) for question in REWORDED]
    wrong = [f"{one.question.question}\n{one.text}" for one in answers if not one.contains]
    assert len(REWORDED) - len(wrong) >= REWORDED_RIGHT, "\n\n".join(wrong)


def test_the_sets_are_what_they_say(guide: Guide) -> None:
    assert (len(QUESTIONS), len(REWORDED)) == (20, 10)
    check_gold([*QUESTIONS, *REWORDED], guide.engine)


def test_the_first_start_neither_reads_nor_lists_its_own_pictures(guide: Guide) -> None:
    with Session(guide.engine) as session:
        entries = session.exec(select(LedgerEntry)).all()
    assert {entry.path for entry in entries if entry.state != "indexed"} == {
        ".docentignore", "architecture.md", "benchmarks/", "decisions.md", "screenshots/",
    }  # fmt: skip
    assert all(entry.path.endswith(".md") for entry in entries if entry.state == "indexed")
