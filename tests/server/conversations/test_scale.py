"""chat.db with long conversations and many of them: nothing breaks, and no query walks a whole table."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import Session, select

from indexer.knowledge.tables import now
from server.answering.events import Answer
from server.conversations.rows import AT_ONCE
from server.conversations.shapes import Outcome
from server.conversations.store import BLOCK, UNDO, Conversations, open_conversations
from server.conversations.tables import Conversation, StoredCitation, Turn
from server.settings import ServerSettings

LONG = AT_ONCE + 100  # turns; SQLite ends a trigger that is more than 1,000 levels deep


@pytest.fixture
def conversations(settings: ServerSettings) -> Iterator[Conversations]:
    conversations = open_conversations(settings)
    yield conversations
    conversations.engine.dispose()


def chain(conversations: Conversations, owner: str = "ann", length: int = LONG) -> list[int]:
    """The turns of a new conversation, each after the one before it; the first by `begin`, the others as rows."""
    first = conversations.begin("question 0", owner)
    ids = list(range(first.id, first.id + length))
    with Session(conversations.engine) as session:
        conversations.finish(first.id, Outcome("done", answer=Answer("answer 0", "raw 0", True, "model")))
        session.add_all(
            Turn(
                id=id_,
                conversation_id=first.conversation_id,
                parent_id=id_ - 1,
                question=f"question {n}",
                state="done",
                answer=f"answer {n}",
                raw=f"raw {n}",
            )
            for n, id_ in enumerate(ids[1:], 1)
        )
        session.commit()
    return ids


def delete_long_ago(conversations: Conversations, conversation_id: str) -> None:
    with Session(conversations.engine) as session:
        session.get_one(Conversation, conversation_id).deleted_at = now() - UNDO - timedelta(minutes=1)
        session.commit()


def left(conversations: Conversations) -> set[str]:
    """Conversations whose rows are still there, deleted or not."""
    with Session(conversations.engine) as session:
        of_turns = set(session.exec(select(Turn.conversation_id)))
        assert of_turns == set(session.exec(select(Conversation.id)))
        return of_turns


def test_a_conversation_of_any_length_is_removed_and_others_can_be_deleted(conversations: Conversations) -> None:
    long = conversations.turn(chain(conversations)[0], "ann").conversation_id
    begun, stays = conversations.begin("Where do I park?", "ann"), conversations.begin("And bicycles?", "bob")
    delete_long_ago(conversations, long)
    conversations.delete(begun.conversation_id, "ann")  # purges nothing
    assert left(conversations) == {long, begun.conversation_id, stays.conversation_id}
    conversations.purge(now() - UNDO)
    assert left(conversations) == {begun.conversation_id, stays.conversation_id}
    assert conversations.deleted_title(begun.conversation_id, "ann") == "Where do I park?"


def test_one_that_cannot_be_removed_stops_no_other(
    conversations: Conversations, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = (conversations.begin("q", "ann").conversation_id for _ in range(3))
    with Session(conversations.engine) as session:
        refuse = "CREATE TRIGGER refuse BEFORE DELETE ON conversation WHEN old.id = '{}' BEGIN {}; END"
        session.connection().exec_driver_sql(refuse.format(second, "SELECT RAISE(ABORT, 'refused')"))
        session.commit()
    for id_ in (first, second, third):
        delete_long_ago(conversations, id_)
    conversations.purge(now() - UNDO)
    assert left(conversations) == {second}
    assert second in caplog.text


def test_what_is_restored_while_others_are_removed_keeps_its_branches(conversations: Conversations) -> None:
    """The removal looks again inside its own transaction, before it cuts the turns apart."""
    ids = chain(conversations, length=3)
    conversation = conversations.turn(ids[0], "ann").conversation_id
    delete_long_ago(conversations, conversation)

    def restore(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE turn"):
            conversations.restore(conversation, "ann")

    event.listen(conversations.engine, "before_cursor_execute", restore)
    conversations.purge(now() - UNDO)
    event.remove(conversations.engine, "before_cursor_execute", restore)
    assert [turn.id for turn in conversations.turns(conversation, "ann")] == ids


def test_a_long_conversation_is_read_whole_whatever_the_database_takes_at_once(conversations: Conversations) -> None:
    """Here it takes 1,010 variables, in most builds of SQLite 32,766."""
    ids = chain(conversations)
    conversation = conversations.turn(ids[0], "ann").conversation_id
    with Session(conversations.engine) as session:
        for position in (1, 0):
            session.add(cited(ids[-1], position))
        session.commit()
    conversations.give_feedback(ids[-1], "ann", 1)
    conversations.engine.dispose()
    event.listen(conversations.engine, "connect", few_variables)
    turns = conversations.turns(conversation, "ann")
    assert [turn.id for turn in turns] == ids
    assert [view.citation.quote for view in turns[-1].citations] == ["0", "1"]
    assert turns[-1].feedback == 1
    last = conversations.begin("and now?", "ann", conversation)
    assert [item.raw_answer for item in conversations.history(last.id, "ann")] == [f"raw {n}" for n in range(LONG)]


def few_variables(connection: sqlite3.Connection, _record: object) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, AT_ONCE + 10)


def cited(turn_id: int, position: int) -> StoredCitation:
    place: dict[str, Any] = {"document_id": 1, "collection_id": 1, "document": "a.md", "title": "", "heading": ""}
    return StoredCitation(turn_id=turn_id, position=position, n=1, at=0, start=0, end=1, quote=str(position), **place)


def test_of_a_long_history_the_newest_turns_are_read_in_blocks(conversations: Conversations) -> None:
    first = conversations.begin("question 0", "ann")
    conversations.finish(first.id, Outcome("done", "raw 0"))
    last, begins = first, []
    for number in range(1, 2 * BLOCK + 2):
        last = conversations.begin(f"question {number}", "ann", first.conversation_id)
        history = conversations.history(last.id, "ann", most=100)
        begins.append(int(history[0].question.split()[1]))
        assert history[-1].question == f"question {number - 1}"
        conversations.finish(last.id, Outcome("done", f"raw {number}"))
    assert set(begins) == {0, BLOCK}, "a conversation that grows by a turn begins with the same one"
    assert begins == sorted(begins)
    assert len(conversations.history(last.id, "ann")) == 2 * BLOCK + 1


def test_history_reads_no_other_branch(conversations: Conversations) -> None:
    ids = chain(conversations, length=4)
    conversation = conversations.turn(ids[0], "ann").conversation_id
    beside = conversations.begin("another second question", "ann", conversation, instead_of=ids[1])
    read: list[int | None] = []

    def note(turn: Turn, _context: object) -> None:
        read.append(turn.id)

    event.listen(Turn, "load", note)
    history = conversations.history(beside.id, "ann")
    event.remove(Turn, "load", note)
    assert [item.question for item in history] == ["question 0"]
    assert read == [beside.id, ids[0]]


@contextmanager
def statements(conversations: Conversations) -> Iterator[list[tuple[str, Any]]]:
    """What is executed meanwhile, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        seen.append((statement, parameters))

    event.listen(conversations.engine, "before_cursor_execute", note)
    yield seen
    event.remove(conversations.engine, "before_cursor_execute", note)


