"""A search finds, inside any scope, just what it finds where nothing else was ever indexed."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as checked
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.knowledge.database import MIGRATIONS, open_database
from indexer.knowledge.records import remove_document
from indexer.knowledge.tables import Document
from indexer.passages import Folder, Retrieved, Scope
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from tests.indexer.small_knowledge import ROOT, Knowledge
from tests.word_embedder import WordEmbedder

PLACES = ("a.md", "hr/a.md", "hr/pay/b.md", "hr2/a.md", "HR/a.md")
TEXTS = (
    ("Leave is thirty days.", "Parents stay at home.", "Copied everywhere."),
    ("Parental leave is long.", "Copied everywhere."),
    ("Payment is monthly.", "Zeppelin payments are secret.", "Copied everywhere."),
    ("Parking costs nothing.", "Leave the room.", "Copied everywhere."),
    ("The payroll of Initech.", "Leave leave leave.", "Copied everywhere."),
)
QUESTIONS = ("leave", "parnetal leeave", "zeppelni", "paymant", "copied everywhere", "initehc payroll", "the room")
IDS = st.frozensets(st.integers(1, 2 * len(PLACES) + 1), max_size=4)
SCOPES = st.builds(
    Scope,
    st.frozensets(st.integers(1, 3)),
    st.frozensets(
        st.builds(
            Folder,
            st.integers(1, 2),
            st.sampled_from((str(ROOT), "/elsewhere")),
            st.sampled_from(("", "hr", "HR", "hr/pay", "nowhere")),
        ),
        max_size=2,
    ),
    IDS,
    IDS,
)


@pytest.fixture
def retriever(knowledge: Knowledge) -> Retriever:
    for name in ("one", "two"):
        for path, texts in zip(PLACES, TEXTS, strict=True):
            knowledge.put(path, *texts, f"Only in {name} {path}.", collection=name)
    return searching(knowledge.engine, knowledge.settings)


def searching(engine: Engine, settings: IndexerSettings) -> Retriever:
    store = Store(engine, settings.index_path)
    store.follow()
    return Retriever(engine, WordEmbedder(), store, settings)  # type: ignore[arg-type]


def retrieved_where_nothing_else_is(knowledge: Knowledge, question: str, history: list[str], scope: Scope) -> Retrieved:
    """The same question to a copy of the database from which all that is outside was removed."""
    with tempfile.TemporaryDirectory() as folder:
        settings = IndexerSettings(data=Path(folder))
        with knowledge.engine.connect() as connection:
            connection.exec_driver_sql(f"VACUUM INTO '{settings.knowledge_path}'")
        engine = open_database(settings.knowledge_path, MIGRATIONS)
        try:
            with Session(engine) as session:
                for document in session.exec(select(Document)).all():
                    if not scope.holds(document.id, document.collection_id, document.root, document.path):
                        remove_document(session, document.collection_id, document.root, document.path)
                session.commit()
            everything = Scope(frozenset({1, 2}))
            return searching(engine, settings).retrieve(question, history, everything)
        finally:
            engine.dispose()


@given(scope=SCOPES, question=st.sampled_from(QUESTIONS), history=st.lists(st.sampled_from(QUESTIONS), max_size=2))
@checked(suppress_health_check=list(HealthCheck), max_examples=40, deadline=None)
def test_what_is_outside_is_as_if_it_were_not(
    retriever: Retriever, knowledge: Knowledge, scope: Scope, question: str, history: list[str]
) -> None:
    found = retriever.retrieve(question, history, scope)
    alone = retrieved_where_nothing_else_is(knowledge, question, history, scope)
    assert all(passage.is_in(scope) for passage in found.passages)
    assert found.passages == alone.passages
    assert (found.terms, found.question, found.searched) == (alone.terms, alone.question, alone.searched)
    assert np.array_equal(found.vector, alone.vector)


def test_no_word_is_offered_that_stands_only_outside(retriever: Retriever) -> None:
    one = frozenset({1})

    def corrected(text: str, scope: Scope) -> str:
        return retriever.store.view(scope).corrected(text)

    assert corrected("zeppelni paymant", Scope(one)) == "zeppelin payment"
    assert corrected("zeppelni paymant", Scope(one, frozenset({Folder(1, str(ROOT), "hr/pay")}))) == "zeppelin payment"
    assert corrected("zeppelni paymant", Scope(one, frozenset({Folder(1, str(ROOT), "hr2")}))) == "zeppelni paymant"
    assert corrected("parnetal", Scope(one, documents=frozenset({2}))) == "parental"
    assert corrected("parnetal", Scope(one, documents=frozenset({1}))) == "parnetal", "only another form stands there"
    assert corrected("zeppelni", Scope(frozenset(), own=frozenset({8}))) == "zeppelin", "of a file of its own"


def test_a_file_of_the_conversation_is_found_whatever_is_chosen(retriever: Retriever) -> None:
    scope = Scope(frozenset({1}), frozenset({Folder(1, str(ROOT), "hr2")}), own=frozenset({8}))
    found = retriever.search("payment zeppelin", [], scope)
    assert {(passage.collection_id, passage.document) for passage in found} == {(1, "hr2/a.md"), (2, "hr/pay/b.md")}


def test_a_scope_is_asked_of_the_database_once_until_something_changes(
    retriever: Retriever, knowledge: Knowledge
) -> None:
    scope = Scope(frozenset({1}), frozenset({Folder(1, str(ROOT), "hr")}))
    mask = retriever.store.view(scope).mask
    assert retriever.store.view(Scope(frozenset({1}), frozenset({Folder(1, str(ROOT), "hr")}))).mask is mask
    knowledge.put("hr/new.md", "Leave.", collection="one")
    retriever.follow()
    assert retriever.store.view(scope).mask.sum() == mask.sum() + 1
