"""A question tells what kind of thing would answer it, and a sentence whether it holds one."""

import pytest

from indexer.text.terms import words
from server.answering.answer_kind import asked_for, holds


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many days of leave do I have?", "number"),
        ("whats the latest I can ask for one", "number"),
        ("what % of a stay is on me", "number"),
        ("When does it end, and how?", "time"),
        ("In what year was it built?", "time"),
        ("Where do I kick that off", "place"),
        ("Which office is that?", "place"),
        ("Why is it so?", "reason"),
        ("how do I get to edit", "way"),
        ("What is FITARA?", None),
        ("Who decides?", None),
        ("", None),
    ],
)
def test_what_is_asked_for(question: str, kind: str | None) -> None:
    assert asked_for(question) == kind


@pytest.mark.parametrize(
    ("question", "sentence", "expected"),
    [
        ("How many days are there?", "There are 25 days.", True),
        ("How many days are there?", "There are twenty days.", True),
        ("How many days are there in week 25?", "There are days in week 25.", False),
        ("When is it?", "On Monday.", True),
        ("When in May is it?", "It is in May.", False),
        ("Where is it?", "It is in Ohio.", True),
        ("Where is it?", "Elsewhere, it is.", False),
        ("Where in Ohio is it?", "It is in Ohio.", False),
        ("Why is it so?", "It is so because of rain.", True),
        ("How do I ask?", "Use the portal.", True),
        ("What is it?", "It is 25 because of May.", False),
    ],
)
def test_what_a_sentence_holds(question: str, sentence: str, expected: bool) -> None:
    assert holds(asked_for(question), sentence, frozenset(words(question))) is expected
