"""What each answer is worth: its part of every figure, and what a reader would mark in it (pure)."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from indexer.evaluate.answers import AnswerResult
from indexer.evaluate.facts import Facts, holds, judge_facts, known, plain, sentences, wrong_facts
from indexer.evaluate.flaws import flaw, words_of
from indexer.evaluate.retrieval import EvaluationQuestion, Measures, matches_gold

_MARK = re.compile(r"\[\d+\]")

Sources = Mapping[str, frozenset[str]]
"""Gold id to the numbers and words of its document, see `facts.known`."""


@dataclass(frozen=True)
class WrongSentence:
    """A sentence with numbers or names that neither the right documents nor the question hold."""

    sentence: str
    facts: tuple[str, ...]
    cited: bool  # it carries a mark
    quoted: bool  # the words that some mark of the answer leads to hold all of them: they are of another document


@dataclass(frozen=True)
class Judgement:
    """One answer as a reader would mark it. The facts are None where the set does not say what they are."""

    written: Facts | None  # of the text
    shown: Facts | None  # of the text and the quotations beneath it
    wrong: tuple[WrongSentence, ...]
    sentences: int  # that could be wrong; 0 where nothing tells right from wrong, or nothing was written
    flaw: str  # "" where there is none

    def as_row(self) -> dict[str, Any]:
        facts = {"written": self.written, "shown": self.shown}
        return {
            "facts": {part: found and {"held": found.held, "missing": found.missing} for part, found in facts.items()},
            "wrong": [asdict(one) for one in self.wrong],
            "flaw": self.flaw,
        }


def judge(result: AnswerResult, sources: Sources) -> Judgement:
    asked = result.question
    written = shown = None
    if asked.answerable is True:
        text, whole = (result.text, result.shown) if result.answered else ("", "")  # "not" in a refusal is no fact
        written, shown = (judge_facts(part, asked.answers, asked.must) for part in (text, whole))
    claims = _claims(result, sources)
    words = known("\n".join([asked.question, *(text for _, text in asked.history)])).union(*_right(asked, sources))
    wrong = ((claim, wrong_facts(claim, words)) for claim in claims)
    marked = [WrongSentence(claim, tuple(facts), *_carries(claim, facts, result)) for claim, facts in wrong if facts]
    return Judgement(
        written, shown, tuple(marked), len(claims), flaw(result.text, asked.question) if result.answered else ""
    )


def _claims(result: AnswerResult, sources: Sources) -> list[str]:
    """The sentences that the right documents can show to be wrong."""
    judged = result.is_written and result.question.answerable is True and _right(result.question, sources)
    return sentences(result.text) if judged else []


def _right(asked: EvaluationQuestion, sources: Sources) -> list[frozenset[str]]:
    return [sources[id_] for id_ in asked.gold if id_ in sources]


def _carries(claim: str, facts: list[str], result: AnswerResult) -> tuple[bool, bool]:
    """Whether a mark stands in the sentence, and whether the words that its marks lead to hold the facts."""
    marks = set(_MARK.findall(claim))
    quoted = " ".join(str(c.get("quote") or "") for c in result.citations if f"[{c.get('n')}]" in marks)
    return bool(marks), bool(marks) and not set(facts) & set(wrong_facts(claim, known(quoted)))


def answer_measures(result: AnswerResult, judgement: Judgement) -> Measures:
    """Facts, abstention, citations, flaws, tokens and time; each only for the questions that it is about."""
    asked, measures = result.question, Measures()
    if asked.answerable is True:
        measures["refused"] = measures["abstention.false_refusals"] = (float(not result.answered), 1)
        if result.can_be_judged:
            measures["contains"] = (float(result.contains), 1)
        measures |= _fact_measures(judgement)
        if result.answered:
            measures |= _citation_measures(result)
    elif asked.answerable is False:
        measures["abstention.recall"] = (float(not result.answered), 1)
    if asked.answerable is not None and not result.answered:
        measures["abstention.precision"] = (float(asked.answerable is False), 1)
    if result.answered:
        measures["empty"] = (float(bool(judgement.flaw)), 1)
        measures["cut"] = (float(result.reason == "length"), 1)
        measures["words"] = (len(words_of(result.text)), 1)
    measures["tokens.prompt"] = (result.prompt_tokens, 1)
    measures["tokens.completion"] = (result.completion_tokens, 1)
    if result.first_token_ms is not None:
        measures["first_token_ms"] = (result.first_token_ms, 1)
    return measures


def _fact_measures(judgement: Judgement) -> Measures:
    parts = {"written": judgement.written, "shown": judgement.shown}
    measures: Measures = {f"facts_held.{part}": (facts.share, 1) for part, facts in parts.items() if facts}
    if judgement.sentences:
        measures["wrong_facts"] = (len(judgement.wrong), judgement.sentences)
        measures["wrong_facts_cited"] = (sum(one.cited for one in judgement.wrong), judgement.sentences)
    return measures


def _citation_measures(result: AnswerResult) -> Measures:
    claims = sentences(result.text)
    return {
        "citations.precision": (sum(_is_right(result.question, c) for c in result.citations), len(result.citations)),
        "citations.recall": (sum(bool(_MARK.search(claim)) for claim in claims), len(claims)),
    }


def _is_right(question: EvaluationQuestion, citation: dict[str, Any]) -> bool:
    """Whether a citation points to a gold passage, or its quoted words hold an answer or one of the facts."""
    document, page = str(citation.get("document")), citation.get("page")
    if any(matches_gold(id_, document, page) for id_ in question.gold):
        return True
    quoted = plain(str(citation.get("quote") or ""))
    return any(holds(quoted, words) for words in (*question.answers, *chain.from_iterable(question.must)))
