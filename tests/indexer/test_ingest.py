"""Folders to documents: real files, the real reading process, real SQLite; only the embedder counts words."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents.extract.document import blocks_from_json
from indexer.embed import Embedder
from indexer.errors import BusyError, FolderError, IndexMismatchError
from indexer.ingest import ingest
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.runs import Report
from indexer.knowledge.seen import mark_seen
from indexer.knowledge.tables import Change, Collection, Document, IngestRun, LedgerEntry, now
from indexer.passages import Scope
from indexer.rebuild import rebuild_index
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.word_embedder import WordEmbedder

LONG_AGO = 1_600_000_000_000_000_000  # nanoseconds
ROOT = Path(__file__).parents[2]

Run = Callable[..., Report]


@pytest.fixture
def run(settings: IndexerSettings, engine: Engine, embedder: WordEmbedder) -> Run:
    def run(*paths: Path, **options: object) -> Report:
        return ingest(paths, settings, engine, lambda: embedder, **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of six documents, all of them old."""
    folder = tmp_path / "docs"
    for number in range(6):
        write(folder / f"{number}.md", f"# Rule {number}\n\nLeave number {number} is granted. Ask first.")
    return folder


def write(path: Path, text: str, mtime_ns: int = LONG_AGO) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def not_opened() -> Embedder:
    raise AssertionError("the embedder was opened though there is nothing to embed")


def texts(engine: Engine) -> dict[str, str]:
    with Session(engine) as session:
        return {document.path: document.text for document in session.exec(select(Document))}


def states(report: Report) -> dict[str, str]:
    return {file.document: file.state for file in report.files}


def ledger(engine: Engine) -> dict[str, LedgerEntry]:
    with Session(engine) as session:
        return {entry.path: entry for entry in session.exec(select(LedgerEntry))}


# New, unchanged, changed, deleted


def test_a_folder_becomes_documents(run: Run, engine: Engine, docs: Path, settings: IndexerSettings) -> None:
    report = run(docs)
    assert report.counts == {"indexed": 6, "unchanged": 0, "removed": 0, "skipped": 0, "failed": 0, "needs_ocr": 0}
    assert verify_index(settings, engine) == []
    with Session(engine) as session:
        assert [c.name for c in session.exec(select(Collection))] == ["docs"]
        document = session.exec(select(Document).where(Document.path == "3.md")).one()
        assert document.title == "Rule 3"
        assert document.root == str(docs)
        headings = [b for b in blocks_from_json(document.blocks) if b.kind == "heading"]
        assert [document.text[b.start : b.end] for b in headings] == ["Rule 3"]
        (finished,) = session.exec(select(IngestRun)).all()
        assert finished.finished_at is not None
        assert (finished.total, finished.done) == (6, 6)


def test_an_unchanged_file_is_not_read_again(run: Run, engine: Engine, docs: Path, settings: IndexerSettings) -> None:
    run(docs)
    before = texts(engine)
    path = docs / "3.md"
    path.write_text("X" * path.stat().st_size)  # another content of the same size and time: only reading could tell
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    report = ingest([docs], settings, engine, not_opened)
    assert report.counts["unchanged"] == 6
    assert texts(engine) == before


def test_a_file_that_was_touched_but_is_the_same_is_not_embedded_again(
    run: Run, engine: Engine, docs: Path, settings: IndexerSettings
) -> None:
    run(docs)
    os.utime(docs / "3.md", ns=(LONG_AGO + 1, LONG_AGO + 1))
    assert ingest([docs], settings, engine, not_opened).counts["unchanged"] == 6
    assert ledger(engine)["3.md"].mtime_ns == LONG_AGO + 1


def test_a_file_that_changed_within_a_tick_of_its_time_stamp_is_noticed(run: Run, engine: Engine, docs: Path) -> None:
    just_now = time.time_ns()
    write(docs / "3.md", "Old words.", just_now)
    run(docs)
    write(docs / "3.md", "New words.", just_now)
    assert states(run(docs))["3.md"] == "indexed"
    assert texts(engine)["3.md"] == "New words."


def test_a_fresh_file_is_looked_at_only_until_its_time_stamp_is_old(run: Run, engine: Engine, docs: Path) -> None:
    write(docs / "3.md", "Fresh words.", time.time_ns())
    run(docs)
    with Session(engine) as session:  # as if it had been read long after it was written
        entry = session.exec(select(LedgerEntry).where(LedgerEntry.path == "3.md")).one()
        entry.mtime_ns -= 1
        session.commit()
    assert states(run(docs))["3.md"] == "unchanged"
    assert ledger(engine)["3.md"].mtime_ns == (docs / "3.md").stat().st_mtime_ns


