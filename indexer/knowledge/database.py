"""Open a SQLite database of Docent: WAL, full durability, foreign keys, migrations applied.

`synchronous=FULL` because an acknowledged ingest must survive a power loss, which WAL with NORMAL does not promise.
`secure_delete` because what was deleted shall not stand in the file's free pages; `scrub` empties the log after it.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlmodel import Session

from indexer.errors import BusyError, StorageError
from indexer.settings import IndexerSettings

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = "ingest.lock"
BUSY_SECONDS = 30.0  # that a command waits for another connection's transaction, such as a rebuild's
KEPT_CONNECTIONS = 10
OTHERS = 0o077  # the rights of everybody but the owner
PRIVATE = ("*.db", "*.db-wal", "*.db-shm", "secret", "*.json", "uploads", "index", "state")
LOCK_SECONDS = 0.5  # how long a writer waits for the lock: `is_being_written` holds it for an instant

DAMAGE = ("malformed", "not a database")
"""What SQLite says of a file whose bytes are not what it wrote."""


def open_knowledge(settings: IndexerSettings, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """The engine of knowledge.db, at the newest schema. Raises StorageError, BusyError."""
    return open_database(settings.knowledge_path, MIGRATIONS, busy_seconds)


def open_database(path: Path, migrations: Path, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """An engine for `path`, created and migrated as needed. Raises StorageError, BusyError.

    A writer waits up to `busy_seconds` while another connection writes; readers never wait.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
        keep_private(path.parent)
        if _revision(path) != _newest(migrations):
            upgrading = _engine(path, BUSY_SECONDS)
            _upgrade(upgrading, migrations)
            upgrading.dispose()
        engine = _engine(path, busy_seconds)
    except (OSError, sqlite3.Error, DatabaseError) as error:
        reason = error.orig if isinstance(error, DatabaseError) else error
        if is_damaged(reason):
            raise damaged(str(reason), str(path)) from error
        if is_busy(reason):
            raise held(str(path)) from error
        raise StorageError(
            f"The database {path} cannot be opened: {reason}.",
            "Check that the folder exists, is writable and has free space, and that the file is a Docent database.",
        ) from error
    return engine


def _engine(path: Path, busy_seconds: float) -> Engine:
    """As many connections as threads ask for one: a reader must not wait for those that wait to write."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": busy_seconds},
        pool_size=KEPT_CONNECTIONS,
        max_overflow=-1,
        hide_parameters=True,  # they are questions and documents, which belong in no log
    )
    event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: sqlite3.Connection, _record: Any) -> None:
    connection.text_factory = _text
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
    )


def _text(data: bytes) -> str:
    """As Python's own does, whose error would quote the text: it belongs in no message and no log."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise sqlite3.DatabaseError("the database is malformed: it holds text that is not UTF-8") from None


def keep_private(folder: Path) -> None:
    """Take from everybody but its owner what an earlier version gave them: the data folder, and Docent's files right in
    it. What lies deeper nobody else reaches through it. What belongs to somebody else is left as it is."""
    for path in (folder, *(each for pattern in PRIVATE for each in folder.glob(pattern))):
        with contextlib.suppress(OSError):
            mode = path.stat(follow_symlinks=False).st_mode
            if mode & OTHERS and not path.is_symlink():
                path.chmod(mode & ~OTHERS)


def scrub(engine: Engine) -> bool:
    """Empty the write-ahead log, in which what was deleted stands still. False: somebody reads, so it is not empty yet.

    Raises sqlalchemy's OperationalError while the database is locked.
    """
    with engine.connect() as connection:
        busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        return not busy


