"""Numbers and names are read from a text as they can be looked up in another."""

import pytest

from indexer.text.names import numbers_and_names, written_numbers


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Employees of Contoso have 25 days.", ["contoso", "25"]),
        ("Contoso has 1,000.00 days [1].", ["1000"]),
        ("It began on the 3rd of May.\nMay is warm.", ["3", "may"]),
        ("Ask Anna-Maria's desk, I say.", ["anna", "maria"]),
        ("It costs half.", []),
        ("", []),
    ],
)
def test_what_a_text_says_that_can_be_looked_up(text: str, facts: list[str]) -> None:
    assert list(numbers_and_names(text)) == facts


def test_everywhere_each_word_counts_and_numbers_that_are_written_out() -> None:
    facts = set(numbers_and_names("Five days, twenty-five nights of the people's desk.", everywhere=True))
    assert facts >= {"5", "five", "25", "days", "people", "people's", "desk"}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Twenty-five days", {"25"}),
        ("twenty five days, thirty nights", {"25", "30"}),
        ("twenty-fifth, twenty-ten, forty-one", {"20", "10", "41"}),
        ("No one is eleven", {"1", "11"}),
        ("25 days of someone's", set()),
    ],
)
def test_numbers_that_are_written_out(text: str, numbers: set[str]) -> None:
    assert written_numbers(text) == numbers
