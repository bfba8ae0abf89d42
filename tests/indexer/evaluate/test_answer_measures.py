"""What answers are worth, by hand: containment, facts held and wrong, flaws, abstention, citations."""

from dataclasses import asdict
from typing import Any

import pytest

from indexer.evaluate.answer_measures import Judgement, WrongSentence, answer_measures, judge
from indexer.evaluate.answers import AnswerResult
from indexer.evaluate.by_question import add_answers, off_topic_rows, question_rows, summarise_answers
from indexer.evaluate.facts import Facts, known, plain
from indexer.evaluate.retrieval import EvaluationQuestion, Measures, RetrievalReport

SOURCES = {"a.md": known("Leave\nAll employees have thirty days of leave. Ask Tenant Support.")}


def question(**fields: object) -> EvaluationQuestion:
    return EvaluationQuestion(**{"id": "q", "question": "How long?", "gold": ("a.md",), **fields})  # type: ignore[arg-type]


def measured(result: AnswerResult) -> Measures:
    return answer_measures(result, judge(result, SOURCES))


def judged(text: str, **fields: Any) -> Judgement:
    asked = fields.pop("asked", question())
    return judge(AnswerResult(asked, text, fields.pop("answered", True), **fields), SOURCES)


@pytest.mark.parametrize(
    ("text", "answer", "held"),
    [
        ("It is **thirty days** [1].", "Thirty Days", True),
        ("It’s the manager's.", "the manager’s", True),
        ("Five in all: 15.", "5", False),
        ("It costs 5.50 dollars.", "5", False),
        ("It costs 5.", "5", True),
        ("It costs 1,500 dollars", "500", False),
        ("In 1999 [2].", "1999", True),
        ("It is thirty [2] days.", "thirty days", True),
        ("Anything.", "[1]", False),
        ("Anything.", "", False),
        ("See [5].", "5", False),
    ],
)
def test_containment(text: str, answer: str, held: bool) -> None:
    assert AnswerResult(question(answers=(answer,)), text, True).contains is held


def test_every_fact_must_be_there_in_one_of_its_forms() -> None:
    facts = question(must=(("30 days", "thirty days"), ("manager",)))
    assert AnswerResult(facts, "Thirty days, says your manager.", True).contains
    assert not AnswerResult(facts, "Thirty days.", True).contains


def test_plain_text_folds_white_space_and_marks() -> None:
    assert plain("A\n *b*  [12] c!") == "a b c"


def figures_of(*results: AnswerResult) -> dict[str, Any]:
    rows = question_rows([result.question for result in results], RetrievalReport(), {})
    add_answers(rows, results, SOURCES)
    return summarise_answers(rows)


def test_figures_by_hand() -> None:
    hit = {"n": 1, "document": "a.md", "page": None}
    miss = {"n": 2, "document": "b.md"}
    foreign = {"n": 3}
    cut = AnswerResult(
        question(answers=("40 days",)), "It is 31 days [1]", True, [hit], 20, 3, None, mode="model", reason="length",
        quotes=[{"document": "b.md", "page": None, "quote": "In all 40 days."}],
    )  # fmt: skip
    figures = figures_of(
        AnswerResult(question(answers=("30",)), "30 days [1]. Ask first.", True, [hit, miss, foreign], 10, 4, 100.0),
        AnswerResult(question(answers=("30",)), "No.", False, [], 20, 0, None),
        AnswerResult(question(answerable=False), "I cannot say.", False, [], 30, 0, 300.0),
        AnswerResult(question(answerable=False), "Perhaps [1].", True, [hit], 20, 0, None),
        AnswerResult(question(answerable=None), "[1]", True, [], 20, 1, None),
        cut,
    )
    assert figures == {
        "contains": 0.3333,
        "facts_held": {"written": 0.3333, "shown": 0.6667},
        "wrong_facts": 0.3333,
        "wrong_facts_cited": 0.3333,
        "refused": 0.3333,
        "empty": 0.25,
        "cut": 0.25,
        "words": 2.2,
        "abstention": {"precision": 0.5, "recall": 0.5, "false_refusals": 0.3333},
        "citations": {"precision": 0.5, "recall": 0.6667},
        "tokens": {"prompt": 20.0, "completion": 1.3},
        "first_token_ms": 200.0,
    }


# Facts