def _revision(path: Path) -> str | None:
    """The schema revision that the file is at, read without Alembic, whose import costs a quarter of a second."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return row[0] if row else None
    finally:
        connection.close()


def _newest(migrations: Path) -> str:
    """Migrations are named `0001_what.py`; the revision is the number."""
    return max(path.name[:4] for path in (migrations / "versions").glob("[0-9]*.py"))


def _upgrade(engine: Engine, migrations: Path) -> None:
    """One transaction, begun by hand since Python's sqlite3 begins none for DDL: a kill leaves the older schema, and
    of two processes that open a new database at once the second waits, and finds nothing left to do."""
    from alembic.command import upgrade
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        try:
            upgrade(config, "head")
        except CommandError as error:
            raise StorageError(
                f"The database {engine.url.database} was made by a newer Docent ({error}).",
                "Install that version again.",
            ) from error
        connection.commit()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session whose reads all see the same moment of the database, whatever is committed meanwhile."""
    with Session(engine) as session:
        session.connection().exec_driver_sql("BEGIN")
        yield session


def begin_writing(session: Session) -> None:
    """Begin a transaction that nobody else's comes between: what it reads is still so when it is committed."""
    session.connection().exec_driver_sql("BEGIN IMMEDIATE")


def storage_error(error: DatabaseError, where: str) -> StorageError | BusyError:
    """What SQLite says of a database in `where`, with what can be done about it."""
    if is_damaged(error.orig):
        return damaged(str(error.orig), f"in {where}")
    if is_busy(error.orig):
        return held(f"in {where}")
    return StorageError(
        f"The database in {where} cannot be used: {error.orig}.",
        "What was finished so far is kept. Free some space on the disk, or mend the folder's permissions, then run "
        "this again to go on.",
    )


def held(where: str) -> BusyError:
    return BusyError(
        f"The database {where} is held by another program, and was not let go in time.",
        "What was finished so far is kept. When that program is done (`indexer rebuild`, a backup, sqlite3), run this "
        "again to go on.",
    )


def is_damaged(reason: object) -> bool:
    return any(damage in str(reason) for damage in DAMAGE)


def is_busy(reason: object) -> bool:
    """Whether another connection kept the database locked for as long as this one waits."""
    return sqlite_code(reason) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def sqlite_code(reason: object) -> int:
    """SQLite's primary result code of what it raised, such as SQLITE_FULL; 0 where it raised something else.

    The extended code, which tells apart the causes of one, is taken off: https://sqlite.org/rescode.html.
    """
    return getattr(reason, "sqlite_errorcode", 0) & 0xFF


def damaged(reason: str, where: str) -> StorageError:
    return StorageError(
        f"The database {where} is damaged: {reason}.",
        "Put a copy of it back. Without a copy move it away: `indexer ingest` makes knowledge.db again from the "
        "documents, which are untouched; the conversations in chat.db are lost.",
    )


def is_being_written(engine: Engine) -> bool:
    """Whether some process is inside `writing`. The system frees the lock of one that was killed."""
    try:
        with FileLock(Path(str(engine.url.database)).with_name(LOCK), timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a data folder that cannot be written to is written by nobody
        return False


@contextmanager
def writing(settings: IndexerSettings) -> Iterator[None]:
    """Around work that changes knowledge.db: one process at a time. Raises BusyError, StorageError."""
    busy = BusyError(
        f"Another `indexer` is writing to {settings.data}.", "Wait until it has finished, then run this again."
    )
    with alone(settings.data / LOCK, LOCK_SECONDS, busy):
        try:
            yield
        except IntegrityError:
            raise  # a mistake of ours, not of the disk
        except DatabaseError as error:
            raise storage_error(error, str(settings.data)) from error


@contextmanager
def alone(path: Path, seconds: float, busy: BusyError) -> Iterator[None]:
    """Hold a lock file, which the system gives back when its process dies, after waiting `seconds` for it at most.
    Raises `busy` where another one holds it, StorageError where the file cannot be written."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=seconds)
    except Timeout as error:
        raise busy from error
    except OSError as error:
        raise StorageError(
            f"Nothing can be written to {path.parent}: {error.strerror}.", "Check its permissions and its free space."
        ) from error
    try:
        yield
    finally:
        lock.release()
