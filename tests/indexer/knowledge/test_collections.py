"""Collections as a whole: a new name, and files that go to another one, found there at once and nowhere else."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.ingest import ingest
from indexer.knowledge import collections
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.collections import move_files, move_folders, rename_collection
from indexer.knowledge.sent import SentFile, enter_sent, make_collection
from indexer.knowledge.tables import Collection, Document, LedgerEntry
from indexer.knowledge.trash import delete_files, restore_together
from indexer.passages import Scope
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.word_embedder import WordEmbedder


class Library:
    """Two collections of uploads, "a" with three files and "b" with one, and a folder of somebody's own in "a"."""

    def __init__(self, settings: IndexerSettings, engine: Engine, embedder: WordEmbedder, tmp_path: Path) -> None:
        self.settings, self.engine = settings, engine
        self.folders = {name: settings.uploads_path.resolve() / name for name in "ab"}
        self.own = tmp_path / "own"
        self.own.mkdir()
        (self.own / "house.md").write_text("# House\n\nThe house has a door.")
        for folder in self.folders.values():
            folder.mkdir(parents=True)
        for number in range(3):
            (self.folders["a"] / f"{number}.md").write_text(f"# Rule {number}\n\nLeave number {number} is granted.")
        (self.folders["b"] / "0.md").write_text("# Other\n\nAnother rule stands here.")
        for paths, name in (([self.folders["a"], self.own], "a"), ([self.folders["b"]], "b")):
            ingest(paths, settings, engine, lambda: embedder, name)
        self.catalog = Catalog(engine)
        self.store = Store(engine, settings.index_path)
        self.store.follow()

    @property
    def scope(self) -> Scope:
        return self.catalog.everything()

    def id(self, name: str) -> int:
        return next(id_ for id_, called in self.catalog.names(self.scope).items() if called == name)

    def entries(self, name: str) -> dict[str, int]:
        with Session(self.engine) as session:
            found = session.exec(select(LedgerEntry).where(LedgerEntry.collection_id == self.id(name)))
            return {entry.path: entry.id or 0 for entry in found if entry.deleted_at is None}

    def searched(self, name: str) -> int:
        """Passages that a search of the collection looks at."""
        return int(self.store.view(Scope(frozenset({self.id(name)}))).mask.sum())

    def move(self, *paths: str) -> collections.Moved:
        ids = [self.entries("a")[path] for path in paths]
        return move_files(self.settings, self.engine, ids, self.scope, self.id("b"), self.folders["b"])


@pytest.fixture
def library(settings: IndexerSettings, engine: Engine, embedder: WordEmbedder, tmp_path: Path) -> Library:
    return Library(settings, engine, embedder, tmp_path)


def test_files_are_found_in_the_other_collection_at_once_and_keep_their_ids(library: Library) -> None:
    with Session(library.engine) as session:
        before = session.exec(select(Document.id).where(Document.path == "1.md")).one()
    searched = library.searched("a"), library.searched("b")
    done = library.move("1.md", "2.md")
    assert (done.moved, done.same_name, done.in_folder, done.unread) == (2, (), (), ())
    library.store.follow()
    assert (library.searched("a"), library.searched("b")) == (searched[0] - 2, searched[1] + 2)
    with Session(library.engine) as session:
        document = session.exec(select(Document).where(Document.path == "1.md")).one()
    assert (document.id, document.collection_id) == (before, library.id("b"))
    assert (Path(document.root) / document.path).read_text().startswith("# Rule 1")
    assert not (library.folders["a"] / "1.md").exists()
    assert verify_index(library.settings, library.engine) == []


def test_what_cannot_go_stays_and_is_named(library: Library) -> None:
    enter_sent(library.engine, library.id("a"), library.folders["a"], [SentFile("new.md", 3)])
    done = library.move("0.md", "house.md", "new.md", "1.md")
    assert (done.moved, done.same_name, done.in_folder, done.unread) == (1, ("0.md",), ("house.md",), ("new.md",))
    assert set(library.entries("a")) == {"0.md", "2.md", "house.md", "new.md"}
    assert (library.folders["b"] / "0.md").read_text().startswith("# Other")


def test_an_ingest_after_a_move_reads_nothing_and_removes_nothing(library: Library, embedder: WordEmbedder) -> None:
    library.move("1.md")
    for name in "ab":
        report = ingest([library.folders[name]], library.settings, library.engine, lambda: embedder, name)
        assert {file.state for file in report.files} == {"unchanged"}


def test_a_disk_that_refuses_moves_nothing_halfway(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "2.md" and self.parent.name == "a":
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        library.move("1.md", "2.md")
    assert set(library.entries("a")) == {"0.md", "1.md", "2.md", "house.md"}
    assert sorted(path.name for path in library.folders["a"].iterdir()) == ["0.md", "1.md", "2.md"]


def test_folders_go_as_a_whole_or_not_at_all(library: Library, embedder: WordEmbedder) -> None:
    assert move_folders(library.settings, library.engine, library.id("a"), library.id("b")) == 1
    library.store.follow()
    assert set(library.entries("b")) == {"0.md", "house.md"}
    report = ingest([library.own], library.settings, library.engine, lambda: embedder, "b")
    assert [file.state for file in report.files] == ["unchanged"]
    inside = library.own / "inside"
    inside.mkdir()
    (inside / "x.md").write_text("# X\n\nWords.")
    ingest([inside], library.settings, library.engine, lambda: embedder, "c")
    assert move_folders(library.settings, library.engine, library.id("b"), library.id("c")) is None
    assert set(library.entries("b")) == {"0.md", "house.md"}


def test_a_name_is_changed_only_where_it_is_still_the_old_one_and_free(library: Library) -> None:
    a = library.id("a")
    assert rename_collection(library.engine, a, "a", "b") == "taken"
    assert rename_collection(library.engine, a, "z", "c") == "changed"
    assert rename_collection(library.engine, 99, "a", "c") == "gone"
    assert rename_collection(library.engine, a, "a", "<b>c") == "renamed"
    assert library.catalog.names(library.scope)[a] == "<b>c"


def test_a_collection_that_holds_nothing_gives_its_name_away(library: Library) -> None:
    ids = list(library.entries("b").values())
    delete_files(library.settings, library.engine, ids, library.scope, whole=True)
    assert list(library.catalog.in_use(library.scope).values()) == ["a"]
    assert rename_collection(library.engine, library.id("a"), "a", "b") == "renamed"
    with Session(library.engine) as session:
        names = set(session.exec(select(Collection.name)))
        moment = session.exec(select(LedgerEntry.deleted_at).where(LedgerEntry.id == ids[0])).one()
    assert len(names) == 2
    assert moment is not None
    count, unread = restore_together(library.engine, moment, library.scope)
    assert (count, unread) == (1, [])
    assert len(library.catalog.in_use(library.scope)) == 2


def test_the_collection_of_a_name_is_made_once(engine: Engine) -> None:
    assert make_collection(engine, "new") == make_collection(engine, "new")
