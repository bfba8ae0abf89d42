"""A rebuild makes a second generation of chunks while the first one is searched, goes on after an end at any moment,
and loses nothing that others changed meanwhile."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from sqlalchemy import Engine, event
from sqlmodel import Session, col, func, select, update

from indexer import rebuild as module
from indexer.documents.chunk import ChunkDraft, chunk_document
from indexer.documents.extract.document import ExtractedDocument, blocks_from_json
from indexer.documents.extract.text import reader as plain_text
from indexer.documents.reading import FailedFile, ReadFile, read_ahead
from indexer.documents.scan import ScannedFile
from indexer.embed import ChunkVectors, model_folder
from indexer.errors import BusyError, IndexMismatchError
from indexer.ingest import ingest
from indexer.knowledge import generations
from indexer.knowledge.calibration import is_due
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.encoding import encoded
from indexer.knowledge.generations import current, is_current, rebuild_under_way
from indexer.knowledge.index_info import check_searchable, describe_index
from indexer.knowledge.records import put_document, write_ledger
from indexer.knowledge.runs import RunProgress
from indexer.knowledge.tables import (
    Change,
    Chunk,
    Collection,
    Document,
    Enrichment,
    Entry,
    IndexInfo,
    LedgerEntry,
    Rebuilt,
)
from indexer.knowledge.trash import delete_file, restore_file
from indexer.passages import Scope
from indexer.rebuild import discard_rebuild, rebuild_index
from indexer.search.retrieve import Retriever
from indexer.search.snapshot_due import is_snapshot_due
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.text.word_pieces import SPECIAL_TOKENS, WordPieces
from indexer.verify import verify_index
from tests.indexer.interrupted import Ended, Meanwhile, TurnedEmbedder, ended_after
from tests.word_embedder import DIMENSION, WordEmbedder

DOCUMENTS = 7


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_CHUNKS", 3)
    monkeypatch.setattr(module, "AT_ONCE", 2)
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(generations, "REMOVED_AT_ONCE", 4)
    monkeypatch.setattr(module, "CLEARED_TOGETHER", 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    for number in range(DOCUMENTS):
        (made / f"{number}.md").write_text(text_of(number))
    return made


def text_of(number: int, version: str = "old") -> str:
    sentences = " ".join(f"Rule {number} says {version} word{number}{place} here." for place in range(number * 25 + 2))
    return f"# Rule {number}\n\n{sentences}\n"


@pytest.fixture
def other(settings: IndexerSettings) -> IndexerSettings:
    """Another chunk size, so that both generations differ in length as well."""
    return settings.model_copy(update={"chunk_tokens": 64})


@pytest.fixture
def indexed(folder: Path, settings: IndexerSettings, engine: Engine) -> Path:
    """The folder, its files in the database as an ingest puts them there."""
    with Session(engine) as session:
        session.add(Collection(name="docs"))
        session.flush()
        describe_index(session, settings, DIMENSION)
        for path in sorted(folder.iterdir()):
            file, extracted = ScannedFile(folder, path.name), plain_text.extract(path.read_bytes(), path.stem)
            drafts, vectors = made_of(extracted, settings, WordEmbedder())
            put_document(session, 1, file, "0", extracted, drafts, vectors)
            write_ledger(session, 1, file, "indexed", "", sha256="0", chunks=len(drafts))
        session.commit()
    return folder


def made_of(
    extracted: ExtractedDocument, settings: IndexerSettings, embedder: WordEmbedder
) -> tuple[list[ChunkDraft], list[ChunkVectors]]:
    pieces = WordPieces(model_folder("all-MiniLM-L6-v2"))
    drafts = chunk_document(extracted, pieces.offsets, settings.chunk_tokens - SPECIAL_TOKENS)
    return drafts, [
        one
        for part in encoded([(extracted.text, draft) for draft in drafts], embedder)  # type: ignore[arg-type]
        for one in part
    ]


def searched(engine: Engine) -> dict[str, list[tuple[str, bytes]]]:
    """Path -> (body, vector) of every chunk of the generation that is searched."""
    with Session(engine) as session:
        rows = session.exec(
            select(Document.path, Chunk.body, Chunk.vector)
            .join(Document)
            .where(is_current())
            .order_by(col(Document.path), col(Chunk.ordinal))
        ).all()
    found: dict[str, list[tuple[str, bytes]]] = {}
    for path, body, vector in rows:
        found.setdefault(path, []).append((body, vector))
    return found


def left_behind(engine: Engine) -> int:
    """Chunks of other generations, notes of a rebuild."""
    with Session(engine) as session:
        chunks = session.exec(select(func.count(col(Chunk.id))).where(~is_current())).one()
        notes = session.exec(select(func.count(col(Rebuilt.document_id)))).one()
        return chunks + notes + (rebuild_under_way(session) is not None)


def expected(engine: Engine, settings: IndexerSettings, embedder: WordEmbedder) -> object:
    """What the stored texts make with these settings."""
    found = {}
    with Session(engine) as session:
        for one in session.exec(select(Document)).all():
            extracted = ExtractedDocument(one.title, one.text, blocks_from_json(one.blocks), one.pages)
            made = zip(*made_of(extracted, settings, embedder), strict=True)
            found[one.path] = [(one.text[draft.start : draft.end], each.vector.tobytes()) for draft, each in made]
    return found


def whole(engine: Engine, settings: IndexerSettings) -> bool:
    assert verify_index(settings, engine) == []
    with Session(engine) as session:
        for entry in session.exec(select(LedgerEntry).where(LedgerEntry.state == "indexed")).all():
            assert entry.deleted_at is not None or entry.chunks == len(searched(engine)[entry.path])
    return not left_behind(engine)


def test_it_makes_what_an_ingest_with_these_settings_makes(
    indexed: Path, other: IndexerSettings, engine: Engine
) -> None:
    old = searched(engine)
    outcome = rebuild_index(other, engine, TurnedEmbedder())  # type: ignore[arg-type]
    assert searched(engine) == expected(engine, other, TurnedEmbedder()) != old
    assert (outcome.documents, outcome.chunks) == (DOCUMENTS, sum(map(len, searched(engine).values())))
    assert outcome.switched
    assert outcome.resumed == 0
    assert whole(engine, other)
    with Session(engine) as session:
        assert current(session) == 2


def test_it_can_be_repeated_with_the_same_settings(indexed: Path, settings: IndexerSettings, engine: Engine) -> None:
    old = searched(engine)
    for generation in (2, 3):
        rebuild_index(settings, engine, WordEmbedder())  # type: ignore[arg-type]
        assert searched(engine) == old
        assert whole(engine, settings)
        with Session(engine) as session:
            assert current(session) == generation


def test_an_empty_index_takes_the_settings(settings: IndexerSettings, other: IndexerSettings, engine: Engine) -> None:
    rebuild_index(settings, engine, WordEmbedder())  # type: ignore[arg-type]
    assert rebuild_index(other, engine, WordEmbedder()).documents == 0  # type: ignore[arg-type]
    assert whole(engine, other)


def find(store: Store, embedder: WordEmbedder, words: str) -> set[int]:
    vectors = embedder.encode_queries([words])
    return set(store.view(Scope(frozenset({1}))).search(vectors, [[]]).chunk_ids.tolist())


def test_searches_see_the_first_generation_until_the_switch_and_then_the_second(
    indexed: Path,
    settings: IndexerSettings,
    other: IndexerSettings,
    engine: Engine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store(engine, settings.index_path)
    store.load()
    store.save()
    old = store.chunk_ids()
    seen: list[bool] = []

    def look(_progress: RunProgress) -> None:
        store.follow()
        anew = Store(engine, settings.index_path)
        anew.load()
        counted = sum(Catalog(engine).count_chunks(Scope(frozenset({1}))).values())
        seen.append(store.chunk_ids() == old == anew.chunk_ids() and counted == len(old))

    def switched() -> None:
        assert find(store, WordEmbedder(), "rule"), "a search that began before goes on"
        store.follow()
        assert store.chunk_ids().isdisjoint(old)
        assert find(store, TurnedEmbedder(), "rule") <= store.chunk_ids()
        assert is_snapshot_due(engine, settings.index_path)

    rebuild_index(other, engine, TurnedEmbedder(), look, switched)  # type: ignore[arg-type]
    assert len(seen) > 3
    assert all(seen)
    with Session(engine) as session:
        ids = set(session.exec(select(Chunk.id)))
    assert store.follow() == 0, "clearing changes nothing of what is searched"
    assert store.chunk_ids() == ids
    fresh = Store(engine, settings.index_path)
    fresh.load()
    assert fresh.chunk_ids() == ids, "the old snapshot is not taken"
    assert caplog.messages == [], "nothing is wrong with it"


def test_a_retriever_of_the_old_model_never_takes_up_vectors_of_the_new_one(
    indexed: Path, settings: IndexerSettings, engine: Engine
) -> None:
    store = Store(engine, settings.index_path, partial(check_searchable, settings=settings))
    store.load()
    retriever = Retriever(engine, WordEmbedder(), store, settings)  # type: ignore[arg-type]
    old, folder = store.chunk_ids(), model_folder("all-MiniLM-L6-v2")
    model = settings.model_copy(update={"embedder": "all-MiniLM-L6-v2-turned"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "model_folder", lambda _name: folder)
        rebuild_index(model, engine, TurnedEmbedder())  # type: ignore[arg-type]
    for take_up in (retriever.follow, store.follow, store.load):
        with pytest.raises(IndexMismatchError, match="is to be started again"):
            take_up()
        assert store.chunk_ids() == old


def test_passages_of_another_size_are_searched_until_they_are_rebuilt(
    indexed: Path, settings: IndexerSettings, other: IndexerSettings, engine: Engine
) -> None:
    store = Store(engine, settings.index_path)
    store.load()
    retriever = Retriever(engine, WordEmbedder(), store, other)  # type: ignore[arg-type]
    retriever.follow()
    assert retriever.search("What does rule 3 say?", [], Scope(frozenset({1})))


# What others do meanwhile


def test_what_is_changed_meanwhile_is_right_after_the_switch(
    indexed: Path, settings: IndexerSettings, other: IndexerSettings, engine: Engine
) -> None:
    def ingest_changes() -> None:
        (indexed / "1.md").write_text(text_of(1, "new"))
        (indexed / "5.md").write_text(text_of(5, "new"))
        (indexed / "6.md").unlink()
        (indexed / "9.md").write_text(text_of(9))
        ingest([indexed], settings, engine, WordEmbedder)  # type: ignore[arg-type]
        assert verify_index(settings, engine) == []

    for at in (1, 4):
        rebuild_index(other, engine, Meanwhile(ingest_changes, at))  # type: ignore[arg-type]
        assert searched(engine) == expected(engine, other, TurnedEmbedder())
        assert whole(engine, other)
        (indexed / "6.md").write_text(text_of(6))
        (indexed / "9.md").unlink()
        settings, other = other, settings


def test_an_ingest_that_began_before_the_clearing_counts_no_passages_of_before(
    folder: Path,
    settings: IndexerSettings,
    other: IndexerSettings,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It looks at the ledger, the rebuild counts anew, and then it writes of files that a newer reader reads alike."""

    def ended() -> None:
        raise Ended

    def read(files: Sequence[ScannedFile], settings: IndexerSettings) -> Iterator[ReadFile | FailedFile]:
        assert discard_rebuild(other, engine) is not None, "it has switched: nothing but clearing is left"
        return read_ahead(files, settings)

    ingest([folder], settings, engine, WordEmbedder)  # type: ignore[arg-type]
    with pytest.raises(Ended):
        rebuild_index(other, engine, WordEmbedder(), after_switch=ended)  # type: ignore[arg-type]
    with Session(engine) as session:
        session.exec(update(LedgerEntry).values(reader=0))
        session.commit()
    monkeypatch.setattr("indexer.ingest.read_ahead", read)
    report = ingest([folder], other, engine, WordEmbedder)  # type: ignore[arg-type]
    assert report.counts["unchanged"] == DOCUMENTS
    assert verify_index(other, engine) == []
    with Session(engine) as session:
        assert sum(file.chunks for file in report.files) == session.exec(select(func.count(col(Chunk.id)))).one()