def test_what_is_quoted_beneath_counts_for_the_answer_as_shown_alone() -> None:
    asked = question(must=(("30 days", "thirty days"), ("tenant support",)))
    quotes = [{"document": "a.md", "page": 2, "quote": "Ask Tenant Support."}, {"document": "a.md", "quote": None}]
    found = judged("You have thirty days.", asked=asked, quotes=quotes)
    assert found.written == Facts(("30 days | thirty days",), ("tenant support",), 0)
    assert found.shown == Facts(("30 days | thirty days", "tenant support"), (), 1)


def test_a_refusal_holds_no_fact_whatever_its_words_are() -> None:
    asked = question(must=(("do not",),))
    result = AnswerResult(asked, "The documents do not say.", False)
    assert measured(result)["facts_held.written"] == measured(result)["facts_held.shown"] == (0, 1)
    assert measured(result)["contains"] == (1, 1), "which counts as it always did"
    assert measured(result)["refused"] == (1, 1)


def test_facts_are_asked_for_only_of_what_the_documents_answer() -> None:
    for kind in (False, None):
        measures = measured(AnswerResult(question(answerable=kind, answers=("30",)), "30 days", True))
        assert not {"facts_held.written", "facts_held.shown", "wrong_facts", "contains", "refused"} & measures.keys()


def test_numbers_and_names_of_a_long_answer_are_a_share() -> None:
    asked = question(answers=("Everybody has thirty days, says Tenant Support, as it was agreed with Paul.",))
    assert measured(AnswerResult(asked, "Paul says 30.", True))["facts_held.written"] == (0.5, 1)


# Wrong facts


def test_a_wrong_sentence_says_what_is_wrong_and_whether_it_is_cited() -> None:
    citations = [{"n": 2, "document": "b.md", "quote": "Paul has 41 days."}, {"n": 3, "quote": "Forty days."}]
    found = judged("You have 30 days [1]. Or 40 days [3]. Or 41 days [1]. Ask Paul.", citations=citations)
    assert found.wrong == (
        WrongSentence("Or 40 days [3].", ("40",), cited=True, quoted=True),
        WrongSentence("Or 41 days [1].", ("41",), cited=True, quoted=False),
        WrongSentence("Ask Paul.", ("paul",), cited=False, quoted=False),
    )
    assert found.sentences == 4


def test_what_the_question_or_the_history_says_is_not_made_up() -> None:
    asked = question(question="And Paul?", history=(("user", "May Miller take 40 days?"), ("assistant", "In May.")))
    assert judged("Paul and Miller have 40 days in May.", asked=asked).wrong == ()
    assert [one.facts for one in judged("He, Paul, has 40 days.").wrong] == [("paul", "40")]


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "extractive"},
        {"answered": False},
        {"asked": question(gold=())},
        {"asked": question(gold=("unknown.md",))},
        {"asked": question(answerable=False)},
        {"asked": question(answerable=None)},
    ],
)
def test_only_what_is_written_and_can_be_compared_is_judged(fields: dict[str, Any]) -> None:
    found = judged("It is 99 days [1].", **fields)
    assert (found.wrong, found.sentences) == ((), 0)


# Flaws


@pytest.mark.parametrize(
    ("text", "answered", "empty"),
    [("[1]", True, (1, 1)), ("How long?", True, (1, 1)), ("Long.", True, (0, 1)), ("", False, None)],
)
def test_what_is_no_answer_is_counted_of_answers_alone(text: str, answered: bool, empty: object) -> None:
    assert measured(AnswerResult(question(), text, answered)).get("empty") == empty


def test_words_are_counted_without_marks_and_quotations() -> None:
    result = AnswerResult(question(), "It is **25.5 days** [1][2].", True, quotes=[{"quote": "Not these words."}])
    assert measured(result)["words"] == (4, 1)


# The server's own judgement


def test_how_well_the_servers_judgement_tells_questions_apart() -> None:
    asked = question(answers=("x",))
    answerable = [AnswerResult(asked, "x", True, answerability=0.01 * n) for n in range(30, 131)]
    other = [AnswerResult(question(answerable=False), "x", True, answerability=v) for v in (0.2, 0.304, 0.37, 2.0)]
    unjudged = [AnswerResult(asked, "x", True), AnswerResult(question(answerable=None), "x", True, answerability=9)]
    found = figures_of(*answerable, *other, *unjudged)["answerability"]
    assert found == {"questions": 4, "at_5%": 0.5, "at_10%": 0.75, "auroc": 0.729}
    assert figures_of(*answerable)["answerability"] is None


