"""What to ask next: near the answer, new, inside the scope, answerable, and no more than three."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Chunk, Entry
from indexer.passages import Passage, Scope
from server.library.follow_ups import ALIKE, WANTED, FollowUps, Found, candidates, choose, is_new, of_heading
from server.settings import ServerSettings
from tests.tiny_site import add_document

SCOPE = Scope(frozenset({1}))
WORDS = ["leave", "parental", "sick", "book", "portal", "travel", "claims", "receipt"]
questions = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(lambda some: f"How do I {' '.join(some)}?")
found = st.builds(Found, questions, st.integers(1, 3), st.floats(0, 1), st.booleans())


@given(st.lists(found, max_size=20), st.lists(questions, max_size=3))
def test_each_comes_once_the_nearest_first_and_none_was_asked(listed: list[Found], asked: list[str]) -> None:
    chosen = choose(listed, asked)
    assert len({one.question.casefold() for one in chosen}) == len(chosen)
    assert [one.worth for one in chosen] == sorted((one.worth for one in chosen), reverse=True)
    assert all(one in listed and is_new(one.question, asked) for one in chosen)
    assert not any(one.question in asked for one in chosen)


@given(questions, questions)
def test_what_is_new_shares_no_more_than_half_its_words(one: str, other: str) -> None:
    shared = set(one.split()) & set(other.split()) - {"How", "do", "I"}
    if is_new(one, [other]):
        assert ALIKE * len(shared) <= len(set(one.split()) - {"How", "do", "I"}) + 1
    assert not is_new(one, [one])


def test_a_heading_is_asked_about_with_its_title_where_it_needs_it() -> None:
    assert of_heading("How do I carry annual leave over?", "Leave") == ("How do I carry annual leave over?", True)
    assert of_heading("How to apply", "Parental leave") == ("Parental leave: How do I apply?", False)
    assert of_heading("Carrying over", "Leave") == ("What do the documents say about “Carrying over”?", False)
    assert of_heading("How to apply", "A title that is too long to be said") == ("", False)


def passage(document_id: int, start: int, heading: str) -> Passage:
    return Passage(1, 1, 1, document_id, 1, "a.md", "Leave", heading, None, start, start + 9, "words", "")


def test_they_are_of_the_answer_s_documents_and_sections_beside_it(settings: ServerSettings) -> None:
    engine = open_knowledge(settings)
    parts = [
        ("heading", "How do I book annual leave?", 2, None),
        ("heading", "How do I carry leave days over?", 2, None),
        ("heading", "How is sick leave certified by doctors?", 2, None),
    ]
    first = add_document(engine, Path("/d"), "a.md", "Leave", parts)
    add_document(engine, Path("/d"), "b.md", "Other", [("heading", "How do I claim travel costs?", 2, None)])
    hidden = add_document(engine, Path("/d"), "c.md", "Hidden", [("heading", "How do I see secrets?", 2, None)], 2)
    with Session(engine) as session:
        chunk = session.get_one(Chunk, 2)
        chunk.sections = json.dumps([[chunk.start, "Leave › How do I carry leave days over?"]])
        session.add(Entry(chunk_id=2, kind="question", text="Until when must carried days be taken?", vector=b""))
        session.add(Entry(chunk_id=2, kind="summary", text="It is about carrying over.", vector=b""))
        session.commit()
    near = [passage(first, 0, "Leave › How do I book annual leave?"), passage(hidden, 0, "")]
    offered = {one.question for one in candidates(engine, near, SCOPE)}
    assert offered == {
        "Until when must carried days be taken?",
        "How do I carry leave days over?",
        "How is sick leave certified by doctors?",
    }
    assert is_new("What do the documents say about “Carrying over”?", ["What do the documents say about “Sick leave”?"])

    asked: list[str] = []

    def answers(question: str, scope: Scope, document_id: int) -> bool:
        asked.append(question)
        assert (scope, document_id) == (SCOPE, first)
        return "sick" not in question

    follow_ups = FollowUps(engine)
    given_ = follow_ups.of(7, 1, near, ["How do I book leave?"], SCOPE, answers)
    assert given_ == ["How do I carry leave days over?", "Until when must carried days be taken?"]
    assert len(given_) <= WANTED
    count = len(asked)
    assert follow_ups.of(7, 1, near, [], SCOPE, answers) == given_
    assert len(asked) == count, "a turn that is looked at again is not searched for again"
    follow_ups.of(7, 2, near, [], SCOPE, answers)
    assert len(asked) > count, "the documents have changed"
    assert follow_ups.of(8, 1, [], [], SCOPE, answers) == []
