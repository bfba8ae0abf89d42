"""Which facts an answer holds and which are wrong: by hand, and for any text."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.evaluate.facts import (
    Facts,
    facts_held,
    holds,
    judge_facts,
    known,
    numbers_and_names,
    plain,
    sentences,
    wrong_facts,
)

WRITTEN_OUT = {
    2: "two", 7: "Seven", 12: "twelve", 20: "twenty", 25: "twenty-five", 71: "seventy one", 100: "one hundred",
    300: "three hundred", 2000: "two thousand", 40_000: "forty thousand",
}  # fmt: skip


def claims(text: str) -> list[str]:
    return list(numbers_and_names(text))


# Numbers


@pytest.mark.parametrize(("value", "words"), WRITTEN_OUT.items())
def test_a_number_is_the_same_in_words_and_in_digits(value: int, words: str) -> None:
    assert claims(f"it takes {words} days") == [str(value)]
    assert wrong_facts(f"It takes {value} days.", known(f"it takes {words} days")) == []
    assert wrong_facts(f"It takes {words} days.", known(f"it takes {value:,} days")) == []
    assert wrong_facts(f"It takes {words} days.", known(f"it takes {value + 1} days")) == [str(value)]


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("$1,500.00", "1500 dollars"),
        ("1500", "$1,500"),
        ("17th", "17"),
        ("at 5pm", "at 5 p.m."),
        ("05/12/2024", "5-12-2024"),
        ("9:30", "9:30-10:00"),
        ("50%", "50 percent"),
        ("4 to 6", "4–6 weeks"),
        ("4-6", "four to six weeks"),
        ("4GB", "4 GB"),
        ("401k", "a 401(k) plan"),
        ("pages 2,3", "pages 2 and 3"),
        ("pages 2 and 3", "pages 2,3"),
        ("１２", "12"),
        ("SF-1449", "form sf 1449"),
        ("10.2.3", "v10.2.3"),
    ],
)
def test_a_number_is_right_however_it_is_written(said: str, source: str) -> None:
    assert claims(said)
    assert wrong_facts(f"it is {said}", known(source)) == []


@pytest.mark.parametrize(
    ("said", "source", "wrong"),
    [
        ("5", "15, 5.5, 50, 5,000 and 18F5", "5"),
        ("1.5", "15 or 1 or 5", "1.5"),
        ("1,500", "500", "1500"),
        ("1970s", "1980", "1970s"),
        ("10.2", "10.2.3", "10.2"),
    ],
)
def test_a_number_is_not_a_part_of_another(said: str, source: str, wrong: str) -> None:
    assert wrong_facts(f"it is {said}", known(source)) == [wrong]


@given(st.integers(0, 10**12))
def test_thousands_may_be_parted(value: int) -> None:
    assert claims(f"it is {value:,} in all") == claims(f"it is {value} in all") == [str(value)]


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_two_numbers_are_the_same_only_by_value(one: int, other: int) -> None:
    assert (wrong_facts(f"it is {one:,}.00", known(f"it is {other}")) == []) is (Fraction(one) == Fraction(other))


def test_the_number_of_a_list_claims_nothing() -> None:
    assert claims("1. ask first\n  2) wait\n- 3. go on") == []
    assert claims("the 1. of May") == ["1", "may"]


# Names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Employees ask Tenant Support.", ["tenant", "support"]),
        ("Paris.", ["paris"]),
        ("Yes. It is. Certainly! OK", []),
        ("FMLA gives leave, and so does the U.S.", ["fmla", "us"]),
        ("**Duration**: Leave ends with the Manager", ["manager"]),
        ("The answer is: Paris", ["paris"]),
        ("You may, as I said, ask The Work Number.", ["work", "number"]),
        ("Ask O'Brien-Smith's office", ["o", "brien", "smith"]),
        ("It is in Contoso’s plan [3].", ["contoso"]),
        ("Write to HR-help@gsa.gov, please", ["hr-help@gsa.gov"]),
        ("| Plan | Cost |\n|---|---|\n| Standard | none |", []),
        ("", []),
    ],
)
def test_what_counts_as_a_name(text: str, names: list[str]) -> None:
    assert claims(text) == names


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("the Employee", "all employees"),
        ("the Policies", "THE POLICY"),
        ("by Beyonce", "of Beyoncé"),
        ("the US", "in the U.S."),
        ("ask Contoso's people", "contoso"),
        ("ask HR@gsa.gov", "<hr@GSA.gov>"),
    ],
)
def test_a_name_is_right_in_another_form(said: str, source: str) -> None:
    assert claims(said)
    assert wrong_facts(said, known(source)) == []


def test_another_name_or_address_is_wrong_and_named_once() -> None:
    assert wrong_facts("Ask Paul, or Paul Miller at a@b.org.", known("ask Paula Mill at a@b.com")) == [
        "paul", "miller", "a@b.org",
    ]  # fmt: skip


@given(st.text())
def test_a_text_holds_its_own_numbers_and_names(text: str) -> None:
    assert wrong_facts(text, known(text)) == []


@given(st.text(st.characters(max_codepoint=127)), st.text())
def test_more_sources_and_other_capitals_make_nothing_wrong(text: str, more: str) -> None:
    words = known(text.lower()) | known(more)
    assert wrong_facts(text, words) == []


@given(st.text())
def test_no_text_is_too_odd_to_be_cut_into_sentences(text: str) -> None:
    found = sentences(text)
    assert all(any(character.isalnum() for character in one) for one in found)
    assert all(one in text for one in found)


def test_neither_the_line_of_a_table_nor_a_mark_is_a_sentence() -> None:
    assert sentences("| a | b |\n|---|:-:|\n> - Leave ends. [1]\n\n[2]") == ["| a | b |", "Leave ends. [1]"]


# What a set asks for


@pytest.mark.parametrize(
    ("text", "fact", "held"),
    [
        ("Some sentences intended for you.", "(NTE)", False),
        ("See Hire NTE Dt.", "(NTE)", True),
        ("It is unpaid.", "paid", False),
        ("They note it.", "no", False),
        ("It is 25 minutes away", "25 minute", True),
        ("It is 25 minutes away", "25 min", False),
        ("Trained annually [1].", "annual", True),
        ("_approval_ is needed", "approval", True),
        ("In 1973.", "1973", True),
        ("In 19734", "1973", False),
        ("It costs 1,973", "973", False),
        ("It is 19th", "19", False),
        ("Up to the U.S. border", "the U.S.", True),
        ("It pays $1,000 a year", "$1,000", True),
        ("Anything", " . ", False),
        ("Anything", "", False),
    ],
)
def test_a_fact_is_held_as_whole_words(text: str, fact: str, held: bool) -> None:
    assert facts_held(text, [], [[fact]]) == held
    assert facts_held(text, [fact], []) == held


def test_every_fact_must_be_there_in_one_of_its_forms() -> None:
    must = [["30 days", "thirty days"], ["manager"]]
    assert judge_facts("Thirty days; ask your manager.", [], must) == Facts(("30 days | thirty days", "manager"), (), 1)
    assert judge_facts("Thirty days.", ["ignored"], must) == Facts(("30 days | thirty days",), ("manager",), 0)


def test_one_short_answer_is_enough() -> None:
    answers = ["October 1973", "October", "1973"]
    assert judge_facts("It was in October.", answers, []) == Facts(("October",), (), 1)
    assert judge_facts("It was in May.", answers, []) == Facts((), ("October 1973 | October | 1973",), 0)


def test_of_whole_sentences_the_numbers_and_names_count() -> None:
    one = "Frank wrote 40 books, of which Capitalism and Underdevelopment in Latin America is the best known."
    other = "It was written by Andre Gunder Frank in Chile long after that."
    found = judge_facts("Capitalism and underdevelopment in Latin America, one of forty books", ["NA", one, other], [])
    assert found == Facts(("40", "capitalism", "underdevelopment", "latin", "america"), (), 1)
    half = judge_facts("Gunder wrote it", ["NA", one, other], [])
    assert half == Facts(("gunder",), ("andre", "frank", "chile"), 0.25)
    assert facts_held("He has national fame.", ["NA", one, other], []) == 0


def test_a_short_sentence_is_none_that_is_to_be_repeated() -> None:
    assert facts_held("It was Burbank, never New York", ["Actually, Friends was never shot in New York."], []) == 2 / 3


def test_a_set_without_facts_says_nothing() -> None:
    assert judge_facts("Anything", [], []) is None
    assert judge_facts("Anything", ["The longest of the answers without one name or number in it."], []) is None


@given(st.text(), st.lists(st.text(), max_size=3), st.text())
def test_what_is_added_takes_no_fact_away(text: str, answers: list[str], more: str) -> None:
    before, after = facts_held(text, answers, []), facts_held(f"{text}\n\n{more}", answers, [])
    assert (before is None) is (after is None)
    assert before is None or after is None or before <= after


@given(st.text(min_size=1))
def test_an_answer_word_by_word_as_in_the_set_holds_all(text: str) -> None:
    sentence = f"{text} Paris is where all of the others have been since then."
    assert facts_held(sentence, [sentence], []) in (None, 1)


@given(st.text(), st.text())
def test_whole_words_are_held_only_where_words_are(text: str, fact: str) -> None:
    if facts_held(text, [], [[fact]]):
        assert holds(plain(text), plain(fact).strip(" .,'-"))
