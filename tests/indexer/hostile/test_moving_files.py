"""A folder that changes while it is read: what moved, vanished or grew is told as that, and the next run is right."""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents import reading, scan
from indexer.documents.process import Reader
from indexer.documents.reading import file_sha256
from indexer.documents.wire import CutDocument
from indexer.errors import FolderError, UnsupportedFile
from indexer.ingest import Report, ingest
from indexer.knowledge.tables import Document, LedgerEntry
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.word_embedder import WordEmbedder

LONG_AGO = 1_600_000_000_000_000_000  # nanoseconds
FILES = 10

Run = Callable[[], Report]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(FILES):
        write(folder / f"{number}.md", f"Rule {number} grants leave.")
    return folder


@pytest.fixture
def run(docs: Path, settings: IndexerSettings, engine: Engine) -> Iterator[Run]:
    """A run over the folder; at the end of a test one more, undisturbed, after which all is as it should be."""
    yield lambda: ingest([docs], settings, engine, WordEmbedder)
    if docs.is_dir():
        last = ingest([docs], settings, engine, WordEmbedder, prune=True)
        assert last.counts["failed"] == 0
        with Session(engine) as session:
            there = {
                document.path: document.text
                for document in session.exec(select(Document))
                if document.deleted_at is None
            }
        assert there == {path.relative_to(docs).as_posix(): path.read_text() for path in docs.rglob("*.md")}
        with Session(engine) as session:
            entries = {entry.path: entry.state for entry in session.exec(select(LedgerEntry))}
        assert entries == dict.fromkeys(there, "indexed")
        assert verify_index(settings, engine) == []
        assert ingest([docs], settings, engine, WordEmbedder).counts["unchanged"] == len(there)


def write(path: Path, text: str, mtime_ns: int = LONG_AGO) -> None:
    path.write_text(text)
    os.utime(path, ns=(mtime_ns, mtime_ns))


def outcome(report: Report, name: str) -> tuple[str, str]:
    (file,) = [file for file in report.files if file.document == name]
    return file.state, file.reason


def before_reading(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[Path], object]) -> None:
    """`act` runs once, after the checksum of the file was taken and before its bytes are read."""
    read, done = Reader.read, []

    def disturbed(self: Reader, path: Path) -> CutDocument:
        if path.name == name and not done:
            done.append(path)
            act(path)
        return read(self, path)

    monkeypatch.setattr(Reader, "read", disturbed)


def after_the_walk(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """`act` runs once, between the walk over the folder and the reading of its files."""
    read_ahead = reading.read_ahead

    def disturbed(*arguments: object) -> object:
        act()
        monkeypatch.setattr("indexer.ingest.read_ahead", read_ahead)
        return read_ahead(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("indexer.ingest.read_ahead", disturbed)


MOVED = ("skipped", "It was moved or deleted while it was read.")
KEPT = ("skipped", "It was moved or deleted while it was read. (its older version stays searchable)")
WRITTEN = ("skipped", "It was being written while it was read. The next run reads it.")


@pytest.mark.parametrize("act", [Path.unlink, lambda path: path.rename(path.with_name("moved.md"))])
def test_a_new_file_that_goes_away_is_no_failure(
    run: Run, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], object]
) -> None:
    before_reading(monkeypatch, "3.md", act)
    report = run()
    assert outcome(report, "3.md") == MOVED
    assert (report.counts["failed"], report.counts["indexed"]) == (0, FILES - 1)


