"""A kill or a full disk in the middle of an ingest: each document is whole, old or new, and the next run finishes."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session, select

import indexer.ingest as module
from indexer.errors import StorageError
from indexer.ingest import ingest
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.records import write_indexed
from indexer.knowledge.tables import Chunk, Document, LedgerEntry
from indexer.passages import Scope
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.text.terms import query_terms
from indexer.verify import verify_index
from tests.word_embedder import WordEmbedder, word_vector

ROOT = Path(__file__).parents[2]
LONG_AGO = 1_600_000_000
DOCUMENTS = 12
KILLS = 5

SLOW_INGEST = """
import sys, time
from pathlib import Path
from indexer import ingest as module
from indexer.knowledge.database import open_knowledge
from indexer.settings import IndexerSettings
from indexer.search.store import Store
from tests.word_embedder import WordEmbedder

class SlowEmbedder(WordEmbedder):
    def encode_chunks(self, chunks):
        time.sleep(float(sys.argv[3]) * len(chunks))
        return super().encode_chunks(chunks)

module.BATCH_CHUNKS = 2
settings = IndexerSettings(data=Path(sys.argv[1]))
engine = open_knowledge(settings)
print("begun", flush=True)
module.ingest([Path(sys.argv[2])], settings, engine, SlowEmbedder)
store = Store(engine, settings.index_path)
store.load()
store.save()
"""


def write_all(folder: Path, version: int) -> None:
    """Every file has this version's words and time."""
    folder.mkdir(exist_ok=True)
    for number in range(DOCUMENTS):
        path = folder / f"{number}.md"
        path.write_text(f"# Rule {number}\n\n" + f"Version {version} of rule {number}. " * (number * 9 + 1))
        os.utime(path, (LONG_AGO + version, LONG_AGO + version))


def contents(settings: IndexerSettings) -> dict[str, tuple[str, list[str], int]]:
    """Path -> text, bodies of the chunks, chunks in the ledger."""
    engine = open_knowledge(settings)
    with Session(engine) as session:
        entries = {entry.path: entry.chunks for entry in session.exec(select(LedgerEntry))}
        found = {}
        for document in session.exec(select(Document)):
            chunks = session.exec(select(Chunk).where(Chunk.document_id == document.id).order_by(Chunk.ordinal))  # type: ignore[arg-type]
            found[document.path] = (document.text, [chunk.body for chunk in chunks], entries[document.path])
    engine.dispose()
    return found


def undisturbed(folder: Path, data: Path) -> dict[str, tuple[str, list[str], int]]:
    settings = IndexerSettings(data=data)
    engine = open_knowledge(settings)
    ingest([folder], settings, engine, WordEmbedder)
    engine.dispose()
    return contents(settings)


def start(data: Path, folder: Path, slow: float) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOCENT_")}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SLOW_INGEST, str(data), str(folder), str(slow)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_kills_at_random_moments(tmp_path: Path) -> None:
    folder, settings = tmp_path / "docs", IndexerSettings(data=tmp_path / "data")
    write_all(folder, 1)
    old = undisturbed(folder, settings.data)
    write_all(folder, 2)
    new = undisturbed(folder, tmp_path / "expected")
    assert old != new
    chance = random.Random(20)
    for _ in range(KILLS):
        process = start(settings.data, folder, slow=0.3)  # longer in all than the kills leave it
        time.sleep(chance.uniform(0.1, 1.0))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        engine = open_knowledge(settings)
        assert verify_index(settings, engine) == []
        engine.dispose()
        for path, found in contents(settings).items():
            assert found in (old[path], new[path])
    process = start(settings.data, folder, slow=0)
    process.communicate()
    assert process.returncode == 0
    assert contents(settings) == new
    engine = open_knowledge(settings)
    assert verify_index(settings, engine) == []
    report = ingest([folder], settings, engine, WordEmbedder)
    assert report.counts["unchanged"] == DOCUMENTS
    engine.dispose()


