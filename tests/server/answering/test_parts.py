"""Which questions a message asks, where it asks more than one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.answering.comparison import LONGEST
from server.answering.parts import MOST, parts


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (
            "How long does my password have to be and where should I save it?",
            ("How long does my password have to be", "where should I save it"),
        ),
        (
            "new laptop - how long is the warranty, and who do I call if it breaks",
            ("new laptop - how long is the warranty", "who do I call if it breaks"),
        ),
        (
            "Is the gym paid for? And for how many months, and can I bring a guest?",
            ("Is the gym paid for", "how many months", "can I bring a guest"),
        ),
        ("Do I need a referral? what does it cost", ("Do I need a referral", "what does it cost")),
        ("How many days of leave do I have?", ()),
        ("Who approves travel and training?", ()),
        ("Which plan covers glasses and does not need a referral?", ()),
        ("I was ill for a week and need to know what to do", ()),
        ("Do you know when and where the meeting is?", ()),
        ("How and why do I record my hours?", ()),
        ("Who found the fault and when?", ()),
        ("What happens between when I apply and when I start?", ()),
        ("In the first year, how many days of leave do I have?", ()),
        ("What is a? What is b? What is c? What is d?", ()),
        ("", ()),
    ],
)
def test_the_parts_of_a_question(question: str, found: tuple[str, ...]) -> None:
    assert parts(question) == found


def test_a_long_text_has_no_parts() -> None:
    question = "What is leave and who approves it?"
    assert parts(f"{'x ' * LONGEST}{question}") == ()
    assert parts(f"{'x' * (LONGEST - len(question) - 1)} {question}")


@given(st.lists(st.sampled_from(["what", "is", "it", "and", "how many days", "?", "when", ",", "do I", " "])))
def test_parts_are_words_of_the_question_in_its_order(words: list[str]) -> None:
    question = " ".join(words)
    found = parts(question)
    question = " ".join(question.split())
    assert len(found) in {0, *range(2, MOST + 1)}
    at = 0
    for part in found:
        at = question.index(part, at) + len(part)


def test_runs_of_white_space_are_gone_through_once() -> None:
    """Each 1,000 took three seconds, in which no other thread got on: with 10 of them this would take half a minute."""
    for run in (" ", "\n", "\t ", ", "):
        assert parts("a" + run * (LONGEST // len(run) - 2)) == ()
        for _ in range(3):
            assert len(parts(f"How long is it?{run * (900 // len(run))}and what is it")) in (0, 2)
