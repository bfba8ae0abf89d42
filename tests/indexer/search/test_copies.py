"""Copies take no place from what differs, every place is named to who may read it, and what differs in a fact stays."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session, select

from indexer.client import passage_json
from indexer.knowledge.tables import Chunk, Document
from indexer.passages import Folder, Passage, Scope
from indexer.search import places
from indexer.search.copies import Asked, Distinct
from indexer.search.found import FoundChunk
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.text.sentences import sentence_spans
from tests.indexer.small_knowledge import ROOT, Knowledge
from tests.word_embedder import WordEmbedder

ALL = Scope(frozenset({1}))
RULES = "The north gate opens at 6:15 and closes at 21:45 on working days."
KEYS = "Marit Solberg holds the key of the north gate."
QUESTION = "When does the north gate open and who holds its key?"


@pytest.fixture
def retriever(knowledge: Knowledge, settings: IndexerSettings, embedder: WordEmbedder) -> Retriever:
    knowledge.collection("docs")
    return Retriever(knowledge.engine, embedder, Store(knowledge.engine, settings.index_path), settings)  # type: ignore[arg-type]


def ask(retriever: Retriever, question: str = QUESTION, scope: Scope = ALL, k: int = 8) -> list[Passage]:
    retriever.follow()
    passages = retriever.search(question, (), scope, k)
    for passage in passages:
        assert passage.is_in(scope)
        with Session(retriever.engine) as session:
            for place in passage.also_in:
                assert place.is_in(scope)
                assert place.document_id != passage.document_id
                found = session.get_one(Document, place.document_id)
                assert (found.path, found.title) == (place.document, place.title)
                assert found.text[place.start : place.end]
                assert passage.start <= place.of_start < place.of_end <= passage.end
    return passages


def also_in(passage: Passage) -> list[str]:
    named: list[str] = passage_json(passage).get("also_in", [])
    return named


def test_nine_copies_of_a_page_leave_room_for_the_other_page(retriever: Retriever, knowledge: Knowledge) -> None:
    for number in range(9):
        knowledge.put(f"gate-rules-copy-{number}.md", RULES)
    knowledge.put("keys.md", KEYS)
    first, second = ask(retriever)
    assert {first.text, second.text} == {RULES, KEYS}
    rules = first if first.text == RULES else second
    assert sorted([rules.document, *also_in(rules)]) == [f"gate-rules-copy-{number}.md" for number in range(9)]
    assert not also_in(second if rules is first else first)


def test_copies_take_no_place_of_the_passages_asked_for(retriever: Retriever, knowledge: Knowledge) -> None:
    for number in range(60):
        knowledge.put(f"copy {number}.md", RULES)
    for number in range(20):
        knowledge.put(f"other{number}.md", f"Gate {number} in the north has door {number}.")
    for k in (1, 2, 8, 12):
        found = ask(retriever, "When does the north gate open?", k=k)
        assert len(found) == k
        assert sum(passage.text == RULES for passage in found) == 1


def test_more_copies_than_a_search_looks_at_hide_nothing(retriever: Retriever, knowledge: Knowledge) -> None:
    for number in range(130):
        knowledge.put(f"rules {number}.md", RULES)
    knowledge.put("keys.md", KEYS)
    assert KEYS in [passage.text for passage in ask(retriever, "north gate opens closes working days")]


@pytest.mark.parametrize(
    "other",
    [
        "The north gate opens at 6:15 and closes at 22:45 on working days.",
        "The south gate opens at 6:15 and closes at 21:45 on working days.",
        "The north gate opens at 6:15 and never closes at 21:45 on working days.",
    ],
)
def test_what_differs_in_a_word_stays(other: str, retriever: Retriever, knowledge: Knowledge) -> None:
    knowledge.put("v1.md", RULES)
    knowledge.put("v2.md", other)
    found = ask(retriever)
    assert [passage.text for passage in found] in ([RULES, other], [other, RULES])
    assert not any(passage.also_in for passage in found)


def test_a_line_that_dates_a_copy_counts_only_where_dates_are_asked_for(
    retriever: Retriever, knowledge: Knowledge
) -> None:
    for number in range(1, 10):
        knowledge.put(f"rules {number}.md", f"{RULES} Last updated: {number} March 2024.")
    knowledge.put("keys.md", KEYS)
    assert len(ask(retriever, "When does the north gate open and who has its key?")) == 2
    assert len(ask(retriever, "Which rules of the north gate were updated last?")) == 8
    knowledge.put("of june.md", f"{RULES} Opened on 7 June 2024.")
    assert "of june.md" in [p.document for p in ask(retriever, "North gate hours and key?")], "a fact, not a date line"


def test_the_copy_that_the_question_names_is_shown_beside_the_other(retriever: Retriever, knowledge: Knowledge) -> None:
    knowledge.put("canteen berlin.md", "The canteen opens at noon.")
    knowledge.put("canteen munich.md", "The canteen opens at noon.")
    assert ask(retriever, "When does the canteen in Berlin open?")[0].document == "canteen berlin.md"
    assert len(ask(retriever, "When does the canteen in Berlin open?")) == 2
    assert len(ask(retriever, "When does the canteen open?")) == 1


def test_what_is_cut_otherwise_is_a_copy_too(retriever: Retriever, knowledge: Knowledge) -> None:
    """As of a Word file and its PDF, where a page ends in the midst of it."""
    knowledge.put("rules.docx", f"{RULES} Bicycles are left outside. Dogs are welcome.")
    knowledge.put("rules.pdf", f"{RULES} Bicycles are left outside.", "Dogs are welcome.", pages=[1, 2])
    for question in (QUESTION, "Are dogs welcome?", "bicycles"):
        found = ask(retriever, question)
        assert [passage.document for passage in found] == ["rules.docx"]
        assert also_in(found[0]) == ["rules.pdf"]


def test_a_copy_is_named_for_what_it_holds_and_for_nothing_else(retriever: Retriever, knowledge: Knowledge) -> None:
    home = f"{RULES} {KEYS} Dogs are welcome."
    knowledge.put("gate.md", home)
    knowledge.put("gate (copy 2).md", RULES)
    knowledge.put("gate (copy 3).md", f"{RULES} Dogs are welcome.")
    [found] = ask(retriever)
    assert found.text == home

    def named(words: str) -> list[str]:
        start = found.start + found.text.index(words)
        return [place.document for place in found.also_said_in(start, start + len(words))]

    assert named(RULES) == ["gate (copy 2).md", "gate (copy 3).md"]
    assert named("Dogs are welcome.") == ["gate (copy 3).md"]
    assert named(KEYS) == named(home) == named(f"{RULES} {KEYS}") == []
    assert also_in(found) == []
    assert passage_json(found)["partly_in"] == ["gate (copy 2).md", "gate (copy 3).md"]


def test_a_copy_of_several_chunks_is_named_beside_each(retriever: Retriever, knowledge: Knowledge) -> None:
    """As a page of a PDF on which two chunks of the Word file stand."""
    knowledge.put("rules.docx", f"{RULES} Pay 5 crowns.", f"{KEYS} Dogs are welcome.", pages=[1, 2])
    knowledge.put("rules.pdf", f"{RULES} {KEYS}")
    first, second = ask(retriever, "Who pays 5 crowns, and which dogs are welcome?")
    assert {first.document, second.document} == {"rules.docx"}
    for passage in (first, second):
        said = RULES if RULES in passage.text else KEYS
        start = passage.start + passage.text.index(said)
        assert [place.document for place in passage.also_said_in(start, start + len(said))] == ["rules.pdf"]
        assert passage.also_said_in(passage.start, passage.end) == []


def test_what_stands_beside_a_passage_is_told_of_its_copies_too(retriever: Retriever, knowledge: Knowledge) -> None:
    parts = [RULES, *(f"Part {n} is for somebody else." for n in range(12)), KEYS]
    for folder in ("/a", "/b"):
        knowledge.put("rules.md", *parts, root=Path(folder))
    knowledge.put("rules.md", *parts[:2], root=Path("/c"))
    retriever.follow()
    found = retriever.retrieve("When does the north gate open on working days?", (), ALL, 1)
    [narrow], [wide, *_] = found.passages, found.wide
    assert wide.text.startswith("\n\n".join(parts[:3]))
    assert not narrow.text.count(parts[2])

    def named(words: str) -> list[str]:
        start = wide.start + wide.text.index(words)
        return [place.root for place in wide.also_said_in(start, start + len(words))]

    assert named(RULES) == named(parts[1]) == ["/b", "/c"]
    assert named(parts[2]) == named("\n\n".join(parts[:3])) == ["/b"]
    assert [place.root for place in wide.partly_in] == ["/c"]
    assert len(wide.also_in) == 2, "what follows each other is one place"


def test_versions_of_a_document_have_the_places_of_one(retriever: Retriever, knowledge: Knowledge) -> None:
    for number in range(12):
        knowledge.put(f"rules v{number}.md", f"{RULES} Visitors pay {number} crowns for a badge.")
    for number in range(12):
        knowledge.put(f"other {number}.md", f"North door {number}.")
    found = [passage.document for passage in ask(retriever, "north gate opens")]
    assert len(found) == 8
    assert sum(name.startswith("rules") for name in found) == 4


def test_a_copy_that_may_not_be_read_is_neither_named_nor_hides_the_other(
    retriever: Retriever, knowledge: Knowledge
) -> None:
    for number in range(4):
        knowledge.put(f"secret{number}.md", RULES, collection="secret")
        knowledge.put("secret/rules.md", f"{RULES} Rev. {number}", collection=f"secret {number}")
    knowledge.put("rules.md", RULES)
    knowledge.put("folder/rules.md", RULES)
    mine = Scope(frozenset({knowledge.collection("docs")}))
    [found] = ask(retriever, scope=mine)
    assert [found.document, *also_in(found)] == ["rules.md", "folder/rules.md"]
    folder = Scope(mine.collections, frozenset({Folder(1, str(ROOT), "folder")}))
    [found] = ask(retriever, scope=folder)
    assert [found.document, *also_in(found)] == ["folder/rules.md"]
    alone = retriever.retrieve(QUESTION, (), folder)
    for number in range(4):
        knowledge.delete(f"secret{number}.md", "secret")
    retriever.follow()
    assert retriever.retrieve(QUESTION, (), folder).passages == alone.passages, "what is hidden moves nothing"


def test_own_and_chosen_documents_are_told_like_others(retriever: Retriever, knowledge: Knowledge) -> None:
    one, other = knowledge.put("a.md", RULES), knowledge.put("b.md", RULES)
    own = knowledge.put("own.md", RULES, collection="uploads of one conversation", root=Path("/uploads"))
    [found] = ask(retriever, scope=Scope(frozenset({1}), own=frozenset({own})))
    assert sorted([found.document, *also_in(found)]) == ["a.md", "b.md", "own.md"]
    [found] = ask(retriever, scope=Scope(frozenset({1}), documents=frozenset({other})))
    assert [found.document, *also_in(found)] == ["b.md"]
    assert one != other


def test_of_countless_copies_no_more_are_read_than_are_named(
    retriever: Retriever, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MOST_PLACES", 3)
    monkeypatch.setattr(places, "READ_FIRST", 5)
    read: list[int] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM chunk" in statement and "json_each" in statement:
            read.append(len(json.loads(parameters[0])))

    event.listen(knowledge.engine, "before_cursor_execute", note)
    ids = [knowledge.put("rules.md", RULES, root=Path(f"/{number:02}")) for number in range(31)]
    [found] = ask(retriever)
    assert ([place.root for place in found.also_in], read) == (["/01", "/02", "/03"], [5])
    read.clear()
    [found] = ask(retriever, scope=Scope(frozenset({1}), documents=frozenset({ids[0], ids[30]})))
    assert ([place.root for place in found.also_in], read) == (["/30"], [5, 10, 15]), "what is hidden takes no place"


def test_where_the_shown_copy_goes_the_other_one_serves(retriever: Retriever, knowledge: Knowledge) -> None:
    for name in ("a.md", "b.md", "c.md"):
        knowledge.put(name, RULES)
    left = {"a.md", "b.md", "c.md"}
    while left:
        [found] = ask(retriever)
        assert also_in(found) == sorted(left - {found.document})
        knowledge.delete(found.document)
        left.remove(found.document)
    assert ask(retriever) == []


def test_of_copies_that_are_told_apart_by_nothing_the_oldest_is_shown(
    retriever: Retriever, knowledge: Knowledge
) -> None:
    for folder in ("c", "a", "b"):
        knowledge.put("rules.md", RULES, root=Path(f"/{folder}"))
    [found] = ask(retriever)
    assert (found.root, [place.root for place in found.also_in]) == ("/c", ["/a", "/b"])


def test_a_document_that_was_deleted_by_hand_is_named_no_more(retriever: Retriever, knowledge: Knowledge) -> None:
    knowledge.put("a.md", RULES)
    hidden = knowledge.put("b.md", RULES)
    retriever.follow()
    with Session(knowledge.engine) as session:
        document = session.get_one(Document, hidden)
        document.deleted_at = document.indexed_at
        session.commit()
        assert session.exec(select(Document.path).where(Document.id == hidden)).one() == "b.md"
    [found] = retriever.search(QUESTION, (), ALL)
    assert not found.also_in, "before the index has heard of it"


def test_a_snapshot_of_older_fingerprints_is_mended(
    retriever: Retriever, knowledge: Knowledge, settings: IndexerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge.put("a.md", RULES)
    knowledge.put("b.md", RULES.upper())
    retriever.follow()
    with monkeypatch.context() as older:
        older.setattr("indexer.search.snapshot.FINGERPRINTS", "1")
        retriever.store._state.rows.values["text"] = [1, 2]
        retriever.store.save()
    again = Store(knowledge.engine, settings.index_path)
    again.load()
    assert len(again) == 2
    assert len(set(again._state.rows.values["text"].tolist())) == 2, "titles differ"
    assert not {1, 2} & set(again._state.rows.values["text"].tolist())


SAID = [RULES, KEYS, "Dogs are welcome.", "Bicycles are left outside.", "Last updated: 3 March 2024.", "Pay 5 crowns."]
CHUNKS = st.lists(st.tuples(st.integers(1, 4), st.lists(st.sampled_from(SAID), min_size=1, max_size=4)), max_size=12)


def as_found(number: int, document: int, said: list[str], title: str = "Gate") -> FoundChunk:
    body = " ".join(said)
    spans = np.array(sentence_spans(body), np.int32)
    chunk = Chunk(
        id=number, document_id=document, ordinal=number, prefix=title, sections="[]", start=0, end=len(body), body=body,
        vector=b"", sentences=spans.tobytes(), sentence_vectors=b"",
    )  # fmt: skip
    return FoundChunk(chunk, 1, "/", f"{document}.md", title)


@given(CHUNKS, st.sampled_from(["When does the gate open?", "When was it last updated?"]))
def test_nothing_that_was_found_goes_unsaid_and_each_thing_is_left_once(
    chunks: list[tuple[int, list[str]]], question: str
) -> None:
    found = [as_found(number, document, said) for number, (document, said) in enumerate(chunks, start=1)]
    distinct = Distinct(Asked.of([question]))
    for one in found:  # in whatever batches they come
        distinct.add([one])
    at_once = Distinct(Asked.of([question]))
    at_once.add(found)
    assert [one.id for one in at_once.found] == [one.id for one in distinct.found]
    counting = set(SAID) if "updated" in question else {said for said in SAID if "updated" not in said}
    kept = {one.id: set(chunks[one.id - 1][1]) & counting for one in distinct.found}
    assert set().union(*kept.values()) == set().union(*(said for _, said in chunks)) & counting
    copies = {copy.found.id for copies in distinct.copies.values() for copy in copies}
    assert sorted([*kept, *copies]) == [one.id for one in found], "each is kept, or a copy of one that is"
    assert distinct.copies.keys() <= kept.keys()
    bodies = {one.id: one.chunk.body for one in found}
    for home, all_ in distinct.copies.items():
        for copy in all_:
            both = [said for said in chunks[home - 1][1] if said in chunks[copy.found.id - 1][1]]
            assert both, "each says some of every chunk that it is told of"
            assert " ".join(bodies[home][start:end] for start, end in copy.spans) == " ".join(both)


@given(st.permutations(range(8)), st.booleans())
def test_where_nothing_is_said_twice_all_is_as_it_was_found(order: list[int], one_document: bool) -> None:
    """So that the figures of a set without copies are what they were."""
    found = [as_found(n + 1, 1 if one_document else n, [f"Door {n} is open.", f"Pay {n} crowns."]) for n in order]
    distinct = Distinct(Asked.of(["Which door is open?"]))
    distinct.add(found)
    assert [one.id for one in distinct.found] == [one.id for one in found]
    assert distinct.copies == {}
    assert [distinct.family(n) for n in range(8)] == list(range(8))
