"""The index in memory is what the database says, whatever happened before, and a scope hides everything else."""

import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from sqlalchemy import Engine
from sqlmodel import Session, select

import indexer.search.store
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Change, Chunk, Document, Entry, IndexInfo
from indexer.passages import Scope
from indexer.search.rows import COPIES
from indexer.search.snapshot import read_snapshot
from indexer.search.state import State
from indexer.search.store import Store
from indexer.search.vectors import VectorIndex
from indexer.search.view import CANDIDATES
from indexer.settings import IndexerSettings
from indexer.text.terms import query_terms
from tests.indexer.small_knowledge import Knowledge
from tests.word_embedder import word_vector

SECONDS = 60  # that a thread is waited for before the test fails
Found = dict[int, tuple[float, float]]  # chunk id -> (cosine, BM25)


def find(store: Store, question: str, *collections: int) -> Found:
    found = store.view(Scope(frozenset(collections))).search(word_vector(question)[None, :], [query_terms(question)])
    assert len(set(found.chunk_ids.tolist())) == len(found.chunk_ids)
    rows = zip(found.chunk_ids.tolist(), found.cosine[0].tolist(), found.bm25[0].tolist(), strict=True)
    return {id_: (cosine, bm25) for id_, cosine, bm25 in rows}


def fresh(knowledge: Knowledge) -> Store:
    """A store built from the database alone."""
    store = Store(knowledge.engine, knowledge.settings.data / "nowhere")
    store.follow()
    return store


def paths(knowledge: Knowledge, found: Found) -> set[str]:
    with Session(knowledge.engine) as session:
        rows = session.exec(select(Chunk.id, Document.path).join(Document)).all()
    return {path for id_, path in rows if id_ in found}


def same(one: Found, other: Found) -> bool:
    return one.keys() == other.keys() and all(one[id_] == pytest.approx(other[id_], abs=1e-5) for id_ in one)


@pytest.fixture
def store(engine: Engine, settings: IndexerSettings) -> Store:
    return Store(engine, settings.index_path)


def test_an_empty_database_finds_nothing(store: Store, settings: IndexerSettings) -> None:
    store.load()
    store.save()
    assert find(store, "leave", 1) == {}
    assert store.view(Scope(frozenset({1}))).idf(["leav"])["leav"] > 0
    assert not settings.index_path.joinpath("0").exists()


def test_what_was_put_is_found_and_an_unknown_word_is_not_scored(store: Store, knowledge: Knowledge) -> None:
    knowledge.put("rules.md", "Annual leave is thirty days.", "Ask your manager.")
    assert store.follow() == 1
    assert len(store) == 2
    found = find(store, "leave", 1)
    assert sorted(bm25 > 0 for _, bm25 in found.values()) == [False, True]
    assert all(bm25 == 0 for _, bm25 in find(store, "zeppelin", 1).values())


def test_a_replaced_or_deleted_document_is_gone_at_the_next_follow(store: Store, knowledge: Knowledge) -> None:
    knowledge.put("a.md", "Leave is thirty days.")
    knowledge.put("b.md", "Leave must be asked for.")
    store.follow()
    before = find(store, "leave", 1)
    knowledge.put("a.md", "Leave is twenty days.")
    knowledge.delete("b.md")
    assert store.follow() == 2
    after = find(store, "leave", 1)
    assert len(after) == 1
    assert not before.keys() & after.keys()
    assert store.follow() == 0


def test_nothing_outside_the_scope_is_returned_or_moves_a_score(store: Store, knowledge: Knowledge) -> None:
    mine = knowledge.collection("mine")
    theirs = knowledge.collection("theirs")
    knowledge.put("a.md", "Leave is thirty days.", "Leave leave leave.", "Pay is monthly.", collection="mine")
    store.follow()
    alone, weights = find(store, "leave pay salary", mine), store.view(Scope(frozenset({mine}))).idf(["leav", "salari"])
    for number in range(30):
        knowledge.put(f"{number}.md", "Salary and leave and pay. " * 5, "Other words.", collection="theirs")
    store.follow()
    assert find(store, "leave pay salary", mine) == alone
    assert store.view(Scope(frozenset({mine}))).idf(["leav", "salari"]) == weights
    assert paths(knowledge, find(store, "leave pay salary", theirs)).isdisjoint({"a.md"})
    assert find(store, "leave") == {}
    assert find(store, "leave", 99) == {}


