"""`indexer verify` finds each kind of damage, and nothing where all is well."""

from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.knowledge.tables import Chunk, Document
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.indexer.small_knowledge import Knowledge

Damage = Callable[[Session, Document, Chunk], None]


def other_body(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.body = chunk.body.upper()


def other_text(_session: Session, document: Document, _chunk: Chunk) -> None:
    document.text = "X" + document.text


def moved(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.start += 1


def short_vector(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.vector = chunk.vector[:-3]


def long_vector(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.vector = chunk.vector * 2


def zero_vector(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.vector = bytes(len(chunk.vector))


def no_number(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.vector = np.full(len(chunk.vector) // 4, np.nan, np.float32).tobytes()


def one_sentence_vector_less(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.sentence_vectors = chunk.sentence_vectors[: len(chunk.sentence_vectors) // 2]


def half_a_span(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.sentences = chunk.sentences[:-4]


def sentence_outside(_session: Session, _document: Document, chunk: Chunk) -> None:
    spans = np.frombuffer(chunk.sentences, np.int32).copy()
    spans[-1] += 50
    chunk.sentences = spans.tobytes()


def sentences_out_of_order(_session: Session, _document: Document, chunk: Chunk) -> None:
    spans = np.frombuffer(chunk.sentences, np.int32).reshape(-1, 2)
    chunk.sentences = spans[::-1].tobytes()


def lost_chunk(session: Session, _document: Document, chunk: Chunk) -> None:
    session.delete(chunk)


def numbered_wrongly(session: Session, document: Document, _chunk: Chunk) -> None:
    session.connection().exec_driver_sql("UPDATE chunk SET ordinal = ordinal + 7")


def no_chunks(session: Session, document: Document, _chunk: Chunk) -> None:
    for chunk in session.exec(select(Chunk).where(Chunk.document_id == document.id)):
        session.delete(chunk)


@pytest.fixture
def whole(knowledge: Knowledge) -> Knowledge:
    knowledge.put("a.md", "Leave is granted. Ask first.", "Pay comes monthly. Wait for it.", "Third. Last.")
    knowledge.put("b.md", "Other words.")
    return knowledge


def test_nothing_is_wrong_with_a_whole_index(whole: Knowledge, engine: Engine, settings: IndexerSettings) -> None:
    assert verify_index(settings, engine) == []


def test_nothing_is_wrong_with_an_empty_index(engine: Engine, settings: IndexerSettings) -> None:
    assert verify_index(settings, engine) == []


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (other_body, "not the words"),
        (other_text, "not the words"),
        (moved, "not the words"),
        (short_vector, "another length"),
        (long_vector, "another length"),
        (zero_vector, "unit length"),
        (no_number, "unit length"),
        (one_sentence_vector_less, "one vector for each"),
        (half_a_span, "one vector for each"),
        (sentence_outside, "outside itself or out of order"),
        (sentences_out_of_order, "outside itself or out of order"),
        (lost_chunk, "numbered one after the other"),
        (numbered_wrongly, "numbered one after the other"),
        (no_chunks, "in no passage"),
    ],
)
def test_each_damage_is_found(
    damage: Damage, found: str, whole: Knowledge, engine: Engine, settings: IndexerSettings
) -> None:
    with Session(engine) as session:
        chunk = session.exec(select(Chunk).where(Chunk.ordinal == 1)).one()
        damage(session, session.get_one(Document, chunk.document_id), chunk)
        session.commit()
    problems = verify_index(settings, engine)
    assert any(problem.startswith("a.md: ") and found in problem for problem in problems)


def test_passages_without_a_document_are_found(whole: Knowledge, engine: Engine, settings: IndexerSettings) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("DELETE FROM document WHERE path = 'a.md'")
        connection.commit()
        connection.invalidate()
    assert verify_index(settings, engine) == ["3 passages belong to no document."]


def test_an_index_that_did_not_hear_of_a_change_is_found(
    whole: Knowledge, engine: Engine, settings: IndexerSettings
) -> None:
    store = Store(engine, settings.index_path)
    store.load()
    store.save()
    with engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM chunk WHERE document_id = 2")
        connection.exec_driver_sql("DELETE FROM document WHERE id = 2")
        connection.commit()
    (problem,) = verify_index(settings, engine)
    assert "search index holds 4 passages that are not the 3" in problem