def test_changed_files_replace_their_older_version(
    run: Run, engine: Engine, docs: Path, settings: IndexerSettings
) -> None:
    run(docs)
    with Session(engine) as session:
        id_ = session.exec(select(Document.id).where(Document.path == "3.md")).one()
    write(docs / "3.md", "# New\n\nOther words.", LONG_AGO + 1)
    report = run(docs)
    assert (report.counts["indexed"], report.counts["unchanged"]) == (1, 5)
    with Session(engine) as session:
        assert session.exec(select(Document.id).where(Document.path == "3.md")).one() == id_
    assert "Other words." in texts(engine)["3.md"]
    assert verify_index(settings, engine) == []


def test_deleted_files_go(run: Run, engine: Engine, docs: Path, settings: IndexerSettings) -> None:
    run(docs)
    (docs / "3.md").unlink()
    report = ingest([docs], settings, engine, not_opened)
    assert (report.counts["removed"], report.counts["unchanged"]) == (1, 5)
    assert "3.md" not in texts(engine)
    assert "3.md" not in ledger(engine)
    assert verify_index(settings, engine) == []


# The guard


def test_many_vanished_documents_stop_the_run(run: Run, engine: Engine, docs: Path) -> None:
    run(docs)
    for number in range(2):
        (docs / f"{number}.md").unlink()
    write(docs / "new.md", "New.")
    with pytest.raises(FolderError, match=r"2 of the collection's 6 documents .* --prune"):
        run(docs)
    assert len(texts(engine)) == 6
    report = run(docs, prune=True)
    assert (report.counts["removed"], report.counts["indexed"]) == (2, 1)
    assert len(texts(engine)) == 5


def test_a_folder_that_is_suddenly_empty(run: Run, engine: Engine, docs: Path) -> None:
    run(docs)
    for path in docs.iterdir():
        path.unlink()
    with pytest.raises(FolderError, match="mount it first"):
        run(docs)
    assert len(texts(engine)) == 6
    assert run(docs, prune=True).counts["removed"] == 6


