"""Whose folder an upload lies in, whatever its collection was called, and which of them are still to be read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.knowledge.collections import rename_collection
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.sent import SentFile, cancel_sent, enter_sent, make_collection
from indexer.knowledge.tables import now
from indexer.passages import Scope
from server.library.upload_folders import bring_back, forget_replaced, open_folder, replaced, unread_uploads
from server.settings import ServerSettings


@pytest.fixture
def engine(settings: ServerSettings) -> Iterator[Engine]:
    engine = open_knowledge(settings)
    yield engine
    engine.dispose()


def send(settings: ServerSettings, engine: Engine, collection: str, name: str) -> Path:
    folder = open_folder(settings, engine, collection)
    (folder / name).write_text("# Words")
    enter_sent(engine, make_collection(engine, collection), folder, [SentFile(name, 7)])
    return folder / name


def test_a_collection_keeps_its_folder_and_its_old_name_gets_another_one(
    settings: ServerSettings, engine: Engine
) -> None:
    first = send(settings, engine, "papers", "a.md")
    rename_collection(engine, make_collection(engine, "papers"), "papers", "archive")
    assert open_folder(settings, engine, "archive") == first.parent
    second = send(settings, engine, "papers", "a.md")
    assert second.parent != first.parent
    assert open_folder(settings, engine, "papers") == second.parent
    assert sorted(unread_uploads(settings, engine)) == [("archive", [first]), ("papers", [second])]


def test_what_was_cancelled_is_not_read_at_the_next_start(settings: ServerSettings, engine: Engine) -> None:
    path = send(settings, engine, "papers", "a.md")
    assert unread_uploads(settings, engine) == [("papers", [path])]
    cancel_sent(engine, [1], Scope(frozenset({1})), now())
    assert unread_uploads(settings, engine) == []


def test_an_older_copy_comes_back_once(settings: ServerSettings, engine: Engine) -> None:
    path = send(settings, engine, "papers", "a.md")
    replaced(settings, path).parent.mkdir()
    path.replace(replaced(settings, path))
    assert bring_back(settings, path)
    assert path.read_text() == "# Words"
    assert not bring_back(settings, path)
    path.replace(replaced(settings, path))
    forget_replaced(settings, [path])
    assert not bring_back(settings, path)
