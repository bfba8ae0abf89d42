"""Headings to questions: which ones an employee would ask, and that the vague ones come last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.library.example_headings import as_question, choose, stands_alone


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("How do I book leave?", "How do I book leave?"),
        ("If I am sick, who do I tell?", "If I am sick, who do I tell?"),
        ("How to book leave", "How do I book leave?"),
        ("How do you book leave:", "How do I book leave?"),
        ("How To Submit An Appeal", "How do I submit an Appeal?"),
        ("How to SSH into the VPN", "How do I SSH into the VPN?"),
        ("Parental leave", "What do the documents say about “Parental leave”?"),
        ("Tether to my GSA phone?", "What do the documents say about “Tether to my GSA phone?”?"),
        ("Is it? Is it not?", "What do the documents say about “Is it? Is it not?”?"),
        ("How to", "What do the documents say about “How to”?"),
    ],
)
def test_what_is_made_of_a_heading(heading: str, question: str) -> None:
    assert as_question(heading) == question


@pytest.mark.parametrize(
    "question",
    [
        "How do I book annual leave?",
        "How much annual leave can I carry over?",
        "Who approves my travel expenses abroad?",
        "Can I work from another country?",
        "What is the Employee Assistance Program and how can I access it?",
        "Which projects that the team took on were in travel?",
        "Do trips of more than 50 dollars need approval?",
    ],
)
def test_questions_that_an_employee_would_ask(question: str) -> None:
    assert stands_alone(question)


@pytest.mark.parametrize(
    "question",
    [
        "How do I get help?",
        "How do I ask for help?",
        "What is my user type?",
        "What does this mean in practice?",
        "When is this reviewed and updated?",
        "Where can I find more information about benefits?",
        "How do I submit it to payroll?",
        "Who are they, and what do they do?",
        "Can it be booked in the travel portal?",
        "How does the travel portal work, what is that?",
        "Leave?",
    ],
)
def test_questions_that_only_a_reader_of_the_page_understands(question: str) -> None:
    assert not stands_alone(question)


def test_the_best_come_first_and_of_different_documents() -> None:
    headings = [
        (1, "Leave › What does this mean in practice?"),
        (1, "Leave › How do I book annual leave?"),
        (1, "Leave › How do I carry over annual leave?"),
        (2, "Sick days"),
        (3, "Who approves expenses for travel abroad?"),
        (4, "Help › How do I get help?"),
        (5, "Overview"),
        (6, "1. Scope of it"),
    ]
    assert [(one.question, one.document_id) for one in choose(headings, 10)] == [
        ("How do I book annual leave?", 1),
        ("Who approves expenses for travel abroad?", 3),
        ("How do I get help?", 4),
        ("What do the documents say about “Sick days”?", 2),
        ("How do I carry over annual leave?", 1),
        ("What does this mean in practice?", 1),
    ]
    assert len(choose(headings, 2)) == 2


@given(st.lists(st.tuples(st.integers(1, 5), st.text()), max_size=20), st.integers(0, 12))
def test_any_headings_are_taken(headings: list[tuple[int, str]], count: int) -> None:
    chosen = choose(headings, count)
    assert len(chosen) <= count
    assert len({one.question.casefold() for one in chosen}) == len(chosen)
