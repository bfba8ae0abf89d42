"""Documents that are chosen to be asked: by id, by path, by words of their names, and inside the scope alone."""

from pathlib import Path

from sqlmodel import Session

from indexer.knowledge.chosen import documents_named, documents_with, find_documents
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Document, now
from indexer.passages import Scope
from server.settings import ServerSettings
from tests.tiny_site import add_document

BOTH = Scope(frozenset({1, 2}))


def test_documents_are_found_as_they_are_named(settings: ServerSettings) -> None:
    engine = open_knowledge(settings)

    def add(root: str, path: str, title: str, collection: int) -> int:
        return add_document(engine, Path(root), path, title, [("paragraph", "Words.", 0, None)], collection)

    first = add("/a", "hr/leave.md", "Annual leave", 1)
    same = add("/b", "hr/leave.md", "Leave in Austria", 1)
    theirs = add("/c", "hr/leave.md", "Leave of directors", 2)
    gone = add("/a", "old.md", "Old leave", 1)
    with Session(engine) as session:
        session.get_one(Document, gone).deleted_at = now()
        session.commit()

    def ids(*names: int | str, scope: Scope = BOTH) -> dict[int | str, list[int]]:
        return {name: [one.id for one in found] for name, found in documents_named(engine, names, scope).items()}

    assert ids("hr/leave.md", first) == {"hr/leave.md": [first, same, theirs], first: [first]}
    mine = Scope(frozenset({1}))
    assert ids("hr/leave.md", theirs, gone, "old.md", 999, "nothing", scope=mine) == {
        "hr/leave.md": [first, same], theirs: [], gone: [], "old.md": [], 999: [], "nothing": [],
    }  # fmt: skip
    assert ids("hr/leave.md", scope=mine.choosing(frozenset({same}))) == {"hr/leave.md": [same]}
    assert [one.id for one in documents_with(engine, [theirs, first, 999, first], mine)] == [first]
    assert [one.name for one in find_documents(engine, "LEAVE", BOTH, 2)] == ["Annual leave", "Leave in Austria"]
    assert [one.id for one in find_documents(engine, "directors", mine, 9)] == []
