"""What a question is searched for as: all of it, and what it compares or asks besides."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from indexer.passages import Retrieved, Scope
from indexer.search.retrieve import Retriever
from server.answering.events import Exchange, Question
from server.answering.search import search
from tests.server.asked_library import Library
from tests.server.fakes import ScriptedGenerator


class Watched:
    """A retriever, and what it was asked for."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self.asked: list[tuple[str, list[str], bool]] = []

    def retrieve(self, text: str, history: Sequence[str], scope: Scope, k: int, *, exact: bool = False) -> Retrieved:
        self.asked.append((text, [*history], exact))
        return self._retriever.retrieve(text, history, scope, k, exact=exact)


async def searched(library: Library, question: Question) -> tuple[Retrieved, list[tuple[str, list[str], bool]]]:
    assert library.retriever is not None
    watched: Any = Watched(library.retriever)
    return await search(question, watched, None, standalone=False), watched.asked


LEAVE, CROWNS, BOOKED = (
    "How many days of annual leave do employees have",
    "what share of the price of crowns is covered",
    "where is it booked",
)


async def test_each_part_is_searched_for_by_itself(library: Library) -> None:
    text = f"{LEAVE} and {CROWNS}?"
    earlier = (Exchange("Who may ask?", "All [1]."),)
    found, asked = await searched(library, replace(library.ask(text), history=earlier))
    assert asked == [(one, ["Who may ask?"], False) for one in (text, LEAVE, CROWNS)]
    assert [side.question for side in found.sides] == [LEAVE, CROWNS]
    assert [side.passages[0].document for side in found.sides] == ["leave.md", "dental.md"]


async def test_a_part_that_points_back_is_searched_for_with_those_before_it(library: Library) -> None:
    found, asked = await searched(library, library.ask(f"{LEAVE} and {BOOKED}?"))
    assert asked[1:] == [(LEAVE, [], False), (BOOKED, [LEAVE], False)]
    assert found.sides[1].passages[0].document == "leave.md"


async def test_the_sides_of_a_comparison_stand_for_themselves(library: Library) -> None:
    question = replace(library.ask("What is the difference between crowns and cleanings?"), exact=True)
    _, asked = await searched(library, question)
    assert asked[1:] == [("crowns", [], True), ("cleanings", [], True)]


async def test_one_question_is_searched_for_once(library: Library) -> None:
    found, asked = await searched(library, library.ask("What do crowns cost?"))
    assert len(asked) == 1
    assert found.sides == ()


async def test_parts_are_those_of_the_question_that_a_model_wrote_to_stand_alone(library: Library) -> None:
    assert library.retriever is not None
    watched: Any = Watched(library.retriever)
    question = replace(library.ask("And how many is it and what of those?"), history=(Exchange("Leave?", "Yes [1]."),))
    await search(question, watched, ScriptedGenerator([f"{LEAVE} and {CROWNS}?"]), standalone=True)
    assert watched.asked[1:] == [(LEAVE, [], False), (CROWNS, [], False)]
