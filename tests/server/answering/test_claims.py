"""What a model writes that is no answer is told from what a document says."""

import pytest

from server.answering.claims import goes_in_circles, known_facts, knows_not, says_back, unknown, without_preamble


@pytest.mark.parametrize(
    "sentence",
    [
        "The documents do not say.",
        "**The documents do not say.**",
        "The provided passages don’t mention parking.",
        "The company's documents about leave do not\nexplicitly state the number.",
        "There is no specific information about parking.",
        "Parking isn't mentioned in the passages.",
        "The number is not given anywhere in the text.",
        "It does not specify the number.",
        "The policy about leave does not state it.",
        "I'm sorry, but I cannot help.",
        "I do not know.",
    ],
)
def test_that_the_passages_do_not_say_is_seen(sentence: str) -> None:
    assert knows_not(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The dental plan does not cover crowns.",
        "Leave is not carried over.",
        "Employees do not have to give a reason.",
        "Say so in the documents.",
        "Ask the people team for information.",
    ],
)
def test_what_is_not_so_is_an_answer(sentence: str) -> None:
    assert not knows_not(sentence)


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The transit benefit is a benefit.", "What is the transit benefit?"),
        ("Employees have days of annual leave.", "How many days of annual leave do employees have?"),
        ("Crowns are covered.", "What are the costs of covered crowns?"),
    ],
)
def test_the_questions_own_words_are_no_answer(sentence: str, question: str) -> None:
    assert says_back(sentence, question, supported=True)
    assert says_back(sentence, question, supported=False)


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Employees may carry leave over.", "May employees carry leave over?"),
        ("Leave can be carried over.", "I am new here. Can leave be carried over?"),
        ("Plus covers crowns.", "Which plan covers crowns, Core or Plus?"),
        ("Crowns are not covered.", "What are the costs of covered crowns?"),
    ],
)
def test_they_are_one_where_a_passage_says_so_and_the_question_is_answered_so(sentence: str, question: str) -> None:
    assert not says_back(sentence, question, supported=True)
    assert says_back(sentence, question, supported=False)


@pytest.mark.parametrize("sentence", ["Yes, crowns are covered.", "No.", "Crowns are covered by half.", "", "..."])
def test_what_says_more_than_the_question_is_not_it(sentence: str) -> None:
    assert not says_back(sentence, "Are crowns covered?", supported=False)


KNOWN = known_facts(
    ["Northwind Health Plus covers 25 days, twenty-five visits and one thousand dollars (the people's desk)."]
)


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [
        ("Northwind covers 25 days.", []),
        ("It is Contoso that covers 26 days.", ["contoso", "26"]),
        ("Contoso covers it.", []),  # the first word has its capital letter from the sentence
        ("**Plus:** Covers it | Days | 25.0", []),
        ("Plus – Covers it, I say.", []),
        ("The People's desk is Ours.", ["ours"]),
        ("The 25th is day One.", []),
    ],
)
def test_numbers_and_names_that_stand_nowhere(sentence: str, facts: list[str]) -> None:
    assert unknown(sentence, KNOWN) == facts


def test_a_number_that_a_source_writes_out_is_known() -> None:
    assert unknown("It is 30 or 22.", known_facts(["Thirty days or twenty two."])) == []
    assert unknown("It is 23.", known_facts(["Twenty-two days and three."])) == ["23"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("According to the passage, you need a badge.", "You need a badge."),
        ("Based on the information provided in the passages, leave is 25 days.", "Leave is 25 days."),
        (" The passage states that leave is 25 days.", " Leave is 25 days."),
        ('The passage states that "You need a badge."', '"You need a badge."'),
        ('The passages state: "You need a badge."', '"You need a badge."'),
        ("The document says: you need a badge.", "You need a badge."),
        ("The policy says: ask.", "The policy says: ask."),
        ("According to the policy, you need a badge.", "According to the policy, you need a badge."),
        ("The passage states nothing.", "The passage states nothing."),
    ],
)
def test_a_preamble_is_left_out(written: str, shown: str) -> None:
    assert without_preamble(written) == shown


def test_who_says_the_same_again_and_again_goes_in_circles() -> None:
    """Seen: an emergency kit, of which three things were listed until the answer was cut off."""
    kit = "Pack a battery-powered radio, a whistle, a flashlight"
    assert not goes_in_circles(kit)
    written, rounds = kit, 0
    while not goes_in_circles(written):
        written += ", a battery-powered radio, a whistle, a flashlight"
        rounds += 1
    assert 3 <= rounds <= 6


@pytest.mark.parametrize(
    "written", ["", "|---|---|" * 60, "-" * 400, "\n".join(f"| row {n} | not covered | 10 % |" for n in range(60))]
)
def test_rules_and_rows_are_no_circles(written: str) -> None:
    assert not goes_in_circles(written)
