"""Which passages are kept: within the limits, what is asked for most, and nothing of a document that is gone."""

import logging
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine import passage_store
from server.engine.cell_state import State
from server.engine.passage_folder import PassageFolder
from server.engine.passage_store import MOST_UNREAD, PassageStore, PassageTokens, passage_key
from tests.waiting import WAIT, until

SIZE = 1000  # bytes of a passage's cells


def passage(number: int, source: str = "") -> PassageTokens:
    tokens = (number, number + 1)
    return PassageTokens(passage_key("model", (1,), tokens), (1,), tokens, source or f"s{number}")


def cells(number: int) -> State:
    return np.full(SIZE, number % 256, np.uint8)


def read_all(store: PassageStore) -> list[int]:
    """As the engine does when nobody asks; in which order."""
    order = []
    while (unread := store.next_unread()) is not None:
        order.append(unread.tokens[0])
        store.put(unread, cells(unread.tokens[0]))
    return order


def on_disk(folder: Path, passages: int = 100, memory: int = 100) -> PassageStore:
    return PassageStore(memory * SIZE, PassageFolder(folder, "model", passages * (SIZE + 200)))


def test_a_passage_is_read_once() -> None:
    store = PassageStore(10 * SIZE)
    assert store.ask(passage(1)) is None
    assert read_all(store) == [1]
    found = store.ask(passage(1))
    assert found is not None
    assert np.array_equal(found, cells(1))
    assert read_all(store) == []
    figures = store.figures()
    assert (figures.asked, figures.from_memory, figures.memory) == (2, 1, SIZE)
    assert str(figures).startswith("2 passages were asked for: 1 were in memory, 0 on the disk")


def test_what_is_asked_for_most_is_read_first() -> None:
    store = PassageStore(10 * SIZE)
    for number, times in ((1, 1), (2, 5), (3, 2)):
        for _ in range(times):
            store.ask(passage(number))
    assert read_all(store) == [2, 3, 1]


def test_what_is_asked_for_most_stays() -> None:
    store = PassageStore(4 * SIZE)
    for _ in range(8):
        store.ask(passage(0))
        read_all(store)
    for number in range(1, 20):
        store.ask(passage(number))
        read_all(store)
    assert store.ask(passage(0)) is not None
    assert store.ask(passage(19)) is not None
    assert store.ask(passage(1)) is None


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 5))
def test_memory_is_never_more_than_the_limit_and_nothing_is_mixed_up(asked: list[int], most: int) -> None:
    store = PassageStore(most * SIZE + 1)
    hits: Counter[bool] = Counter()
    for number in asked:
        found = store.ask(passage(number))
        assert found is None or np.array_equal(found, cells(number))
        hits[found is not None] += 1
        read_all(store)
        assert store.figures().memory <= most * SIZE
    assert store.figures().from_memory == hits[True]


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40))
def test_of_a_document_that_is_gone_nothing_is_left(steps: list[tuple[int, bool]]) -> None:
    store = PassageStore(5 * SIZE)
    for number, goes in steps:
        source = f"s{number % 3}"
        if goes:
            store.forget({source})
            assert source not in store.sources()
            assert store.ask(passage(number, source)) is None
        else:
            store.ask(passage(number, source))
        if number % 2:
            read_all(store)


def test_a_document_that_goes_while_its_passage_is_read_leaves_nothing(tmp_path: Path) -> None:
    store = on_disk(tmp_path)
    store.ask(passage(1))
    unread = store.next_unread()
    assert unread is not None
    assert store.forget({"s1"}) == 1
    store.put(unread, cells(1))
    store.close()
    assert store.figures().memory == 0
    assert not list(tmp_path.iterdir())


def test_one_that_goes_before_its_file_is_written_is_not_written(tmp_path: Path) -> None:
    store = on_disk(tmp_path)
    for number in range(30):
        store.ask(passage(number, "gone" if number % 2 else "stays"))
    read_all(store)
    store.forget({"gone"})
    store.close()
    assert {saved.source for saved in PassageFolder(tmp_path, "model", 1 << 20).open()} == {"stays"}


def test_what_memory_does_not_hold_comes_from_the_disk_also_after_a_restart(tmp_path: Path) -> None:
    store = on_disk(tmp_path, memory=2)
    for number in range(6):
        store.ask(passage(number))
    read_all(store)
    store.close()
    again = on_disk(tmp_path, memory=2)
    for number in range(6):
        found = again.ask(passage(number))
        assert found is not None
        assert np.array_equal(found, cells(number))
        assert again.figures().memory <= 2 * SIZE
    assert again.figures().from_disk == 6
    assert again.sources() == {f"s{number}" for number in range(6)}
    again.close()


def test_a_full_folder_gives_up_what_is_asked_for_least(tmp_path: Path) -> None:
    store = on_disk(tmp_path, passages=8, memory=0)
    for number in range(30):
        for _ in range(20 if number == 3 else 1):
            store.ask(passage(number))
        read_all(store)
    store.close()
    folder = PassageFolder(tmp_path, "model", 1 << 20)
    kept = {saved.key for saved in folder.open()}
    assert folder.bytes <= 8 * (SIZE + 200)
    assert passage(3).key in kept
    assert passage(29).key in kept
    assert passage(0).key not in kept


