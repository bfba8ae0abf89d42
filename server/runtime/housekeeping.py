"""Removes for good, while the server runs, the conversations whose deletion can no longer be undone."""

import asyncio
import logging

from indexer.knowledge.tables import now
from server.conversations.store import UNDO, Conversations

log = logging.getLogger(__name__)

EVERY = 600.0  # seconds; a deleted conversation is gone at the latest this long after UNDO


async def keep_house(conversations: Conversations, every: float = EVERY) -> None:
    """Until cancelled."""
    while True:
        try:
            await asyncio.to_thread(conversations.purge, now() - UNDO)
        except Exception:  # a busy or full disk must not end this for the days after
            log.exception("deleted conversations could not be removed for good")
        await asyncio.sleep(every)
