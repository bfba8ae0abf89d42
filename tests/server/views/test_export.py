"""A conversation as Markdown."""

from dataclasses import replace

import pytest

from indexer.passages import Passage, Scope
from server.answering.events import BENEATH, Citation
from server.conversations.shapes import CitationView, TurnView
from server.views.export import conversation_markdown, file_name


def citation(n: int, at: int, quote: str) -> CitationView:
    return CitationView(at, Citation(n, at, 7, 1, "a/leave.md", "Leave", "A › B", 3, 0, 9, quote))


def test_sources_become_footnotes_that_no_other_turn_shares() -> None:
    answer = "It is 25 [1]. See days[1].\n\nMore.[2]"
    cited = (citation(1, 9, "25 days\na year."), citation(2, 33, "More of it."))
    turns = [
        TurnView(1, "c", "How\nmuch?", "done", answer=answer, citations=cited),
        TurnView(2, "c", "And?", "stopped", answer="Half"),
        TurnView(3, "c", "Zebras?", "done", answered=False),
    ]
    assert conversation_markdown("Leave", turns, Scope(frozenset({1}))) == (
        "# Leave\n\n## How much?\n\n"
        "It is 25[^1-1]. See days[1].\n\nMore.[^1-2]\n\n"
        "[^1-1]: Leave, page 3 (a/leave.md): “25 days a year.”\n\n"
        "[^1-2]: Leave, page 3 (a/leave.md): “More of it.”\n\n"
        "## And?\n\nHalf\n\n*This answer was stopped.*\n\n"
        "## Zebras?\n\n*The documents do not say.*\n"
    )


def test_what_stands_beneath_an_answer_is_quoted_in_it() -> None:
    """Its lines are one, its signs are no markup, and the footnote does not say the words again."""
    quoted = CitationView(9, Citation(2, BENEATH, 7, 1, "a/leave.md", "Leave", "A › B", 3, 0, 9, "* 25 days\nof it."))
    first = replace(
        citation(1, 9, "Elsewhere."), citation=replace(citation(1, 9, "Elsewhere.").citation, document_id=8)
    )
    turn = TurnView(1, "c", "How much?", "done", answer="It is so [1].", citations=(first,), quotes=(quoted,))
    assert conversation_markdown("Leave", [turn], Scope(frozenset({1}))) == (
        "# Leave\n\n## How much?\n\n"
        "It is so[^1-1].\n\n"
        "The documents’ words:\n\n"
        "> \\* 25 days of it. [^1-2]\n\n"
        "[^1-1]: Leave, page 3 (a/leave.md): “Elsewhere.”\n\n"
        "[^1-2]: Leave, page 3 (a/leave.md)\n"
    )


def test_what_may_not_be_read_is_not_quoted() -> None:
    quoted = CitationView(9, Citation(1, BENEATH, 7, 2, "b/pay.md", "Pay", "", None, 0, 9, "A secret number."))
    turn = TurnView(1, "c", "How much?", "done", answer="Enough.", quotes=(quoted,))
    text = conversation_markdown("Pay", [turn], Scope(frozenset({1})))
    assert text == "# Pay\n\n## How much?\n\nEnough.\n"


def test_a_refusal_is_exported_with_the_passages_that_came_closest() -> None:
    passage = Passage(1, 1, 1, 7, 1, "a/leave.md", "Leave", "A › B", 3, 0, 20, "* 25 days a year.", "")
    other = replace(passage, collection_id=2, text="A secret number.")
    said = "The documents do not say. 3 files are not read yet: ask again when they are."
    turn = TurnView(1, "c", "Zebras?", "done", answered=False, answer=said, closest=(passage, other))
    assert conversation_markdown("Leave", [turn], Scope(frozenset({1}))) == (
        f"# Leave\n\n## Zebras?\n\n{said}\n\nClosest passages:\n\n> \\* 25 days a year. (Leave, page 3 · B)\n"
    )


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("How much  leave?", "How-much-leave"),
        ("a/b “c” 2.5", "a-b-c-2.5"),
        ("Urlaub: wie viel?", "Urlaub-wie-viel"),
        ("?!", "conversation"),
    ],
)
def test_the_name_of_an_exported_file_has_no_spaces(title: str, name: str) -> None:
    assert file_name(title) == name
