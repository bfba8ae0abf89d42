"""Texts to search terms: the same word in another form is the same term."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.text.terms import QUERY_LIMIT, content_terms, fold, identifiers, query_terms, terms, words


def test_case_accents_and_compatibility_forms_fold() -> None:
    assert fold("Über ﬁrst ＡＢＣ straße") == "uber first abc strasse"
    assert words("naïve_café, e-mail 3.5!") == ["naive", "cafe", "e", "mail", "3", "5"]


def test_forms_of_a_word_are_one_term() -> None:
    assert len(set(terms("vacation vacations Vacation VACATIONS"))) == 1


def test_other_scripts_keep_their_words() -> None:
    assert terms("отпуск") == terms("Отпуск")
    assert words("日本語 休暇 v2") == ["日本", "本語", "休暇", "v2"]
    assert words("年次有給休暇の申請")[:2] == ["年次", "次有"]
    assert words("한국어") == ["한국", "국어"]
    assert words("暇") == ["暇"]


def test_marks_that_make_another_syllable_stay() -> None:
    assert fold("がく") != fold("かく")
    assert fold("ｶﾞ") == fold("ガ")
    assert fold("한") == "한"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Fill in SF-1449 first.", "sf1449"),
        ("Fill in SF1449 first.", "where is form SF-1449?"),
        ("See section 10.2.3 of the policy.", "what does 10.2.3 say"),
        ("The call failed with E_FAIL (0x80004005).", "e_fail"),
        ("Pay scale GS-13/4", "gs-13"),
        ("Ticket ABC_12-7 is open.", "ABC-12-7"),
        ("Die Überstunden im März", "UBERSTUNDEN"),
        ("年次有給休暇は二十日です。", "休暇"),
        ("연차휴가는 스무 날입니다.", "휴가"),
        ("Отпуск составляет двадцать дней.", "отпуск"),
    ],
)
def test_what_is_written_one_way_is_found_when_asked_another(written: str, asked: str) -> None:
    assert set(query_terms(asked)) & set(terms(written))


def test_an_identifier_is_not_its_parts_elsewhere() -> None:
    asked = set(query_terms("10.2.3"))
    assert len(asked & set(terms("Section 10.2.3"))) > len(asked & set(terms("3 of 10 have 2")))
    assert identifiers("and/or well-known e-mail a.b") == []
    assert identifiers("SF-1449, v2.1. E_FAIL! 2024-10-17") == ["sf1449", "v2.1", "efail", "20241017"]


def test_identifiers_of_a_very_long_word_are_looked_for_once() -> None:
    """From each of its letters anew, this would not end before the test run does."""
    assert identifiers("q" * 300_000 + " SF-1449 " + "a-" * 100_000) == ["sf1449"]
    assert identifiers("x-1" * 100_000) == [("x1" * 100_000)]


def test_stop_words_are_left_out_unless_there_is_nothing_else() -> None:
    assert content_terms("what is the leave") == ["leav"]
    assert query_terms("what is it") == ["what", "is", "it"]


def test_a_query_has_each_term_once_and_not_too_many() -> None:
    assert query_terms("leave leaves Leave") == ["leav"]
    assert len(query_terms(" ".join(f"word{i}" for i in range(10_000)))) == QUERY_LIMIT
    assert query_terms("🙂 … _") == []


@given(st.text())
def test_terms_are_stable_words(text: str) -> None:
    found = terms(text)
    assert len(found) == len(words(text)) + len(identifiers(text))
    assert all(term and not term.isspace() and "\n" not in term for term in found)
    assert terms(text.replace(" ", "\n")) == found
