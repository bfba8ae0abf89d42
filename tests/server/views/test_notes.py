"""What an answer rests on: quotations beneath it, footnotes, the text that Copy gives."""

from dataclasses import replace

import pytest

from indexer.passages import Passage
from server.answering.events import BENEATH, Citation
from server.conversations.shapes import CitationView, TurnView
from server.views.notes import LONGEST, Note, copy_text, footnotes, is_repeated, quotations

QUOTE = "Employees have 25 days of annual leave, part-timers in proportion."


def citation(n: int, at: int, quote: str, start: int = 0, document: int = 9) -> CitationView:
    end = start + len(quote)
    return CitationView(10 * n, Citation(n, at, document, 1, "leave.md", "Leave", "", 4, start, end, quote))


def turn(answer: str, *quotes: str, cited: tuple[CitationView, ...] = ()) -> TurnView:
    beneath = tuple(citation(n, BENEATH, quote) for n, quote in enumerate(quotes, start=1))
    return TurnView(1, "c", "q", "done", answer=answer, citations=cited, quotes=beneath)


def test_a_copied_answer_carries_its_sources() -> None:
    cited = (citation(3, 7, "Take\nit all."), citation(3, 14, "Take\nit all."))
    assert copy_text(turn("Take it[3] or [3].", cited=cited)) == (
        "Take it[3] or [3].\n\n[3] Leave, page 4: “Take it all.”\n"
    )


def test_a_quotation_has_the_number_of_its_source_and_opens_it() -> None:
    (quoted,) = quotations(turn("25 days.", QUOTE))
    assert (quoted.href, quoted.n, quoted.words, quoted.source) == ("/citations/10#quote", 1, QUOTE, "Leave, page 4")
    (quoted,) = quotations(turn("25 days.", "word " * 1000))
    assert len(quoted.words) <= LONGEST


@pytest.mark.parametrize(
    ("answer", "repeated"),
    [
        (QUOTE, True),
        ("Employees have 25 days of annual leave, and part-timers in proportion [1].", True),
        ("Employees have 25 days of annual leave [1].", False),  # the part-timers are missing
        ("Employees have 30 days of annual leave, part-timers in proportion [25].", False),  # a mark is no number
        ("Employees do not have 25 days of annual leave, part-timers in proportion [1].", False),
        ("", False),
    ],
)
def test_what_is_quoted_is_folded_away_where_the_answer_says_it(answer: str, repeated: bool) -> None:
    assert is_repeated(turn(answer, QUOTE)) is repeated


def test_one_quotation_that_adds_something_opens_them_all() -> None:
    assert is_repeated(turn(QUOTE, QUOTE, QUOTE))
    assert not is_repeated(turn(QUOTE, QUOTE, "Leave is booked in the portal."))
    assert is_repeated(turn(QUOTE)), "where nothing is quoted nothing is added"


def test_words_that_stand_open_beneath_an_answer_are_no_footnote_again() -> None:
    inside = citation(1, 8, "25 days of annual leave", start=15)
    other = citation(2, 8, "Book it.", document=8)
    short = turn("25 days[1][2].", QUOTE, cited=(inside, other))
    assert footnotes(short) == [
        Note(1, "Leave, page 4", "leave.md", ""),
        Note(2, "Leave, page 4", "leave.md", "Book it."),
    ]
    assert copy_text(short) == (
        f"25 days[1][2].\n\nThe documents’ words:\n\n> {QUOTE} [1]\n\n"
        "[1] Leave, page 4\n[2] Leave, page 4: “Book it.”\n"
    )


def test_words_that_are_folded_away_are_footnotes() -> None:
    same = turn(f"{QUOTE}[1]", QUOTE, cited=(citation(1, len(QUOTE), "25 days", start=15),))
    assert [note.words for note in footnotes(same)] == ["25 days", QUOTE]
    assert "The documents’ words" not in copy_text(same)
    assert footnotes(replace(same, citations=())) == [Note(1, "Leave, page 4", "leave.md", QUOTE)]


def test_a_source_with_words_of_another_place_is_named_once() -> None:
    elsewhere = citation(1, 8, "Elsewhere.", start=900)
    notes = footnotes(turn("25 days[1].", QUOTE, cited=(elsewhere,)))
    assert [(note.n, note.words) for note in notes] == [(1, "Elsewhere.")]


def test_a_copied_refusal_has_what_came_closest() -> None:
    passage = Passage(1, 1, 1, 7, 1, "a/leave.md", "Leave", "A › B", 3, 0, 20, "25 days a year.", "")
    refused = replace(turn("The documents do not say."), answered=False, closest=(passage,))
    assert copy_text(refused) == (
        "The documents do not say.\n\nClosest passages:\n\n> 25 days a year. (Leave, page 3 · B)\n"
    )
    assert "Closest" not in copy_text(replace(refused, answered=True))
