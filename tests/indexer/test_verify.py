"""`indexer verify` finds each kind of damage, and nothing where all is well."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.knowledge.tables import Chunk, Document, Entry, LedgerEntry
from indexer.rebuild import rebuild_index
from indexer.search import state
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.indexer.small_knowledge import Knowledge
from tests.word_embedder import WordEmbedder

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
    assert "3 passages belong to no document." in verify_index(settings, engine)


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


def empty_sentence(_session: Session, document: Document, chunk: Chunk) -> None:
    spans = np.frombuffer(chunk.sentences, np.int32).copy()
    spans[1] = spans[0]
    chunk.sentences = spans.tobytes()


def other_page(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.page = 7


def section_outside(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.sections = f'[[{chunk.end}, "Pay"]]'


def long_sentence_vector(_session: Session, _document: Document, chunk: Chunk) -> None:
    chunk.sentence_vectors = (np.frombuffer(chunk.sentence_vectors, np.float16) * np.float16(3)).tobytes()


def block_outside(_session: Session, document: Document, _chunk: Chunk) -> None:
    document.blocks = f'[["paragraph",0,{len(document.text) + 1},0,null]]'


def ledger_counts_otherwise(session: Session, document: Document, _chunk: Chunk) -> None:
    session.add(LedgerEntry(collection_id=1, root=document.root, path=document.path, state="indexed", chunks=9))


def short_entry(session: Session, _document: Document, chunk: Chunk) -> None:
    session.add(Entry(chunk_id=chunk.id or 0, kind="question", text="Why?", vector=b"1234"))


def empty_entry(session: Session, _document: Document, chunk: Chunk) -> None:
    session.add(Entry(chunk_id=chunk.id or 0, kind="question", text=" ", vector=chunk.vector))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (empty_sentence, "where no words stand"),
        (other_page, "names page 7, but its words stand on page None"),
        (section_outside, "names sections outside itself"),
        (long_sentence_vector, "a sentence whose vector is not of unit length"),
        (block_outside, "block at 0 is not inside its text"),
        (ledger_counts_otherwise, "the ledger says 9 passages, there are 3"),
        (short_entry, "an entry of passage 1 has a vector of another length"),
        (empty_entry, "an entry of passage 1 is empty"),
    ],
)
def test_each_smaller_damage_is_found(
    damage: Damage, found: str, whole: Knowledge, engine: Engine, settings: IndexerSettings
) -> None:
    test_each_damage_is_found(damage, found, whole, engine, settings)


def test_a_document_that_the_ledger_promises_is_missed(
    whole: Knowledge, engine: Engine, settings: IndexerSettings
) -> None:
    with Session(engine) as session:
        session.add(LedgerEntry(collection_id=1, root="/r", path="lost.md", state="indexed", chunks=1))
        session.commit()
    assert verify_index(settings, engine) == ["lost.md: the ledger says that it is indexed, but there is no document"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE chunk SET body = replace(body, 'e', 'o'), vector = vector", "other words"),
        ("UPDATE chunk SET vector = (SELECT vector FROM chunk WHERE id = 4) WHERE id = 1", "other vectors for 1 pass"),
        ("INSERT INTO entry (chunk_id, kind, text, vector) SELECT id, 'q', 'Why?', vector FROM chunk", "other entries"),
    ],
)
def test_an_index_that_holds_something_else_is_found(
    change: str, found: str, whole: Knowledge, engine: Engine, settings: IndexerSettings
) -> None:
    """A snapshot that was written before a change of which the change table knows nothing."""
    store = Store(engine, settings.index_path)
    store.load()
    store.save()
    with engine.connect() as connection:
        if "replace" in change:
            connection.exec_driver_sql("UPDATE document SET text = replace(text, 'e', 'o')")
        connection.exec_driver_sql(change)
        connection.commit()
    assert any(found in problem for problem in verify_index(settings, engine))


def test_what_is_written_while_it_looks_is_no_difference(
    whole: Knowledge, engine: Engine, settings: IndexerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(engine, settings.index_path)
    store.load()
    store.save()
    read, written = state._read, iter(range(3))

    def read_beside_a_writer(session: Session, document_id: int) -> object:
        for number in written:
            whole.put(f"new {number}.md", "It was written just now.")
        return read(session, document_id)

    monkeypatch.setattr(state, "_read", read_beside_a_writer)
    assert verify_index(settings, engine) == []
    assert next(written, None) is None


def outdated(engine: Engine, settings: IndexerSettings) -> None:
    rebuild_index(settings, engine, WordEmbedder())  # type: ignore[arg-type]


def damaged(_engine: Engine, settings: IndexerSettings) -> None:
    for file in settings.index_path.glob("*/dense.faiss"):
        file.write_bytes(b"no index")


@pytest.mark.parametrize("make_useless", [outdated, damaged])
def test_nothing_is_changed(
    make_useless: Callable[[Engine, IndexerSettings], None], whole: Knowledge, engine: Engine, settings: IndexerSettings
) -> None:
    """Nor are snapshots removed that no search would take."""
    store = Store(engine, settings.index_path)
    store.load()
    store.save()
    make_useless(engine, settings)
    before = contents(settings.index_path)
    assert verify_index(settings, engine) == []
    assert contents(settings.index_path) == before != {}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
