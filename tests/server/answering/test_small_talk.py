"""Messages that ask the documents nothing, and messages about the last answer; questions are neither."""

import pytest

from server.answering.small_talk import ABILITIES, FAREWELL, GREETING, LONGEST, THANKS, rewrites, small_talk


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("hi", GREETING),
        ("Hello!", GREETING),
        ("Good morning, Docent.", GREETING),
        ("Hi, how are you?", GREETING),
        ("thanks", THANKS),
        ("Thank you so much!!", THANKS),
        ("Great, thanks.", THANKS),
        ("bye", FAREWELL),
        ("What can you do?", ABILITIES),
        ("help", ABILITIES),
        ("Who are you?", ABILITIES),
    ],
)
def test_small_talk_has_a_reply(said: str, reply: str) -> None:
    assert small_talk(said) == reply
    assert not rewrites(said)


@pytest.mark.parametrize(
    "said",
    [
        "shorter",
        "Shorter, please.",
        "make it shorter",
        "as a list",
        "Can you put that in a table?",
        "in German",
        "auf Deutsch bitte",
        "And now in plain English",
        "translate it to French",
        "Summarise that",
        "in two sentences",
        "explain it in simple words",
        "say that again",
        "tl;dr",
    ],
)
def test_another_form_of_the_last_answer(said: str) -> None:
    assert rewrites(said)
    assert small_talk(said) is None


@pytest.mark.parametrize(
    "said",
    [
        "",
        "?!",
        "hi, how much leave do I have?",
        "thanks giving holiday",
        "help desk opening hours",
        "what can you do about noise?",
        "How short is the notice period?",
        "Is there a list of holidays?",
        "leave in Germany",
        "German classes",
        "translate documents policy",
        "shorter working hours",
        "in writing?",
        "hi " * LONGEST,
    ],
)
def test_questions_are_neither(said: str) -> None:
    assert small_talk(said) is None
    assert not rewrites(said)
