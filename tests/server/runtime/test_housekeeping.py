"""What was deleted long ago does not wait for the next deletion."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from indexer.knowledge.tables import now
from server.conversations.store import UNDO, Conversations, open_conversations
from server.conversations.tables import Conversation
from server.runtime.housekeeping import keep_house
from server.settings import ServerSettings

WAIT = 60  # seconds until a test that waits for another thread gives up


async def test_only_what_can_no_longer_be_brought_back_is_removed(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = open_conversations(settings)
    ids = [conversations.begin("q", "ann").conversation_id for _ in range(3)]
    with Session(conversations.engine) as session:
        for id_, ago in zip(ids, (UNDO + timedelta(minutes=1), UNDO - timedelta(minutes=1)), strict=False):
            session.get_one(Conversation, id_).deleted_at = now() - ago
        session.commit()
    purges: asyncio.Queue[None] = asyncio.Queue()
    loop, purge = asyncio.get_running_loop(), Conversations.purge

    def noted(store: Conversations, before: datetime) -> None:
        purge(store, before)
        loop.call_soon_threadsafe(purges.put_nowait, None)

    monkeypatch.setattr(Conversations, "purge", noted)
    keeping = asyncio.create_task(keep_house(conversations, every=0))
    async with asyncio.timeout(WAIT):
        for _ in range(2):  # again and again
            await purges.get()
    keeping.cancel()
    await asyncio.wait({keeping})
    assert conversations.deleted_title(ids[0], "ann") is None
    assert conversations.deleted_title(ids[1], "ann") == "q"
    assert conversations.title(ids[2], "ann") == "q"
