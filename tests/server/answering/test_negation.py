"""A "not" that stands in one text alone is noticed, where the word that it denies stands in both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.answering.negation import denies

LEAVE = "Unused leave is paid out, not carried over. Leave may be booked in the portal."


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("Leave may not be booked in the portal.", LEAVE),
        ("Leave can't be booked in the portal.", LEAVE),
        ("Leave can’t be booked in the portal.", LEAVE),
        ("Leave is never booked.", LEAVE),
        ("Unused leave is carried over.", LEAVE),
        ("Massages are covered.", "Massages are not covered."),
        ("Refunds are given.", "No refunds are given."),
        ("No, massages are covered.", "Massages are not covered."),
        ("Yes, massages are covered.", "Massages are not covered."),
        ("It works without a badge.", "It works with a badge."),
        ("Neither badge nor key is needed.", "A badge and a key are needed."),
    ],
)
def test_the_opposite_is_noticed(claim: str, source: str) -> None:
    assert denies(claim, source)
    assert denies(source, claim)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("Leave may be booked in the portal.", LEAVE),
        ("Unused leave is not carried over.", LEAVE),
        ("Unused leave is paid out.", LEAVE),
        ("Massages aren't covered.", "Massages are not covered."),
        ("Leave is 25 days.", "Leave is 25 days, not counting holidays."),
        ("It is not only cheap but good.", "It is cheap and good."),
        ("No.", "Yes, it is so."),
        ("No, massages are not covered.", "Massages are not covered."),
        ("**No.** Massages are not covered.", "Massages are not covered."),
        ("Yes, leave may be booked.", LEAVE),
        ("", LEAVE),
    ],
)
def test_what_is_no_contradiction(claim: str, source: str) -> None:
    assert not denies(claim, source)


@given(st.text(st.sampled_from("not no n't don’t never only leave days . ,-"), max_size=60))
def test_no_text_contradicts_itself(text: str) -> None:
    assert not denies(text, text)
