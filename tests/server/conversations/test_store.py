"""chat.db: what is saved comes back, and only to its owner."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import URL, create_engine
from sqlmodel import SQLModel

from indexer.knowledge.database import open_database
from indexer.knowledge.tables import now
from indexer.passages import Folder, Passage, Place, Scope, Sentence
from indexer.text.shorten import shortened
from server.answering.events import BENEATH, Answer, Citation, Doubt, Evidence, Searched, Timing
from server.conversations.evidence_json import evidence_from_json, evidence_to_json
from server.conversations.shapes import FoundTurn, Outcome
from server.conversations.store import MIGRATIONS, Conversations, open_conversations
from server.errors import NotFound
from server.llm.generator import Usage
from server.settings import ServerSettings

MOMENT = "2026-01-02 03:04:05.000006"
ROOT = "/documents"
IN_A_FOLDER = Scope(frozenset({1}), frozenset({Folder(1, ROOT, "a")}))


@pytest.fixture
def conversations(settings: ServerSettings) -> Conversations:
    return open_conversations(settings)


def passage(rank: int = 1) -> Passage:
    text = "Ärger. 25 days 🌴 a year."
    vector = np.ones(3, dtype=np.float32)
    sentences = (Sentence(100, 106, text[:6], vector), Sentence(107, 124, text[7:], vector))
    score = np.float32(0.25)
    return Passage(rank, 0.5, score, 7, 1, "a/b.md", "Leave", "A › B", 3, 100, 124, text, "p", sentences, ROOT)


def citation(n: int, at: int) -> Citation:
    return Citation(n, at, 7, 1, "a/b.md", "Leave", "A › B", 3, 107, 124, "25 days 🌴 a year.", ROOT)


def answer() -> Answer:
    return Answer(
        "It is 25.[1] Yes.[2]",
        "It is 25. Yes.",
        True,
        "model",
        citations=(citation(1, 9), citation(2, 17)),
        quotes=(citation(2, BENEATH), citation(1, BENEATH)),
        closest=(passage(2),),
        unsupported=(Doubt(13, 20, "number"),),
        usage=Usage(100, 20, 60),
        took_ms=Timing(20, 900, 4000),
    )


def test_an_answer_comes_back_as_it_was_saved(conversations: Conversations) -> None:
    begun = conversations.begin("How many days?", "ann")
    assert begun.state == "running"
    searched = Searched("How many days off?", "What is leave?")
    evidence_of_it = (Evidence(4, passage(), "25 days", shown=1),)
    conversations.finish(begun.id, Outcome("done", evidence=evidence_of_it, answer=answer(), searched=searched))
    (turn,) = conversations.turns(begun.conversation_id, "ann")
    assert (turn.state, turn.answer, turn.mode, turn.answered) == ("done", "It is 25.[1] Yes.[2]", "model", True)
    assert [view.citation for view in turn.citations] == list(answer().citations)
    assert [view.citation for view in turn.quotes] == list(answer().quotes)
    assert len({view.id for view in (*turn.citations, *turn.quotes)}) == 4
    assert turn.unsupported == (Doubt(13, 20, "number"),)
    assert turn.total_ms == 4000
    assert turn.searched == searched
    (evidence,) = turn.evidence
    assert (evidence.n, evidence.number, evidence.text) == (4, 1, "25 days")
    assert evidence.passage == passage()
    assert [sentence.text for sentence in evidence.passage.sentences] == ["Ärger.", "25 days 🌴 a year."]
    assert turn.closest == (passage(2),)


def test_evidence_from_before_roots_were_stored_is_read_and_is_in_no_folder() -> None:
    now_written = evidence_to_json([Evidence(4, passage(), "25 days")])
    assert f'"root":"{ROOT}"' in now_written
    (evidence,) = evidence_from_json(now_written.replace(f'"root":"{ROOT}",', ""))
    assert evidence.passage == replace(passage(), root="")
    assert evidence.passage.is_in(Scope(frozenset({1})))
    assert passage().is_in(IN_A_FOLDER)
    assert not evidence.passage.is_in(IN_A_FOLDER)


def test_evidence_keeps_the_other_places_of_its_words() -> None:
    places = (Place(8, 2, "/r", "b.md", "B", 3, 1, 2, 3, 4), Place(9, 2, "/r", "c.md", "C", None, 1, 2, 3, 4))
    copied = Evidence(4, replace(passage(), also_in=places), "25 days")
    assert evidence_from_json(evidence_to_json([copied])) == (copied,)
    assert "also_in" not in evidence_to_json([Evidence(4, passage(), "25 days")])


def test_evidence_from_before_answers_had_numbers_of_their_own_keeps_the_conversation_s() -> None:
    (evidence,) = evidence_from_json(evidence_to_json([Evidence(4, passage(), "25 days", 1)]).replace('"shown":1,', ""))
    assert (evidence.n, evidence.shown, evidence.number) == (4, 0, 4)


def test_history_is_the_finished_turns_before_with_raw_answers(conversations: Conversations) -> None:
    first = conversations.begin("one", "ann")
    conversations.finish(first.id, Outcome("done", evidence=(Evidence(1, passage(), "e"),), answer=answer()))
    failed = conversations.begin("two", "ann", first.conversation_id)
    conversations.finish(failed.id, Outcome("failed", "half", "It broke."))
    stopped = conversations.begin("three", "ann", first.conversation_id)
    conversations.finish(stopped.id, Outcome("stopped", "some words"))
    last = conversations.begin("four", "ann", first.conversation_id)
    history = conversations.history(last.id, "ann")
    assert [(item.question, item.raw_answer) for item in history] == [
        ("one", "It is 25. Yes."),
        ("three", "some words"),
    ]
    assert history[0].evidence[0].n == 1


def test_another_owner_gets_nothing(conversations: Conversations) -> None:
    turn = conversations.begin("secret", "ann")
    conversations.finish(turn.id, Outcome("done", answer=answer()))
    citation_id = conversations.turn(turn.id, "ann").citations[0].id
    assert conversations.lines("bob") == []
    for refused in (
        lambda: conversations.turns(turn.conversation_id, "bob"),
        lambda: conversations.title(turn.conversation_id, "bob"),
        lambda: conversations.turn(turn.id, "bob"),
        lambda: conversations.history(turn.id, "bob"),
        lambda: conversations.citation(citation_id, "bob"),
        lambda: conversations.begin("mine now", "bob", turn.conversation_id),
        lambda: conversations.give_feedback(turn.id, "bob", 1),
        lambda: conversations.delete(turn.conversation_id, "bob"),
        lambda: conversations.rename(turn.conversation_id, "bob", "mine"),
        lambda: conversations.restore(turn.conversation_id, "bob"),
        lambda: conversations.citation(999, "ann"),
    ):
        with pytest.raises(NotFound):
            refused()
    assert len(conversations.turns(turn.conversation_id, "ann")) == 1


def test_a_citation_knows_its_neighbours(conversations: Conversations) -> None:
    turn = conversations.begin("q", "ann")
    conversations.finish(turn.id, Outcome("done", answer=answer()))
    first, second = (view.id for view in conversations.turn(turn.id, "ann").citations)
    place = conversations.citation(first, "ann")
    assert (place.number, place.total, place.previous, place.next) == (1, 2, None, second)
    assert not place.beneath
    assert conversations.citation(second, "ann").previous == first
    assert conversations.citation(second, "ann").next is None


def test_what_is_quoted_beneath_has_neighbours_there_alone(conversations: Conversations) -> None:
    turn = conversations.begin("q", "ann")
    conversations.finish(turn.id, Outcome("done", answer=answer()))
    first, second = (view.id for view in conversations.turn(turn.id, "ann").quotes)
    place = conversations.citation(first, "ann")
    assert (place.beneath, place.number, place.total, place.previous, place.next) == (True, 1, 2, None, second)
    assert conversations.citation(second, "ann").previous == first
    with pytest.raises(NotFound):
        conversations.citation(first, "bob")


def test_lists_are_newest_first_and_titles_are_one_line(conversations: Conversations) -> None:
    first = conversations.begin("  one\n  line ", "ann")
    conversations.begin("word " * 40, "ann")
    conversations.finish(first.id, Outcome("stopped"))
    titles = [line.title for line in conversations.lines("ann")]
    assert titles[0] == "one line"
    assert len(titles[1]) <= 80
    assert titles[1].endswith("word…")


def test_deleting_takes_everything_with_it(conversations: Conversations, settings: ServerSettings) -> None:
    turn = conversations.begin("q", "ann")
    conversations.begin("again", "ann", turn.conversation_id)
    conversations.finish(turn.id, Outcome("done", answer=answer()))
    conversations.give_feedback(turn.id, "ann", -1, "wrong")
    conversations.delete(turn.conversation_id, "ann")
    conversations.purge(now() + timedelta(seconds=1))
    conversations.finish(turn.id, Outcome("done", answer=answer()))  # a turn that ends later is no error
    with sqlite3.connect(settings.chat_path) as database:
        for table in ("conversation", "turn", "citation", "feedback"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608
    database.close()
    assert conversations.begin("new", "ann").id > turn.id  # ids never come back


def test_feedback_is_kept_changed_and_taken_back(conversations: Conversations) -> None:
    turn = conversations.begin("q", "ann")
    for value in (1, -1, 0):
        conversations.give_feedback(turn.id, "ann", value, "why")
        assert conversations.turn(turn.id, "ann").feedback == value


def test_turns_of_a_dead_server_are_failed(conversations: Conversations) -> None:
    turn = conversations.begin("q", "ann")
    assert conversations.fail_running("The server was restarted.") == 1
    assert conversations.turn(turn.id, "ann").state == "failed"
    assert conversations.fail_running("x") == 0


def test_the_migrations_make_the_tables_of_the_models(conversations: Conversations) -> None:
    ours = {"conversation", "turn", "citation", "feedback"}
    with conversations.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_object": lambda thing, name, kind, *_: kind != "table" or name in ours,
                "compare_type": True,
            },
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_chat_db_is_reopened_as_it_was(settings: ServerSettings) -> None:
    turn = open_conversations(settings).begin("q", "ann")
    assert open_conversations(settings).turn(turn.id, "ann").question == "q"
    assert Path(settings.chat_path).exists()


def test_a_chat_db_of_every_older_schema_is_opened(settings: ServerSettings) -> None:
    versions = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    for older in versions[:-1]:
        path = settings.chat_path.with_name(f"{older}.db")
        path.parent.mkdir(exist_ok=True)
        made_at(path, older)
        conversations = Conversations(open_database(path, MIGRATIONS))
        (line,) = conversations.lines("ann", "25 days")
        (turn,) = conversations.turns(line.id, "ann")
        assert (line.title, turn.question, turn.answer) == ("Leave", "How many days?", "25 days.")
        cited = turn.citations[0].citation
        assert cited.is_in(Scope(frozenset({1})))
        assert not cited.is_in(IN_A_FOLDER), "nobody knows any more which of the folders"
        conversations.engine.dispose()


def made_at(path: Path, revision: str) -> None:
    """A chat.db of an older Docent with one answered question, written as that one had its columns."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    turn = {"conversation_id": "c", "question": "How many days?", "state": "done", "mode": "model", "answered": 1}
    turn |= {"answer": "25 days.", "raw": "25 days.", "error": "", "reason": "stop", "created_at": MOMENT}
    turn |= dict.fromkeys(("evidence", "closest", "unsupported"), "[]")
    numbers = ("prompt_tokens", "completion_tokens", "cached_tokens", "retrieve_ms", "first_token_ms", "total_ms")
    turn |= dict.fromkeys(numbers, 1)
    engine = create_engine(URL.create("sqlite", database=str(path)))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, revision)
        connection.exec_driver_sql(
            "INSERT INTO conversation (id, owner, title, created_at, updated_at) VALUES ('c', 'ann', 'Leave', ?, ?)",
            (MOMENT, MOMENT),
        )
        places = ", ".join("?" * len(turn))
        connection.exec_driver_sql(f"INSERT INTO turn ({', '.join(turn)}) VALUES ({places})", tuple(turn.values()))  # noqa: S608
        connection.exec_driver_sql(
            "INSERT INTO citation (turn_id, position, n, at, document_id, collection_id, document, title, heading, "
            'start, "end", quote) '
            "VALUES (1, 0, 1, 7, 7, 1, 'a/b.md', 'Leave', '', 0, 7, '25 days')"
        )
    engine.dispose()