def test_a_folder_that_cannot_be_read_any_more_keeps_its_documents(run: Run, engine: Engine, deep_path: Path) -> None:
    """As when a disk gives out: the folder is replaced by one whose path is too long to be opened."""
    name = "d" * 200
    docs = deep_path / "docs"
    deep = docs
    for _ in range((4_000 - len(str(docs))) // 201):
        deep = deep / name
    write(deep / "kept.md", "Kept words.")
    run(docs)
    kept = deep.relative_to(docs).as_posix() + "/kept.md"
    assert kept in texts(engine)
    longer = tmp_name(docs.parent, 4_200 - len(str(docs.parent)) - len(kept))
    docs.rename(longer / "docs")
    with Session(engine) as session:
        for row in (*session.exec(select(Document)), *session.exec(select(LedgerEntry))):
            row.root = str(longer / "docs")
        session.commit()
    report = run(longer / "docs")
    assert report.counts["failed"] == 1
    assert report.counts["removed"] == 0
    assert kept in texts(engine)


def tmp_name(parent: Path, length: int) -> Path:
    """A new folder whose path is that much longer than its parent's."""
    folder = parent
    while length > 1:
        part = min(length - 1, 200)
        folder = folder / ("l" * part)
        length -= part + 1
    folder.mkdir(parents=True)
    return folder


# Roots and collections


def test_single_files(run: Run, engine: Engine, docs: Path) -> None:
    assert states(run(docs / "3.md")) == {"3.md": "indexed"}
    assert texts(engine).keys() == {"3.md"}
    assert states(run(docs))["3.md"] == "unchanged"
    write(docs / "4.md", "Changed.", LONG_AGO + 1)
    assert states(run(docs / "4.md")) == {"4.md": "indexed"}
    assert len(texts(engine)) == 6


def test_nested_roots_leave_nothing_behind(run: Run, engine: Engine, docs: Path) -> None:
    inner = write(docs / "sub" / "a.md", "Inner.").parent
    run(docs, collection="all")
    for collection in ("all", "fresh"):
        with pytest.raises(FolderError):
            run(*([inner] if collection == "all" else [docs, inner]), collection=collection)
    with Session(engine) as session:
        assert [c.name for c in session.exec(select(Collection))] == ["all"]
    with pytest.raises(FolderError):
        run(docs.parent, collection="all")


def test_the_same_folder_in_two_collections(run: Run, engine: Engine, docs: Path, settings: IndexerSettings) -> None:
    run(docs, collection="one")
    assert run(docs, collection="two").counts["indexed"] == 6
    (docs / "3.md").unlink()
    run(docs, collection="two")
    catalog = Catalog(engine)
    counted = {c.name: c.documents for c in catalog.collections(catalog.everything())}
    assert counted == {"one": 6, "two": 5}
    assert verify_index(settings, engine) == []


def test_two_roots_in_one_collection_keep_equal_paths_apart(run: Run, engine: Engine, tmp_path: Path) -> None:
    one, other = (write(tmp_path / name / "a.md", f"From {name}.").parent for name in ("one", "other"))
    run(one, other, collection="both")
    with Session(engine) as session:
        assert {document.text for document in session.exec(select(Document))} == {"From one.", "From other."}
    assert run(one, collection="both").counts["removed"] == 0


def test_a_folder_that_does_not_exist(run: Run, engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="There is no file or folder"):
        run(tmp_path / "missing")
    with Session(engine) as session:
        assert session.exec(select(Collection)).all() == []


def test_docents_own_data_is_not_indexed(run: Run, settings: IndexerSettings, docs: Path) -> None:
    write(settings.data / "note.md", "Nobody asked for this.")
    found = states(run(settings.data.parent))
    assert found["data/"] == "skipped"
    assert found["docs/3.md"] == "indexed"


# Names, links and files that cannot be read


def test_every_file_ends_in_the_ledger(run: Run, engine: Engine, docs: Path, settings: IndexerSettings) -> None:
    names = ["with space.md", "line\nbreak.md", "🙂.md"]
    for name in names:
        write(docs / name, f"Words of {name!r}.")
    write(docs / ".hidden.md", "Hidden.")
    write(docs / "program.exe", "MZ")
    write(docs / "broken.docx", "this is no zip")
    write(docs / "empty.md", "")
    Path(os.fsdecode(os.fsencode(docs) + b"/\xff.md")).write_text("Bytes.")
    (docs / "loop").symlink_to(docs)
    (docs / "out.md").symlink_to(write(docs.parent / "secret.md", "Secret."))
    report = run(docs)
    found = states(report)
    assert all(found[name] == "indexed" for name in names)
    refused = (".hidden.md", "program.exe", "empty.md", "\\udcff.md", "loop/", "out.md")
    assert all(found[name] == "skipped" for name in refused)
    assert found["broken.docx"] == "failed"
    assert all(file.reason for file in report.files if file.state != "indexed")
    assert ledger(engine).keys() == found.keys()
    assert "Secret." not in "".join(texts(engine).values())
    again = run(docs)
    assert (again.counts["indexed"], again.counts["unchanged"]) == (0, 9)
    assert {n: s for n, s in states(again).items() if s != "unchanged"} == {
        n: s for n, s in found.items() if s != "indexed"
    }
    assert verify_index(settings, engine) == []


def test_a_failed_file_keeps_its_older_version_and_says_so(run: Run, engine: Engine, docs: Path) -> None:
    minutes = docs / "minutes.csv"
    write(minutes, "name,days\nAnna,30\n")
    run(docs)
    before = texts(engine)["minutes.csv"]
    minutes.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(range(256)) * 20)
    os.utime(minutes, ns=(LONG_AGO + 1, LONG_AGO + 1))
    report = run(docs)
    (file,) = [file for file in report.files if file.document == "minutes.csv"]
    assert file.state == "failed"
    assert "its older version stays searchable" in file.reason
    assert texts(engine)["minutes.csv"] == before
    assert ledger(engine)["minutes.csv"].chunks > 0
    assert states(run(docs))["minutes.csv"] == "failed"
    write(minutes, "name,days\nAnna,31\n", LONG_AGO + 2)
    assert states(run(docs))["minutes.csv"] == "indexed"
    assert "31" in texts(engine)["minutes.csv"]


def test_a_failure_stays_seen_until_the_file_fails_otherwise(run: Run, engine: Engine, docs: Path) -> None:
    def seen() -> bool:
        return ledger(engine)["minutes.csv"].seen_at is not None

    def mark() -> int:
        return mark_seen(engine, failed, ledger(engine)["minutes.csv"].updated_at, Scope(frozenset({1})))

    failed = FileQuery(search="minutes.csv")
    minutes = docs / "minutes.csv"
    write(minutes, "name,days\nAnna,30\n")
    run(docs)
    minutes.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(range(256)) * 20)
    run(docs)
    assert not seen()
    before = ledger(engine)["minutes.csv"]
    run(docs)  # failed files are tried again by every run
    assert mark_seen(engine, failed, before.updated_at, Scope(frozenset({1}))) == 0  # that one was not shown
    assert mark_seen(engine, failed, now(), Scope(frozenset())) == 0
    assert (mark(), mark()) == (1, 0)
    run(docs)
    assert seen()
    minutes.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(range(256)) * 21)
    run(docs)
    assert not seen()
    mark()
    write(minutes, "name,days\nAnna,30\n")
    run(docs)
    assert ledger(engine)["minutes.csv"].state == "indexed"
    assert not seen()


