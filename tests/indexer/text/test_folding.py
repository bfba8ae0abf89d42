"""Folding takes away how words are set, and nothing that they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.text.folding import dates_a_copy, folded, statements, without_copy_marks


@given(st.text(max_size=60))
def test_folded_text_is_one_line_and_folds_no_further(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    assert "\n" not in once
    assert once == once.strip()


@given(
    st.lists(st.text("abcÄé0159.,-%", min_size=1, max_size=8), min_size=1),
    st.sampled_from([" ", "\n", "\u00a0", "\t "]),
)
def test_white_space_and_case_do_not_count(words: list[str], space: str) -> None:
    assert (
        folded(space.join(words).upper()) == folded(" ".join(words).upper()) == folded(folded(" ".join(words).upper()))
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("25 days", "27 days"), ("10²", "102"), ("-5 °C", "5 °C"), ("1,5", "15"), ("1.5", "1,5"),
        ("[x] passed", "[ ] passed"),
        ("C++", "C#"), ("must not", "must"), ("weekly", "monthly"), ("a|b", "a b"),
    ],
)  # fmt: skip
def test_what_tells_facts_apart_stays_apart(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def test_signs_that_programs_set_in_their_own_way_are_the_same() -> None:
    assert folded("“Gate” – the north\u00adern one’s") == folded('"gate" - the northern  one\'s')


@given(st.lists(st.sampled_from(["One opens.", "• Two", "Three: 3", "one OPENS"]), max_size=6))
def test_statements_are_all_that_a_text_says_whether_sentences_are_named_or_not(lines: list[str]) -> None:
    text, spans = "", []
    for line in lines:
        spans.append((len(text), len(text) + len(line)))
        text += f"{line}\n"
    said = list(statements(text, spans))
    assert [(start, end) for _, start, end in said] == spans
    assert {one for one, *_ in said} <= {"one opens", "two", "three: 3"}
    assert folded(" ".join(one for one, *_ in statements(text, []))).replace(".", "").count("three") == lines.count(
        "Three: 3"
    )


@pytest.mark.parametrize(
    "line",
    ["last updated: 3 march 2024", "stand: 05.05.2024", "stand januar 2024", "version 2.1 of 3 may 2024", "rev. 3",
     "printed on 2024-05-01 14:30", "zuletzt geändert am 3. märz 2024"],
)  # fmt: skip
def test_a_line_that_only_dates_a_copy(line: str) -> None:
    assert dates_a_copy(line)


@pytest.mark.parametrize(
    "line",
    ["date | 3 may 2024 | 500", "march 2024 | 25", "valid from 1 march 2024", "last changed by marit, 3 march 2024",
     "updated", "prices of 2024", "version 3 costs 500", "", "25 days"],
)  # fmt: skip
def test_a_line_that_says_more(line: str) -> None:
    assert not dates_a_copy(line)


@pytest.mark.parametrize(
    "title",
    ["Gate rules (copy 3)", "gate_rules_v2_final", "Copy of gate rules", "Gate rules (2)", "Gate rules",
     "Kopie von Gate rules"],
)  # fmt: skip
def test_titles_of_copies_are_the_same(title: str) -> None:
    assert without_copy_marks(title) == "gate rules"


def test_a_number_that_names_a_thing_stays() -> None:
    assert without_copy_marks("Volvo V60") != without_copy_marks("Volvo V90")
    assert without_copy_marks("Leave 2023") != without_copy_marks("Leave 2024")
