"""A sentence brings along the one that it cannot be understood without."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.passages import Passage
from server.answering.antecedents import antecedent, lead_in
from tests.server.passages import passage

LIST = "All staff:\n\nYou need these:\n\nA laptop\nA badge. It opens doors.\n\nThe end."
TABLE = "Costs.\n\nPlan | Price\nStandard | 5\nPlus | 9"


def needed(found: Passage, words: str, finds: object = antecedent) -> str | None:
    """The sentence that the one which begins with `words` needs."""
    index = next(n for n, one in enumerate(found.sentences) if one.text.startswith(words))
    assert callable(finds)
    at = finds(found, index)
    return None if at is None else found.sentences[at].text


@pytest.mark.parametrize(
    ("text", "words", "before"),
    [
        (LIST, "A laptop", "You need these:"),
        (LIST, "A badge", "You need these:"),
        (LIST, "It opens", "A badge."),
        (LIST, "The end", None),
        (LIST, "You need", "All staff:"),
        (TABLE, "Standard", "Plan | Price"),
        (TABLE, "Plus", "Plan | Price"),
        (TABLE, "Plan", None),
        ("Ask Ann. She knows.", "She", "Ask Ann."),
        ("Ask Ann. However, wait.", "However", "Ask Ann."),
        ("Ask Ann. Item five is free.", "Item", None),
        ("Ask Ann.\n\nThis is free.", "This", None),
        ("It is free.", "It", None),
    ],
)
def test_what_a_sentence_needs(text: str, words: str, before: str | None) -> None:
    assert needed(passage(text, start=40, lines=True), words) == before


def test_a_pronoun_needs_no_line_that_leads_in() -> None:
    assert needed(passage(LIST, lines=True), "It opens", lead_in) is None


@settings(deadline=None)
@given(st.lists(st.sampled_from(["It is so.", "A | b", "Of these:", "Ask us.", "\n", "\n\n", " "]), max_size=12))
def test_it_stands_before(pieces: list[str]) -> None:
    found = passage("".join(pieces), start=9, lines=True)
    for index in range(len(found.sentences)):
        for finds in (antecedent, lead_in):
            at = finds(found, index)
            assert at is None or 0 <= at < index
