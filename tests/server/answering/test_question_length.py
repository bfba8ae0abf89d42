"""Whether a question can be read whole, with a model of every size and with none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.passages import Scope
from server.answering.context_window import fit_prompt
from server.answering.events import Question
from server.answering.question_length import LONGEST, PASSAGE, why_too_long
from server.errors import ContextTooLong
from server.llm.generator import GeneratorState
from tests.server.fakes import ScriptedGenerator
from tests.server.passages import numbered


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
    assert "the language model reads about 3,100 of it" in problem
    assert why_too_long(("word " * 2000)[:3100], generator) == ""
