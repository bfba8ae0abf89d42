"""What is indexed, read by those who may: everything outside the scope might as well not be there."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlmodel import Session

from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import writing
from indexer.knowledge.index_info import check_index
from indexer.knowledge.tables import IngestRun, LedgerEntry
from indexer.passages import Scope
from indexer.settings import IndexerSettings
from tests.indexer.small_knowledge import Knowledge

NOBODY = Scope(frozenset())


@pytest.fixture
def catalog(knowledge: Knowledge) -> Catalog:
    knowledge.put("a.md", "Leave.", "Pay.", collection="mine")
    knowledge.put("b.md", "Secret.", collection="theirs")
    knowledge.collection("empty")
    with Session(knowledge.engine) as session:
        for collection_id in (1, 2):
            session.add(LedgerEntry(collection_id=collection_id, root="/r", path="z.md", state="indexed"))
            session.add(LedgerEntry(collection_id=collection_id, root="/r", path="zz.md", state="failed", reason="why"))
            session.add(IngestRun(collection_id=collection_id))
        session.commit()
    return Catalog(knowledge.engine)


def test_everything(catalog: Catalog) -> None:
    scope = catalog.everything()
    assert scope.collections == {1, 2, 3}
    assert catalog.names(scope) == {3: "empty", 1: "mine", 2: "theirs"}
    assert list(catalog.names(scope)) == [3, 1, 2]  # in the order of their names
    assert [(c.id, c.name, c.documents) for c in catalog.collections(scope)] == [
        (3, "empty", 0),
        (1, "mine", 1),
        (2, "theirs", 1),
    ]
    assert catalog.count_chunks(scope) == {1: 2, 2: 1}


def test_only_the_scope_is_seen(catalog: Catalog) -> None:
    mine = Scope(frozenset({1}))
    assert [c.name for c in catalog.collections(mine)] == ["mine"]
    assert (catalog.names(mine), catalog.count_chunks(mine)) == ({1: "mine"}, {1: 2})
    assert [(name, entry.path) for name, entry in catalog.ledger(mine)] == [("mine", "zz.md"), ("mine", "z.md")]
    assert catalog.document(1, mine) is not None
    assert catalog.document(2, mine) is None
    assert catalog.document(99, mine) is None
    assert catalog.has_documents(mine)
    assert not catalog.has_documents(Scope(frozenset({3})))


def test_names_never_widen_a_scope(catalog: Catalog) -> None:
    assert catalog.named(["mine"], catalog.everything()).collections == {1}
    assert catalog.named(["mine", "theirs", "unknown"], Scope(frozenset({1}))).collections == {1}
    assert catalog.named(["theirs"], Scope(frozenset({1}))).collections == frozenset()
    assert catalog.named([], catalog.everything()).collections == frozenset()


def test_who_may_read_nothing_sees_nothing(catalog: Catalog) -> None:
    assert (catalog.collections(NOBODY), catalog.ledger(NOBODY), catalog.running(NOBODY)) == ([], [], [])
    assert (catalog.names(NOBODY), catalog.count_chunks(NOBODY)) == ({}, {})
    assert not catalog.has_documents(NOBODY)
    assert catalog.document(1, NOBODY) is None


def test_an_empty_database_fits_any_settings(knowledge: Knowledge, settings: IndexerSettings) -> None:
    check_index(knowledge.engine, settings.model_copy(update={"embedder": "another"}), 7)


RUN = """
import sys
from pathlib import Path
from sqlmodel import Session
from indexer.knowledge.database import open_knowledge, writing
from indexer.knowledge.tables import IngestRun
from indexer.settings import IndexerSettings

settings = IndexerSettings(data=Path(sys.argv[1]))
with writing(settings), Session(open_knowledge(settings)) as session:
    session.add(IngestRun(collection_id=1, total=40, done=7))
    session.commit()
    print("begun", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_run(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of a process of its own, that has begun."""
    command = [sys.executable, "-c", RUN, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_run_that_was_killed_does_not_run(catalog: Catalog, settings: IndexerSettings) -> None:
    scope = catalog.everything()
    assert catalog.running(scope) == []  # begun, not ended, and no process is there
    with other_run(settings.data) as process:
        assert (7, 40) in [(run.done, run.total) for run in catalog.running(scope)]
        assert catalog.running(NOBODY) == []
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert catalog.running(scope) == []


def test_looking_whether_a_run_goes_on_keeps_no_run_from_beginning(catalog: Catalog, settings: IndexerSettings) -> None:
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            catalog.running(catalog.everything())

    looking = [threading.Thread(target=look) for _ in range(2)]
    for thread in looking:
        thread.start()
    for _ in range(50):
        with writing(settings):
            assert len(catalog.running(catalog.everything())) == 2
    over.set()
    for thread in looking:
        thread.join()