def test_off_topic_questions_count_for_themselves_alone() -> None:
    rows = question_rows([question()], RetrievalReport(), {})
    add_answers(rows, [AnswerResult(question(), "It is 25 days", True, answerability=0.5)], SOURCES)
    before = summarise_answers(rows)
    other = question(id="o", answers=("x",), gold=("o.md",))
    rows += off_topic_rows(
        [
            AnswerResult(other, "The documents do not say.", False, answerability=0.1),
            AnswerResult(other, "It is 99 days [1].", True, answerability=0.7),
        ]
    )
    found = summarise_answers(rows)
    assert found.pop("off_topic") == {"refused": 0.5, "questions": 2, "at_5%": 0.5, "at_10%": 0.5, "auroc": 0.5}
    assert found == before
    assert (rows[1]["gold"], rows[1]["answerable"], rows[2]["answer"]) == ([], False, "It is 99 days [1].")


def test_a_row_holds_what_a_reader_wants_to_see() -> None:
    asked = question(must=(("thirty days",), ("Tenant Support",)))
    quote = {"document": "a.md", "title": "Leave", "page": 3, "quote": "Ask Tenant Support.", "start": 5, "end": 9}
    result = AnswerResult(asked, "Thirty days, or 31 [1].", True, mode="model", reason="stop", quotes=[quote])
    rows = question_rows([asked], RetrievalReport(), {})
    add_answers(rows, [result], SOURCES)
    (row,) = rows
    assert row["facts"]["written"] == {"held": ("thirty days",), "missing": ("Tenant Support",)}
    assert row["facts"]["shown"]["missing"] == ()
    assert row["quotes"] == [{"document": "a.md", "page": 3, "quote": "Ask Tenant Support."}]
    assert row["wrong"] == [asdict(judge(result, SOURCES).wrong[0])]
    assert (row["flaw"], row["mode"], row["reason"], row["judged"]) == ("", "model", "stop", None)


def test_shares_of_nothing_are_none() -> None:
    figures = figures_of()
    assert figures["contains"] is None
    assert set(figures["abstention"].values()) == set(figures["facts_held"].values()) == {None}
    assert {figures[name] for name in ("wrong_facts", "wrong_facts_cited", "refused", "empty", "cut")} == {None}
    assert not {"answerability", "off_topic"} & set(figures)


def test_a_set_that_names_no_answer_says_nothing_of_containment() -> None:
    assert figures_of(AnswerResult(question(), "Thirty days.", True))["contains"] is None


@pytest.mark.parametrize(
    ("citation", "right"),
    [
        ({"document": "a.md", "page": 4, "quote": "Nothing of it."}, 1),
        ({"document": "other.md", "quote": "Employees get 30 days."}, 1),
        ({"document": "other.md", "quote": "Ask your manager."}, 1),
        ({"document": "other.md", "quote": "Employees get 130 days."}, 0),
        ({"document": "other.md", "quote": None}, 0),
        ({"document": None, "quote": 5}, 0),
    ],
)
def test_a_citation_is_right_when_it_points_to_gold_or_holds_the_answer(citation: dict[str, Any], right: int) -> None:
    asked = question(answers=("30 days",), must=(("manager", "boss"),))
    measures = measured(AnswerResult(asked, "So [1].", True, [citation]))
    assert measures["citations.precision"] == (right, 1)


@pytest.mark.parametrize(
    ("text", "cited", "sentences"),
    [
        ("Thirty days. [1] Ask first. [2][3]", 2, 2),
        ("> Thirty days. [1]\n\n> Ask first.", 1, 2),
        ("- one [1]\n- two", 1, 2),
        ("---\n\n[1]", 0, 0),
        ("", 0, 0),
    ],
)
def test_each_sentence_wants_a_citation(text: str, cited: int, sentences: int) -> None:
    assert measured(AnswerResult(question(), text, True))["citations.recall"] == (cited, sentences)


def test_a_refusal_has_no_citations_to_judge() -> None:
    assert "citations.recall" not in measured(AnswerResult(question(), "The documents do not say.", False))
