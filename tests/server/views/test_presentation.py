"""Turns and sources in words for people."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from indexer.documents.extract.formats import FORMATS
from indexer.passages import MOST_PLACES, Passage, Place, Scope, Sentence
from server.answering.events import Citation, Doubt, Evidence, Progress, Searched
from server.conversations.shapes import CitationView, TurnView
from server.views.presentation import (
    SENTENCE,
    AlsoIn,
    answer_html,
    cards,
    closest,
    file_kind,
    heading,
    is_mended,
    readable_part,
    searched_for,
    waiting_for,
)
from server.views.wording import ago, duration
from server.web.templating import ASSETS

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


def evidence(text: str, *, page: int | None = None, heading: str = "", document: str = "a/b.PDF") -> Evidence:
    return Evidence(3, Passage(1, 1, 1, 9, 1, document, "Leave", heading, page, 5, 25, text, ""), text)


def test_a_card_says_where_and_leads_to_the_words() -> None:
    (card,) = cards([evidence("Leave\n\nTake it.", page=4, heading="A › B")])
    assert (card.n, card.icon, card.kind, card.title) == (3, "pdf", "PDF", "Leave")
    assert (card.place, card.snippet) == ("page 4 · B", "Take it.")
    assert card.href == "/documents/9?start=5&end=25#quote"


def test_cards_and_guessed_marks_have_the_answer_s_own_numbers() -> None:
    second = replace(evidence("x"), shown=1)
    assert [card.n for card in cards([second])] == [1]
    cut = replace(turn("stopped", cited=False), answer="Take it[1] or [3].", evidence=(second,))
    assert answer_html(cut).count("<a ") == 1
    assert 'href="#source-1-1"' in answer_html(cut)


def test_a_card_keeps_a_sentence_that_begins_with_the_title() -> None:
    (card,) = cards([evidence("Leave is paid.", heading="A › How to", document="README")])
    assert (card.kind, card.place, card.snippet) == ("Text", "How to", "Leave is paid.")


COPIES = (
    Place(10, 1, "/r", "b/c.md", "Leave", 2, 0, 9, 5, 15),
    Place(11, 2, "/r", "secret.md", "Leave", None, 3, 9, 5, 25),
)


def copied() -> Evidence:
    shown = evidence("Take it.")
    return replace(shown, passage=replace(shown.passage, also_in=(*COPIES, replace(COPIES[1], of_start=15))))


def test_a_card_names_each_other_document_with_its_words_once() -> None:
    (card,) = cards([copied()])
    assert card.also_in == (
        AlsoIn("The same words in 1 more", COPIES[1:]),
        AlsoIn("Some of these words in 1 more", COPIES[:1]),
    )


def test_a_card_says_of_which_documents_hold_but_some_of_its_words() -> None:
    shown = evidence("Take it. Leave it.")
    start, end = 5, 5 + len(shown.text)
    part, whole = replace(COPIES[0], of_start=start, of_end=start + 8), replace(COPIES[1], of_start=start, of_end=end)
    spans = ((start, start + 8), (start + 9, end))
    sentences = tuple(Sentence(a, b, shown.passage.text[a - start : b - start], np.zeros(0)) for a, b in spans)
    shown = replace(shown, passage=replace(shown.passage, end=end, also_in=(part, whole), sentences=sentences))
    (card,) = cards([shown])
    assert card.also_in == (
        AlsoIn("The same words in 1 more", (whole,)),
        AlsoIn("Some of these words in 1 more", (part,)),
    )
    (card,) = cards([replace(shown, text="Take it.")])
    assert card.also_in == (AlsoIn("The same words in 2 more", (part, whole)),), "all that is shown"
    (card,) = cards([replace(shown, text="Leave it.")])
    assert card.also_in == (AlsoIn("The same words in 1 more", (whole,)),)
    many = tuple(replace(whole, document_id=10 + n) for n in range(MOST_PLACES))
    (card,) = cards([replace(shown, passage=replace(shown.passage, also_in=many))])
    assert [line.words for line in card.also_in] == ["The same words in at least 100 more"]


def test_of_an_old_turn_no_place_is_named_that_may_not_be_read_any_more() -> None:
    told = replace(turn("done", cited=False), evidence=(copied(),), closest=(copied().passage,))
    assert readable_part(told, Scope(frozenset({1, 2}))) is told
    seen = readable_part(told, Scope(frozenset({1})))
    for passage in (seen.evidence[0].passage, seen.closest[0]):
        assert passage.also_in == COPIES[:1]
    assert [place.document for place in copied().passage.also_said_in(10, 20)] == ["secret.md"], (
        "there alone to the end"
    )


@pytest.mark.parametrize(
    ("progress", "passages", "words"),
    [
        (Progress("searching"), 0, "Searching the documents"),
        (Progress("loading"), 5, "The language model is loading"),
        (Progress("loading", detail="Phi-3 loads, about 12 s"), 5, "Phi-3 loads, about 12 s"),
        (Progress("queued", 0), 5, "Waiting for the language model: yours is next"),
        (Progress("queued", 1), 5, "Waiting for the language model: 1 question is ahead of yours"),
        (Progress("queued", 3), 5, "Waiting for the language model: 3 questions are ahead of yours"),
        (Progress("reading", 2, 5), 5, "Reading 5 passages, 40%"),
        (Progress("reading", 0, 0), 1, "Reading 1 passage"),
        (Progress("reading", 1, 2), 0, "Reading, 50%"),
        (Progress("writing"), 5, "Writing"),
    ],
)
def test_what_is_waited_for(progress: Progress, passages: int, words: str) -> None:
    assert waiting_for(progress, passages) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(999, "under a second"), (1500, "1.5 s"), (59_400, "59 s"), (61_000, "1 min 1 s")]
)
def test_durations_have_units(milliseconds: int, words: str) -> None:
    assert duration(milliseconds) == words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "just now"), (1, "1 minute ago"), (59, "59 minutes ago"), (60, "1 hour ago"), (60 * 49, "2 days ago")],
)
def test_moments_are_told_from_now(minutes: int, words: str) -> None:
    assert ago(NOW - timedelta(minutes=minutes), NOW) == words
    assert ago((NOW - timedelta(minutes=minutes)).replace(tzinfo=None), NOW) == words


def turn(state: str = "done", *, cited: bool = True) -> TurnView:
    citation = Citation(3, 7, 9, 1, "b.pdf", "Leave", "", 4, 5, 20, "Take\nit all.")
    return TurnView(
        1, "c", "q", state, answer="Take it[3] or [3].", evidence=(evidence("x"),),  # type: ignore[arg-type]
        citations=(CitationView(8, citation),) if cited else (),
    )  # fmt: skip


def test_only_checked_marks_of_a_whole_answer_are_links() -> None:
    assert answer_html(turn()).count("<a ") == 1
    assert answer_html(turn(cited=False)).count("<a ") == 0
    assert 'href="#source-1-3"' in answer_html(turn("stopped", cited=False))


def test_titles_that_begin_alike_show_where_they_differ() -> None:
    titles = ["Contoso Electronics Northwind Health Standard Plan", "Contoso Electronics Northwind Health Plus Plan"]
    found = [
        replace(item, passage=replace(item.passage, title=title)) for item, title in zip(pair(), titles, strict=True)
    ]
    assert [card.title for card in cards(found)] == ["… Health Standard Plan", "… Health Plus Plan"]
    assert [card.full_title for card in cards(found)] == titles
    same = [replace(item, passage=replace(item.passage, title=titles[0])) for item in pair()]
    assert [card.title for card in cards(same)] == [titles[0]] * 2


def pair() -> list[Evidence]:
    return [evidence("one"), evidence("two")]


def test_a_card_shows_the_words_that_match_the_question() -> None:
    text = "Working time is agreed with your lead. " * 5 + "Carried over days of leave end in March. Ask early."
    (card,) = cards([evidence(text)], "When does carried over leave end?")
    assert card.snippet == "Carried over days of leave end in March."
    (card,) = cards([evidence(f"of a sentence about leave. {text}")], "leave")
    assert card.snippet.startswith("Carried over")
    (card,) = cards([evidence(text)], "zebra")
    assert card.snippet.startswith("Working time")


def sectioned() -> Evidence:
    """A passage over three sections; the search found the last one best."""
    said = [("Ask your lead.", "Leave › Rules"), ("Laptops are MacBooks or PCs.", "Leave › Laptop"), ("End.", "Leave")]
    shown = evidence(" ".join(words for words, _ in said), heading="Leave › Rules")
    sentences, at = [], 5
    for words, section in said:
        sentences.append(Sentence(at, at + len(words), words, np.zeros(0), section))
        at += len(words) + 1
    return replace(shown, passage=replace(shown.passage, sentences=tuple(sentences), end=at - 1))


def test_a_card_names_the_section_of_the_sentence_that_it_shows_and_leads_to_it() -> None:
    (card,) = cards([sectioned()], "Which laptops are there?")
    assert (card.place, card.snippet) == ("Laptop", "Laptops are MacBooks or PCs.")
    assert card.href == "/documents/9?start=20&end=48#quote"
    (card,) = cards([sectioned()], "zebra")
    assert (card.place, card.snippet) == ("Rules", "Ask your lead."), "the section that the search found best"
    (card,) = cards([replace(sectioned(), text="Ask your lead.")], "Which laptops are there?")
    assert (card.place, card.snippet) == ("Rules", "Ask your lead."), "of what was put before the model alone"
    (card,) = closest(replace(turn(), closest=(sectioned().passage,), question="Which laptops are there?"))
    assert (card.place, card.snippet) == ("Laptop", "Laptops are MacBooks or PCs. End.")


def test_a_sentence_stands_whole_on_its_card_unless_it_is_very_long() -> None:
    long = "Leave " + "and more leave " * 15 + "is paid."
    (card,) = cards([evidence(long)])
    assert card.snippet == long
    (card,) = cards([evidence(long.replace("is paid.", "") * 3)])
    assert card.snippet.endswith("…")
    assert len(card.snippet) <= SENTENCE


@pytest.mark.parametrize("ending", [*FORMATS, "", ".zq<b>"])
def test_every_type_of_file_has_an_icon_and_a_name(ending: str) -> None:
    icon, name = file_kind(f"a/B{ending.upper()}")
    assert f'"{icon}": "' in (ASSETS / "templates" / "_icon.html").read_text(encoding="utf-8")
    assert (name == "Text") == (ending in {"", ".zq<b>", ".md", ".markdown", ".mdx", ".txt", ".text"})


def test_beside_a_mark_of_quotations_stands_where_they_come_from_alone() -> None:
    assert "Take" in answer_html(turn()).partition('role="tooltip"')[2]
    quoted = answer_html(replace(turn(), mode="extractive")).partition('role="tooltip"')[2]
    assert "Leave, page 4" in quoted
    assert "Take" not in quoted.partition("</sup>")[0]


@pytest.mark.parametrize(
    ("searched", "words"),
    [
        (Searched(), ""),
        (Searched("overtime pay"), "Searched for: overtime pay"),
        (Searched("", "What is paid?"), "Searched together with “What is paid?”"),
        (Searched("overtime pay", "What is\npaid?"), "Searched for: overtime pay, together with “What is paid?”"),
    ],
)
def test_what_was_searched_for_is_one_line(searched: Searched, words: str) -> None:
    assert searched_for(searched, "overtme pay") == words


def test_of_a_long_search_the_words_that_differ_are_shown() -> None:
    asked = "many words " * 30 + "about overtme" + " and more words" * 30
    line = searched_for(Searched(asked.replace("overtme", "overtime"), "long " * 100), asked)
    assert line.startswith("Searched for: … ")
    assert "overtime" in line
    assert len(line) < 300


def test_a_search_for_the_beginning_says_so() -> None:
    asked = "word " * 900
    assert searched_for(Searched(asked[:4000]), asked) == "Searched for: the first 4,000 characters"


def test_only_other_words_can_be_taken_back() -> None:
    assert is_mended(Searched("overtime pay"), "overtme pay")
    assert not is_mended(Searched("", "What is paid?"), "overtme pay")
    assert not is_mended(Searched("word " * 800), "word " * 900), "the beginning alone"


def test_a_translation_is_not_called_unsupported() -> None:
    answer = TurnView(1, "c", "How many days?", "done", answer="Es sind 25 Tage Urlaub.", unsupported=(Doubt(0, 23),))
    assert 'class="weak"' in answer_html(answer)
    assert 'class="weak"' not in answer_html(replace(answer, question="In German, please"))


def test_a_pasted_text_is_no_heading() -> None:
    assert heading("How much\nleave?") == "How much\nleave?"
    assert len(heading("word " * 500)) <= 200
    assert heading("line\n" * 9) == "line " * 8 + "line"
