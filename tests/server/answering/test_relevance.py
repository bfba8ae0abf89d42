"""Sentences are ranked by how likely they hold the answer."""

import numpy as np

from server.answering.relevance import PASSAGES, score_sentences
from tests.server.passages import passage, retrieved


def ranked(question: str, *texts: str, heading: str = "") -> list[str]:
    found = retrieved(
        question, [passage(text, heading=heading, document_id=n, lines=True) for n, text in enumerate(texts)]
    )
    return [one.sentence.text for one in score_sentences(found)]


def test_headings_lend_their_words_to_the_score() -> None:
    above = score_sentences(retrieved("dental crowns", [passage("They cost half.", heading="Dental crowns")]))
    without = score_sentences(retrieved("dental crowns", [passage("They cost half.", heading="Other")]))
    assert above[0].score > without[0].score


def test_the_sentence_beside_the_one_that_names_the_subject_is_lifted() -> None:
    beside, apart = "The dental plan is new. It pays half.", "It pays half. The dental plan is new."
    assert ranked("What does the dental plan pay?", beside).index("It pays half.") == 1
    scores = [
        next(one.score for one in score_sentences(retrieved("The dental plan", [passage(text)])) if one.index == at)
        for text, at in [(beside, 1), (apart, 0)]
    ]
    assert scores[0] > scores[1]


def test_a_number_is_lifted_where_one_is_asked_for() -> None:
    texts = "Leave is given in days.", "Leave is given in 25 days."
    assert ranked("How many days is leave?", *texts)[0] == texts[1]


def test_words_of_one_family_count() -> None:
    with_family = score_sentences(retrieved("Who analyses?", [passage("It was analyzed.")]))
    without = score_sentences(retrieved("Who analyses?", [passage("It was others.")]))
    assert with_family[0].score > without[0].score


def test_a_heading_is_no_sentence_unless_there_is_no_other() -> None:
    text = "Dental plan\n\nCrowns cost half."
    assert ranked("dental plan", text, heading="Benefits › Dental plan") == ["Crowns cost half."]
    assert ranked("dental plan", "Dental plan", heading="Dental plan") == ["Dental plan"]
    assert ranked("dental plan", "Dental plan prices", heading="Dental plan") == ["Dental plan prices"]


def test_each_sentence_is_scored_once_and_knows_its_place() -> None:
    found = retrieved("leave", [passage(f"Leave {n}. Days.", document_id=n) for n in range(PASSAGES + 2)])
    scored = score_sentences(found)
    assert len({one.sentence.text for one in scored}) == len(scored) == PASSAGES + 1
    assert all(one.passage.sentences[one.index] is one.sentence for one in scored)
    assert all(found.passages[one.n - 1] is one.passage for one in scored)
    scores = [one.score for one in scored]
    assert scores == sorted(scores, reverse=True)
    assert np.isfinite(scores).all()


def test_a_question_without_words_is_scored_too() -> None:
    assert ranked("???", "Crowns cost half.") == ["Crowns cost half."]
    assert ranked("", "") == []
