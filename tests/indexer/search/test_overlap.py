"""How many of a question's words a text holds: all in its own form is 1, none is 0, and more words are never worse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.search.overlap import OTHER_FORM, QuestionWords, TextWords
from indexer.text.terms import query_terms

TEXT = st.lists(st.sampled_from("leave leaves leaving pay paid room of the Über 3.5 休暇".split())).map(" ".join)


def share(question: str, text: str, **weights: float) -> float:
    terms = query_terms(question)
    return QuestionWords(question, {term: weights.get(term, 1.0) for term in terms}).share_in(TextWords.of(text))


def test_a_word_in_another_form_counts_less() -> None:
    assert share("parents", "Parents are told.") == 1
    assert share("parents", "Parental leave.") == OTHER_FORM
    assert share("parents", "Nobody is told.") == 0


def test_words_count_by_what_they_tell() -> None:
    assert share("paid leave", "Leave.", paid=1.0, leav=3.0) == pytest.approx(0.75)


def test_case_and_accents_are_no_other_form() -> None:
    assert share("ÜBERSTUNDEN", "Uberstunden") == 1


def test_a_question_without_words_asks_for_nothing() -> None:
    assert share("🙂", "Leave.") == 0
    assert share("", "") == 0


@given(TEXT, TEXT, TEXT)
def test_more_text_never_holds_less(question: str, text: str, more: str) -> None:
    less, all_of_it = share(question, text), share(question, f"{text} {more}")
    assert 0 <= less <= all_of_it <= 1 + 1e-9
    both = TextWords.of(text) | TextWords.of(more)
    assert both == TextWords.of(f"{text} {more}")


@given(TEXT)
def test_a_text_holds_itself(question: str) -> None:
    assert share(question, question) == pytest.approx(1 if query_terms(question) else 0)