def test_candidates_are_limited_but_the_best_are_among_them(store: Store, knowledge: Knowledge) -> None:
    for number in range(3):
        knowledge.put(f"{number}.md", *(f"Filler {number} {n} words." for n in range(80)))
    knowledge.put("best.md", "Zeppelin.")
    store.follow()
    found = find(store, "zeppelin filler", 1)
    assert CANDIDATES <= len(found) <= 2 * CANDIDATES
    assert "best.md" in paths(knowledge, found)


def test_a_word_match_far_from_the_question_in_meaning_has_its_own_cosine(store: Store, knowledge: Knowledge) -> None:
    for number in range(120):
        knowledge.put(f"{number}.md", "pension pension pension")
    knowledge.put("far.md", " ".join(f"w{n}" for n in range(300)) + " pension")
    store.follow()
    for id_, (cosine, _) in find(store, "pension", 1).items():
        with Session(knowledge.engine) as session:
            vector = np.frombuffer(session.get_one(Chunk, id_).vector, np.float32)
        assert cosine == pytest.approx(float(vector @ word_vector("pension")), abs=1e-5)


# Snapshots


@pytest.fixture
def saved(store: Store, knowledge: Knowledge) -> Found:
    """What a saved store finds."""
    knowledge.put("a.md", "Leave is thirty days.", "Pay is monthly.")
    knowledge.put("b.md", "Old words about leave.")
    knowledge.put("b.md", "Words about leave, отпуск and 休暇.")
    store.load()
    store.save()
    assert snapshot(knowledge.settings).name == str(store.change)
    return find(store, "leave pay", 1)


def again(knowledge: Knowledge) -> Store:
    store = Store(knowledge.engine, knowledge.settings.index_path)
    store.load()
    return store


def snapshot(settings: IndexerSettings) -> Path:
    (only,) = [path for path in settings.index_path.iterdir() if path.name.isdigit()]
    return only


def test_a_snapshot_comes_back_without_reading_the_documents(saved: Found, knowledge: Knowledge) -> None:
    loaded = again(knowledge)
    assert same(find(loaded, "leave pay", 1), saved)
    with Session(knowledge.engine) as session:  # only a store that reads the database anew would notice
        chunk = session.exec(select(Chunk)).first()
        assert chunk is not None
        session.delete(chunk)
        session.commit()
    assert same(find(again(knowledge), "leave pay", 1), saved)


def test_a_stale_snapshot_is_followed_up_and_replaced(
    saved: Found, knowledge: Knowledge, settings: IndexerSettings
) -> None:
    knowledge.put("c.md", "More about leave.")
    loaded = again(knowledge)
    assert same(find(loaded, "leave pay", 1), find(fresh(knowledge), "leave pay", 1))
    loaded.save()
    assert snapshot(settings).name == str(loaded.change)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["dense.faiss", "rows.npz"])
@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_snapshot_is_built_anew_and_replaced(
    name: str, damage: object, saved: Found, knowledge: Knowledge, settings: IndexerSettings
) -> None:
    assert callable(damage)
    damage(snapshot(settings) / name)
    loaded = again(knowledge)
    assert same(find(loaded, "leave pay", 1), saved)
    loaded.save()
    mended = again(knowledge)
    assert same(find(mended, "leave pay", 1), saved)
    assert snapshot(settings).name == str(mended.change)
    faiss.read_index(str(snapshot(settings) / "dense.faiss"))


def test_the_snapshot_of_another_database_is_not_taken(
    saved: Found, knowledge: Knowledge, settings: IndexerSettings
) -> None:
    with Session(knowledge.engine) as session:
        session.get_one(IndexInfo, "database").value = "another"
        session.commit()
    loaded = again(knowledge)
    assert same(find(loaded, "leave pay", 1), saved)
    assert not list(settings.index_path.glob("[0-9]*"))
    loaded.save()
    assert snapshot(settings).name == str(loaded.change)


def test_a_snapshot_from_the_future_is_not_taken(saved: Found, knowledge: Knowledge, settings: IndexerSettings) -> None:
    """The database was restored from a backup that is older than the index."""
    snapshot(settings).rename(settings.index_path / "99")
    assert same(find(again(knowledge), "leave pay", 1), saved)
    assert not (settings.index_path / "99").exists()


def test_what_a_killed_save_left_behind_is_removed(
    saved: Found, knowledge: Knowledge, settings: IndexerSettings
) -> None:
    (settings.index_path / "new").mkdir()
    (settings.index_path / "new" / "dense.faiss").write_bytes(b"half")
    knowledge.put("c.md", "More.")
    again(knowledge).save()
    assert {path.name for path in settings.index_path.iterdir()} <= {snapshot(settings).name, "lock"}


