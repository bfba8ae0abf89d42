"""Files that were sent and are not read yet: they are listed, they can be cancelled until they are read, not later."""

import os
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer import ingest as ingest_module
from indexer.documents.scan import ScannedFile
from indexer.ingest import ingest
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.sent import SentFile, cancel_sent, enter_sent, make_collection
from indexer.knowledge.tables import Document, LedgerEntry, now
from indexer.knowledge.trash import purge, restore_together
from indexer.passages import Scope
from indexer.settings import IndexerSettings
from tests.indexer.knowledge.test_trash import NOW
from tests.word_embedder import WordEmbedder


class Sending:
    """A folder of uploads, whose files are entered as the page does."""

    def __init__(self, settings: IndexerSettings, engine: Engine, embedder: WordEmbedder) -> None:
        self.settings, self.engine, self.embedder = settings, engine, embedder
        self.folder = settings.uploads_path.resolve() / "papers"
        self.folder.mkdir(parents=True)
        self.collection = make_collection(engine, "papers")
        self.catalog = Catalog(engine)

    def send(self, name: str, words: str = "# Words\n\nThese are some words.", refusal: str = "") -> None:
        if not refusal:
            (self.folder / name).write_text(words)
        enter_sent(self.engine, self.collection, self.folder, [SentFile(name, len(words), refusal)])

    def entry(self, name: str) -> LedgerEntry:
        with Session(self.engine) as session:
            return session.exec(select(LedgerEntry).where(LedgerEntry.path == name)).one()

    def cancel(self, *names: str, scope: Scope | None = None) -> int:
        ids = [self.entry(name).id or 0 for name in names]
        return cancel_sent(self.engine, ids, scope or self.catalog.everything(), now())

    def read(self, *names: str) -> dict[str, str]:
        paths = [self.folder / name for name in names] or [self.folder]
        report = ingest(paths, self.settings, self.engine, lambda: self.embedder, "papers")
        return {file.document: file.state for file in report.files}

    def documents(self) -> set[str]:
        with Session(self.engine) as session:
            return set(session.exec(select(Document.path)))


@pytest.fixture
def sending(settings: IndexerSettings, engine: Engine, embedder: WordEmbedder) -> Sending:
    return Sending(settings, engine, embedder)


def test_what_was_sent_is_listed_found_counted_and_then_read(sending: Sending) -> None:
    sending.send("a.md")
    sending.send("photo.heic", refusal="Files of type .heic are not read.")
    catalog = sending.catalog
    scope = catalog.everything()
    assert catalog.file_states(scope) == {"waiting": 1, "skipped": 1}
    assert catalog.file_states(scope, FileQuery(search="photo")) == {"skipped": 1}
    assert [row.entry.path for row in catalog.files(FileQuery(state="waiting"), scope)] == ["a.md"]
    assert sending.read() == {"a.md": "indexed"}
    assert sending.entry("a.md").state == "indexed"


def test_what_was_cancelled_is_read_by_no_run_and_removed(sending: Sending) -> None:
    sending.send("a.md")
    sending.send("b.md")
    assert sending.cancel("a.md") == 1
    for _ in range(2):
        assert sending.read("a.md", "b.md")["a.md"] == "skipped"
        assert sending.read()["a.md"] == "skipped"
    assert sending.documents() == {"b.md"}
    purge(sending.settings, sending.engine, NOW)
    assert [path.name for path in sending.folder.iterdir()] == ["b.md"]


def test_it_is_cancelled_while_it_is_read(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run looks in the transaction in which it would commit the document."""
    sending.send("a.md")
    real = ingest_module.put_document

    def commit_of_another(*args: object) -> None:
        raise AssertionError("it was committed")

    read_ahead = ingest_module.read_ahead

    def read_and_cancel(files: list[ScannedFile], settings: IndexerSettings) -> object:
        for found in read_ahead(files, settings):
            assert sending.cancel("a.md") == 1
            yield found

    monkeypatch.setattr(ingest_module, "read_ahead", read_and_cancel)
    monkeypatch.setattr(ingest_module, "put_document", commit_of_another)
    assert sending.read("a.md") == {"a.md": "skipped"}
    monkeypatch.setattr(ingest_module, "put_document", real)
    assert sending.documents() == set()


def test_a_cancel_that_comes_too_late_changes_nothing(sending: Sending) -> None:
    sending.send("a.md")
    sending.read("a.md")
    assert sending.cancel("a.md") == 0
    assert (sending.entry("a.md").deleted_at, sending.documents()) == (None, {"a.md"})


def test_nobody_cancels_what_they_may_not_read(sending: Sending) -> None:
    sending.send("a.md")
    assert sending.cancel("a.md", scope=Scope(frozenset())) == 0


def test_what_was_cancelled_can_be_brought_back_and_is_then_read(sending: Sending) -> None:
    sending.send("a.md")
    moment = now()
    cancel_sent(sending.engine, [sending.entry("a.md").id or 0], sending.catalog.everything(), moment)
    count, unread = restore_together(sending.engine, moment, sending.catalog.everything())
    assert (count, [entry.path for entry in unread]) == (1, ["a.md"])
    assert sending.read("a.md") == {"a.md": "indexed"}


def test_one_that_is_sent_again_after_it_was_cancelled_is_read(sending: Sending) -> None:
    sending.send("a.md")
    sending.cancel("a.md")
    sending.send("a.md")
    assert sending.read("a.md") == {"a.md": "indexed"}


def test_a_newer_version_leaves_the_older_one_listed_until_it_is_read(sending: Sending) -> None:
    sending.send("a.md")
    sending.read("a.md")
    os.utime(sending.folder / "a.md", (1, 1))
    sending.send("a.md", "# Other\n\nOther words.")
    assert sending.entry("a.md").state == "indexed"
    sending.send("a.md", refusal="The file is empty.")
    assert sending.entry("a.md").reason == ""
    assert sending.read("a.md") == {"a.md": "indexed"}


def test_what_was_deleted_and_is_sent_again_is_read_though_it_is_the_same(sending: Sending, tmp_path: Path) -> None:
    sending.send("a.md")
    sending.read("a.md")
    with Session(sending.engine) as session:
        entry = session.exec(select(LedgerEntry)).one()
        entry.deleted_at = now()
        session.commit()
    sending.send("a.md")
    assert sending.read("a.md") == {"a.md": "indexed"}
