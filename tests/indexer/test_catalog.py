"""What is indexed, read by those who may: everything outside the scope might as well not be there."""

import pytest
from sqlmodel import Session

from indexer.catalog import Catalog
from indexer.index_info import check_index
from indexer.models import IngestRun, LedgerEntry, Scope
from indexer.settings import IndexerSettings
from tests.indexer.knowledge import Knowledge

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
    counted = [(c.name, c.documents, c.chunks) for c in catalog.collections(scope)]
    assert counted == [("empty", 0, 0), ("mine", 1, 2), ("theirs", 1, 1)]
    assert len(catalog.running(scope)) == 2


def test_only_the_scope_is_seen(catalog: Catalog) -> None:
    mine = Scope(frozenset({1}))
    assert [c.name for c in catalog.collections(mine)] == ["mine"]
    assert [(name, entry.path) for name, entry in catalog.ledger(mine)] == [("mine", "zz.md"), ("mine", "z.md")]
    assert [run.collection_id for run in catalog.running(mine)] == [1]
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
    assert not catalog.has_documents(NOBODY)
    assert catalog.document(1, NOBODY) is None


def test_an_empty_database_fits_any_settings(knowledge: Knowledge, settings: IndexerSettings) -> None:
    check_index(knowledge.engine, settings.model_copy(update={"embedder": "another"}), 7)
