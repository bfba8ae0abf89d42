"""What a question compares."""

import pytest

from server.answering.comparison import LONGEST, compared


@pytest.mark.parametrize(
    ("question", "sides"),
    [
        ("What is the difference between annual leave and sick leave?", ("annual leave", "sick leave")),
        ("whats the difference in price between the Plus plan and Standard", ("Plus plan", "Standard")),
        ("Compare Northwind Standard with Northwind Plus.", ("Northwind Standard", "Northwind Plus")),
        ("annual leave vs. sick leave", ("annual leave", "sick leave")),
        ("How is a contractor different from an employee?", ("contractor", "employee")),
        ("is the Plus plan more expensive than the Standard plan?", ("Plus plan", "Standard plan")),
        ("How much annual leave do I get?", ()),
        ("Which is it, the train or the bus?", ()),
        ("What is the difference between leave and leave?", ()),
        ("", ()),
    ],
)
def test_the_sides_of_a_comparison(question: str, sides: tuple[str, ...]) -> None:
    assert compared(question) == sides


def test_a_long_text_compares_nothing() -> None:
    question = "What is the difference between annual leave and sick leave?"
    assert compared(("x " * LONGEST)[: LONGEST - len(question)] + question) == ("annual leave", "sick leave")
    assert compared(("x " * LONGEST)[: LONGEST - len(question) + 1] + question) == ()