def test_files_that_vanish_are_read_by_the_model_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = on_disk(tmp_path, memory=0)
    for number in range(3):
        store.ask(passage(number))
    read_all(store)
    store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    with caplog.at_level(logging.WARNING, "docent.engine"):
        assert [store.ask(passage(number)) for number in range(3)] == [None] * 3
    assert len(caplog.messages) == 1
    assert sorted(read_all(store)) == [0, 1, 2]


class SlowDisk:
    """Nothing is written until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.may_go_on = threading.Event(), threading.Event()
        right = PassageFolder.write

        def slow(folder: PassageFolder, key: str, source: str, data: State) -> int | None:
            self.reached.set()
            assert self.may_go_on.wait(WAIT)
            return right(folder, key, source, data)

        monkeypatch.setattr(PassageFolder, "write", slow)


def test_a_document_may_go_while_its_passage_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    store = PassageStore(10 * SIZE)
    right = store._read

    def forgotten_meanwhile(key: str) -> State | None:
        store.forget({"s1"})
        return right(key)

    monkeypatch.setattr(store, "_read", forgotten_meanwhile)
    assert store.ask(passage(1)) is None
    assert read_all(store) == []
    assert store.sources() == frozenset()


@pytest.mark.parametrize("method", ["ask", "holds"])
def test_what_is_asked_for_once_may_be_the_first_to_be_forgotten(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(passage_store, "MOST_REMEMBERED", 4)
    store = PassageStore(0)
    for number in [0, 1, 2, 3] * 1000:
        store.ask(passage(number))
        read_all(store)
    getattr(store, method)(passage(9))
    assert read_all(store) == [9]


def test_nobody_waits_for_another_passage_to_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = on_disk(tmp_path, memory=2)
    for number in (1, 2):
        store.ask(passage(number))
    read_all(store)
    store.close()
    again, disk = on_disk(tmp_path, memory=4), SlowDisk(monkeypatch)
    again.ask(passage(3))
    read_all(again)
    assert disk.reached.wait(WAIT)
    found: list[State | None] = []
    asking = threading.Thread(target=lambda: found.extend(map(again.ask, map(passage, (1, 2, 3, 4)))), daemon=True)
    asking.start()
    asking.join(WAIT)
    assert [each is not None for each in found] == [True, True, True, False]
    assert again.forget({"s3"}) == 1
    disk.may_go_on.set()
    again.close()
    assert {path.stem for path in tmp_path.iterdir()} == {passage(1).key, passage(2).key}


def test_closing_does_not_wait_for_a_disk_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(passage_store, "CLOSE_SECONDS", 0.01)
    store, disk = on_disk(tmp_path), SlowDisk(monkeypatch)
    for number in range(3):
        store.ask(passage(number))
    read_all(store)
    assert disk.reached.wait(WAIT)
    store.close()
    assert "2 passages that were read are not kept" in caplog.text
    disk.may_go_on.set()
    until(lambda: len(list(tmp_path.glob("*.kv"))) == 1)


def test_what_waits_for_the_disk_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage_store, "MOST_UNWRITTEN", 5 * SIZE)
    store, disk = on_disk(tmp_path), SlowDisk(monkeypatch)
    for number in range(20):
        store.ask(passage(number))
        read_all(store)
        if not number:
            assert disk.reached.wait(WAIT)
    disk.may_go_on.set()
    store.close()
    kept = {saved.key for saved in PassageFolder(tmp_path, "model", 1 << 20).open()}
    assert kept == {passage(number).key for number in (0, 15, 16, 17, 18, 19)}


def test_one_that_cannot_be_written_does_not_keep_the_others_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    right = PassageFolder.write

    def write(folder: PassageFolder, key: str, source: str, data: State) -> int | None:
        if source == "s1":
            raise MemoryError
        return right(folder, key, source, data)

    monkeypatch.setattr(PassageFolder, "write", write)
    store = on_disk(tmp_path)
    for number in range(3):
        store.ask(passage(number))
    read_all(store)
    store.close()
    assert {path.stem for path in tmp_path.iterdir()} == {passage(0).key, passage(2).key}
    assert "could not be kept on the disk" in caplog.text


def test_what_waits_to_be_read_is_bounded() -> None:
    store = PassageStore(SIZE)
    for number in range(3 * MOST_UNREAD):
        store.ask(passage(number))
    assert len(read_all(store)) == MOST_UNREAD


def test_what_cannot_be_read_is_tried_again_when_it_is_asked_for() -> None:
    store = PassageStore(10 * SIZE)
    store.ask(passage(1))
    store.give_up(passage(1))
    assert store.next_unread() is None
    store.ask(passage(1))
    assert read_all(store) == [1]


def test_a_key_tells_everything_apart_that_cells_depend_on() -> None:
    keys = {passage_key(*each) for each in (("m", (1, 2), (3,)), ("m", (1,), (2, 3)), ("n", (1, 2), (3,)))}
    assert len(keys) == 3


def test_who_only_wants_to_know_has_it_read_all_the_same(tmp_path: Path) -> None:
    store = on_disk(tmp_path, memory=0)
    assert not store.holds(passage(1))
    assert read_all(store) == [1]
    store.close()
    assert store.holds(passage(1))
    assert (store.figures().asked, store.figures().from_disk) == (0, 0)
    store.forget({"s1"})
    assert not store.holds(passage(1))
