"""Where "the documents do not say" begins: found without labels, or fitted to labelled questions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from indexer.errors import StartError
from indexer.knowledge.calibration import (
    ABOVE_OFF_TOPIC,
    CHANGED_SHARE,
    LEAST_CHUNKS,
    SHIPPED,
    Calibration,
    forget,
    is_due,
    keep_labelled,
    read_calibration,
)
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.tables import Document, IndexInfo, now
from indexer.search.calibrate import Asked, answerabilities, calibrate, fit_labelled, off_topic_questions
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from tests.indexer.small_knowledge import Knowledge
from tests.word_embedder import WordEmbedder

RATES = st.floats(0, 0.2)


def retriever_of(knowledge: Knowledge) -> Retriever:
    store = Store(knowledge.engine, knowledge.settings.index_path)
    store.follow()
    return Retriever(knowledge.engine, WordEmbedder(), store, knowledge.settings)


def rules(first: int, count: int) -> list[str]:
    return [f"Rule {n} grants employees of branch{n} leave on day{n} of the year." for n in range(first, first + count)]


def fill(knowledge: Knowledge, documents: int, each: int = 6) -> None:
    for n in range(documents):
        knowledge.put(f"rules{n}.md", *rules(n * each, each))


def asked(*questions: str) -> list[Asked]:
    return [(text, []) for text in questions]


def test_the_off_topic_questions_are_many_and_each_stands_once() -> None:
    questions = off_topic_questions()
    assert len(questions) >= 200
    assert len({question.casefold() for question in questions}) == len(questions)
    assert all(question == question.strip() and question for question in questions)


def test_a_corpus_is_calibrated_once_and_again_when_much_of_it_has_changed(knowledge: Knowledge) -> None:
    assert not is_due(knowledge.engine)
    fill(knowledge, 10)
    assert is_due(knowledge.engine)
    assert read_calibration(knowledge.engine) == Calibration(*SHIPPED)
    done: list[tuple[int, int]] = []
    calibrate(retriever_of(knowledge), Catalog(knowledge.engine).everything(), lambda *one: done.append(one))
    total = len(off_topic_questions())
    assert done == [(n, total) for n in range(1, total + 1)]
    assert not is_due(knowledge.engine)
    for n in range(10 // CHANGED_SHARE):
        assert not is_due(knowledge.engine)
        knowledge.put(f"rules{n}.md", *rules(900 + 10 * n, 6))
    knowledge.delete("rules9.md")
    assert is_due(knowledge.engine)


def test_what_the_search_had_not_taken_up_is_still_to_be_calibrated(knowledge: Knowledge) -> None:
    fill(knowledge, 10)
    retriever = retriever_of(knowledge)
    for n in range(10, 20):
        knowledge.put(f"rules{n}.md", *rules(10 * n, 6))
    calibrate(retriever, Catalog(knowledge.engine).everything())
    assert is_due(knowledge.engine)


def test_a_few_passages_are_not_calibrated(knowledge: Knowledge) -> None:
    knowledge.put("rules.md", *rules(0, LEAST_CHUNKS - 1))
    assert not is_due(knowledge.engine)
    knowledge.put("more.md", *rules(100, 1))
    assert is_due(knowledge.engine)
    with Session(knowledge.engine) as session:
        session.exec(select(Document)).first().deleted_at = now()  # type: ignore[union-attr]
        session.commit()
    assert not is_due(knowledge.engine)


def test_it_tells_the_corpus_own_questions_from_off_topic_ones(knowledge: Knowledge) -> None:
    fill(knowledge, 10)
    retriever, scope = retriever_of(knowledge), Catalog(knowledge.engine).everything()
    calibrate(retriever, scope)
    least = read_calibration(knowledge.engine).least(0.05)
    own = answerabilities(asked(*(f"Which leave does rule {n} grant branch{n}?" for n in range(20))), retriever, scope)
    off = answerabilities(asked(*off_topic_questions()), retriever, scope)
    assert min(own) > least
    assert np.mean(np.array(off) < least) > 0.8


def test_labelled_questions_decide_until_vectors_are_made_anew(knowledge: Knowledge) -> None:
    fill(knowledge, 10)
    retriever, scope = retriever_of(knowledge), Catalog(knowledge.engine).everything()
    calibrate(retriever, scope)
    without = read_calibration(knowledge.engine)
    questions = asked(*(f"leave of branch{n}" for n in range(40)))
    fitted = fit_labelled(questions, retriever, scope)
    assert len(fitted.labelled) == 40
    assert fitted == read_calibration(knowledge.engine)
    refused = np.mean(np.array(answerabilities(questions, retriever, scope)) < fitted.least(0.1))
    assert 0 < refused <= 0.125
    keep_labelled(knowledge.engine, [])
    assert read_calibration(knowledge.engine) == without
    with Session(knowledge.engine) as session:
        forget(session)
        session.commit()
        assert session.exec(select(IndexInfo).where(IndexInfo.key == "embedder")).first() is not None
    assert read_calibration(knowledge.engine) == Calibration()


def test_too_few_labelled_questions_change_nothing(knowledge: Knowledge) -> None:
    fill(knowledge, 2)
    with pytest.raises(StartError, match="There are 3 questions with `answerable` true"):
        fit_labelled(asked("a", "b", "c"), retriever_of(knowledge), Catalog(knowledge.engine).everything())
    assert read_calibration(knowledge.engine) == Calibration()


@given(RATES, RATES, st.lists(st.floats(-1, 1.2), max_size=40))
def test_who_allows_more_false_refusals_refuses_more(one: float, other: float, labelled: list[float]) -> None:
    calibration = Calibration(labelled=tuple(sorted(labelled)))
    low, high = sorted([one, other])
    assert calibration.least(low) <= calibration.least(high)


def test_the_limit_lies_above_the_off_topic_questions_as_the_table_says() -> None:
    for rate, above in ABOVE_OFF_TOPIC.items():
        assert Calibration(0.5, 0.1).least(rate) == pytest.approx(0.5 + 0.1 * above)
