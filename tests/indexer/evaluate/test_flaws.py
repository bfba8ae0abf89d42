"""What is no answer, and what only looks like none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.evaluate.flaws import flaw, words_of

QUESTION = "How long is the leave?"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("[4]", "only marks"),
        ("[1] [2].", "only marks"),
        ("...", "no words"),
        ("how long is **the leave** [1]", "the question"),
        ("Question: How long is the leave?", "the question"),
        ("You have 25 days of leave [1]. You have 25 days of leave [2].", "a sentence twice"),
        ("- Ask your manager first.\n- Then wait.\n- ask your manager first", "a sentence twice"),
        ("25 days. 25 days.", "a sentence twice"),
    ],
)
def test_what_is_no_answer(text: str, found: str) -> None:
    assert flaw(text, QUESTION) == found


@pytest.mark.parametrize(
    "text",
    [
        "25 days",
        "Yes.",
        "The leave is long.",
        "How long is the leave? It is 25 days.",
        "Standard: Not covered. Plus: Not covered.",
        "| Standard | 25 |\n|---|---|\n| Plus | 30 |",
        "[1] says so",
    ],
)
def test_what_is_an_answer(text: str) -> None:
    assert flaw(text, QUESTION) == ""


@given(st.text(), st.text())
def test_an_answer_without_a_flaw_has_words_of_its_own(text: str, question: str) -> None:
    if not flaw(text, question):
        assert words_of(text)
        assert words_of(text) != words_of(question)


@given(st.text(min_size=1))
def test_every_text_twice_is_flawed(text: str) -> None:
    assert flaw(f"{text}\n{text}", "Why?")
