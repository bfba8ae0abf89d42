"""A prompt that is too long gets shorter in the right place, or is refused; it always ends."""

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.passages import Scope
from server.answering.context_window import LEAST_ANSWER, LONGEST, PASSAGE, fit_prompt, why_too_long
from server.answering.events import Evidence, Exchange, Question
from server.answering.prompt import build_messages
from server.errors import ContextTooLong
from server.llm.generator import GeneratorState, Message, Sampling
from tests.server.fakes import ScriptedGenerator
from tests.server.passages import numbered

SCOPE = Scope(frozenset({1}))
EVIDENCE = numbered(*(f"Rule {name}." + " So it is." * 10 for name in "abcde"))
INSTRUCTED = ScriptedGenerator().count(build_messages(Question("", SCOPE), (), ()))  # words of our own text


def room_for(words: int) -> ScriptedGenerator:
    """A model whose prompts may have so many words besides our instructions."""
    return ScriptedGenerator(context=INSTRUCTED + words + LEAST_ANSWER)


def turns(number: int, words: int = 10) -> tuple[Exchange, ...]:
    """Exchanges of so many words each."""
    return tuple(Exchange(f"question{n}", "word " * (words - 1)) for n in range(number))


def asked(messages: list[Message]) -> list[str]:
    return [message.content.split("Question: ")[-1] for message in messages if message.role == "user"]


def test_a_prompt_that_fits_stays_whole() -> None:
    question = Question("Why?", SCOPE, history=turns(3), forgetful=True)
    prompt = fit_prompt(question, EVIDENCE, room_for(1000))
    assert prompt.evidence == EVIDENCE
    assert prompt.messages == build_messages(question, EVIDENCE, question.history)


def test_a_page_forgets_its_oldest_turns_and_keeps_its_evidence() -> None:
    question = Question("Why?", SCOPE, history=turns(8), forgetful=True)
    prompt = fit_prompt(question, EVIDENCE[:1], room_for(95))
    assert prompt.evidence == EVIDENCE[:1]
    assert asked(prompt.messages) == ["question4", "question5", "question6", "question7", "Why?"]


def test_what_a_forgotten_turn_showed_is_shown_again_under_its_number() -> None:
    history = (Exchange("question", "word " * 200, EVIDENCE[:3]), *turns(1))
    question = Question("Why?", SCOPE, history=history, forgetful=True)
    messages = fit_prompt(question, EVIDENCE[2:3], room_for(100)).messages
    assert asked(messages)[-1] == "Why?"
    assert "[3] Handbook\n Rule c." in messages[-1].content


def test_an_api_call_keeps_its_messages_and_shrinks_its_evidence() -> None:
    question = Question("Why?", SCOPE, history=turns(3))
    prompt = fit_prompt(question, EVIDENCE, room_for(110))
    assert prompt.evidence == EVIDENCE[:2]
    assert asked(prompt.messages) == ["question0", "question1", "question2", "Why?"]


@pytest.mark.parametrize("forgetful", [True, False])
@pytest.mark.parametrize("evidence", [(), EVIDENCE])
def test_what_cannot_fit_is_refused(forgetful: bool, evidence: tuple[Evidence, ...]) -> None:
    question = Question("word " * 500, SCOPE, history=turns(3), forgetful=forgetful)
    with pytest.raises(ContextTooLong) as refused:
        fit_prompt(question, evidence, room_for(400))
    assert refused.value.code == "context_length_exceeded"


def test_an_api_call_is_refused_rather_than_answered_without_any_evidence() -> None:
    with pytest.raises(ContextTooLong):
        fit_prompt(Question("word " * 50, SCOPE), EVIDENCE, room_for(60))


def test_room_is_left_for_a_short_answer_only_when_one_is_wanted() -> None:
    question = Question("word " * 60, SCOPE, sampling=Sampling(max_tokens=4))
    assert fit_prompt(question, (), ScriptedGenerator(context=INSTRUCTED + 64))
    with pytest.raises(ContextTooLong):
        fit_prompt(question, (), ScriptedGenerator(context=INSTRUCTED + 63))


class Impatient(ScriptedGenerator):
    """Counts no prompt that is too long by far, as the local engine does."""

    def count(self, messages: Sequence[Message]) -> int:
        if (tokens := super().count(messages)) > 2 * self.context:
            raise ContextTooLong(tokens, self.context - 1)
        return tokens


