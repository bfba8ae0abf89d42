"""A snapshot is written when it lacks much of the database, not at every change."""

from pathlib import Path

import pytest

from indexer.search import snapshot_due
from indexer.search.snapshot_due import is_snapshot_due
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from tests.indexer.small_knowledge import Knowledge


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_due, "FEW_BEHIND", 4)


def save(knowledge: Knowledge) -> None:
    store = Store(knowledge.engine, knowledge.settings.index_path)
    store.load()
    store.save()


def words(first: int, count: int) -> list[str]:
    return [f"paragraph number {n}" for n in range(first, first + count)]


def test_it_is_due_where_there_is_none_and_something_to_save(knowledge: Knowledge, settings: IndexerSettings) -> None:
    assert not is_snapshot_due(knowledge.engine, settings.index_path)
    knowledge.put("a.md", "one paragraph")
    assert is_snapshot_due(knowledge.engine, settings.index_path)
    save(knowledge)
    assert not is_snapshot_due(knowledge.engine, settings.index_path)


def test_it_is_due_when_more_than_a_tenth_and_more_than_a_few_are_missing(
    knowledge: Knowledge, settings: IndexerSettings
) -> None:
    knowledge.put("large.md", *words(0, 95))
    save(knowledge)
    knowledge.put("small.md", *words(100, 2))
    knowledge.put("small.md", *words(200, 3))  # the same document: 4 with its chunks
    assert not is_snapshot_due(knowledge.engine, settings.index_path)
    knowledge.put("another.md", *words(300, 4))  # 9 of 102
    assert not is_snapshot_due(knowledge.engine, settings.index_path)
    knowledge.delete("small.md")
    knowledge.put("another.md", *words(400, 9))  # 11 of 104
    assert is_snapshot_due(knowledge.engine, settings.index_path)
    save(knowledge)
    assert not is_snapshot_due(knowledge.engine, settings.index_path)


def test_a_few_of_few_can_wait(knowledge: Knowledge, settings: IndexerSettings) -> None:
    knowledge.put("a.md", *words(0, 3))
    save(knowledge)
    knowledge.put("b.md", *words(10, 3))
    assert not is_snapshot_due(knowledge.engine, settings.index_path)


def test_what_is_no_snapshot_of_this_database_does_not_count(knowledge: Knowledge, settings: IndexerSettings) -> None:
    knowledge.put("a.md", "one paragraph")
    for name in ("99", "new", "1st", "lock"):
        (settings.index_path / name).mkdir(parents=True)
    assert is_snapshot_due(knowledge.engine, settings.index_path)


def test_the_next_start_takes_up_what_the_snapshot_lacks(knowledge: Knowledge, settings: IndexerSettings) -> None:
    knowledge.put("a.md", *words(0, 3))
    save(knowledge)
    knowledge.put("b.md", *words(10, 2))
    store = Store(knowledge.engine, settings.index_path)
    store.load()
    assert len(store) == 5
    assert [path.name for path in Path(settings.index_path).iterdir() if path.name.isdecimal()] == ["1"]
