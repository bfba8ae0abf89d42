"""Deleting by hand: gone for every reader at once, back whole, and not back by itself."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select, update

from indexer.documents.reading import FailedFile, ReadFile, read_ahead
from indexer.documents.scan import ScannedFile, scan
from indexer.embed import ChunkVectors, EmbeddingInput
from indexer.errors import BusyError, UnsupportedFile
from indexer.ingest import ingest
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import writing
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.removal import known_files
from indexer.knowledge.runs import Report
from indexer.knowledge.tables import Chunk, Document, LedgerEntry
from indexer.knowledge.trash import DELETED, ask_again, delete_file, delete_files, purge, restore_file
from indexer.passages import Scope
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.word_embedder import WordEmbedder

NOW = timedelta(seconds=-1)  # keeps nothing, not even what was deleted in this very second
NOBODY = Scope(frozenset())

Run = Callable[..., Report]


@pytest.fixture
def run(settings: IndexerSettings, engine: Engine, embedder: WordEmbedder) -> Run:
    def run(*paths: Path, **options: object) -> Report:
        return ingest(paths, settings, engine, lambda: embedder, **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def docs(tmp_path: Path, run: Run) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.md").write_text(f"# Rule {number}\n\nLeave number {number} is granted.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 no")
    run(folder)
    return folder


def entry_id(engine: Engine, path: str) -> int:
    with Session(engine) as session:
        return session.exec(select(LedgerEntry.id).where(LedgerEntry.path == path)).one() or 0


def searched(engine: Engine, settings: IndexerSettings) -> int:
    """Passages that a server that starts now would search."""
    store = Store(engine, settings.index_path)
    store.load()
    return len(store)


def shown(engine: Engine, **query: object) -> set[str]:
    catalog = Catalog(engine)
    return {row.entry.path for row in catalog.files(FileQuery(**query), catalog.everything())}  # type: ignore[arg-type]


def test_deleted_is_gone_for_every_reader_and_back_whole(engine: Engine, settings: IndexerSettings, docs: Path) -> None:
    catalog = Catalog(engine)
    scope = catalog.everything()
    store = Store(engine, settings.index_path)
    store.follow()
    everything = store.chunk_ids()
    id_ = entry_id(engine, "2.md")
    document = next(row.document_id for row in catalog.files(FileQuery(search="2.md"), scope)) or 0

    delete_file(engine, id_, scope)
    store.follow()

    assert len(store) == len(everything) - 1 == searched(engine, settings)
    assert catalog.document(document, scope) is None
    assert catalog.collections(scope)[0].documents == 5
    assert "2.md" not in {entry.path for _, entry in catalog.ledger(scope)} | shown(engine)
    assert shown(engine, state="deleted") == {"2.md"}
    assert catalog.file_states(scope) == {"indexed": 5, "failed": 1, "deleted": 1}
    assert verify_index(settings, engine) == []

    assert restore_file(engine, id_, scope) is not None
    store.follow()

    assert store.chunk_ids() == everything
    assert catalog.document(document, scope) is not None
    assert shown(engine, state="deleted") == set()
    assert verify_index(settings, engine) == []


def test_an_ingest_brings_nothing_back_that_did_not_change(engine: Engine, docs: Path, run: Run) -> None:
    scope = Catalog(engine).everything()
    for path in ("2.md", "broken.pdf"):
        delete_file(engine, entry_id(engine, path), scope)
    os.utime(docs / "2.md")  # touched, not changed

    report = run(docs)

    skipped = {file.document: file.reason for file in report.files if file.state == "skipped"}
    assert set(skipped) == {"2.md", "broken.pdf"}
    assert "deleted by hand" in skipped["2.md"]
    assert shown(engine, state="deleted") == {"2.md", "broken.pdf"}


def test_nor_what_changed_between_a_run_s_walk_and_its_reading(
    engine: Engine, docs: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replaced just then, a file is read in its new version, while the ledger has the size and time of the old one."""

    def replaced(files: Sequence[ScannedFile], settings: IndexerSettings) -> Iterator[object]:
        (docs / "2.md").write_text("# Rule 2\n\nIt is longer than what the walk saw.")
        return read_ahead(files, settings)

    (docs / "2.md").write_text("# Rule 2\n\nShort.")
    with monkeypatch.context() as patch:
        patch.setattr("indexer.ingest.read_ahead", replaced)
        run(docs)
    with Session(engine) as session:
        assert "the walk saw" in session.exec(select(Document.text).where(Document.path == "2.md")).one()
    delete_file(engine, entry_id(engine, "2.md"), Catalog(engine).everything())
    run(docs)
    assert shown(engine, state="deleted") == {"2.md"}


def deleting(engine: Engine, path: str) -> None:
    delete_file(engine, entry_id(engine, path), Catalog(engine).everything())


class DeletingEmbedder(WordEmbedder):
    """Somebody deletes a file while it is embedded."""

    def __init__(self, engine: Engine, path: str) -> None:
        super().__init__()
        self._deleting = partial(deleting, engine, path)

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        self._deleting()
        return super().encode_chunks(chunks)