def test_shortening_cuts_at_a_word() -> None:
    assert shortened("a b", 10) == "a b"
    assert shortened("alpha beta gamma", 12) == "alpha beta…"
    assert shortened("x" * 50, 10) == "x" * 9 + "…"


def test_a_deleted_conversation_is_gone_until_it_is_restored(conversations: Conversations) -> None:
    turn = conversations.begin("Where do I park?", "ann")
    conversations.delete(turn.conversation_id, "ann")
    assert conversations.lines("ann") == []
    for gone in (
        lambda: conversations.turns(turn.conversation_id, "ann"),
        lambda: conversations.turn(turn.id, "ann"),
        lambda: conversations.begin("and bicycles?", "ann", turn.conversation_id),
    ):
        with pytest.raises(NotFound):
            gone()
    assert conversations.deleted_title(turn.conversation_id, "bob") is None
    assert conversations.deleted_title(turn.conversation_id, "ann") == "Where do I park?"
    conversations.restore(turn.conversation_id, "ann")
    assert [line.title for line in conversations.lines("ann")] == ["Where do I park?"]
    assert conversations.deleted_title(turn.conversation_id, "ann") is None
    conversations.purge(now() + timedelta(days=1))
    assert conversations.turn(turn.id, "ann").question == "Where do I park?"


