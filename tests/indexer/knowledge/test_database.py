"""Opening knowledge.db: odd paths, many processes at once, kills, and files that are something else."""

import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, SQLModel, select

from indexer.errors import BusyError, StorageError
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import BUSY_SECONDS, MIGRATIONS, open_knowledge, reading, storage_error
from indexer.knowledge.tables import Collection
from indexer.settings import IndexerSettings

OPEN = (
    "import sys; from pathlib import Path; from indexer.knowledge.database import open_knowledge; "
    "from indexer.settings import IndexerSettings; open_knowledge(IndexerSettings(data=Path(sys.argv[1])))"
)


@pytest.mark.parametrize("name", ["with space", "a?b=c#d%20", "日本語 🙂", "quote'\""])
def test_any_folder_name(name: str, tmp_path: Path) -> None:
    settings = IndexerSettings(data=tmp_path / name)
    open_knowledge(settings).dispose()
    open_knowledge(settings).dispose()
    assert settings.knowledge_path.stat().st_size > 0


def test_text_that_is_no_text_is_not_quoted_by_what_is_said_of_it(settings: IndexerSettings) -> None:
    engine = open_knowledge(settings)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE torn AS SELECT CAST(x'7365637265742077616765ff' AS TEXT) AS words")
        connection.commit()
        with pytest.raises(DatabaseError) as caught:
            connection.exec_driver_sql("SELECT words FROM torn").all()
    told = storage_error(caught.value, "data")
    assert "is damaged" in str(told)
    assert "secret" not in str(told) + str(caught.value) + repr(caught.value.orig)


def test_nobody_else_can_read_what_is_made_or_was_there(settings: IndexerSettings) -> None:
    settings.data.mkdir(mode=0o755)
    (settings.data / "chat.db").touch(mode=0o644)
    (settings.data / "chat.db").chmod(0o644)
    other = settings.data / "theirs.txt"
    other.touch()
    other.chmod(0o644)
    engine = open_knowledge(settings)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE some (words)")
        connection.commit()
        files = ["knowledge.db", "knowledge.db-wal", "chat.db"]
        assert [stat.S_IMODE((settings.data / name).stat().st_mode) & 0o077 for name in files] == [0, 0, 0]
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(other.stat().st_mode) == 0o644


def test_two_processes_that_make_it_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[1] for process in processes] == ["", ""]
    assert [process.returncode for process in processes] == [0, 0]


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from indexer.knowledge.database import open_knowledge
from indexer.settings import IndexerSettings

left = int(sys.argv[2])

@event.listens_for(Engine, "before_cursor_execute")
def count(connection, cursor, statement, *rest):
    global left
    if statement.lstrip().startswith(("CREATE", "INSERT")):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

