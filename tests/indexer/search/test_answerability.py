"""How well what was found bears on a question."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.search.answerability import answerability, asks_what_is_not
from tests.server.passages import passage, retrieved

COVERED = "The plan covers crowns, fillings and cleanings."


def of(question: str, *texts: str, cosine: float = 0.5) -> float:
    passages = [replace(passage(text, document_id=n), cosine=cosine) for n, text in enumerate(texts)]
    return answerability(retrieved(question, passages))


def test_nothing_is_less_than_anything() -> None:
    assert of("crowns") == of("crowns", "") == -1
    assert of("zebra", COVERED, cosine=-1) > -1


def test_what_lies_nearer_and_shares_more_words_bears_more() -> None:
    question = "Which plan covers crowns?"
    assert of(question, COVERED) > of(question, "The plan starts in May.") > of(question, "Zebras cross rivers.")
    assert of(question, COVERED, cosine=0.6) > of(question, COVERED)
    assert of(question, "Zebras cross rivers.", COVERED) == of(question, COVERED)


def test_a_question_for_what_is_not_so_wants_a_sentence_that_denies() -> None:
    question = "What is not covered by the plan?"
    denied = "The plan does not cover implants."
    assert of(question, COVERED) < of(question.replace(" not", ""), COVERED)
    assert of(question, f"{COVERED} {denied}") - of(question, COVERED) > 0.2


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("What is not covered?", True),
        ("Which claims can't be filed online?", True),
        ("Which claims can’t be filed online?", True),
        ("What happens when I can't log in?", False),
        ("Isn't leave paid out?", False),
        ("Do not disturb", False),
        ("What notice do I give?", False),
        ("", False),
    ],
)
def test_own_troubles_and_plain_questions_ask_for_no_denial(question: str, asks: bool) -> None:
    assert asks_what_is_not(question) is asks


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.text(max_size=80), max_size=3))
def test_any_text_has_a_number(question: str, texts: list[str]) -> None:
    assert -1.5 <= of(question, *texts) <= 1.3
