"""How SQLite answers what pages ask: by indexes that hold all of it, since a document's row is as long as its text."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session

from indexer.knowledge.catalog import SORTS, Catalog
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.seen import unseen_files
from indexer.knowledge.tables import IngestRun, LedgerEntry, now
from indexer.knowledge.trash import purge
from indexer.passages import Scope
from indexer.settings import IndexerSettings
from tests.indexer.small_knowledge import Knowledge

COVERED = "USING COVERING INDEX"
ONE_ROW = ("(collection_id=? AND root=? AND path=?)", "USING INTEGER PRIMARY KEY")
COUNTED = ("document", "chunk", "ingest_run")
"""Tables of which nothing is to be read but indexes, or single rows."""

Ask = Callable[[Catalog, Scope], object]
ASKED: dict[str, Ask] = {
    "everything": lambda catalog, _scope: catalog.everything(),
    "names": lambda catalog, scope: catalog.names(scope),
    "collections": lambda catalog, scope: catalog.collections(scope),
    "count_chunks": lambda catalog, scope: catalog.count_chunks(scope),
    "has_documents": lambda catalog, scope: catalog.has_documents(scope),
    "file_states": lambda catalog, scope: catalog.file_states(scope),
    "roots": lambda catalog, scope: catalog.roots(scope),
    "ended_runs": lambda catalog, scope: catalog.ended_runs(scope),
    **{
        f"files by {sort or 'urgency'}": lambda catalog, scope, sort=sort: catalog.files(FileQuery(sort=sort), scope)
        for sort in ("", *SORTS)
    },
    "files with a word": lambda catalog, scope: catalog.files(FileQuery(search="leave"), scope),
    "count_files": lambda catalog, scope: catalog.count_files(FileQuery(search="leave"), scope),
    "unseen_files": lambda catalog, scope: unseen_files(catalog.engine, FileQuery(search="leave"), scope),
}


@contextmanager
def plans(engine: Engine) -> Iterator[list[str]]:
    """The lines of the plans of all statements that read."""
    asked: list[tuple[str, Any]] = []
    lines: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield lines
    finally:
        event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            lines += [row[3] for row in plan]


def reads_rows(line: str) -> bool:
    """Whether a line of a plan goes through rows of a table that is only to be counted."""
    words = line.split()
    return (
        words[0] in ("SCAN", "SEARCH")
        and words[1] in COUNTED
        and COVERED not in line
        and not any(one in line for one in ONE_ROW)
    )


@pytest.fixture
def filled(knowledge: Knowledge) -> Catalog:
    collection = knowledge.collection("docs")
    knowledge.put("a.md", "Leave.", "Pay.")
    with Session(knowledge.engine) as session:
        session.add(LedgerEntry(collection_id=collection, root="/documents", path="a.md", state="indexed"))
        session.add(IngestRun(collection_id=collection, finished_at=now()))
        session.commit()
    return Catalog(knowledge.engine)


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("narrowed", [False, True])
def test_no_page_goes_through_documents(filled: Catalog, name: str, narrowed: bool) -> None:
    scope = filled.everything()
    if narrowed:
        scope = Scope(scope.collections, documents=frozenset({1, 2}), own=frozenset({3}))
    with plans(filled.engine) as lines:
        ASKED[name](filled, scope)
    assert lines
    assert [line for line in lines if reads_rows(line)] == []


@pytest.mark.parametrize("name", ["collections", "count_chunks", "has_documents"])
def test_what_is_counted_is_found_by_the_collection(filled: Catalog, name: str) -> None:
    with plans(filled.engine) as lines:
        ASKED[name](filled, filled.everything())
    assert f"SEARCH document {COVERED} ix_document_readable (collection_id=? AND deleted_at=?)" in lines


def test_where_nothing_is_due_the_trash_looks_at_no_document(filled: Catalog, settings: IndexerSettings) -> None:
    with plans(filled.engine) as lines:
        assert purge(settings, filled.engine) == 0
    assert lines[0] == "SEARCH ledger USING INDEX ix_ledger_deleted (deleted_at<?)"
    assert [line for line in lines if reads_rows(line)] == []
