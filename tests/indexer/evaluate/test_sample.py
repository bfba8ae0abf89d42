"""Which questions are asked when not all of them are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import StartError
from indexer.evaluate.retrieval import EvaluationQuestion
from indexer.evaluate.sample import Sample, parse_sample


def question(id_: str, answerable: bool | None) -> EvaluationQuestion:
    return EvaluationQuestion(id_, f"What is {id_}?", (), answerable=answerable)


QUESTIONS = [question(f"q{n}", (True, False, None)[n % 3]) for n in range(300)]
kinds = st.lists(
    st.tuples(st.text(max_size=3), st.sampled_from([True, False, None])), max_size=30, unique_by=lambda one: one[0]
)


def ids(questions: list[EvaluationQuestion]) -> list[str]:
    return [one.id for one in questions]


def test_so_many_of_each_kind_in_the_order_of_the_file() -> None:
    chosen = Sample(30, 10).of(QUESTIONS)
    assert [sum(one.answerable is kind for one in chosen) for kind in (True, False, None)] == [30, 10, 0]
    assert chosen == [one for one in QUESTIONS if one in chosen]


def test_the_sample_is_the_same_on_every_machine() -> None:
    """What was measured with it can be measured again."""
    assert ids(Sample(3, 2).of(QUESTIONS)) == ["q130", "q253", "q267", "q288", "q291"]


def test_another_seed_chooses_others() -> None:
    assert ids(Sample(30, 0, seed=2).of(QUESTIONS)) != ids(Sample(30, 0, seed=1).of(QUESTIONS))


def test_a_larger_sample_holds_the_smaller_one() -> None:
    assert set(ids(Sample(10, 10).of(QUESTIONS))) < set(ids(Sample(20, 20).of(QUESTIONS)))


@given(kinds, st.integers(0, 12), st.integers(0, 12), st.randoms())
def test_the_order_of_the_file_does_not_matter(
    named: list[tuple[str, bool | None]], answerable: int, unanswerable: int, chance: object
) -> None:
    questions = [question(id_, kind) for id_, kind in named]
    mixed = list(questions)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    sample = Sample(answerable, unanswerable)
    assert set(ids(sample.of(questions))) == set(ids(sample.of(mixed)))
    assert len(sample.of_any(mixed)) == min(answerable, len(mixed))
    for kind, most in ((True, answerable), (False, unanswerable)):
        there = sum(one.answerable is kind for one in questions)
        assert sum(one.answerable is kind for one in sample.of(questions)) == min(most, there)


def test_ids_that_stand_twice_are_two_questions() -> None:
    twice = [EvaluationQuestion("a", text, ()) for text in ("one?", "two?")]
    assert len(Sample(2, 0).of(twice)) == 2
    assert Sample(1, 0).of(twice) == Sample(1, 0).of(twice[::-1])


@pytest.mark.parametrize(("text", "sample"), [("30", Sample(30, 30)), ("30+0", Sample(30, 0)), ("0+7", Sample(0, 7))])
def test_how_a_sample_is_named(text: str, sample: Sample) -> None:
    assert parse_sample(text) == sample
    assert str(parse_sample(text, 5)) == f"{sample.answerable}+{sample.unanswerable} by seed 5"


@pytest.mark.parametrize("text", ["", "x", "-1", "3+", "+3", "1+2+3", "1.5", "3 + 4", "9" * 10, "٣"])
def test_what_names_no_sample(text: str) -> None:
    with pytest.raises(StartError, match="names no number of questions"):
        parse_sample(text)