WORK: dict[str, Callable[[Conversations, int, str], object]] = {
    "the list": lambda store, _, __: store.lines("ann"),
    "a search": lambda store, _, __: store.lines("ann", "öffnungszeiten 100%"),
    "a page": lambda store, _, conversation: store.turns(conversation, "ann"),
    "a turn": lambda store, turn, _: store.turn(turn, "ann"),
    "a question": lambda store, turn, conversation: store.begin("q", "ann", conversation, after=turn),
    "its history": lambda store, turn, _: store.history(turn, "ann"),
    "an answer": lambda store, turn, _: store.finish(turn, Outcome("stopped")),
    "feedback": lambda store, turn, _: store.give_feedback(turn, "ann", 1),
    "what runs": lambda store, _, conversation: store.running(conversation, "ann"),
    "a start": lambda store, _, __: store.fail_running("The server was restarted."),
    "a deletion": lambda store, _, conversation: store.delete(conversation, "ann"),
}


@pytest.mark.parametrize("work", WORK)
def test_no_query_walks_a_whole_table(conversations: Conversations, work: str) -> None:
    begun = conversations.begin("q", "ann")
    with statements(conversations) as executed:
        WORK[work](conversations, begun.id, begun.conversation_id)
    assert executed
    with conversations.engine.connect() as connection:
        plans = [
            step.detail
            for statement, parameters in executed
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert [step for step in plans if re.search(r"\bSCAN (?!CONSTANT)", step)] == []
    if work == "a search":
        assert any("COVERING INDEX ix_turn_words (conversation_id=?)" in step for step in plans)


def test_only_turns_that_run_are_failed_and_named(conversations: Conversations) -> None:
    ids = chain(conversations, length=3)
    conversation = conversations.turn(ids[0], "ann").conversation_id
    begun = conversations.begin("q", "ann", conversation)
    assert conversations.running(conversation, "ann") == [begun.id]
    assert conversations.fail_running("The server was restarted.") == 1
    assert conversations.running(conversation, "ann") == []
    with conversations.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM turn WHERE state = 'failed'")).scalar() == 1
