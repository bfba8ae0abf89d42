"""What took too long or too much memory: it is reported each time, and read again once it or the limits change."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.ingest import ingest
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.runs import Report
from indexer.knowledge.seen import mark_seen
from indexer.knowledge.tables import LedgerEntry, known_id, now
from indexer.knowledge.trash import ask_again
from indexer.passages import Scope
from indexer.settings import IndexerSettings
from tests.word_embedder import WordEmbedder

LONG_AGO = 1_600_000_000_000_000_000  # nanoseconds
SECONDS = 5  # that reading may take: the good document needs a hundredth, also where the machine is busy
READABLE = Scope(frozenset({1}))

Run = Callable[[Path], Report]


@pytest.fixture
def run(settings: IndexerSettings, engine: Engine) -> Run:
    return lambda folder: ingest([folder], settings, engine, WordEmbedder)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of one good document."""
    return write(tmp_path / "docs" / "good.md", "Leave is granted.").parent


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return path


def states(report: Report) -> dict[str, str]:
    return {file.document: file.state for file in report.files}


def entry(engine: Engine, path: str) -> LedgerEntry:
    with Session(engine) as session:
        return session.exec(select(LedgerEntry).where(LedgerEntry.path == path)).one()


@pytest.fixture
def slow(docs: Path) -> Path:
    """More text than is read in SECONDS."""
    return write(docs / "slow.txt", "1." * (30 << 20))


def stop_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_ahead(*_: object) -> None:
        raise AssertionError("a file was read")

    monkeypatch.setattr("indexer.ingest.read_ahead", read_ahead)


def test_a_file_that_took_too_long_is_not_read_again(
    run: Run, engine: Engine, docs: Path, slow: Path, settings: IndexerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.extract_seconds = SECONDS
    first = run(docs)
    (failed,) = [file for file in first.files if file.state == "failed"]
    assert (failed.document, first.counts["indexed"]) == ("slow.txt", 1)
    assert f"longer than {SECONDS} seconds" in failed.reason
    assert "DOCENT_EXTRACT_SECONDS is raised" in failed.reason
    mark_seen(engine, FileQuery(), now(), READABLE)
    stop_reading(monkeypatch)
    os.utime(slow)
    for _ in range(2):
        again = run(docs)
        assert again.counts == {**first.counts, "indexed": 0, "unchanged": 1}
        assert [file for file in again.files if file.state == "failed"] == [failed]
    assert entry(engine, "slow.txt").seen_at is not None
    monkeypatch.undo()
    write(slow, "Quick words.")
    assert states(run(docs))["slow.txt"] == "indexed"
    assert entry(engine, "slow.txt").limits == ""


def test_other_limits_have_it_read_again(run: Run, engine: Engine, docs: Path, settings: IndexerSettings) -> None:
    write(docs / "wide.csv", "a,b\n" * 8_000_000)
    settings.extract_memory_mb = 256
    first = run(docs)
    (failed,) = [file for file in first.files if file.state == "failed"]
    assert "more than 256 MB of memory" in failed.reason
    read_ns = entry(engine, "wide.csv").read_ns
    run(docs)
    assert entry(engine, "wide.csv").read_ns == read_ns
    settings.extract_memory_mb = 257
    assert states(run(docs))["wide.csv"] == "failed"
    assert entry(engine, "wide.csv").read_ns > read_ns
    assert "more than 257 MB" in entry(engine, "wide.csv").reason


def test_read_again_reads_what_took_too_long(
    run: Run, engine: Engine, docs: Path, slow: Path, settings: IndexerSettings
) -> None:
    settings.extract_seconds = SECONDS
    run(docs)
    before = entry(engine, "slow.txt")
    ask_again(engine, known_id(before), READABLE)
    assert states(run(docs))["slow.txt"] == "failed"
    assert entry(engine, "slow.txt").read_ns > before.read_ns


def test_a_file_whose_vectors_would_fill_the_memory(
    run: Run, docs: Path, settings: IndexerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is that of reading: what one file may cost."""
    write(docs / "many.csv", "name,days\n" + "Anna,30\n" * 300)
    settings.extract_memory_mb = 1024
    monkeypatch.setattr(WordEmbedder, "dimension", 2_000_000)
    (file,) = [file for file in run(docs).files if file.document == "many.csv"]
    assert file.state == "failed"
    assert re.search(
        r"Its \d+ passages with 301 sentences and rows need [\d,]+ MB .* DOCENT_EXTRACT_MEMORY_MB", file.reason
    )
    stop_reading(monkeypatch)
    assert states(run(docs)) == {"good.md": "unchanged", "many.csv": "failed"}
