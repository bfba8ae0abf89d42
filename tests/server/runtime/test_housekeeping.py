"""What was deleted long ago does not wait for the next deletion."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from indexer.errors import BusyError, StorageError
from indexer.knowledge import trash
from indexer.knowledge.tables import Document, LedgerEntry, now
from server.app import Parts, make_services
from server.conversations.shapes import Outcome
from server.conversations.store import UNDO
from server.conversations.tables import Conversation, Feedback
from server.runtime.housekeeping import Chore, chores, keep_house
from server.runtime.metrics import Metrics
from server.runtime.services import Services
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, fill, no_generator, open_fake_retriever


@pytest.fixture
def services(settings: ServerSettings) -> Services:
    fill(settings, {"handbook": HANDBOOK})
    services, _ = make_services(settings, Parts(open_fake_retriever, no_generator), Metrics())
    return services


def do(services: Services, name: str) -> None:
    (chore,) = [one for one in chores(services) if one.name == name]
    chore.do()


def test_only_conversations_that_can_no_longer_be_brought_back_are_removed(services: Services) -> None:
    conversations = services.conversations
    ids = [conversations.begin("q", "ann").conversation_id for _ in range(3)]
    with Session(conversations.engine) as session:
        for id_, ago in zip(ids, (UNDO + timedelta(minutes=1), UNDO - timedelta(minutes=1)), strict=False):
            session.get_one(Conversation, id_).deleted_at = now() - ago
        session.commit()
    do(services, "deleted conversations")
    assert conversations.deleted_title(ids[0], "ann") is None
    assert conversations.deleted_title(ids[1], "ann") == "q"
    assert conversations.title(ids[2], "ann") == "q"


def age(services: Services, conversation: str, **ago: float) -> None:
    with Session(services.conversations.engine) as session:
        session.get_one(Conversation, conversation).updated_at = now() - timedelta(**ago)
        session.commit()


def test_conversations_of_the_age_that_is_set_are_deleted_but_not_while_they_are_answered(services: Services) -> None:
    conversations = services.conversations
    turns = [conversations.begin("q", "ann") for _ in range(3)]
    conversations.finish(turns[0].id, Outcome("done", "a"))
    conversations.finish(turns[2].id, Outcome("done", "a"))
    for turn, days in zip(turns, (8, 8, 6), strict=True):
        age(services, turn.conversation_id, days=days)
    do(services, "old conversations")
    do(services, "deleted conversations")
    assert all(conversations.title(turn.conversation_id, "ann") == "q" for turn in turns), "nothing is set"
    services.settings.keep_conversations_days = 7
    do(services, "old conversations")
    do(services, "deleted conversations")
    with Session(conversations.engine) as session:
        left = set(session.exec(select(Conversation.id)).all())
    assert left == {turns[1].conversation_id, turns[2].conversation_id}


def test_feedback_of_the_age_that_is_set_is_deleted(services: Services) -> None:
    conversations = services.conversations
    turns = [conversations.begin("q", "ann") for _ in range(2)]
    for turn, days in zip(turns, (31, 29), strict=True):
        conversations.finish(turn.id, Outcome("done", "a"))
        conversations.give_feedback(turn.id, "ann", -1, "wrong")
        with Session(conversations.engine) as session:
            session.get_one(Feedback, turn.id).updated_at = now() - timedelta(days=days)
            session.commit()
    services.settings.keep_feedback_days = 30
    do(services, "old feedback")
    assert [view.id for view, _, _ in conversations.judged()] == [turns[1].id]


def test_nothing_is_left_on_the_disk_of_questions_that_were_deleted(services: Services) -> None:
    conversations = services.conversations
    words = [f"secret{n}zebra" for n in range(20)]
    for word in words:
        turn = conversations.begin(f"What is {word}?", "ann")
        conversations.finish(turn.id, Outcome("done", f"It is {word} [1]."))
        conversations.give_feedback(turn.id, "ann", -1, f"not {word}")
        conversations.delete(turn.conversation_id, "ann")
    assert stands_in(services.settings.data, "zebra")
    conversations.purge(now() + timedelta(seconds=1))
    assert stands_in(services.settings.data, "zebra") == []


def test_nothing_is_left_on_the_disk_of_a_document_that_was_deleted(settings: ServerSettings) -> None:
    fill(settings, {"handbook": {"secret.md": "Zebras graze in the car park on Fridays.", **HANDBOOK}})
    services, _ = make_services(settings, Parts(open_fake_retriever, no_generator), Metrics())
    with Session(services.catalog.engine) as session:
        document = session.exec(select(Document).where(Document.path == "secret.md")).one()
        document.deleted_at = now() - trash.UNDO - timedelta(minutes=1)
        session.add(
            LedgerEntry(
                collection_id=document.collection_id,
                root=document.root,
                path=document.path,
                state="indexed",
                deleted_at=document.deleted_at,
            )
        )
        session.commit()
    assert stands_in(settings.data, "car park")
    do(services, "deleted documents")
    assert stands_in(settings.data, "car park") == []


def stands_in(folder: Path, words: str) -> list[str]:
    """The files in which the words stand."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if words.encode() in path.read_bytes()]


def test_documents_that_can_no_longer_be_brought_back_are_removed(services: Services) -> None:
    with Session(services.catalog.engine) as session:
        document = session.exec(select(Document).where(Document.path == "leave.md")).one()
        document.deleted_at = now() - trash.UNDO - timedelta(minutes=1)
        session.add(
            LedgerEntry(
                collection_id=document.collection_id,
                root=document.root,
                path=document.path,
                state="indexed",
                deleted_at=document.deleted_at,
            )
        )
        session.commit()
    do(services, "deleted documents")
    with Session(services.catalog.engine) as session:
        assert session.exec(select(Document.path)).all() == ["travel.md"]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (BusyError("an ingest writes"), ""),
        (StorageError("the disk is full"), "papers could not be removed for good: the disk is full"),
        (OSError("no permission"), "papers could not be removed for good: no permission"),
        (ValueError("a mistake"), "papers could not be removed for good"),
    ],
)
async def test_a_chore_that_fails_is_tried_again_and_holds_up_no_other(
    failure: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    again, other = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    tried: list[None] = []

    def fails() -> None:
        tried.append(None)
        if len(tried) > 1:
            loop.call_soon_threadsafe(again.set)
        raise failure

    def works() -> None:
        loop.call_soon_threadsafe(other.set)

    keeping = asyncio.create_task(keep_house([Chore("papers", fails, 0.01), Chore("pens", works, 600)]))
    async with asyncio.timeout(20):
        await again.wait()
        await other.wait()
    keeping.cancel()
    await asyncio.wait({keeping})
    assert said in caplog.text
    assert bool(said) == bool(caplog.text)