open_knowledge(IndexerSettings(data=Path(sys.argv[1])))
"""


@pytest.mark.parametrize("statements", [1, 5])
def test_a_kill_while_the_tables_are_made(statements: int, tmp_path: Path) -> None:
    process = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(statements)], check=False)
    assert process.returncode == -signal.SIGKILL
    engine = open_knowledge(IndexerSettings(data=tmp_path))
    with Session(engine) as session:
        assert session.exec(select(Collection)).all() == []
    engine.dispose()


def test_what_is_no_database_is_said_so(tmp_path: Path) -> None:
    settings = IndexerSettings(data=tmp_path)
    settings.knowledge_path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match="not a database"):
        open_knowledge(settings)


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    settings = IndexerSettings(data=tmp_path)
    open_knowledge(settings).dispose()
    connection = sqlite3.connect(settings.knowledge_path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match="newer Docent"):
        open_knowledge(settings)


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StorageError, match="Check that the folder exists"):
        open_knowledge(IndexerSettings(data=tmp_path / "data"))


def test_reading_sees_one_moment(tmp_path: Path) -> None:
    engine = open_knowledge(IndexerSettings(data=tmp_path))
    with reading(engine) as before:
        assert before.exec(select(Collection)).all() == []
        with Session(engine) as session:
            session.add(Collection(name="new"))
            session.commit()
        assert before.exec(select(Collection)).all() == []
    with reading(engine) as after:
        assert [collection.name for collection in after.exec(select(Collection))] == ["new"]
    engine.dispose()


def test_those_that_wait_to_write_leave_a_connection_to_a_reader(settings: IndexerSettings) -> None:
    engine = open_knowledge(settings)
    with ExitStack() as waiting:
        for _ in range(100):
            waiting.enter_context(engine.connect())
        assert Catalog(engine).everything().collections == set()
    engine.dispose()


@pytest.mark.parametrize("opened_before", [False, True])
def test_how_long_a_writer_waits_is_chosen(settings: IndexerSettings, opened_before: bool) -> None:
    """Also where the database is made or migrated first, which always takes the time that it needs."""
    if opened_before:
        open_knowledge(settings).dispose()
    for engine, seconds in ((open_knowledge(settings, 0.25), 0.25), (open_knowledge(settings), BUSY_SECONDS)):
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 1000 * seconds
        engine.dispose()


def test_a_database_that_is_held_is_told_so_and_not_to_free_space(settings: IndexerSettings) -> None:
    engine = open_knowledge(settings, busy_seconds=0.01)
    other = sqlite3.connect(settings.knowledge_path)
    other.execute("BEGIN EXCLUSIVE")
    with Session(engine) as session, pytest.raises(DatabaseError) as caught:
        session.connection().execute(text("DELETE FROM collection"))
    other.close()
    engine.dispose()
    told = storage_error(caught.value, str(settings.data))
    assert isinstance(told, BusyError), "a script tells by the exit status that it may work later"
    assert "held by another program" in str(told)
    assert "space" not in str(told)


def test_an_error_does_not_repeat_what_was_to_be_stored(settings: IndexerSettings) -> None:
    engine = open_knowledge(settings)
    with Session(engine) as session, pytest.raises(DatabaseError) as caught:
        session.connection().execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": "my salary"})
    assert "nowhere" in str(caught.value)
    assert "salary" not in str(caught.value)
    engine.dispose()


def test_the_migrations_make_the_tables_of_the_code(settings: IndexerSettings) -> None:
    ours = {
        "collection", "document", "chunk", "rebuilt", "enrichment", "entry", "ledger", "change", "ingest_run",
        "index_info",
    }  # fmt: skip
    ours |= {"signature", "signature_band"}
    engine = open_knowledge(settings)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_object": lambda thing, name, kind, *_: kind != "table" or name in ours,
                "compare_type": True,
            },
        )
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_a_database_of_the_first_version_is_brought_up_to_date(settings: IndexerSettings) -> None:
    settings.data.mkdir(parents=True)
    first = create_engine(f"sqlite:///{settings.knowledge_path}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with first.begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, "0001")
        connection.execute(text("INSERT INTO collection VALUES (1, 'hr', '2026-03-01 12:00:00.000000')"))
        connection.execute(
            text(
                "INSERT INTO document (collection_id, root, path, title, media_type, sha256, text, blocks, indexed_at) "
                "VALUES (1, '/r', 'a.md', 'Leave', 'md', '', 'Leave is granted.', '[]', '2026-03-01 12:00:00.000000')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO ledger (collection_id, root, path, state, reason, size, mtime_ns, read_ns, sha256, "
                "chunks, updated_at) "
                "VALUES (1, '/r', 'b.md', 'failed', 'slow', 1, 1, 1, '', 0, '2026-03-01 12:00:00.000000')"
            )
        )
    first.dispose()
    engine = open_knowledge(settings)
    catalog = Catalog(engine)
    [collection] = catalog.collections(catalog.everything())
    [(_, failed)] = catalog.ledger(catalog.everything())
    engine.dispose()
    assert (collection.name, collection.documents) == ("hr", 1)
    assert (failed.path, failed.limits) == ("b.md", "")
