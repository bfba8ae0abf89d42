"""Each look of the soak sees what it is there to see: a sound data folder has no problem, a broken one has."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlmodel import Session

from benchmarks.soak import inspection
from benchmarks.soak.book import GONE, Book, Document, Turn, new_word
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Collection, IngestRun
from server.conversations.store import open_conversations
from server.conversations.tables import Conversation
from server.conversations.tables import Turn as StoredTurn
from server.settings import ServerSettings
from tests.server.fakes import fill

FIRST, SECOND = new_word(), new_word()


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    """A data folder with a document and an answered question."""
    settings = ServerSettings(data=tmp_path)
    fill(settings, {"handbook": {"leave.md": f"The word is {FIRST}. " * 5}})
    conversations = open_conversations(settings)
    with Session(conversations.engine) as session:
        session.add(Conversation(id="c1", owner="somebody", title="Leave"))
        session.flush()
        session.add(StoredTurn(id=1, conversation_id="c1", question="How long?", state="done", answer="25 days."))
        session.commit()
    conversations.engine.dispose()
    return settings


@pytest.fixture
def knowledge(settings: ServerSettings) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(settings.knowledge_path)) as connection:
        yield connection


@pytest.fixture
def chat(settings: ServerSettings) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(settings.chat_path)) as connection:
        yield connection


def do(connection: sqlite3.Connection, statement: str) -> None:
    connection.execute(statement)
    connection.commit()


def document(*may: str) -> Document:
    return Document("handbook", "leave.md", frozenset(may))


# Databases


def test_a_sound_database_has_no_damage(settings: ServerSettings) -> None:
    assert inspection.damage(settings.knowledge_path) == []
    assert inspection.damage(settings.chat_path) == []


def test_a_row_that_points_at_none_is_damage(settings: ServerSettings, knowledge: sqlite3.Connection) -> None:
    do(knowledge, "DELETE FROM document")  # foreign keys are off here
    assert "knowledge.db: a row of chunk points at none of document" in inspection.damage(settings.knowledge_path)


def test_pages_that_were_overwritten_are_damage(settings: ServerSettings, knowledge: sqlite3.Connection) -> None:
    knowledge.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = knowledge.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_document_title'").fetchone()
    (size,) = knowledge.execute("PRAGMA page_size").fetchone()
    with settings.knowledge_path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    assert inspection.damage(settings.knowledge_path) != []


# Documents


def test_a_document_is_found_in_its_version(settings: ServerSettings) -> None:
    found = inspection.indexed_words(settings.knowledge_path)
    assert found == {("handbook", "leave.md"): FIRST}
    assert inspection.not_as_acknowledged([document(FIRST)], found) == []
    assert inspection.not_as_acknowledged([document(FIRST, SECOND)], found) == []
    assert inspection.not_as_acknowledged([document(SECOND, GONE)], found) != []
    assert inspection.come_back([document(FIRST)], found) == []
    assert inspection.come_back([document(GONE)], found) == ["handbook/leave.md was deleted and is back"]


def test_what_was_acknowledged_and_is_gone_is_named(settings: ServerSettings, knowledge: sqlite3.Connection) -> None:
    do(knowledge, "UPDATE document SET deleted_at = '2026-01-01 00:00:00'")
    found = inspection.indexed_words(settings.knowledge_path)
    assert inspection.not_as_acknowledged([document(FIRST)], found) == [
        f"handbook/leave.md is gone; acknowledged was {FIRST}"
    ]
    assert inspection.come_back([document(GONE)], found) == []


def test_a_document_of_two_versions_is_in_neither(settings: ServerSettings, knowledge: sqlite3.Connection) -> None:
    knowledge.execute("UPDATE document SET text = ?", (f"{FIRST} and {SECOND}",))
    knowledge.commit()
    found = inspection.indexed_words(settings.knowledge_path)
    assert inspection.not_as_acknowledged([document(FIRST, SECOND)], found) != []


def test_what_a_document_may_be(settings: ServerSettings) -> None:
    book = Book()
    one = book.document("handbook", "leave.md")
    assert one.word == GONE
    one.begins(FIRST)
    assert (one.word, one.may) == (None, {GONE, FIRST})
    one.acknowledged(FIRST)
    assert one.word == FIRST
    one.begins(GONE)
    one.acknowledged(GONE)
    assert (one.word, one.before) == (GONE, FIRST)
    assert book.document("handbook", "leave.md") is one


def test_words_are_letters_and_never_twice_the_same() -> None:
    words = [new_word() for _ in range(1000)]
    assert len(set(words)) == 1000
    assert all(re.fullmatch("soak[a-z]+word", word) for word in words)


def test_a_run_that_was_cut_is_told_from_one_that_ended(
    settings: ServerSettings, knowledge: sqlite3.Connection
) -> None:
    engine = open_knowledge(settings)
    with Session(engine) as session:
        session.add(Collection(id=7, name="folder"))
        session.flush()
        session.add(IngestRun(id=5, collection_id=7))
        session.commit()
    engine.dispose()
    assert inspection.cut_run(settings.knowledge_path, "folder") == 5
    assert inspection.cut_run(settings.knowledge_path, "handbook") == 0
    do(knowledge, "UPDATE ingest_run SET finished_at = started_at")
    assert inspection.cut_run(settings.knowledge_path, "folder") == 0


# Conversations

SEEN = Turn(1, "c1", "How long?", ())


def test_an_answer_that_was_seen_is_there(settings: ServerSettings) -> None:
    assert inspection.lost_turns(settings.chat_path, [SEEN], ["another"]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM turn", "turn 1 was answered and is lost"),
        ("UPDATE turn SET question = 'Another?'", "turn 1 was answered and is lost"),
        ("UPDATE conversation SET deleted_at = '2026-01-01 00:00:00'", "turn 1 was answered and is lost"),
        ("UPDATE turn SET answer = ''", "turn 1 was answered and has lost its answer (done)"),
        ("UPDATE turn SET state = 'running'", "turn 1 was answered and has lost its answer (running)"),
    ],
)
def test_an_answer_that_was_seen_and_is_gone_is_named(
    settings: ServerSettings, chat: sqlite3.Connection, change: str, said: str
) -> None:
    do(chat, change)
    assert inspection.lost_turns(settings.chat_path, [SEEN], []) == [said]


def test_a_conversation_that_came_back_is_named(settings: ServerSettings) -> None:
    assert inspection.lost_turns(settings.chat_path, [], ["c1"]) == ["the conversation c1 was deleted and is back"]


# Processes


def test_a_traceback_is_named_by_its_last_line() -> None:
    log = 'INFO begins\nTraceback (most recent call last):\n  File "x", line 1\n    y()\nValueError: no\nINFO goes on\n'
    assert inspection.tracebacks(log) == ["a traceback in the log: ValueError: no"]
    assert inspection.tracebacks("INFO begins\nERROR but no more\n") == []


def test_a_full_disk_is_told_from_what_nobody_foresaw() -> None:
    assert inspection.is_of_a_full_disk("a traceback in the log: sqlite3.OperationalError: database or disk is full")
    assert inspection.is_of_a_full_disk("a traceback in the log: OSError: [Errno 28] No space left on device")
    assert not inspection.is_of_a_full_disk("a traceback in the log: KeyError: 'id'")


def test_an_end_is_in_time_and_with_status_0() -> None:
    assert inspection.badly_ended(9.9, 0) == []
    assert inspection.badly_ended(10.5, 0) == ["the server took 10.5 s to end after SIGTERM"]
    assert inspection.badly_ended(3, 1) == ["the server ended with status 1 after SIGTERM"]
