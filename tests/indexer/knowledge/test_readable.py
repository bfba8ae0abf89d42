"""A scope for a database says what `Scope.holds` says, for every kind of scope."""

import itertools
from pathlib import Path

from hypothesis import HealthCheck, given
from hypothesis import settings as checked
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.knowledge.readable import readable_documents, readable_files
from indexer.knowledge.tables import Document, LedgerEntry
from indexer.passages import Folder, Scope
from tests.indexer.small_knowledge import ROOT, Knowledge, limit_parameters

PATHS = ("a.md", "hr/a.md", "hr/pay/b.md", "HR/a.md", "hr2/a.md", "hr0/a.md", "hr", "hr/ö.md", "hr_/a.md", "h%/a.md")
FOLDERS = ("", "hr", "HR", "hr/pay", "hr_", "h%", "ö", "nowhere")
OTHER_ROOT = Path("/documents/more")
ROOTS = (str(ROOT), str(OTHER_ROOT), "", "/documents/")
IDS = st.frozensets(st.integers(1, 4 * len(PATHS) + 1), max_size=4)
SCOPES = st.builds(
    Scope,
    st.frozensets(st.integers(1, 3)),
    st.frozensets(st.builds(Folder, st.integers(1, 3), st.sampled_from(ROOTS), st.sampled_from(FOLDERS)), max_size=3),
    IDS,
    IDS,
)


@given(scope=SCOPES)
@checked(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_the_database_and_the_dataclass_agree(knowledge: Knowledge, scope: Scope) -> None:
    with Session(knowledge.engine) as session:
        if session.exec(select(Document.id)).first() is None:
            _fill(knowledge)
        documents = session.exec(select(Document)).all()
        entries = session.exec(select(LedgerEntry)).all()
        inside = set(session.exec(select(Document.id).where(readable_documents(scope))))
        listed = set(session.exec(select(LedgerEntry.id).where(readable_files(scope))))
    ids = {place(document): document.id for document in documents}
    assert inside == {d.id for d in documents if scope.holds(d.id, *place(d))}
    assert listed == {e.id for e in entries if scope.holds(ids.get(place(e)), *place(e))}


def place(row: Document | LedgerEntry) -> tuple[int, str, str]:
    return row.collection_id, row.root, row.path


def test_a_scope_may_name_more_ids_than_sqlite_takes_parameters(knowledge: Knowledge, engine: Engine) -> None:
    limit_parameters(engine)
    inside, outside = knowledge.put("a.md", "Leave."), knowledge.put("b.md", "Pay.", collection="theirs")
    with Session(engine) as session:
        for collection_id, path in ((1, "a.md"), (2, "b.md")):
            session.add(LedgerEntry(collection_id=collection_id, root="/documents", path=path, state="indexed"))
        session.commit()
    many = frozenset(range(10, 40_010))
    for scope, readable in (
        (Scope(many | {1}, documents=many | {inside}), {inside}),
        (Scope(many | {1}, documents=many, own=many | {outside}), {outside}),
        (Scope(many | {1}, own=many | {outside}), {inside, outside}),
    ):
        with Session(engine) as session:
            assert set(session.exec(select(Document.id).where(readable_documents(scope)))) == readable
            files = session.exec(select(LedgerEntry.collection_id).where(readable_files(scope)))
            assert set(files) == readable  # the first document is in the first collection, the second in the second


def _fill(knowledge: Knowledge) -> None:
    """Each path in two roots of two collections, and in each a file that is no document."""
    with Session(knowledge.engine) as session:
        for name, root in itertools.product(("one", "two"), (ROOT, OTHER_ROOT)):
            for path in PATHS:
                knowledge.put(path, "Words.", collection=name, root=root)
                at = {"collection_id": knowledge.collection(name), "root": str(root), "state": "indexed"}
                session.add(LedgerEntry(path=path, **at))
            session.add(LedgerEntry(path="hr/failed.pdf", **{**at, "state": "failed"}))
        session.commit()


def test_narrowing_and_choosing_never_widen() -> None:
    granted = Scope(frozenset({1, 2}), frozenset({Folder(1, "/documents", "hr")}))
    assert not granted.choosing(frozenset()).holds(5, 1, "/documents", "hr/a.md")
    chosen = granted.choosing(frozenset({5, 6}))
    assert chosen.holds(5, 1, "/documents", "hr/a.md")
    assert not chosen.holds(5, 1, "/documents", "pay/a.md")
    assert not chosen.holds(7, 1, "/documents", "hr/a.md")
    assert not chosen.choosing(frozenset({7})).holds(5, 1, "/documents", "hr/a.md")
    assert not chosen.choosing(frozenset({7})).holds(7, 1, "/documents", "hr/a.md")
    assert not granted.narrowed(frozenset({2, 3})).holds(5, 1, "/documents", "hr/a.md")


def test_a_folder_is_one_of_its_root() -> None:
    scope = Scope(frozenset({1}), frozenset({Folder(1, "/ours", "HR")}))
    assert scope.holds(5, 1, "/ours", "HR/pay.md")
    assert not scope.holds(5, 1, "/theirs", "HR/pay.md")
    assert not scope.holds(5, 1, "", "HR/pay.md"), "stored before roots were"
    assert Scope(frozenset({1})).holds(5, 1, "", "HR/pay.md")
    assert not Scope(frozenset({1}), frozenset({Folder(1, "", "HR")})).holds(5, 1, "", "HR/pay.md")
    assert Folder(1, "/ours", "").holds(1, "/ours", "pay.md")
    assert not Folder(1, "/ours", "").holds(1, "/ours/more", "pay.md")


def test_of_a_part_nobody_holds_the_whole() -> None:
    whole = Scope(frozenset({1, 2}), own=frozenset({9}))
    assert whole.whole_collections == {1, 2}
    assert not whole.choosing(frozenset({5})).whole_collections
    assert not Scope(frozenset({1, 2}), frozenset({Folder(1, "/ours", "")})).whole_collections


def test_the_conversations_own_files_are_always_inside() -> None:
    scope = Scope(frozenset(), own=frozenset({9})).choosing(frozenset()).narrowed(frozenset({4}))
    assert scope.holds(9, 3, "/documents", "offer.pdf")
    assert not scope.holds(None, 3, "/documents", "offer.pdf")
