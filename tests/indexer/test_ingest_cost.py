"""What many small files cost beside reading and embedding, counted and not timed: transactions and statements."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

import indexer.ingest as module
from indexer.ingest import COMMITTED_CHUNKS, ingest
from indexer.knowledge.database import open_knowledge
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.fsyncs import counting_fsyncs
from tests.word_embedder import WordEmbedder

FILES = 100
STATEMENTS = 9
"""Of a new file: is its document there, is its ledger entry there, a row each of four tables, and two of its
signature."""
ONCE = 30  # statements and commits of a run, however many files it has


@pytest.fixture
def counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Statements and commits of the database. Notes of progress, which go by the clock, are left out."""
    counts: Counter[str] = Counter()
    monkeypatch.setattr(module, "NOTE_SECONDS", 1e9)
    event.listen(engine, "before_cursor_execute", lambda *_: counts.update(["statements"]))
    event.listen(engine, "commit", lambda *_: counts.update(["commits"]))
    return counts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"Leave number {number} is granted. Ask first.")
    return folder


def test_small_files_are_committed_together_with_few_statements(
    folder: Path, settings: IndexerSettings, engine: Engine, counted: Counter[str]
) -> None:
    assert ingest([folder], settings, engine, WordEmbedder).counts["indexed"] == FILES
    assert counted["commits"] <= FILES / COMMITTED_CHUNKS + ONCE, "each waits for the disk: two a file are allowed"
    assert counted["statements"] <= STATEMENTS * FILES + ONCE
    assert verify_index(settings, engine) == []


def test_files_that_did_not_change_cost_no_statement(
    folder: Path, settings: IndexerSettings, engine: Engine, counted: Counter[str]
) -> None:
    ingest([folder], settings, engine, WordEmbedder)
    for number in range(FILES):  # as if they had been written long before they were read
        (folder / f"{number}.txt").touch()
    counted.clear()
    (folder / "7.txt").write_text("Leave number 7 is not granted.")
    report = ingest([folder], settings, engine, WordEmbedder)
    assert (report.counts["indexed"], report.counts["unchanged"]) == (1, FILES - 1)
    assert counted["commits"] <= ONCE


def test_the_disk_is_waited_for_at_most_twice_a_file(folder: Path, settings: IndexerSettings) -> None:
    with counting_fsyncs() as fsyncs:
        engine = open_knowledge(settings)
        made = fsyncs.count
        if not made:
            pytest.skip("Python's sqlite3 does not use the system's library here")
        assert ingest([folder], settings, engine, WordEmbedder).counts["indexed"] == FILES
        engine.dispose()
    assert 0 < fsyncs.count - made <= 2 * FILES
