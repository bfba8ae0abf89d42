"""A question in another language than the documents: what is said, and that the refusal is no flat one."""

from dataclasses import replace

import numpy as np

from indexer.passages import Passage, Retrieved
from server.answering.abstention import refuse
from server.answering.events import Answer, Timing
from server.answering.other_language import beside_an_answer, instead_of_a_refusal
from server.answering.prompt import NOT_FOUND

GERMAN = "Wie melde ich einen Sicherheitsvorfall?"
FOUND = "Report every incident to the service desk. You must do so at once."


def test_what_is_said_where_languages_differ() -> None:
    assert beside_an_answer(GERMAN, [FOUND]) == (
        "This question seems to be in German, and what comes closest to it is in English. "
        "Docent searched with it as it stands; asked in English, it may find more."
    )
    assert instead_of_a_refusal(GERMAN, [FOUND]).endswith("found no answer: ask in English.")
    assert "seems to be in English, and what comes closest to it is in German" in beside_an_answer(
        "How do I report an incident?", ["Melden Sie jeden Vorfall. Das ist Ihre Pflicht, und es ist eilig."]
    )


def test_nothing_is_said_where_they_do_not_or_nobody_knows() -> None:
    assert beside_an_answer("How do I report an incident?", [FOUND]) == ""
    assert beside_an_answer(GERMAN, ["Das ist Ihre Pflicht."]) == ""
    assert beside_an_answer("VPN?", [FOUND]) == ""
    assert beside_an_answer(GERMAN, ["SF-1449"]) == ""
    assert beside_an_answer(GERMAN, []) == ""


def refused(question: str) -> Answer:
    passage = Passage(1, 0.2, 0.2, 1, 1, "a.md", "A", "", None, 0, len(FOUND), FOUND, "")
    retrieved = Retrieved((passage,), np.zeros(4, np.float32), {}, question=question)
    *_, answer = refuse(retrieved, Timing())
    assert isinstance(answer, Answer)
    return answer


def test_a_refusal_says_so_and_shows_what_comes_closest() -> None:
    answer = refused(GERMAN)
    assert answer.text == instead_of_a_refusal(GERMAN, [FOUND])
    assert (answer.answered, answer.raw, len(answer.closest)) == (False, NOT_FOUND, 1)
    assert refused("How do I report an incident?") == replace(answer, text=NOT_FOUND)
