"""A view finds what it found, whatever is taken up meanwhile; nobody waits; nothing outside a scope is heard of."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session, select

import indexer.search.store
from indexer.embed import Vectors
from indexer.knowledge.tables import Chunk
from indexer.passages import Scope
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.search.view import View
from indexer.settings import IndexerSettings
from tests.indexer.small_knowledge import Knowledge
from tests.word_embedder import WordEmbedder, word_vector

SECONDS = 60  # that a thread is waited for before the test fails
ALL = Scope(frozenset({1, 2}))


@pytest.fixture
def store(engine: Engine, settings: IndexerSettings) -> Store:
    return Store(engine, settings.index_path)


class Pause:
    """Holds a thread up where it reads the chunks of a document, and knows which threads read them."""

    def __init__(self, engine: Engine, document_id: int) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.readers: set[threading.Thread] = set()
        self.held: threading.Thread | None = None
        self._document_id = document_id
        event.listen(engine, "before_cursor_execute", self._look)

    def _look(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM chunk" not in statement or parameters[:1] != (self._document_id,):
            return
        self.readers.add(threading.current_thread())
        if threading.current_thread() is self.held:
            self.reached.set()
            self.go_on.wait(SECONDS)

    def start(self, work: Any) -> threading.Thread:
        """A thread that does it, and is held up there."""
        self.held = threading.Thread(target=work)
        self.held.start()
        assert self.reached.wait(SECONDS)
        return self.held

    def end(self) -> None:
        self.go_on.set()
        if self.held is not None:
            self.held.join(SECONDS)


def found(view: View, question: str = "leave pay") -> list[Any]:
    candidates = view.search(word_vector(question)[None, :], [["leav", "pay"]])
    arrays = [candidates.chunk_ids, candidates.cosine, candidates.bm25, candidates.entry_cosine]
    return [view.state.change, view.idf(["leav", "pay"]), view.corrected("parnetal"), *(a.tolist() for a in arrays)]


def test_a_view_stays_as_it_is(store: Store, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer.search.store, "DEAD_ROWS", 3)
    knowledge.put("a.md", "Leave is thirty days.", "Parents are paid.")
    knowledge.put("b.md", "Pay is monthly.")
    store.follow()
    view = store.view(ALL)
    before = found(view)
    for number in range(8):
        knowledge.put("a.md", f"Leave and pay {number}.", "Parental leave.")
        knowledge.put(f"{number}.md", "Pay.", collection="more")
        store.follow()
        store.compact()
        assert found(view) == before
        assert found(store.view(ALL)) != before
    assert len(store._state.rows) < 8 * 3, "the store was built anew meanwhile"


class Meeting(list[str]):
    """A query whose terms are looked up when another search has come as far."""

    together = threading.Barrier(2)

    def __iter__(self) -> Iterator[str]:
        self.together.wait(SECONDS)
        return super().__iter__()


def test_searches_do_not_wait_for_each_other(store: Store, knowledge: Knowledge) -> None:
    knowledge.put("a.md", "Leave is thirty days.")
    store.follow()

    def search() -> int:
        return len(store.view(ALL).search(word_vector("leave")[None, :], [Meeting(["leav"])]).chunk_ids)

    with ThreadPoolExecutor() as pool:
        assert [one.result(SECONDS) for one in [pool.submit(search), pool.submit(search)]] == [1, 1]


def test_a_search_does_not_wait_for_what_is_taken_up(store: Store, knowledge: Knowledge) -> None:
    knowledge.put("a.md", "Leave is thirty days.")
    store.follow()
    before = found(store.view(ALL))
    first, large = knowledge.put("b.md", "More of leave and pay."), knowledge.put("large.md", "Leave. " * 50)
    assert first < large
    pause = Pause(knowledge.engine, large)
    try:
        pause.start(store.follow)  # b.md is taken up already, large.md not yet
        with ThreadPoolExecutor() as pool:
            assert pool.submit(lambda: found(store.view(ALL))).result(SECONDS) == before
    finally:
        pause.end()
    assert len(store.view(ALL).search(word_vector("leave")[None, :], [["leav"]]).chunk_ids) == 3


def test_compaction_is_done_once_and_loses_nothing(
    store: Store, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer.search.store, "DEAD_ROWS", 0)
    kept = knowledge.put("kept.md", "Leave.")
    knowledge.put("a.md", "Pay.")
    store.follow()
    knowledge.put("a.md", "Pay again.")
    store.follow()
    pause = Pause(knowledge.engine, kept)  # which a compaction reads, and no follow from now on
    try:
        compacting = pause.start(store.compact)
        knowledge.put("new.md", "Parking.")
        knowledge.put("a.md", "Pay for the third time.")
        with ThreadPoolExecutor() as pool:
            assert pool.submit(store.follow).result(SECONDS) == 2
            pool.submit(store.compact).result(SECONDS)
        newest, chunks = store.change, store.chunk_ids()
    finally:
        pause.end()
    assert pause.readers == {compacting}, "one thread builds anew"
    assert store.change == newest
    assert store.chunk_ids() == chunks
    assert len(store) == 3
    assert len(store._state.rows) < 5, "what was dead when it began is gone"


def test_a_follow_that_fails_half_way_changes_nothing(store: Store, knowledge: Knowledge, tmp_path: Path) -> None:
    kept = knowledge.put("a.md", "Leave is thirty days.")
    store.follow()
    before = found(store.view(ALL))
    knowledge.put("b.md", "More of leave and pay.")
    broken = knowledge.put("c.md", "Pay.")
    with Session(knowledge.engine) as session:
        chunk = session.exec(select(Chunk).where(Chunk.document_id == broken)).one()
        whole, chunk.vector = chunk.vector, chunk.vector[:-1]
        session.commit()
    with pytest.raises(ValueError, match="buffer size"):
        store.follow()
    assert found(store.view(ALL)) == before
    assert store._state.is_even, "something was appended before all was read"
    with Session(knowledge.engine) as session:
        session.exec(select(Chunk).where(Chunk.document_id == broken)).one().vector = whole
        session.commit()
    pause = Pause(knowledge.engine, kept)
    store.follow()
    assert not pause.readers, "all that was taken up before was read again"
    anew = Store(knowledge.engine, tmp_path / "nowhere")
    anew.follow()
    assert found(store.view(ALL)) == found(anew.view(ALL))


def test_vectors_of_an_odd_length_are_refused_before_anything_is_taken_up(store: Store, knowledge: Knowledge) -> None:
    knowledge.put("a.md", "Leave is thirty days.")
    store.follow()
    knowledge.put("b.md", "More of leave and pay.")
    odd = knowledge.put("c.md", "Pay.")
    with Session(knowledge.engine) as session:
        session.exec(select(Chunk).where(Chunk.document_id == odd)).one().vector = bytes(4 * 3)
        session.commit()
    with pytest.raises(ValueError, match="vectors of length 3"):
        store.follow()
    assert store._state.is_even


class FollowingEmbedder(WordEmbedder):
    """A document is committed and taken up whenever it encodes a question."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.store: Store | None = None

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        if self.store is not None:
            self.knowledge.put("new.md", "Leave and pay, and parental leave.")
            self.store.follow()
        return super().encode_queries(texts)


def test_all_numbers_of_a_question_are_of_one_moment(store: Store, knowledge: Knowledge) -> None:
    knowledge.put("a.md", "Leave is thirty days.", "Pay is monthly.")
    store.follow()
    embedder = FollowingEmbedder(knowledge)
    retriever = Retriever(knowledge.engine, embedder, store, knowledge.settings)  # type: ignore[arg-type]
    alone = retriever.retrieve("leave pay", ["pay"], ALL)
    embedder.store = store
    meanwhile = retriever.retrieve("leave pay", ["pay"], ALL)
    assert (meanwhile.passages, meanwhile.terms) == (alone.passages, alone.terms)
    assert retriever.retrieve("leave pay", ["pay"], ALL).terms != alone.terms