def test_what_is_deleted_by_hand_meanwhile_stays_hidden_and_can_be_brought_back(
    indexed: Path, other: IndexerSettings, engine: Engine
) -> None:
    everything = Catalog(engine).everything()
    with Session(engine) as session:
        entry = session.exec(select(LedgerEntry.id).where(LedgerEntry.path == "0.md")).one() or 0
    rebuild_index(other, engine, Meanwhile(lambda: delete_file(engine, entry, everything)))  # type: ignore[arg-type]
    store = Store(engine, other.index_path)
    store.load()
    before = len(store)
    restore_file(engine, entry, everything)
    store.follow()
    assert len(store) > before
    assert whole(engine, other)


def test_entries_go_with_the_words_that_they_are_of(indexed: Path, settings: IndexerSettings, engine: Engine) -> None:
    def enrich(path: str) -> None:
        with Session(engine) as session:
            wanted = select(Chunk.id, Chunk.document_id).join(Document)
            chunk, document = session.exec(wanted.where(Document.path == path, is_current())).first() or (0, 0)
            vector = WordEmbedder().encode_queries(["asked"])[0].tobytes()
            session.add(Enrichment(chunk_id=chunk, model="writer", dropped=0))
            session.add(Entry(chunk_id=chunk or 0, kind="question", text="asked", vector=vector))
            session.add(Change(document_id=document, operation="put"))
            session.commit()

    enrich("1.md")
    rebuild_index(settings, engine, Meanwhile(lambda: enrich("0.md")))  # type: ignore[arg-type]
    with Session(engine) as session:
        found = session.exec(select(Document.path, Entry.vector).select_from(Entry).join(Chunk).join(Document)).all()
    assert {path for path, _ in found} == {"0.md", "1.md"}
    assert {vector for _, vector in found} == {TurnedEmbedder().encode_queries(["asked"])[0].tobytes()}
    assert whole(engine, settings)