def read_by_older(engine: Engine, text: str | None = None) -> None:
    """As after the update to a reader that reads the same, or something other than `text`."""
    with Session(engine) as session:
        session.exec(update(LedgerEntry).values(reader=0))
        if text is not None:
            session.exec(update(Document).values(text=text))
        session.commit()


@pytest.mark.parametrize("stored", [None, "As it was read before."])
def test_what_is_deleted_while_a_run_reads_it_again_stays_away(
    engine: Engine, settings: IndexerSettings, docs: Path, run: Run, monkeypatch: pytest.MonkeyPatch, stored: str | None
) -> None:
    """By a newer reader, which finds the same words, or others, or none."""

    def read(files: Sequence[ScannedFile], settings: IndexerSettings) -> Iterator[ReadFile | FailedFile]:
        for path in ("2.md", "3.md"):
            deleting(engine, path)
        for one in read_ahead(files, settings):
            fails = isinstance(one, ReadFile) and one.file.path == "3.md"
            yield FailedFile(one.file, UnsupportedFile("No words."), one.read_ns, one.sha256) if fails else one

    read_by_older(engine, stored)
    monkeypatch.setattr("indexer.ingest.read_ahead", read)
    report = run(docs)
    assert {file.document for file in report.files if file.reason == DELETED} == {"2.md", "3.md"}
    assert shown(engine, state="deleted") == {"2.md", "3.md"}
    assert searched(engine, settings) == 4
    with Session(engine) as session:
        assert len(session.exec(select(Document)).all()) == 6, "both can be brought back"
    monkeypatch.undo()
    assert run(docs).counts["skipped"] == 2


def test_nor_does_what_is_deleted_while_it_is_embedded_come_back(
    engine: Engine, settings: IndexerSettings, docs: Path
) -> None:
    read_by_older(engine, "As it was read before.")
    report = ingest([docs], settings, engine, lambda: DeletingEmbedder(engine, "2.md"))  # type: ignore[arg-type]
    assert [file.document for file in report.files if file.reason == DELETED] == ["2.md"]
    assert shown(engine, state="deleted") == {"2.md"}
    assert searched(engine, settings) == 5


def test_a_new_version_of_a_file_that_is_deleted_meanwhile_is_read(
    engine: Engine, settings: IndexerSettings, docs: Path
) -> None:
    (docs / "2.md").write_text("# Rule 2\n\nThere is a new rule now.")
    ingest([docs], settings, engine, lambda: DeletingEmbedder(engine, "2.md"))  # type: ignore[arg-type]
    assert "2.md" in shown(engine, state="indexed")


