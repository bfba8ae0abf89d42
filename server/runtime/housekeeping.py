"""Removes for good, while the server runs, what was deleted and can no longer be brought back."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from indexer.errors import BusyError, DocentError
from indexer.knowledge import trash
from indexer.knowledge.tables import now
from server.conversations.store import UNDO
from server.runtime.gone_passages import GonePassages
from server.runtime.services import Services

PASSAGES_SECONDS = 10.0  # that words of a document lie in files of the language model after it is gone

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chore:
    """`do` blocks; it is called every so many seconds, the first time at once."""

    name: str
    do: Callable[[], object]
    every: float


def chores(services: Services) -> list[Chore]:
    """What was deleted is gone at the latest this long after the time in which it can be brought back."""
    settings, conversations = services.settings, services.conversations

    def old(days: int, forget: Callable[[datetime], None]) -> None:
        if days:
            forget(now() - timedelta(days=days))

    return [
        Chore("old conversations", lambda: old(settings.keep_conversations_days, conversations.expire), every=3600),
        Chore("old feedback", lambda: old(settings.keep_feedback_days, conversations.forget_feedback), every=3600),
        Chore("deleted conversations", lambda: conversations.purge(now() - UNDO), every=600),
        Chore("passages of documents that are gone", GonePassages(services).forget, every=PASSAGES_SECONDS),
        Chore("deleted documents", lambda: trash.purge(services.settings, services.catalog.engine), every=60),
    ]


async def keep_house(what: Sequence[Chore]) -> None:
    """Until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for chore in what:
            tasks.create_task(_repeat(chore))


async def _repeat(chore: Chore) -> None:
    while True:
        try:
            await asyncio.to_thread(chore.do)
        except BusyError:
            pass  # an ingest writes; the next time will do
        except (DocentError, OSError) as error:
            log.warning("%s could not be removed for good: %s", chore.name, error)
        except Exception:  # a database that is busy or broken must not end this for the days after
            log.exception("%s could not be removed for good", chore.name)
        await asyncio.sleep(chore.every)
