"""A sentence is supported by the words and the numbers of a passage, or by its meaning and its numbers."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from server.answering.events import Evidence
from server.answering.support import NEAR_MARKED, NEAR_UNMARKED, doubt, find_support, holds_code, support
from tests.server.passages import numbered, passage
from tests.word_embedder import word_vector

LEAVE = "Employees have 25 days of annual leave. Leave is booked in the people portal. Five days carry over."


def quoted(claim: str, text: str, *, heading: str = "") -> str | None:
    """The words of `text` that support `claim`."""
    found = support(claim, Evidence(1, passage(text, heading=heading, start=100), text))
    return text[found.start - 100 : found.end - 100] if found else None


def test_the_supporting_words_are_the_passages_own() -> None:
    assert quoted("Annual leave is 25 days", LEAVE) == "Employees have 25 days of annual leave."


def test_another_number_is_not_supported() -> None:
    assert find_support("Employees have 28 days of annual leave.", numbered(LEAVE), [1]) == []
    assert find_support("Employees have 25 or 28 days of annual leave.", numbered(LEAVE), [1]) == []
    assert find_support("Employees have 25 days of annual leave.", numbered(LEAVE), [1])


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("The limit is 1000 dollars", "The limit is $1,000."),
        ("The limit is $1,000.00", "The limit is 1000 dollars."),
        ("The limit is 1,234,567.5", "The limit is 1234567.5."),
        ("It covers 25% of it", "It covers 25 % of all costs."),
        ("Version 3.5 is used", "We use version 3.5."),
        ("Items 1,2,3 are used", "Use the items 1, 2 and 3."),
        ("It opens at 10:30", "The desk opens at 10:30, not 10."),
        ("The 401k plan", "The 401(k) plan matches."),
        ("5 days of leave carry over", "Five days of leave carry over."),
        ("Twenty-five days of leave", "25 days of leave."),
        ("25 days of leave", "Twenty-five days of leave."),
        ("There are two plans, Core and Plus", "The plans are Core and Plus."),
        ("One of the plans is Core", "The plans are Core and Plus."),
    ],
)
def test_a_number_is_the_same_however_it_is_written(claim: str, words: str) -> None:
    assert quoted(claim, words) == words


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("The limit is 1000 dollars", "The limit is 100 dollars."),
        ("The limit is 100 dollars", "The limit is 1,000 dollars."),
        ("Version 3.5 is used", "Version 35 is used."),
        ("Version 3.5 is used", "Version 3 is used 5 times."),
        ("It covers 5% of it", "It covers 25% of it."),
        ("Thirty days of leave carry over", "25 days of leave carry over."),
        ("Thirty days of leave carry over", "Days of leave carry over."),
        ("Two days of leave carry over", "Five days of leave carry over."),
        ("5 days of leave carry over", "Twenty-five days of leave carry over."),
    ],
)
def test_a_number_that_only_looks_alike_is_another(claim: str, words: str) -> None:
    assert quoted(claim, words) is None


def test_a_heading_lends_its_words_but_supports_nothing_alone() -> None:
    heading = "Annual leave in 2024"
    assert quoted("Annual leave in 2024 is 25 days", "Everyone gets 25 days.", heading=heading)
    assert quoted("Annual leave in 2024", "Ask the people team.", heading=heading) is None


def test_the_shortest_span_wins() -> None:
    assert quoted("Leave is booked in the people portal", LEAVE) == "Leave is booked in the people portal."
    both = quoted("25 days of annual leave, booked in the portal", LEAVE)
    assert both == "Employees have 25 days of annual leave. Leave is booked in the people portal."


def test_a_pair_holds_numbers_that_no_sentence_holds_alone() -> None:
    text = "New staff have 25 days. After five years it is 28 days. Ask your lead."
    assert quoted("25 days, later 28 days", text) == "New staff have 25 days. After five years it is 28 days."


def test_a_pair_does_not_reach_over_a_heading() -> None:
    """Seen: the last sentence of the section before was lit up because it lent a word."""
    whole = passage("It needs the key. Stop the server, then run make chat again.")
    one, two = whole.sentences
    apart = replace(whole, sentences=(replace(one, heading="Metrics"), replace(two, heading="Upgrading")))
    claim = "You need to stop the server and run make chat again."
    for found, start in ((whole, one.start), (apart, two.start)):
        (support,) = find_support(claim, [Evidence(1, found, found.text)], [])
        assert support.start == start


def test_a_negation_is_doubted_but_cited() -> None:
    evidence = numbered(LEAVE)
    claim = "Leave may not be booked in the portal"
    found = find_support(claim, evidence, [1])
    assert found
    assert doubt(claim, evidence, found) == "negation"
    assert doubt("Leave is booked in the portal", evidence, found) is None


def test_a_number_that_stands_in_no_passage_is_named_as_the_reason() -> None:
    evidence = numbered(LEAVE, "In 2024 it was 28.")
    assert doubt("Employees had 28 zebras", evidence, []) == "words"
    assert doubt("Employees had 29 zebras", evidence, []) == "number"
    assert doubt("Employees had thirty zebras", evidence, []) == "number"
    assert doubt("Employees had three zebras", evidence, []) == "words"
    assert doubt("Employees had 5 zebras", evidence, []) == "words"


@pytest.mark.parametrize("claim", ["", "...", "[ ]", "It is what it is.", "—"])
def test_a_sentence_without_content_is_not_supported(claim: str) -> None:
    assert find_support(claim, numbered(LEAVE), [1]) == []


def test_a_passage_without_sentences_supports_nothing() -> None:
    heading = passage("")
    assert support("Annual leave", Evidence(1, heading, "Annual leave")) is None


def test_named_passages_are_kept_where_they_support() -> None:
    evidence = numbered(LEAVE, "Crowns are covered at half their price.", "Annual leave is 25 days for employees.")
    claim = "Employees have 25 days of annual leave"
    assert [s.evidence.n for s in find_support(claim, evidence, [3, 1, 3])] == [3, 1]
    assert [s.evidence.n for s in find_support(claim, evidence, [2, 3])] == [3]


def test_without_a_named_passage_that_supports_the_best_one_is_found() -> None:
    evidence = numbered("Crowns are covered at half their price.", LEAVE)
    assert [s.evidence.n for s in find_support("Employees have 25 days of annual leave", evidence, [])] == [2]
    assert [s.evidence.n for s in find_support("Employees have 25 days of annual leave", evidence, [1, 99])] == [2]


def test_a_passage_that_the_model_named_needs_fewer_of_the_words() -> None:
    evidence = numbered("Annual leave is booked online.", "Crowns cost money.")
    half = "Annual leave wants software, patience"  # two of its five content words
    assert find_support(half, evidence, [1])
    assert find_support(half, evidence, []) == []
    assert find_support("Annual gifts want software, patience", evidence, [1]) == []


def test_the_yes_before_a_sentence_is_none_of_its_words() -> None:
    evidence = numbered("Dogs are allowed on Fridays.")
    assert find_support("Yes. Dogs are allowed.", evidence, [])
    assert find_support("Yes, dogs sleep.", evidence, []) == []
    assert find_support("Yes.", numbered("Yes, they are."), []) == []


def test_the_words_of_a_support() -> None:
    (found,) = find_support("Five days carry over", numbered("Zebras run.", LEAVE), [])
    assert found.text == "Five days carry over."


@pytest.mark.parametrize(
    ("code", "held"),
    [
        ("make chat PORT=8001", True),
        ("make chat", True),
        ("make chat PORT=8002", False),
        ("rm -r chat", False),
        ("make chat\n\nmake zebra", False),
        ("---\nmake chat", True),
        ("# do not make chat", False),
        ("{}", False),
        ("", False),
    ],
)
def test_code_is_held_by_one_passage_that_has_its_words_and_numbers(code: str, held: bool) -> None:
    assert holds_code(code, numbered(LEAVE, "Type `make chat PORT=8001` there.")) == held


# By meaning


def found_near(claim: str, meaning: str, *texts: str, named: tuple[int, ...] = ()) -> list[str]:
    """What supports a claim whose vector is that of `meaning`."""
    found = find_support(claim, numbered(*texts), named, lambda _: word_vector(meaning))
    return [s.evidence.text[s.start - s.evidence.passage.start : s.end - s.evidence.passage.start] for s in found]


OWN_WORDS = "Everybody gets several weeks off every year."
MEANT = "Employees have 25 days of annual leave."


def test_a_sentence_in_words_of_its_own_rests_on_the_nearest_one() -> None:
    assert find_support(OWN_WORDS, numbered(LEAVE), []) == []
    assert found_near(OWN_WORDS, MEANT, "Taxis need a receipt.", LEAVE) == [MEANT]


def test_what_is_near_but_has_another_number_supports_nothing() -> None:
    assert found_near("Everybody gets some 30 days off every year.", MEANT, LEAVE) == []
    assert found_near("Everybody gets some thirty days off every year.", MEANT, LEAVE) == []
    assert found_near("Everybody gets some twenty-five days off every year.", MEANT, LEAVE) == [MEANT]


def test_a_passage_that_the_model_named_may_be_less_near() -> None:
    partly = "Employees have 25 days of something that is entirely different"
    near = float(word_vector(partly) @ word_vector(MEANT))
    assert NEAR_MARKED < near < NEAR_UNMARKED
    assert found_near(OWN_WORDS, partly, LEAVE) == []
    assert found_near(OWN_WORDS, partly, LEAVE, named=(1,)) == [MEANT]


def test_what_is_near_by_the_questions_words_alone_supports_nothing() -> None:
    question = "What is the difference between states and phases of matter?"
    text = "The term phase is used for a state of matter."
    claim = "States of matter are fundamental units, and phases of matter are organised atoms."

    def encode(_: str) -> NDArray[np.float32]:
        return word_vector(text)

    assert find_support(claim, numbered(text), [], encode), "else this shows nothing"
    assert find_support(claim, numbered(text), [], encode, question) == []
    assert find_support(claim, numbered(text), [1], None, question) == []
    for says_it in (
        "Phase is another term for a state of matter.",
        "States of matter are fundamental.",  # one word of its own is none to go by
    ):
        assert find_support(says_it, numbered(text), [], encode, question)
    assert find_support(OWN_WORDS, numbered(MEANT), [], lambda _: word_vector(MEANT), "How long is it?")


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("Employees get 25 vacation days annually.", "There are twenty-five vacation days in a year."),
        ("Employees get twenty-five vacation days.", "You may take 25 days of vacation."),
    ],
)
def test_a_number_is_a_word_of_its_own_however_it_is_written(claim: str, text: str) -> None:
    question = "How many vacation days do we have?"
    assert find_support(claim, numbered(text), [], lambda _: word_vector(claim), question) == []
    assert find_support(claim, numbered(text), [], lambda _: word_vector(text), question)


def test_what_says_it_is_found_beside_what_has_the_questions_words_alone() -> None:
    question = "Which plan covers a visit to the dentist for a cleaning?"
    asked = "Which plan covers a visit to the dentist for a cleaning is asked often."
    says = "Northwind Plus covers a cleaning at the dentist, twice yearly."
    claim = "The plan Northwind Plus covers a visit to the dentist for a cleaning twice yearly."
    together = numbered(f"{asked} Zebras graze. {says}")
    for evidence, named in ((numbered(asked, says), []), (numbered(asked, says), [1]), (together, [])):
        (found,) = find_support(claim, evidence, named, None, question)
        assert found.text == says


def test_a_sentence_in_another_language_shares_no_words_with_what_it_rests_on() -> None:
    text = "Each employee at Contoso has 25 days of leave in the year and may take them at any time."
    claim = "Jeder Mitarbeiter bei Contoso hat Anspruch auf Urlaub und kann ihn jederzeit in dem Jahr nehmen."
    question = "Wie viel Urlaub hat man bei Contoso im Jahr?"
    assert find_support(claim, numbered(text), [], lambda _: word_vector(text), question)


def test_a_sentence_that_says_next_to_nothing_is_not_looked_for() -> None:
    assert found_near("That is so.", MEANT, LEAVE) == []


def test_words_come_before_meaning() -> None:
    assert found_near(MEANT, "Five days carry over.", LEAVE) == [MEANT]


def test_passages_of_earlier_turns_have_no_vectors() -> None:
    (evidence,) = numbered(LEAVE)
    bare = [replace(sentence, vector=np.zeros(0, np.float32)) for sentence in evidence.passage.sentences]
    earlier = replace(evidence, passage=replace(evidence.passage, sentences=tuple(bare)))
    assert find_support(OWN_WORDS, [earlier], [1], lambda _: word_vector(MEANT)) == []