def test_a_collection_that_is_removed_while_it_is_read_again_stays_away(
    engine: Engine, settings: IndexerSettings, docs: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(files: Sequence[ScannedFile], settings: IndexerSettings) -> Iterator[ReadFile | FailedFile]:
        scope = Catalog(engine).everything()
        delete_files(settings, engine, [file.entry_id for file in known_files(engine, scope)], scope, whole=True)
        return read_ahead(files, settings)

    read_by_older(engine, "As it was read before.")
    with monkeypatch.context() as patch:
        patch.setattr("indexer.ingest.read_ahead", read)
        run(docs)
    assert searched(engine, settings) == 0
    assert run(docs).counts["indexed"] == 6, "the folder is named again"


def test_what_is_to_be_read_again_and_is_deleted_before_stays_away(engine: Engine, docs: Path, run: Run) -> None:
    ask_again(engine, entry_id(engine, "2.md"), Catalog(engine).everything())
    deleting(engine, "2.md")
    run(docs / "2.md")
    assert shown(engine, state="deleted") == {"2.md"}


def test_a_deleted_file_that_the_disk_does_not_give_for_a_while_stays_away(
    engine: Engine, docs: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleting(engine, "2.md")

    def lost(*arguments: object, **named: object) -> Iterator[ScannedFile]:
        for file in scan(*arguments, **named):  # type: ignore[arg-type]
            yield ScannedFile(file.root, file.path, refusal="cannot be opened", lost=True) if "2" in file.path else file

    with monkeypatch.context() as patch:
        patch.setattr("indexer.ingest.scan", lost)
        run(docs)
    assert shown(engine, state="deleted") == {"2.md"}
    run(docs)
    assert shown(engine, state="deleted") == {"2.md"}


def test_a_file_that_changed_comes_back(engine: Engine, settings: IndexerSettings, docs: Path, run: Run) -> None:
    delete_file(engine, entry_id(engine, "2.md"), Catalog(engine).everything())
    (docs / "2.md").write_text("# Rule 2\n\nThere is a new rule now.")
    run(docs)
    assert "2.md" in shown(engine, state="indexed")
    assert searched(engine, settings) == 6


def test_a_changed_file_that_fails_does_not_bring_its_old_words_back(
    engine: Engine, settings: IndexerSettings, docs: Path, run: Run
) -> None:
    delete_file(engine, entry_id(engine, "2.md"), Catalog(engine).everything())
    (docs / "2.md").unlink()
    os.mkfifo(docs / "2.md")
    run(docs)
    assert searched(engine, settings) == 5
    assert not any("older version" in row.entry.reason for row in _rows(engine))


def _rows(engine: Engine) -> list[object]:
    catalog = Catalog(engine)
    return list(catalog.files(FileQuery(), catalog.everything()))


def test_purged_for_good_and_still_left_alone(engine: Engine, settings: IndexerSettings, docs: Path, run: Run) -> None:
    scope = Catalog(engine).everything()
    id_ = entry_id(engine, "2.md")
    delete_file(engine, id_, scope)

    assert purge(settings, engine) == 0  # too early
    assert purge(settings, engine, NOW) == 1
    assert purge(settings, engine, NOW) == 0

    with Session(engine) as session:
        assert session.exec(select(Document).where(Document.path == "2.md")).first() is None
        assert len(session.exec(select(Chunk)).all()) == 5
    assert (docs / "2.md").exists()
    run(docs)
    assert shown(engine, state="deleted") == {"2.md"}

    restored = restore_file(engine, id_, scope)
    assert restored is not None
    assert not restored[1]  # has to be read anew
    run(docs / "2.md")
    assert "2.md" in shown(engine, state="indexed")
    assert searched(engine, settings) == 6


def test_a_purge_removes_the_copy_of_an_upload(engine: Engine, settings: IndexerSettings, run: Run) -> None:
    folder = settings.uploads_path.resolve() / "mine"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("# A\n\nSome words.")
    run(folder / "a.md", collection="mine")
    delete_file(engine, entry_id(engine, "a.md"), Catalog(engine).everything())
    assert (folder / "a.md").exists()
    (folder / "a.md").unlink()  # a crash in the middle of an earlier purge
    assert purge(settings, engine, NOW) == 1
    assert _rows(engine) == []
    assert shown(engine, state="deleted") == set()


@pytest.mark.parametrize("text", ["Leave is 30 days.", "Leave is 25 days."])
def test_a_purge_leaves_a_newer_upload_of_the_name_to_be_read(
    engine: Engine, settings: IndexerSettings, run: Run, text: str
) -> None:
    folder = settings.uploads_path.resolve() / "handbook"
    folder.mkdir(parents=True)
    upload = folder / "leave.md"
    upload.write_text("Leave is 25 days.")
    os.utime(upload, (1_000_000_000, 1_000_000_000))
    run(folder)
    delete_file(engine, entry_id(engine, "leave.md"), Catalog(engine).everything())
    upload.write_text(text)  # acknowledged, and not read yet
    assert purge(settings, engine, NOW) == 1
    assert upload.read_text() == text
    assert run(folder).counts["indexed"] == 1
    assert shown(engine) == {"leave.md"}


def test_a_purge_removes_a_copy_that_the_ledger_has_with_an_older_time(
    engine: Engine, settings: IndexerSettings, run: Run
) -> None:
    folder = settings.uploads_path.resolve() / "handbook"
    folder.mkdir(parents=True)
    upload = folder / "leave.md"
    upload.write_text("Leave is 25 days.")
    run(folder)
    os.utime(upload, (1_000_000_000, 1_000_000_000))  # it was replaced while it was read
    delete_file(engine, entry_id(engine, "leave.md"), Catalog(engine).everything())
    assert purge(settings, engine, NOW) == 1
    assert not upload.exists()


def test_a_purge_waits_for_an_ingest(engine: Engine, settings: IndexerSettings, docs: Path) -> None:
    delete_file(engine, entry_id(engine, "2.md"), Catalog(engine).everything())
    with writing(settings), pytest.raises(BusyError):
        purge(settings, engine, NOW)


def test_what_one_may_not_read_one_may_not_change(engine: Engine, docs: Path) -> None:
    id_ = entry_id(engine, "2.md")
    assert delete_file(engine, id_, NOBODY) is None
    assert ask_again(engine, id_, NOBODY) is None
    assert "2.md" in shown(engine)
    delete_file(engine, id_, Catalog(engine).everything())
    assert restore_file(engine, id_, NOBODY) is None
    assert Catalog(engine).deleted_file(id_, NOBODY) is None
    assert shown(engine, state="deleted") == {"2.md"}


def test_a_file_that_is_asked_for_is_read_though_it_did_not_change(engine: Engine, docs: Path, run: Run) -> None:
    ask_again(engine, entry_id(engine, "2.md"), Catalog(engine).everything())
    assert [file.state for file in run(docs / "2.md").files] == ["indexed"]


def test_uploads_inside_a_folder_that_is_indexed_are_no_part_of_it(
    engine: Engine, settings: IndexerSettings, run: Run, tmp_path: Path
) -> None:
    """The data folder may lie inside the documents; both go into one collection without being there twice."""
    (tmp_path / "top.md").write_text("# Top\n\nWords on top.")
    folder = settings.uploads_path.resolve() / "all"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("# A\n\nSome words.")
    run(tmp_path, collection="all")
    run(folder / "a.md", collection="all")
    run(tmp_path, collection="all")
    assert shown(engine, state="indexed") == {"top.md", "a.md"}
    assert len(Catalog(engine).roots(Catalog(engine).everything())) == 2