def test_the_switch_waits_for_an_ingest_and_tells_it(indexed: Path, other: IndexerSettings, engine: Engine) -> None:
    lock = FileLock(other.data / "ingest.lock")
    waited: list[int] = []

    def look(progress: RunProgress) -> None:
        if progress.waiting:
            with Session(engine) as session:
                waited.append(current(session))
            lock.release()

    rebuild_index(other, engine, Meanwhile(lock.acquire), look)  # type: ignore[arg-type]
    assert waited == [1]
    assert whole(engine, other)


def test_a_command_with_the_new_settings_is_told_to_wait(
    indexed: Path, settings: IndexerSettings, other: IndexerSettings, engine: Engine
) -> None:
    def ingest_as_set() -> None:
        with pytest.raises(BusyError, match="It is being rebuilt for that"):
            ingest([indexed], other, engine, WordEmbedder)  # type: ignore[arg-type]
        with pytest.raises(BusyError, match="Another `indexer rebuild`"):
            rebuild_index(other, engine, WordEmbedder())  # type: ignore[arg-type]
        with pytest.raises(BusyError, match="Another `indexer rebuild`"):
            discard_rebuild(other, engine)

    rebuild_index(other, engine, Meanwhile(ingest_as_set))  # type: ignore[arg-type]
    with pytest.raises(IndexMismatchError, match="indexer rebuild"):
        ingest([indexed], settings, engine, WordEmbedder)  # type: ignore[arg-type]