def test_a_snapshot_that_cannot_be_written_leaves_nothing_half(
    store: Store, knowledge: Knowledge, settings: IndexerSettings
) -> None:
    knowledge.put("a.md", "Leave.")
    store.follow()
    settings.index_path.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="exists"):
        store.save()


def test_following_an_older_copy_of_the_database(
    store: Store, knowledge: Knowledge, settings: IndexerSettings, tmp_path: Path
) -> None:
    knowledge.put("a.md", "Leave is thirty days.")
    with knowledge.engine.connect() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{tmp_path}/backup.db'")
    knowledge.put("b.md", "Leave is over.")
    store.follow()
    knowledge.engine.dispose()
    for path in settings.data.glob("knowledge.db*"):
        path.unlink()
    shutil.copy(tmp_path / "backup.db", settings.knowledge_path)
    store.follow()
    assert paths(knowledge, find(store, "leave", 1)) == {"a.md"}
    assert len(store) == 1


def test_vectors_of_another_length_replace_the_old_ones(saved: Found, knowledge: Knowledge) -> None:
    """After `indexer rebuild` with another model, a snapshot and a running server hold vectors of the old length."""
    running = again(knowledge)
    with Session(knowledge.engine) as session:
        for chunk in session.exec(select(Chunk)).all():
            chunk.vector = np.full(16, 0.25, np.float32).tobytes()
        session.get_one(IndexInfo, "dimension").value = "16"
        for document in session.exec(select(Document)).all():
            session.add(Change(document_id=document.id or 0, operation="put"))
        session.commit()
    for store in (running, again(knowledge)):
        store.follow()
        found = store.view(Scope(frozenset({1}))).search(np.full((1, 16), 0.25, np.float32), [["leav"]])
        assert len(found.chunk_ids) == 3
        assert found.cosine[0] == pytest.approx(np.ones(3), abs=1e-5)


def put_entry(knowledge: Knowledge, document_id: int, text: str) -> None:
    """An entry for the document's first chunk."""
    with Session(knowledge.engine) as session:
        chunk = session.exec(select(Chunk.id).where(Chunk.document_id == document_id)).first()
        session.add(Entry(chunk_id=chunk or 0, kind="question", text=text, vector=word_vector(text).tobytes()))
        session.commit()


def contents(state: State) -> dict[str, object]:
    keywords, entries = state.keywords.arrays(len(state.keywords)), state.entries.arrays(len(state.rows))
    return {
        "keywords": {name: values.tolist() for name, values in keywords.items()},
        "entries": {name: values.tolist() for name, values in entries.items()},
        "rows": state.rows.values.tolist(),
        "vectors": state.vectors.of(np.arange(len(state.vectors))).tolist(),
        "spellings": {id_: set(spelt) for id_, spelt in state.spellings.items()},
    }


