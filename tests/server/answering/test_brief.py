"""What a model writes of a document: cited, in parts that fit, numbered in order, and nothing that is not supported."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.passages import Scope, WholeDocument
from server.answering.brief import (
    OF_WHOLE,
    PART_TOKENS,
    Brief,
    BriefText,
    brief_from_json,
    numbered,
    of_all,
    of_part,
    parts_of,
    written,
)
from server.answering.events import Citation
from tests.server.answering.test_outline import document
from tests.server.fakes import ScriptedGenerator

SCOPE = Scope(frozenset({1}))
LEAVE = "Every employee has 25 days of paid leave a year."
TRAVEL = "Claims for travel are paid within ten working days."


def cited(n: int, at: int, start: int = 0) -> Citation:
    return Citation(n, at, 7, 1, "a.md", "A", "", None, start, start + 5, "words")


@given(st.lists(st.tuples(st.text("ab. ", max_size=8), st.integers(1, 9)), max_size=8))
def test_sources_are_numbered_in_the_order_of_their_marks(said: Sequence[tuple[str, int]]) -> None:
    text, marks = "", []
    for words, n in said:
        text += words
        marks.append(cited(n, len(text)))
        text += f"[{n}]"
    made = numbered(BriefText(text, tuple(marks)))
    for one in made.citations:
        assert made.text.startswith(f"[{one.n}]", one.at)
    first = list(dict.fromkeys(one.n for one in made.citations))
    assert first == list(range(1, len(first) + 1))
    assert len(made.citations) == len(said)
    assert numbered(made) == made
    brief = Brief(made, (made,), 5, 9, "m")
    assert brief_from_json(brief.to_json()) == brief


def test_parts_hold_everything_in_order_and_fit() -> None:
    whole = document(*(f"Rule {n} says that {'many ' * 90}words are read." for n in range(40)))
    generator = ScriptedGenerator()
    parts = parts_of(whole, generator)
    assert [one.start for part in parts for one in part.passages] == [one.start for one in whole.passages]
    assert len(parts) > 1
    for part in parts:
        assert sum(generator.count_text(one.text) for one in part.passages) <= PART_TOKENS


async def said(whole: WholeDocument, *sentences: str) -> BriefText:
    generator = ScriptedGenerator(sentences)
    (part,) = parts_of(whole, generator)
    return await written(of_part(part, SCOPE, None, alone=True), generator, lambda: None)


async def test_what_the_document_does_not_support_is_left_out() -> None:
    text = await said(document(LEAVE, TRAVEL), f"{LEAVE} ", "Employees own 90 parrots each. ", TRAVEL)
    assert "parrots" not in text.text
    assert text.text == f"{LEAVE[:-1]} [1]. {TRAVEL[:-1]} [2]."
    assert [one.quote for one in text.citations] == [LEAVE, TRAVEL]


async def test_the_whole_is_checked_against_the_document_and_not_what_the_model_wrote() -> None:
    whole = document(LEAVE, TRAVEL)
    parts = [BriefText(f"{LEAVE[:-1]} [1].", (cited(1, len(LEAVE)),)), BriefText("Nothing.", ())]
    generator = ScriptedGenerator((LEAVE, " Nothing is paid at all for parrots."))
    writing = of_all(parts, whole.passages, SCOPE, None, generator)
    assert LEAVE[:-1] in writing.messages[-1].content
    assert "Nothing." not in writing.messages[-1].content, "what rests on nothing is not told on"
    text = await written(writing, generator, lambda: None)
    assert "parrots" not in text.text
    assert [one.quote for one in text.citations] == [LEAVE]


async def test_a_model_that_would_copy_everything_is_stopped() -> None:
    rules = [f"Rule {n} says that form {n} is signed by person {n} before noon." for n in range(20)]
    text = await said(document(*rules), *(f"{rule} " for rule in rules))
    assert OF_WHOLE <= len(text.citations) <= OF_WHOLE + 1, "the one that was open is taken along where it is whole"


@pytest.mark.parametrize("words", ["", "Parrots dance on every third moon of the year. " * 6])
async def test_a_model_that_says_nothing_leaves_nothing(words: str) -> None:
    assert (await said(document(LEAVE), words)).citations == ()
