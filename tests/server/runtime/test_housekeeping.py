"""What was deleted long ago does not wait for the next deletion."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import Session

from indexer.knowledge.tables import now
from server.conversations.store import UNDO, open_conversations
from server.conversations.tables import Conversation
from server.runtime.housekeeping import keep_house
from server.settings import ServerSettings


async def test_only_what_can_no_longer_be_brought_back_is_removed(settings: ServerSettings) -> None:
    conversations = open_conversations(settings)
    ids = [conversations.begin("q", "ann").conversation_id for _ in range(3)]
    with Session(conversations.engine) as session:
        for id_, ago in zip(ids, (UNDO + timedelta(minutes=1), UNDO - timedelta(minutes=1)), strict=False):
            session.get_one(Conversation, id_).deleted_at = now() - ago
        session.commit()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(keep_house(conversations, every=0.01), 0.3)
    assert conversations.deleted_title(ids[0], "ann") is None
    assert conversations.deleted_title(ids[1], "ann") == "q"
    assert conversations.title(ids[2], "ann") == "q"