def test_what_is_taken_up_while_a_snapshot_is_written_is_not_in_it(
    store: Store, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever takes it up does not wait for the writing."""
    put_entry(knowledge, knowledge.put("a.md", "Leave is thirty days.", "Pay is monthly."), "holidays")
    store.follow()
    before, newest = contents(store._state), store.change
    write = VectorIndex.write

    def write_later(index: VectorIndex, path: Path, count: int) -> None:
        put_entry(knowledge, knowledge.put("b.md", "Leave for parents."), "holidays of fathers")
        knowledge.put("c.md", "Pay.", "Parking.", collection="more")
        pool.submit(store.follow).result(SECONDS)
        write(index, path, count)

    monkeypatch.setattr(VectorIndex, "write", write_later)
    with ThreadPoolExecutor() as pool:
        store.save()
    assert snapshot(knowledge.settings).name == str(newest)
    assert store.change > newest
    assert contents(read_snapshot(snapshot(knowledge.settings), knowledge.engine)) == before
    assert same(find(again(knowledge), "leave pay", 1, 2), find(fresh(knowledge), "leave pay", 1, 2))


# Many changes


def test_compaction_keeps_what_is_found(store: Store, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer.search.store, "DEAD_ROWS", 20)
    for round_ in range(12):
        knowledge.put("a.md", *(f"Leave {round_} {n}." for n in range(5)))
        knowledge.put(f"{round_}.md", f"Kept {round_} about leave.")
        store.follow()
        store.compact()
        assert same(find(store, "leave kept", 1), find(fresh(knowledge), "leave kept", 1))
        rows = len(store._state.rows)
        assert rows - len(store) <= max(20, 0.25 * rows)


def test_following_leaves_the_dead_rows_to_a_compaction(
    store: Store, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever clicks on Delete waits for a follow, and not until the whole index is built anew."""
    monkeypatch.setattr(indexer.search.store, "DEAD_ROWS", 0)
    knowledge.put("a.md", "Leave.", "Pay.")
    knowledge.put("b.md", "Parking.")
    store.follow()
    knowledge.delete("a.md")
    store.follow()
    assert (len(store), len(store._state.rows)) == (1, 3)
    store.compact()
    assert (len(store), len(store._state.rows)) == (1, 1)


def test_searching_while_another_thread_follows(store: Store, knowledge: Knowledge) -> None:
    knowledge.put("kept.md", "Leave is always here.")
    store.follow()
    stop = threading.Event()
    failures: list[BaseException] = []

    def follow() -> None:
        try:
            while not stop.is_set():
                store.follow()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        for number in range(40):
            knowledge.put(f"{number % 7}.md", *(f"Leave {number} {n}." for n in range(number % 5 + 1)))
            if number % 3 == 0:
                knowledge.delete(f"{number % 7}.md")
            assert "kept.md" in paths(knowledge, find(store, "leave is always here", 1))
    finally:
        stop.set()
        thread.join()
    assert not failures
    store.follow()
    assert same(find(store, "leave", 1), find(fresh(knowledge), "leave", 1))


class AnyOrder(RuleBasedStateMachine):
    """Puts, deletes, follows, saves and loads in any order: at each step a followed store equals one built anew."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        settings = IndexerSettings(data=Path(self.folder.name))
        self.knowledge = Knowledge(open_knowledge(settings), settings)
        self.store = Store(self.knowledge.engine, settings.index_path)

    path = st.sampled_from(["a.md", "b.md", "c.md"])
    collection = st.sampled_from(["docs", "more"])
    paragraphs = st.lists(st.sampled_from(["Leave days.", "Pay day.", "Leave pay leave."]), min_size=1, max_size=3)

    @rule(path=path, collection=collection, paragraphs=paragraphs)
    def put(self, path: str, collection: str, paragraphs: list[str]) -> None:
        self.knowledge.put(path, *paragraphs, collection=collection)

    @rule(path=path, collection=collection)
    def delete(self, path: str, collection: str) -> None:
        self.knowledge.delete(path, collection)

    @rule()
    def save(self) -> None:
        self.store.save()

    @rule()
    def compact(self) -> None:
        self.store.compact()

    @rule()
    def load(self) -> None:
        self.store = Store(self.knowledge.engine, self.knowledge.settings.index_path)
        self.store.load()

    @rule()
    def follow(self) -> None:
        self.store.follow()
        anew = fresh(self.knowledge)
        assert len(self.store) == len(anew)
        for scope in ((1,), (2,), (1, 2)):
            assert same(find(self.store, "leave pay", *scope), find(anew, "leave pay", *scope))

    def teardown(self) -> None:
        self.follow()
        self.knowledge.engine.dispose()
        self.folder.cleanup()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = hypothesis_settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_of_a_text_that_stands_many_times_the_oldest_copies_are_found(store: Store, knowledge: Knowledge) -> None:
    """Two thousand copies neither hide what else there is nor make their words look common."""
    knowledge.put("copy.md", *["Leave is thirty days."] * 2_000)
    knowledge.put("other.md", "Leave for parents is a year.")
    store.follow()
    found = find(store, "leave", 1)
    assert paths(knowledge, found) == {"copy.md", "other.md"}
    assert len(found) == COPIES + 1
    assert store.view(Scope(frozenset({1}))).idf(["leav"])["leav"] == pytest.approx(np.log1p(0.5 / (COPIES + 1.5)))
    assert len(store) == 2_001


def test_a_copy_stands_in_for_one_that_is_gone_or_not_readable(store: Store, knowledge: Knowledge) -> None:
    for number in range(COPIES + 1):
        knowledge.put("same.md", "Leave is thirty days.", collection=f"c{number}")
    store.follow()
    everywhere = range(1, COPIES + 2)
    assert len(find(store, "leave", *everywhere)) == COPIES
    for number in everywhere:
        assert len(find(store, "leave", number)) == 1
    knowledge.delete("same.md", collection="c0")
    store.follow()
    assert len(find(store, "leave", *everywhere)) == COPIES
