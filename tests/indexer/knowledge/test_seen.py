"""Failures that nobody has looked at: counted and marked in one statement, however many there are."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert
from sqlmodel import Session

from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.seen import UnseenFiles, mark_seen, unseen_files
from indexer.knowledge.tables import LedgerEntry
from indexer.passages import Scope
from tests.indexer.small_knowledge import Knowledge, limit_parameters

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANY = 40_000


def scans(knowledge: Knowledge, count: int) -> Scope:
    """A collection of as many scans, each written a second after the one before it."""
    collection = knowledge.collection("archive")
    shared = {"collection_id": collection, "root": "/r", "state": "needs_ocr", "reason": "", "size": 0, "mtime_ns": 0}
    shared |= {"read_ns": 0, "sha256": "", "chunks": 0}
    rows = [
        {**shared, "path": f"{number}.pdf", "updated_at": NOON + timedelta(seconds=number)} for number in range(count)
    ]
    with Session(knowledge.engine) as session:
        session.connection().execute(insert(LedgerEntry), rows)
        session.commit()
    return Scope(frozenset({collection}))


def test_an_archive_of_scans_is_marked_at_once(knowledge: Knowledge, engine: Engine) -> None:
    limit_parameters(engine)
    scope = scans(knowledge, MANY)
    last = NOON + timedelta(seconds=MANY - 1)
    assert unseen_files(engine, FileQuery(limit=1), scope) == UnseenFiles(MANY, last)
    assert mark_seen(engine, FileQuery(limit=1), last - timedelta(seconds=1), scope) == MANY - 1
    assert unseen_files(engine, FileQuery(), scope) == UnseenFiles(1, last)
    assert mark_seen(engine, FileQuery(), last, scope) == 1
    assert unseen_files(engine, FileQuery(), scope) is None


def test_only_what_the_list_shows_is_marked(knowledge: Knowledge, engine: Engine) -> None:
    scope = scans(knowledge, 12)
    knowledge.put("a.md", "Leave.", collection="archive")
    late = NOON + timedelta(days=1)
    for shows_none in (FileQuery(state="indexed"), FileQuery(state="deleted"), FileQuery(collection=99)):
        assert mark_seen(engine, shows_none, late, scope) == 0
    assert mark_seen(engine, FileQuery(), late, Scope(frozenset())) == 0
    assert mark_seen(engine, FileQuery(search="1.PDF"), late, scope) == 2  # 1.pdf and 11.pdf
    assert mark_seen(engine, FileQuery(state="needs_ocr"), late, scope) == 10