def test_a_calibration_with_the_model_before_the_switch_is_not_believed(
    knowledge: object, indexed: Path, settings: IndexerSettings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexer.knowledge import calibration

    monkeypatch.setattr(calibration, "LEAST_CHUNKS", 1)
    store = Store(engine, settings.index_path)
    store.load()
    rebuild_index(settings, engine, WordEmbedder())  # type: ignore[arg-type]
    calibration.keep_off_topic(engine, 0.1, 0.1, store.change)  # it began before the switch
    assert is_due(engine)
    store.follow()
    calibration.keep_off_topic(engine, 0.1, 0.1, store.change)
    assert not is_due(engine)


# Locks, and ends at any moment


def test_no_write_holds_the_lock_for_more_than_a_piece(
    indexed: Path, other: IndexerSettings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: no transaction adds or removes more chunks than a piece has, and others can write between
    any two of them."""
    monkeypatch.setattr(module, "WRITTEN_BYTES", 3 * 4 * DIMENSION)
    counts: list[int] = []

    @event.listens_for(engine, "commit")
    def note(connection: object) -> None:
        counts.append(connection.exec_driver_sql("SELECT count(*) FROM chunk").scalar_one())  # type: ignore[attr-defined]

    outcome = rebuild_index(other, engine, TurnedEmbedder())  # type: ignore[arg-type]
    steps = np.abs(np.diff(counts))
    assert steps.max() == generations.REMOVED_AT_ONCE
    assert (steps[np.diff(counts) > 0] == 1).all(), "vectors of a chunk and its sentences fill a piece"
    assert outcome.writes >= len(counts) - 1
    assert outcome.longest_write > 0


def test_it_goes_on_after_an_end_between_any_two_commits(
    indexed: Path, settings: IndexerSettings, other: IndexerSettings, engine: Engine
) -> None:
    both = {
        False: (settings, WordEmbedder(), expected(engine, settings, WordEmbedder())),
        True: (other, TurnedEmbedder(), expected(engine, other, TurnedEmbedder())),
    }
    turned, ends = False, 0
    for commits in (0, 3, 8, 1000):
        goal, embedder, made = both[not turned]
        resumed_before = -1
        for _ in range(200):
            restore = ended_after(engine, commits)
            try:
                outcome = rebuild_index(goal, engine, embedder)  # type: ignore[arg-type]
                break
            except Ended:
                ends += 1
                commits += 1  # each call comes a little further, by itself or because of what was done before
            finally:
                restore()
            assert verify_index(goal, engine) == []
            with Session(engine) as session:
                done = session.exec(select(func.count(col(Rebuilt.document_id)))).one()
                generation_is_new = (session.get_one(IndexInfo, "chunk_tokens").value) == str(goal.chunk_tokens)
            assert generation_is_new or done >= resumed_before, "what was made is kept"
            resumed_before = done
            assert searched(engine) == both[not turned if generation_is_new else turned][2]
        assert outcome.documents == DOCUMENTS
        assert searched(engine) == made
        assert whole(engine, goal)
        turned = not turned
    assert ends > 20


def test_a_rebuild_for_something_else_begins_anew(
    indexed: Path, settings: IndexerSettings, other: IndexerSettings, engine: Engine
) -> None:
    end_in_the_middle(engine, other)
    third = settings.model_copy(update={"chunk_tokens": 96})
    outcome = rebuild_index(third, engine, TurnedEmbedder())  # type: ignore[arg-type]
    assert outcome.resumed == 0
    assert searched(engine) == expected(engine, third, TurnedEmbedder())
    assert whole(engine, third)


def test_other_files_of_a_model_of_the_same_name_begin_anew(
    indexed: Path, other: IndexerSettings, engine: Engine
) -> None:
    end_in_the_middle(engine, other)
    assert rebuild_index(other, engine, WordEmbedder()).resumed == 0  # type: ignore[arg-type]
    vectors = {vector for found in searched(engine).values() for _, vector in found}
    assert all((np.frombuffer(vector, np.float32) >= 0).all() for vector in vectors)


def end_in_the_middle(engine: Engine, settings: IndexerSettings) -> None:
    def end() -> None:
        raise Ended

    with pytest.raises(Ended):
        rebuild_index(settings, engine, Meanwhile(end, 3))  # type: ignore[arg-type]
    assert left_behind(engine) > 3


def test_a_rebuild_is_discarded_also_in_several_goes(
    indexed: Path, settings: IndexerSettings, other: IndexerSettings, engine: Engine
) -> None:
    old = searched(engine)
    assert discard_rebuild(settings, engine) is None
    end_in_the_middle(engine, other)
    for commits in range(20):
        restore = ended_after(engine, commits)
        try:
            discard_rebuild(settings, engine)
            break
        except Ended:
            pass
        finally:
            restore()
        assert verify_index(settings, engine) == []
    assert commits > 1
    assert searched(engine) == old
    assert whole(engine, settings)


def test_what_was_half_discarded_is_not_taken_for_made(indexed: Path, other: IndexerSettings, engine: Engine) -> None:
    end_in_the_middle(engine, other)
    restore = ended_after(engine, 2)
    with pytest.raises(Ended):
        discard_rebuild(other, engine)
    restore()
    assert rebuild_index(other, engine, TurnedEmbedder()).resumed == 0  # type: ignore[arg-type]
    assert whole(engine, other)