def test_before_its_checksum_too(run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    after_the_walk(monkeypatch, (docs / "3.md").unlink)
    assert outcome(run(), "3.md") == MOVED


def test_a_file_that_comes_back_as_it_was_is_read(run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size, time and checksum are those of the run that did not find it."""
    before_reading(monkeypatch, "3.md", lambda path: path.rename(docs.parent / "away.md"))
    assert outcome(run(), "3.md") == MOVED
    (docs.parent / "away.md").rename(docs / "3.md")
    assert outcome(run(), "3.md")[0] == "indexed"


def test_a_changed_file_that_goes_away_keeps_its_older_version_until_the_next_run(
    run: Run, docs: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    write(docs / "3.md", "A newer rule.", LONG_AGO + 1)
    before_reading(monkeypatch, "3.md", Path.unlink)
    assert outcome(run(), "3.md") == KEPT
    with Session(engine) as session:
        assert session.exec(select(Document.text).where(Document.path == "3.md")).one() == "Rule 3 grants leave."
    again = run()
    assert (again.counts["removed"], again.counts["unchanged"]) == (1, FILES - 1)


def test_a_disk_that_goes_away_is_a_failure_and_loses_nothing(
    run: Run, docs: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    for number in range(FILES):
        write(docs / f"{number}.md", "A newer rule.", LONG_AGO + 1)
    after_the_walk(monkeypatch, lambda: docs.rename(docs.with_name("unmounted")))
    report = run()
    assert report.counts["failed"] == FILES
    assert "docs is not there any more. If a disk is not mounted, mount it." in outcome(report, "3.md")[1]
    docs.with_name("unmounted").rename(docs)
    with Session(engine) as session:
        assert len(session.exec(select(Document)).all()) == FILES


def half_a_file(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(range(256)))


def test_a_file_that_is_being_written_is_no_failure(run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before_reading(monkeypatch, "3.md", half_a_file)
    assert outcome(run(), "3.md") == WRITTEN
    write(docs / "3.md", "Written whole.")


def test_a_damaged_file_that_holds_still_is_a_failure(run: Run, docs: Path) -> None:
    half_a_file(docs / "3.md")
    state, reason = outcome(run(), "3.md")
    assert (state, "binary data" in reason) == ("failed", True)
    write(docs / "3.md", "Written whole.")


def test_a_file_that_is_emptied_while_it_is_read(run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    write(docs / "3.md", "A newer rule.", LONG_AGO + 1)
    before_reading(monkeypatch, "3.md", lambda path: path.write_bytes(b""))
    assert outcome(run(), "3.md") == (WRITTEN[0], f"{WRITTEN[1]} (its older version stays searchable)")
    write(docs / "3.md", "Written whole.")


def test_a_file_that_is_replaced_between_checksum_and_reading(
    run: Run, docs: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words are the newer ones, the checksum is the older one's: the next run reads it again."""
    before_reading(monkeypatch, "3.md", lambda path: write(path, "A newer rule.", LONG_AGO + 1))
    assert outcome(run(), "3.md")[0] == "indexed"
    assert outcome(run(), "3.md")[0] == "indexed"
    assert outcome(run(), "3.md")[0] == "unchanged"


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe_instead(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("act", [folder_instead, pipe_instead])
def test_what_takes_the_place_of_a_file_is_not_waited_for(
    run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], None]
) -> None:
    before_reading(monkeypatch, "3.md", act)
    after_the_walk(monkeypatch, lambda: act(docs / "4.md"))
    report = run()
    assert (report.counts["failed"], report.counts["indexed"]) == (0, FILES - 2)
    assert outcome(report, "3.md") == WRITTEN
    for name in ("3.md", "4.md"):
        path = docs / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_a_pipe_has_no_checksum(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        file_sha256(tmp_path / "pipe")


def test_a_file_that_grows_for_ever_has_an_end(settings: IndexerSettings, tmp_path: Path) -> None:
    """A writer is always ahead of who reads."""
    growing, ended = tmp_path / "log.txt", threading.Event()
    growing.write_bytes(b"")

    def grow() -> None:
        with growing.open("ab", buffering=0) as stream:
            while not ended.is_set() and stream.tell() < 1 << 30:
                stream.write(b"one more line\n" * 5_000)
                if stream.tell() > 3 << 20:
                    time.sleep(0.0005)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        while growing.stat().st_size < 2 << 20:
            time.sleep(0.001)
        assert len(file_sha256(growing)) == 64
        small = settings.model_copy(update={"max_file_mb": 1})
        with Reader(small) as reader, pytest.raises(UnsupportedFile, match="more than the 1 MB that are read"):
            reader.read(growing)
    finally:
        ended.set()
        writer.join()


def test_a_file_that_outgrows_its_limit_while_it_is_read(
    run: Run, docs: Path, settings: IndexerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.max_file_mb = 1
    before_reading(monkeypatch, "3.md", lambda path: path.write_text("word " * 300_000))
    for _ in range(2):
        state, reason = outcome(run(), "3.md")
        assert (state, "more than the 1 MB that are read" in reason) == ("skipped", True)
    write(docs / "3.md", "Written whole.")


def test_a_file_of_another_kind_is_told_as_that_though_it_grows(
    run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "server.log").write_text("line\n")
    check = reading.check_file

    def disturbed(path: Path, max_file_mb: int) -> None:
        with (docs / "server.log").open("a") as stream:
            stream.write("line\n")
        check(path, max_file_mb)

    monkeypatch.setattr(reading, "check_file", disturbed)
    assert outcome(run(), "server.log") == ("skipped", "Files of type .log are not read.")
    (docs / "server.log").unlink()


def test_a_file_that_goes_away_during_the_walk(run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "folder").mkdir()
    write(docs / "folder" / "inside.md", "Inside.")
    run()
    entries = scan._entries

    def disturbed(folder: Path) -> object:
        if folder == docs:
            found = entries(folder)
            (docs / "3.md").unlink()
            (docs / "folder").rename(docs / "other")
            monkeypatch.setattr(scan, "_entries", entries)
            return found
        return entries(folder)

    monkeypatch.setattr(scan, "_entries", disturbed)
    report = run()
    assert report.counts["failed"] == report.counts["removed"] == 0
    why = "moved or deleted while the folder was looked at"
    assert outcome(report, "folder/") == ("skipped", why)
    assert outcome(report, "3.md") == ("skipped", f"{why} (its older version stays searchable)")


def test_a_folder_that_goes_away_during_its_walk_stops_the_run(
    run: Run, docs: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    entries = scan._entries

    def disturbed(folder: Path) -> object:
        found = entries(folder)
        docs.rename(docs.with_name("unmounted"))
        monkeypatch.setattr(scan, "_entries", entries)
        return found

    monkeypatch.setattr(scan, "_entries", disturbed)
    with pytest.raises(FolderError, match=r"is not there any more\. .* mount it"):
        run()
    docs.with_name("unmounted").rename(docs)
    with Session(engine) as session:
        assert len(session.exec(select(Document)).all()) == FILES


def test_twins_by_case_and_normal_form_are_apart(run: Run, docs: Path, engine: Engine) -> None:
    twins = ["caf\u00e9.md", "cafe\u0301.md", "A.md", "a.md"]
    for name in twins:
        write(docs / name, f"Words of {name.encode()!r}.")
    if len(list(docs.iterdir())) < FILES + len(twins):
        pytest.skip("this disk keeps no two names that differ so little")
    assert run().counts["indexed"] == FILES + len(twins)
    write(docs / "a.md", "Changed.", LONG_AGO + 1)
    (docs / "cafe\u0301.md").unlink()
    report = run()
    assert outcome(report, "a.md")[0] == "indexed"
    assert outcome(report, "A.md")[0] == outcome(report, "caf\u00e9.md")[0] == "unchanged"
    assert outcome(report, "cafe\u0301.md")[0] == "removed"


def test_a_folder_that_is_written_all_the_while(run: Run, docs: Path) -> None:
    """Files come, go, move and grow while one run after the other reads them: none fails, and it ends well."""
    ended = threading.Event()

    def disturb() -> None:
        count = 0
        while not ended.is_set():
            count += 1
            path = docs / f"{count % FILES}.md"
            path.write_bytes(b"")
            path.write_text(f"Version {count} of a rule. " * (count % 50))
            path.rename(docs / f"{(count + 3) % (2 * FILES)}.md")
            time.sleep(0.001)

    writer = threading.Thread(target=disturb)
    writer.start()
    try:
        for _ in range(3):
            with contextlib.suppress(FolderError):  # too many seem to be gone: it says so, and nothing is lost
                assert run().counts["failed"] == 0
    finally:
        ended.set()
        writer.join()
    for path in docs.glob("*.md"):
        write(path, f"The end of {path.name}.")
