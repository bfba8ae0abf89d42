"""The list of conversations: days, times of equal titles, the words that a search found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from indexer.passages import Scope
from server.answering.events import Citation
from server.conversations.shapes import ConversationLine, FoundTurn
from server.views.conversation_list import EXCERPT, by_day, excerpt

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
SCOPE = Scope(frozenset({1}))
TURN = FoundTurn(
    7, "How much leave?", "You have **25 days** of paid leave a year.[1] Book it in the portal.", "model", ()
)


def test_conversations_stand_under_their_day() -> None:
    lines = [ConversationLine(str(days), str(days), NOW - timedelta(days=days)) for days in (0, 1, 3, 40, 400)]
    groups = [(day, [(line.id, line.when) for line in group]) for day, group in by_day(lines, NOW)]
    assert groups == [
        ("Today", [("0", "")]),
        ("Yesterday", [("1", "")]),
        ("Last 7 days", [("3", "")]),
        ("April 2026", [("40", "")]),
        ("April 2025", [("400", "")]),
    ]


def test_equal_titles_are_told_apart_by_their_time() -> None:
    moments = [NOW - timedelta(hours=1), NOW - timedelta(hours=2), NOW - timedelta(days=3), NOW]
    titles = ["Leave", "leave", "Leave", "Travel"]
    lines = [
        ConversationLine(str(n), title, moment) for n, (title, moment) in enumerate(zip(titles, moments, strict=True))
    ]
    when = {line.id: line.when for _, group in by_day(lines, NOW) for line in group}
    local = [moment.astimezone() for moment in moments]
    assert when == {
        "0": f"{local[0]:%H:%M}",
        "1": f"{local[1]:%H:%M}",
        "2": f"{local[2].day} {local[2]:%b}, {local[2]:%H:%M}",
        "3": "",
    }


def shown(turn: FoundTurn, search: str, title: str = "How much leave?") -> str:
    return "".join(f"[{part.words}]" if part.marked else part.words for part in excerpt(turn, title, search, SCOPE))


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("PORTAL book", "… days of paid leave a year. [Book] it in the [portal]."),
        ("leave", "You have 25 days of paid [leave] a year. Book it in the portal."),
        ("zebra", ""),
        ("a.b", ""),
    ],
)
def test_the_words_that_were_searched_for_are_shown_where_they_stand(search: str, words: str) -> None:
    assert shown(TURN, search) == words


def test_a_question_is_shown_where_it_is_not_the_title() -> None:
    assert shown(TURN, "leave", "Days off") == "How much [leave]?"


def test_an_excerpt_is_short() -> None:
    long = replace(TURN, answer="word " * 500 + "needle " + "word " * 500)
    words = shown(long, "needle")
    assert "[needle]" in words
    assert words.startswith("… ")
    assert words.endswith(" …")
    assert len(words) <= EXCERPT + 6


def test_of_quotations_that_may_not_be_read_any_more_nothing_is_shown() -> None:
    citation = Citation(1, 0, 9, 2, "secret.md", "Secret", "", None, 0, 9, "A secret.", "/r")
    quoted = replace(TURN, mode="extractive", citations=(citation,))
    assert shown(quoted, "portal") == ""
    assert shown(replace(quoted, citations=(replace(citation, collection_id=1),)), "portal") != ""


def test_a_found_line_leads_to_the_turn() -> None:
    ((_, (line,)),) = by_day([ConversationLine("c", "Days off", NOW)], NOW, {"c": TURN}, "leave", SCOPE)
    assert line.turn == 7
    ((_, (line,)),) = by_day([ConversationLine("c", "Days off", NOW)], NOW)
    assert (line.turn, line.excerpt) == (None, ())