def test_turns_too_many_to_be_counted_are_dropped_like_any_others() -> None:
    generator = Impatient(context=INSTRUCTED + 165 + LEAST_ANSWER)
    question = Question("Why?", SCOPE, history=turns(500), forgetful=True)
    prompt = fit_prompt(question, EVIDENCE[:1], generator)
    assert prompt.evidence == EVIDENCE[:1]
    assert asked(prompt.messages)[-2:] == ["question499", "Why?"]
    with pytest.raises(ContextTooLong):
        fit_prompt(Question("Why?", SCOPE, history=turns(500)), EVIDENCE, generator)


def test_a_growing_conversation_rebuilds_its_prefix_seldom() -> None:
    firsts = []
    for number in range(1, 60):
        question = Question("Why?", SCOPE, history=turns(number), forgetful=True)
        messages = fit_prompt(question, (), room_for(165)).messages  # sixteen turns
        firsts.append(int(asked(messages)[0].removeprefix("question")))
    assert firsts == sorted(firsts)
    changes = sum(a != b for a, b in pairwise(firsts))
    assert 5 <= changes <= 8  # 43 turns were forgotten
    assert all(number - first >= 8 for number, first in zip(range(17, 60), firsts[16:], strict=True))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.sets(st.integers(0, 4))), max_size=8),
    st.sets(st.integers(0, 4)),
    st.integers(0, 200),
    st.booleans(),
)
def test_it_always_ends_and_what_comes_out_fits(
    lengths: list[tuple[int, set[int]]], chosen: set[int], room: int, forgetful: bool
) -> None:
    history = tuple(
        Exchange(f"q{n}", "word " * length, tuple(EVIDENCE[i] for i in sorted(shown)))
        for n, (length, shown) in enumerate(lengths)
    )
    evidence = tuple(EVIDENCE[i] for i in sorted(chosen))
    question = Question("Why?", SCOPE, history=history, forgetful=forgetful)
    generator = room_for(room)
    try:
        prompt = fit_prompt(question, evidence, generator)
    except ContextTooLong:
        least = build_messages(question, evidence[:1], () if forgetful else history)
        assert generator.count(least) > generator.context - LEAST_ANSWER
        return
    assert generator.count(prompt.messages) <= generator.context - LEAST_ANSWER
    assert prompt.evidence == evidence[: len(prompt.evidence)]
    assert bool(prompt.evidence) == bool(evidence)
    text = "\n".join(message.content for message in prompt.messages)
    shown = {int(number) for number in re.findall(r"^\[(\d+)\] Handbook$", text, re.MULTILINE)}
    assert all(text.count(f"[{item.n}] Handbook\n") == 1 for item in prompt.evidence)
    assert shown == {item.n for item in (*prompt.evidence, *prompt.earlier)}, "what the prompt shows is known"


# Questions that are too long


def test_without_a_model_what_the_search_reads_is_the_limit() -> None:
    failed = ScriptedGenerator(state=GeneratorState("failed", "It broke."))
    for generator in (None, failed):
        assert why_too_long("x" * 4000, generator) == ""
        assert "Without a language model Docent reads at most 4,000" in why_too_long("x" * 4001, generator)


def test_while_the_model_loads_nobody_can_say() -> None:
    loading = ScriptedGenerator(context=0, state=GeneratorState("loading", "It loads."))
    assert why_too_long("x" * LONGEST, loading) == ""
    assert "at most 100,000" in why_too_long("x" * (LONGEST + 1), loading)


@given(st.integers(1, 5000), st.integers(4 * PASSAGE, 4096))
def test_what_is_said_to_fit_does_and_nothing_else(words: int, context: int) -> None:
    text = "word " * words
    generator = ScriptedGenerator(context=context)
    question = Question(text, Scope(frozenset({1})))
    if why_too_long(text, generator):
        with pytest.raises(ContextTooLong):
            fit_prompt(question, numbered("word " * PASSAGE), generator)
    else:
        fit_prompt(question, numbered("word " * (PASSAGE - 20)), generator)


def test_the_length_that_is_named_fits() -> None:
    generator = ScriptedGenerator(context=1000)
    problem = why_too_long("word " * 2000, generator)
    match = re.search(r"the language model reads about ([\d,]+) of it", problem)
    assert match
    length = int(match[1].replace(",", ""))
    assert 2500 < length < 5000
    assert why_too_long(("word " * 2000)[:length], generator) == ""
    assert why_too_long(("word " * 2000)[: length + 200], generator) != ""