def test_a_file_that_becomes_empty_loses_its_document(
    run: Run, engine: Engine, docs: Path, settings: IndexerSettings
) -> None:
    run(docs)
    write(docs / "3.md", "", LONG_AGO + 1)
    assert states(run(docs))["3.md"] == "skipped"
    assert "3.md" not in texts(engine)
    assert verify_index(settings, engine) == []


def test_a_file_too_large_is_read_once_it_may_be(
    run: Run, engine: Engine, docs: Path, settings: IndexerSettings
) -> None:
    write(docs / "large.txt", "Large words. " * 85_000)
    settings.max_file_mb = 1
    assert states(run(docs))["large.txt"] == "skipped"
    assert states(run(docs))["large.txt"] == "skipped"
    settings.max_file_mb = 64
    assert states(run(docs))["large.txt"] == "indexed"


# Two runs, another model


def test_two_runs_at_once(run: Run, docs: Path, settings: IndexerSettings, engine: Engine) -> None:
    with FileLock(settings.data / "ingest.lock"), pytest.raises(BusyError, match="Wait until it has finished"):
        run(docs)
    assert texts(engine) == {}
    assert run(docs).counts["indexed"] == 6


def test_another_model_is_refused_and_rebuild_mends_it(
    run: Run, docs: Path, settings: IndexerSettings, engine: Engine
) -> None:
    run(docs)
    other = settings.model_copy(update={"chunk_tokens": 64})
    with pytest.raises(IndexMismatchError, match="indexer rebuild"):
        ingest([docs], other, engine, not_opened)
    embedder = WordEmbedder()
    outcome = rebuild_index(other, engine, embedder)
    assert outcome.documents == 6
    assert ingest([docs], other, engine, not_opened).counts["unchanged"] == 6
    assert verify_index(other, engine) == []
    assert sum(entry.chunks for entry in ledger(engine).values()) == outcome.chunks
    with pytest.raises(IndexMismatchError):
        ingest([docs], settings, engine, not_opened)


class LongerEmbedder(WordEmbedder):
    """Another model in the folder of the old one."""

    @property
    def dimension(self) -> int:
        return 2 * super().dimension


def test_a_model_of_the_same_name_with_longer_vectors_is_refused(
    run: Run, docs: Path, settings: IndexerSettings, engine: Engine
) -> None:
    run(docs)
    write(docs / "3.md", "Changed.", LONG_AGO + 1)
    with pytest.raises(IndexMismatchError, match="vectors of length 64, but 128"):
        ingest([docs], settings, engine, LongerEmbedder)
    assert texts(engine)["3.md"] != "Changed."


def test_an_interrupted_run_is_closed_by_the_next(run: Run, docs: Path, engine: Engine) -> None:
    run(docs)
    with Session(engine) as session:
        session.add(IngestRun(collection_id=1, total=3))
        session.commit()
    run(docs)
    catalog = Catalog(engine)
    assert catalog.running(catalog.everything()) == []


def test_a_failing_embedder_leaves_what_was_there(
    run: Run, docs: Path, settings: IndexerSettings, engine: Engine
) -> None:
    run(docs)
    before = texts(engine)
    write(docs / "3.md", "Changed.", LONG_AGO + 1)

    class Failing(WordEmbedder):
        def encode_chunks(self, chunks: object) -> list[object]:  # type: ignore[override]
            raise MemoryError

    with pytest.raises(MemoryError):
        ingest([docs], settings, engine, Failing)  # type: ignore[arg-type]
    assert texts(engine) == before
    assert run(docs).counts["indexed"] == 1


def test_every_change_is_announced_once(run: Run, docs: Path, engine: Engine) -> None:
    run(docs)
    (docs / "0.md").unlink()
    write(docs / "1.md", "Changed.", LONG_AGO + 1)
    run(docs)
    run(docs)
    with Session(engine) as session:
        operations = [change.operation for change in session.exec(select(Change))]
    assert operations == ["put"] * 6 + ["delete", "put"]


PROBE = """
import sys
sys.argv = ["indexer", "ingest", sys.argv[1], "--json"]
from indexer.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
heavy = {"torch", "sentence_transformers", "transformers", "alembic"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_run_with_nothing_new_imports_no_torch(run: Run, docs: Path, settings: IndexerSettings) -> None:
    run(docs)
    environment = {**os.environ, "DOCENT_DATA": str(settings.data)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(docs)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr[-500:] if done.returncode else "") == (0, "")
    assert '"unchanged": 6' in done.stdout