def small(engine: Engine, pages: int) -> None:
    """Let the database grow no further than so many pages, as on a full disk."""

    @event.listens_for(engine, "connect")
    def limit(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]

    engine.dispose()


@pytest.mark.parametrize("together", [1, module.COMMITTED_CHUNKS])
def test_a_full_disk_keeps_what_was_committed(together: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMITTED_CHUNKS", together)
    folder, settings = tmp_path / "docs", IndexerSettings(data=tmp_path / "data")
    write_all(folder, 1)
    expected = undisturbed(folder, tmp_path / "expected")
    engine = open_knowledge(settings)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    small(engine, pages + 12)
    with pytest.raises(StorageError, match=r"disk is full.*Free some space"):
        ingest([folder], settings, engine, WordEmbedder)
    kept = contents(settings)
    assert len(kept) < DOCUMENTS
    assert kept or together > 1, "documents that are committed one by one do not wait for the last"
    engine.dispose()
    engine = open_knowledge(settings)
    assert verify_index(settings, engine) == []
    store = Store(engine, settings.index_path)
    store.load()
    found = store.view(Scope(frozenset({1}))).search(word_vector("version")[None, :], [query_terms("version")])
    assert len(store.chunk_ids()) == sum(len(bodies) for _, bodies, _ in kept.values())
    assert len(found.chunk_ids) or not kept
    report = ingest([folder], settings, engine, WordEmbedder)
    assert report.counts["indexed"] == DOCUMENTS - len(kept)
    assert contents(settings) == expected
    engine.dispose()


def test_documents_that_are_committed_together_are_all_there_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, settings = tmp_path / "docs", IndexerSettings(data=tmp_path / "data")
    write_all(folder, 1)
    old = undisturbed(folder, settings.data)
    write_all(folder, 2)
    new = undisturbed(folder, tmp_path / "expected")
    told: list[str] = []
    written = 0

    def write_some(*arguments: object, **named: object) -> None:
        nonlocal written
        written += 1
        if written == DOCUMENTS - 1:
            raise InterruptedError
        write_indexed(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "write_indexed", write_some)
    engine = open_knowledge(settings)
    with pytest.raises(InterruptedError):
        ingest(
            [folder],
            settings,
            engine,
            WordEmbedder,
            on_progress=lambda at: told.append(at.file.document) if at.file else None,
        )
    monkeypatch.undo()
    assert verify_index(settings, engine) == []
    found = contents(settings)
    changed = [path for path in found if found[path] == new[path]]
    assert all(found[path] in (old[path], new[path]) for path in found)
    assert sorted(changed) == sorted(told), "what was said to be indexed is there, and nothing else"
    assert len(changed) < DOCUMENTS - 2, "the documents of the transaction that failed are as they were"
    assert ingest([folder], settings, engine, WordEmbedder).counts["indexed"] == DOCUMENTS - len(changed)
    assert contents(settings) == new
    engine.dispose()


def limit_files() -> None:
    """No file may grow beyond this: the system refuses the write, as it does on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000))


def test_the_command_says_what_to_do_on_a_full_disk(tmp_path: Path) -> None:
    folder, data = tmp_path / "docs", tmp_path / "data"
    write_all(folder, 1)
    open_knowledge(IndexerSettings(data=data)).dispose()
    script = SLOW_INGEST.replace("module.ingest(", "from indexer.errors import StorageError\ntry:\n  module.ingest(")
    script = script.replace(
        "SlowEmbedder)\nstore", "SlowEmbedder)\nexcept StorageError as e:\n  print(e); sys.exit(2)\nstore"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(data), str(folder), "0"],
        cwd=ROOT,
        preexec_fn=limit_files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Free some space" in done.stdout
    assert done.returncode == 2
    settings = IndexerSettings(data=data)
    engine = open_knowledge(settings)
    assert verify_index(settings, engine) == []
    ingest([folder], settings, engine, WordEmbedder)
    assert contents(settings) == undisturbed(folder, tmp_path / "expected")
    engine.dispose()
