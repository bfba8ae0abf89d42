"""Running turns: they are followed, resumed, stopped, left and saved."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable

import pytest

from indexer.passages import Scope
from server.answering.events import (
    BENEATH,
    Answer,
    AnswerEvent,
    Citation,
    Meanwhile,
    Progress,
    Question,
    Sources,
    Text,
)
from server.answering.small_talk import GREETING
from server.conversations.shapes import Outcome, TurnView
from server.conversations.store import Conversations, open_conversations
from server.conversations.turns import INTERRUPTED, SAVE_TRIES, UNEXPECTED, UNSAVED, Ended, TurnEvent, Turns
from server.errors import BadRequest, NotFound, Unavailable
from server.settings import ServerSettings

SCOPE = Scope(frozenset({1}))
QUOTE = Citation(1, BENEATH, 7, 1, "a.md", "Leave", "", None, 0, 8, "25 days.", "/r")


class Answering:
    """Writes words one by one; stops before the word "hold" until let go; "fail" and "crash" break; "quote" is no word
    of the answer, but a quotation to read meanwhile."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.go = asyncio.Event()
        self.questions: list[Question] = []
        self.closed = 0

    async def __call__(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        self.questions.append(question)
        try:
            yield Sources(())
            for word in self.words:
                match word:
                    case "hold":
                        await self.go.wait()
                    case "fail":
                        raise Unavailable("The model is gone.", "Ask again.")
                    case "crash":
                        raise RuntimeError("inner detail")
                    case "quote":
                        yield Meanwhile(QUOTE)
                    case _:
                        yield Text(word)
            text = "".join(word for word in self.words if word not in ("hold", "quote"))
            yield Answer(text, text, True, "model")
        finally:
            self.closed += 1


@pytest.fixture
def conversations(settings: ServerSettings) -> Conversations:
    return open_conversations(settings)


async def events(turns: Turns, turn_id: int, after: int = 0) -> list[TurnEvent]:
    return [event async for batch in turns.follow(turn_id, "ann", after) for _id, event in batch]


async def until(turns: Turns, turn_id: int, wanted: Callable[[TurnEvent], bool]) -> int:
    """Follow until an event is there; returns its id."""
    follower = turns.follow(turn_id, "ann")
    try:
        async for batch in follower:
            for id_, event in batch:
                if wanted(event):
                    return id_
    finally:
        await follower.aclose()  # type: ignore[attr-defined]
    raise AssertionError("it did not come")


async def test_a_turn_is_followed_to_its_end_and_saved(conversations: Conversations) -> None:
    turns = Turns(conversations, Answering("one ", "two"))
    turn = await turns.start("q", "ann", SCOPE)
    seen = await events(turns, turn.id)
    assert [type(event).__name__ for event in seen] == ["Sources", "Text", "Text", "Answer", "Ended"]
    assert seen[-1] == Ended("done")
    assert conversations.turn(turn.id, "ann").answer == "one two"
    assert not turns.running(turn.id)
    assert await events(turns, turn.id) == []


async def test_every_point_of_a_stream_can_be_resumed(conversations: Conversations) -> None:
    answering = Answering("one ", "hold", "two")
    turns = Turns(conversations, answering)
    turn = await turns.start("q", "ann", SCOPE)
    followers = [asyncio.create_task(events(turns, turn.id, after)) for after in range(6)]
    await until(turns, turn.id, lambda event: event == Text("one "))
    answering.go.set()
    whole = await followers[0]
    assert len(whole) == 5
    for after, follower in enumerate(followers):
        assert await follower == whole[after:]
    assert len(answering.questions) == 1


async def test_a_pause_is_told_once(conversations: Conversations) -> None:
    answering = Answering("one ", "hold", "two")
    turns = Turns(conversations, answering)
    turn = await turns.start("q", "ann", SCOPE)
    texts: list[str] = []
    async for batch in turns.follow(turn.id, "ann", pause=0.01):
        texts.append("".join(event.delta for _id, event in batch if isinstance(event, Text)))
        if not batch:
            asyncio.get_running_loop().call_later(0.05, answering.go.set)  # time for five more pauses
    assert "".join(texts) == "one two"
    assert texts[texts.index("one ") :][1:3] == ["", "two"]


async def test_stopping_keeps_the_words_and_frees_the_generator(conversations: Conversations) -> None:
    answering = Answering("one ", "hold", "two")
    turns = Turns(conversations, answering)
    turn = await turns.start("q", "ann", SCOPE)
    await until(turns, turn.id, lambda event: event == Text("one "))
    await turns.stop(turn.id, "ann")
    saved = conversations.turn(turn.id, "ann")
    assert (saved.state, saved.answer) == ("stopped", "one ")
    assert answering.closed == 1
    await turns.stop(turn.id, "ann")  # a second time changes nothing


@pytest.mark.parametrize(
    ("words", "state", "kept"),
    [
        (("quote", "hold"), "stopped", [QUOTE]),
        (("quote", "one ", "hold"), "stopped", []),
        (("quote", "fail"), "failed", [QUOTE]),
        (("quote", "one "), "done", []),
    ],
)
async def test_the_words_that_were_read_meanwhile_stay_where_no_others_came(
    conversations: Conversations, words: tuple[str, ...], state: str, kept: list[Citation]
) -> None:
    turns = Turns(conversations, Answering(*words))
    turn = await turns.start("q", "ann", SCOPE)
    if "hold" in words:
        await until(turns, turn.id, lambda event: event == (Text("one ") if "one " in words else Meanwhile(QUOTE)))
        await turns.stop(turn.id, "ann")
    await turns.wait(turn.id, "ann")
    saved = conversations.turn(turn.id, "ann")
    assert saved.state == state
    assert [view.citation for view in saved.quotes] == kept


async def test_stopping_at_once_is_saved_too(conversations: Conversations) -> None:
    turns = Turns(conversations, Answering("hold"))
    turn = await turns.start("q", "ann", SCOPE)
    await turns.stop(turn.id, "ann")
    assert conversations.turn(turn.id, "ann").state == "stopped"


@pytest.mark.parametrize(("word", "error"), [("fail", "The model is gone. Ask again."), ("crash", UNEXPECTED)])
async def test_a_failure_is_told_and_the_words_before_it_kept(
    conversations: Conversations, word: str, error: str
) -> None:
    turns = Turns(conversations, Answering("one ", word))
    turn = await turns.start("q", "ann", SCOPE)
    assert (await events(turns, turn.id))[-1] == Ended("failed", error)
    saved = conversations.turn(turn.id, "ann")
    assert (saved.state, saved.error, saved.answer) == ("failed", error, "one ")


async def test_an_answer_that_never_ends_properly_is_a_failure(conversations: Conversations) -> None:
    async def nothing(_question: Question) -> AsyncGenerator[AnswerEvent, None]:
        yield Progress("searching")

    turns = Turns(conversations, nothing)
    turn = await turns.start("q", "ann", SCOPE)
    assert (await events(turns, turn.id))[-1] == Ended("failed", UNEXPECTED)


async def test_a_page_that_leaves_and_does_not_come_back_stops_the_turn(conversations: Conversations) -> None:
    answering = Answering("one ", "hold")
    turns = Turns(conversations, answering, grace=0.0)
    turn = await turns.start("q", "ann", SCOPE)
    waiting = asyncio.create_task(turns.wait(turn.id, "ann"))
    await until(turns, turn.id, lambda event: event == Text("one "))
    assert turns.running(turn.id)  # somebody still watches
    waiting.cancel()
    await asyncio.wait({waiting})
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    assert conversations.turn(turn.id, "ann").state == "stopped"


async def test_a_page_that_comes_back_in_time_finds_the_turn_running(conversations: Conversations) -> None:
    answering = Answering("one ", "hold", "two")
    turns = Turns(conversations, answering, grace=3600.0)
    turn = await turns.start("q", "ann", SCOPE)
    last = await until(turns, turn.id, lambda event: event == Text("one "))  # then it is gone
    assert turns.running(turn.id)
    back = asyncio.create_task(events(turns, turn.id, last))
    answering.go.set()
    assert [type(event).__name__ for event in await back] == ["Text", "Answer", "Ended"]
    assert len(answering.questions) == 1


async def test_a_conversation_has_one_running_turn(conversations: Conversations) -> None:
    answering = Answering("hold")
    turns = Turns(conversations, answering)
    turn = await turns.start("one", "ann", SCOPE)
    with pytest.raises(BadRequest, match="still answering"):
        await turns.start("two", "ann", SCOPE, turn.conversation_id)
    other = await turns.start("elsewhere", "ann", SCOPE)
    answering.go.set()
    await turns.wait(turn.id, "ann")
    await turns.wait(other.id, "ann")
    again = await turns.start("three", "ann", SCOPE, turn.conversation_id)
    await turns.wait(again.id, "ann")
    assert answering.questions[-1].history[0].question == "one"


async def test_a_second_start_at_the_same_moment_is_refused(conversations: Conversations) -> None:
    answering = Answering("hold")
    turns = Turns(conversations, answering)
    first = conversations.begin("before", "ann")
    conversations.finish(first.id, Outcome("stopped"))
    started = await asyncio.gather(
        *(turns.start("q", "ann", SCOPE, first.conversation_id) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(result, BadRequest) for result in started) == 2
    await turns.aclose()


async def test_another_owner_can_neither_follow_nor_stop_nor_ask(conversations: Conversations) -> None:
    turns = Turns(conversations, Answering("hold"))
    turn = await turns.start("q", "ann", SCOPE)
    with pytest.raises(NotFound):
        await turns.stop(turn.id, "bob")
    with pytest.raises(NotFound):
        await turns.wait(turn.id, "bob")
    conversation = (await turns.start("mine", "ann", SCOPE)).conversation_id
    await turns.aclose()
    with pytest.raises(NotFound):
        await turns.start("q", "bob", SCOPE, conversation)
    assert (await turns.start("q", "ann", SCOPE, conversation)).question == "q"  # the refusal left nothing behind
    await turns.aclose()


async def test_the_end_of_the_server_saves_what_runs(conversations: Conversations) -> None:
    turns = Turns(conversations, Answering("one ", "hold"))
    turn = await turns.start("q", "ann", SCOPE)
    await until(turns, turn.id, lambda event: event == Text("one "))
    await turns.aclose()
    saved = conversations.turn(turn.id, "ann")
    assert (saved.state, saved.answer) == ("stopped", "one ")


async def test_a_new_server_fails_what_a_dead_one_left(conversations: Conversations) -> None:
    left = conversations.begin("q", "ann")
    Turns(conversations, Answering())
    saved = conversations.turn(left.id, "ann")
    assert (saved.state, saved.error) == ("failed", INTERRUPTED)


def refuse(conversations: Conversations) -> None:
    """No turn can be written until `allow`, as on a full disk."""
    with conversations.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER full BEFORE UPDATE ON turn BEGIN SELECT RAISE(ABORT, 'full'); END")


def allow(conversations: Conversations) -> None:
    with conversations.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")


async def unsaved(conversations: Conversations, *, save_again: float) -> tuple[Turns, TurnView]:
    """A turn that has ended and could not be saved."""
    answering = Answering("one ", "hold", "two")
    turns = Turns(conversations, answering, save_again=save_again)
    turn = await turns.start("q", "ann", SCOPE)
    refuse(conversations)
    answering.go.set()
    await turns.wait(turn.id, "ann")
    return turns, turn


async def test_an_answer_that_cannot_be_saved_is_shown_and_told(
    conversations: Conversations, caplog: pytest.LogCaptureFixture
) -> None:
    turns, turn = await unsaved(conversations, save_again=60)
    assert "could not be saved" in caplog.text
    for shown in (conversations.turn(turn.id, "ann"), *conversations.turns(turn.conversation_id, "ann")):
        assert (shown.state, shown.answer, shown.error, shown.unsaved) == ("failed", "one two", UNSAVED, True)
    assert not turns.running(turn.id)
    allow(conversations)
    await turns.aclose()
    again = Conversations(conversations.engine).turn(turn.id, "ann")
    assert (again.state, again.answer) == ("done", "one two")  # the last try is at the end of the server


async def test_an_answer_is_saved_as_soon_as_the_disk_takes_it(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    saved = asyncio.Event()
    loop = asyncio.get_running_loop()
    finish = conversations.finish

    def counted(turn_id: int, outcome: Outcome) -> None:
        tries.append(turn_id)
        if len(tries) == 3:
            allow(conversations)
        finish(turn_id, outcome)
        loop.call_soon_threadsafe(saved.set)

    monkeypatch.setattr(conversations, "finish", counted)
    turns, turn = await unsaved(conversations, save_again=0.01)
    await saved.wait()
    shown = conversations.turn(turn.id, "ann")
    assert (shown.state, shown.answer, shown.error) == ("done", "one two", "")
    await turns.aclose()
    assert tries == [turn.id] * 3


async def test_whatever_keeps_an_answer_from_being_saved_it_is_tried_again(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, turn = await unsaved(conversations, save_again=0.01)
    finish, tries = conversations.finish, iter([OSError("no file handles left")])

    def broken_once(turn_id: int, outcome: Outcome) -> None:
        for error in tries:
            raise error
        allow(conversations)
        finish(turn_id, outcome)
        monkeypatch.undo()

    monkeypatch.setattr(conversations, "finish", broken_once)
    await asyncio.wait_for(asyncio.gather(*turns._tasks), 60)
    assert conversations.turn(turn.id, "ann").state == "done"


async def test_an_answer_that_the_disk_refuses_to_the_end_is_said_to_be_lost(
    conversations: Conversations, caplog: pytest.LogCaptureFixture
) -> None:
    turns, turn = await unsaved(conversations, save_again=60)
    await turns.aclose()
    assert f"turn {turn.id} is lost" in caplog.text


async def test_an_answer_is_saved_though_another_program_writes_for_a_while(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = open_conversations(settings, busy_seconds=0.01)
    answering = Answering("one ", "hold", "two")
    turns = Turns(conversations, answering)
    turn = await turns.start("q", "ann", SCOPE)
    other = sqlite3.connect(settings.chat_path, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    outcomes: list[Outcome] = []
    finish = conversations.finish

    def finish_later(turn_id: int, outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == SAVE_TRIES:
            other.rollback()
        finish(turn_id, outcome)

    monkeypatch.setattr(conversations, "finish", finish_later)
    answering.go.set()
    assert (await events(turns, turn.id))[-1] == Ended("done")
    assert conversations.turn(turn.id, "ann").answer == "one two"
    other.close()


async def test_small_talk_is_answered_without_the_documents_and_is_no_history(conversations: Conversations) -> None:
    answering = Answering("one")
    turns = Turns(conversations, answering)
    greeting = await turns.start("Hi!", "ann", SCOPE)
    await turns.wait(greeting.id, "ann")
    assert answering.questions == []
    said = conversations.turn(greeting.id, "ann")
    assert (said.state, said.mode, said.answer) == ("done", "fixed", GREETING)
    for question in ("How much leave?", "shorter"):
        turn = await turns.start(question, "ann", SCOPE, greeting.conversation_id)
        await turns.wait(turn.id, "ann")
    first, second = answering.questions
    assert (first.history, first.rewrites) == ((), False)
    assert (len(second.history), second.rewrites) == (1, True)