def test_an_edited_question_is_a_version_and_the_old_branch_stays(conversations: Conversations) -> None:
    first = conversations.begin("one", "ann")
    conversation = first.conversation_id
    second = conversations.begin("two", "ann", conversation)
    edited = conversations.begin("one, edited", "ann", conversation, instead_of=first.id)
    assert [turn.id for turn in conversations.turns(conversation, "ann")] == [edited.id]
    assert [turn.id for turn in conversations.turns(conversation, "ann", first.id)] == [first.id, second.id]
    assert conversations.turn(first.id, "ann").versions == (first.id, edited.id) == edited.versions
    assert second.versions == (second.id,)
    third = conversations.begin("three", "ann", conversation, after=second.id)
    assert [turn.id for turn in conversations.turns(conversation, "ann")] == [first.id, second.id, third.id]
    other = conversations.begin("elsewhere", "ann")
    for place in ({"after": other.id}, {"instead_of": other.id}):
        with pytest.raises(NotFound):
            conversations.begin("x", "ann", conversation, **place)


def test_search_finds_every_word_in_titles_questions_and_answers(conversations: Conversations) -> None:
    leave = conversations.begin("How much leave?", "ann")
    conversations.finish(leave.id, Outcome("done", answer=answer()))
    conversations.begin("Öffnungszeiten 100%", "ann")
    conversations.begin("leave, but of another", "bob")

    def found(search: str) -> list[str]:
        return [line.title for line in conversations.lines("ann", search)]

    assert found("LEAVE") == found("it is 25 leave") == ["How much leave?"]
    assert found("öffnungszeiten") == found("100%") == ["Öffnungszeiten 100%"]
    assert found("leave zebra") == found("10%0") == found("_") == []
    assert len(found("  ")) == 2
    conversations.rename(leave.conversation_id, "ann", "  Days\noff ")
    assert found("days off") == ["Days off"]


def test_a_search_says_where_its_words_stand(conversations: Conversations) -> None:
    leave = conversations.begin("How much leave?", "ann")
    conversations.finish(leave.id, Outcome("done", answer=answer()))
    again = conversations.begin("And when is it 25?", "ann", leave.conversation_id)
    conversations.finish(again.id, Outcome("done", answer=replace(answer(), mode="extractive")))
    conversations.begin("Travel", "ann")

    def found(search: str) -> dict[str, FoundTurn]:
        return conversations.found(conversations.lines("ann", search), search)

    (turn,) = found("it leave").values()
    assert (turn.id, turn.question, turn.answer, turn.citations) == (leave.id, "How much leave?", answer().text, ())
    (turn,) = found("when").values()
    assert (turn.id, turn.mode) == (again.id, "extractive")
    assert [citation.at for citation in turn.citations] == [9, 17], "its marks, to tell who may read it"
    conversations.rename(leave.conversation_id, "ann", "Holidays")
    assert found("holidays") == {}
    assert found("") == found("zebra") == {}
