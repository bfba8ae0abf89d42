"""Texts to search terms: the same word in another form is the same term."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.terms import QUERY_LIMIT, content_terms, fold, query_terms, terms, words


def test_case_accents_and_compatibility_forms_fold() -> None:
    assert fold("Über ﬁrst ＡＢＣ straße") == "uber first abc strasse"
    assert words("naïve_café, e-mail 3.5!") == ["naive", "cafe", "e", "mail", "3", "5"]


def test_forms_of_a_word_are_one_term() -> None:
    assert len(set(terms("vacation vacations Vacation VACATIONS"))) == 1


def test_other_scripts_keep_their_words() -> None:
    assert terms("отпуск") == terms("Отпуск")
    assert words("日本語 休暇") == ["日本語", "休暇"]


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
    assert len(found) == len(words(text))
    assert all(term and not term.isspace() and "\n" not in term for term in found)
    assert terms(text.replace(" ", "\n")) == found
