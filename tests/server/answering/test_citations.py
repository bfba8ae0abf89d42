"""However an answer arrives, it comes out the same, its marks are checked, and words that are kept are untouched."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.answering.checker import Unchecked
from server.answering.citations import CitationChecker
from server.answering.events import Doubt
from server.views.render import Mark, render_answer
from tests.server.answer_texts import MARKDOWN, answers, cut_in_two, pieces, without_code
from tests.server.checked_answers import (
    EVIDENCE,
    LEAVE,
    at_once,
    in_pieces,
    outcome,
    reasons,
    rewritten,
    shown,
    spans,
)
from tests.server.passages import numbered

# Streaming


def test_cut_in_two_at_every_point_it_is_the_same() -> None:
    expected = outcome(rewritten([MARKDOWN]))
    for halves in cut_in_two(MARKDOWN):
        assert outcome(rewritten(halves)) == expected


def test_character_by_character_it_is_the_same() -> None:
    assert outcome(in_pieces(list(MARKDOWN))) == outcome(at_once(MARKDOWN))
    assert outcome(rewritten(list(MARKDOWN))) == outcome(rewritten([MARKDOWN]))


@settings(deadline=None)
@given(answers, st.lists(st.integers(0, 80), max_size=4))
@example("days. ([1]", [8, 9])
@example("days\\[1]", [5])
@example("`a", [1])
def test_in_any_pieces_it_is_the_same(text: str, cuts: list[int]) -> None:
    expected = outcome(at_once(text))
    assert outcome(in_pieces(pieces(text, cuts))) == expected
    assert outcome(in_pieces(list(text))) == expected


@settings(deadline=None)
@given(answers)
def test_citations_quote_and_nothing_is_marked_without_one(text: str) -> None:
    checker = at_once(text)
    for citation in checker.citations:
        passage = EVIDENCE[citation.n - 1].passage
        assert citation.document_id == passage.document_id
        assert passage.text[citation.start - passage.start : citation.end - passage.start] == citation.quote
        assert citation.quote
    assert checker.unsupported == [], "a doubted sentence is not shown"
    assert checker.text == checker.text.lstrip()


@settings(deadline=None)
@given(without_code)
def test_outside_code_every_mark_is_the_servers(text: str) -> None:
    checker = at_once(text)
    marks = {mark.start() for mark in re.finditer(r"\[\d{1,3}\]|【\d", checker.text)}
    assert marks == {citation.at for citation in checker.citations}


NO_MARKS = re.compile(r"\d\s*\\?[\]】]|【\s*\d|\(\s*\d|\((?i:source|passage|doc)")


@settings(deadline=None)
@given(answers.filter(lambda text: not NO_MARKS.search(text)))
def test_text_without_marks_is_untouched_when_there_is_no_evidence(text: str) -> None:
    checker = in_pieces(list(text), ())
    assert reasons(checker) == ["repeated"] * len(checker.dropped)
    if not checker.dropped:
        assert checker.text.strip() == text.strip()
    assert (checker.citations, checker.unsupported) == ([], [])


@settings(deadline=None)
@given(answers.filter(lambda text: not NO_MARKS.search(text)))
def test_only_marks_are_added_to_text_without_marks_in_another_form(text: str) -> None:
    checker = rewritten(list(text))
    bare, done = "", 0
    for citation in checker.citations:
        bare += checker.text[done : citation.at - 1]
        done = citation.at + len(f"[{citation.n}]")
    assert set(reasons(checker)) <= {"repeated"}
    if not checker.dropped:
        assert (bare + checker.text[done:]).strip() == text.strip()
    for start, end in spans(checker):
        sentence = checker.text[start:end]
        assert sentence == sentence.strip()
        assert sentence
        assert not any(start <= citation.at < end for citation in checker.citations)


def test_nothing_of_a_sentence_is_shown_before_it_has_closed() -> None:
    for text in [
        "Employees have 25 days of annual leave",
        "# Annual leave",
        "| What | How",
        "`code` is",
        "```py\nx = 1",
    ]:
        assert CitationChecker(EVIDENCE).feed(text).delta == ""


def test_a_sentence_is_shown_and_cited_as_soon_as_the_next_begins() -> None:
    checker = CitationChecker(EVIDENCE)
    assert checker.feed("Employees have 25 days of annual leave. ").delta == ""
    checked = checker.feed("L")
    assert [citation.n for citation in checked.citations] == [1]
    assert checker.text == "Employees have 25 days of annual leave [1]."


# Marks


@pytest.mark.parametrize(
    "written",
    [
        "Employees have 25 days of annual leave [1].",
        "Employees have 25 days of annual leave[1].",
        "Employees have 25 days of annual leave. [1]",
        "Employees have 25 days of annual leave.[1]",
        "Employees have 25 days [1] of annual leave.",
        "[1] Employees have 25 days of annual leave.",
        "Employees have 25 days of annual leave [1, 7].",
        "Employees have 25 days of annual leave [1][7].",
        "Employees have 25 days of annual leave [1], [7].",
        "Employees have 25 days of annual leave [1] and [7].",
        "Employees have 25 days of annual leave ([1]).",
        "Employees have 25 days of annual leave. ([1])",
        "Employees have 25 days of annual leave 【1】.",
        "Employees have 25 days of annual leave【1†source】.",
        "Employees have 25 days of annual leave [source 1].",
        "Employees have 25 days of annual leave [Source: 1].",
        "Employees have 25 days of annual leave [passage #1].",
        "Employees have 25 days of annual leave [^1].",
        "Employees have 25 days of annual leave (1).",
        "Employees have 25 days of annual leave ( 1, 2 ).",
        "Employees have 25 days of annual leave (source 1).",
        "Employees have 25 days of annual leave (Sources 1 and 2).",
        "Employees have 25 days of annual leave ([Source 1], [2]).",
        "Employees have 25 days of annual leave (passage: 1).",
        "Employees have 25 days of annual leave. (source 1)",
        "Employees have 25 days of annual leave [ 1 ].",
        "Employees have 25 days of annual leave \\[1\\].",
        "Employees have 25 days of annual leave [1](https://evil.example/).",
        "Employees have 25 days of annual leave [1-2].",
        "Employees have 25 days of annual leave.",
        "Employees have 25 days of annual leave [2].",
        "Employees have 25 days of annual leave [99].",
    ],
)
def test_however_it_is_written_one_checked_mark_stands_before_the_full_stop(written: str) -> None:
    checker = in_pieces(list(written))
    assert checker.text == "Employees have 25 days of annual leave [1]."
    assert [citation.quote for citation in checker.citations] == ["Employees have 25 days of annual leave."]
    assert checker.unsupported == []


@pytest.mark.parametrize(
    "written",
    [
        "Employees have 25 days (or more) of annual leave [1].",
        "Employees have 25 (1) days of annual leave [1].",
        "Employees of section 5 (1) have annual leave [1].",
        "Employees have annual leave (source code) and days [1].",
        "Employees have annual leave, days, (1) leave and (2) days [1].",
    ],
)
def test_other_round_brackets_stay(written: str) -> None:
    assert rewritten(list(written)).text.replace(" [1]", "") == written.replace(" [1]", "")


def test_a_number_in_round_brackets_that_no_passage_has_stays() -> None:
    assert "(25)" in shown("Employees have annual leave of days (25).")


def test_a_source_named_in_words_is_no_number_of_the_claim() -> None:
    checker = at_once("According to source 1, employees have 25 days of annual leave.")
    assert checker.text == "According to source 1, employees have 25 days of annual leave [1]."
    assert checker.unsupported == []


def test_a_mark_after_the_full_stop_belongs_to_the_sentence_before_it() -> None:
    text = "Five days carry over. [1] Crowns are covered at half their price. [2] Leave is booked in the portal."
    assert shown(text) == (
        "Five days carry over [1]. Crowns are covered at half their price [2]. Leave is booked in the portal [1]."
    )


def test_marks_that_nothing_supports_are_gone_and_said() -> None:
    checker = rewritten(["Employees have 28 days of annual leave [1]. Yes [1]."])
    assert checker.text == "Employees have 28 days of annual leave. Yes."
    assert checker.citations == []
    assert [(checker.text[d.start : d.end], d.reason) for d in checker.unsupported] == [
        ("Employees have 28 days of annual leave.", "number")
    ]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("Zebras cross wide rivers at dawn.", "words"),
        ("Employees have 28 days of annual leave.", "number"),
        ("It is 28.", "number"),
        ("Employees do not have 25 days of annual leave [1].", "negation"),
        ("Leave isn't booked in the people portal [1].", "negation"),
    ],
)
def test_why_a_sentence_should_not_be_relied_on(written: str, reason: str) -> None:
    checker = rewritten(list(written))
    (doubt,) = checker.unsupported
    assert doubt == Doubt(0, len(checker.text), doubt.reason)
    assert doubt.reason == reason
    assert bool(checker.citations) == (reason == "negation"), "what says the opposite is shown beside it"


@pytest.mark.parametrize("written", ["It is 25.", "Yes.", "The documents:", "They say so.", "Five days carry over."])
def test_what_gives_no_reason_for_doubt(written: str) -> None:
    assert rewritten([written]).unsupported == []
    assert at_once(written).dropped == []


def test_without_evidence_nothing_is_called_unsupported() -> None:
    checker = at_once("Employees have 28 days of annual leave [1].", ())
    assert outcome(checker) == ("Employees have 28 days of annual leave.", [], [], [])


def test_list_numbers_and_addresses_are_no_claims() -> None:
    checker = at_once(
        "7. Leave is booked in the people portal [1]\n8) [portal](https://example.org/2031/4) Five days carry over [1]"
    )
    assert [citation.n for citation in checker.citations] == [1, 1]


def test_a_list_of_sources_at_the_end_is_plain_text() -> None:
    assert shown("Sources:\n[1] Handbook\n[2]: Benefits\n", ()) == "Sources:\nHandbook\n: Benefits"


# Markdown


@pytest.mark.parametrize(
    "text",
    [
        "See `days[1]` and ``a ` b[2]`` here.",
        "```\nEmployees have 25 days of annual leave [1]. See [2].\n```\n",
        "~~~ [1]\n```\n[1]\n~~~~\n",
        "```\n[1]",
        "```\n[1]\n``",
        "````\n```\n[1]\n````",
        "- item:\n  ```\n  a[1]\n  ```",
        "> ```\n> a[1]\n> ```",
        "- [ ] open\n- [x] done",
        "[text](https://example.org/a[1]) and [a] and [note] and [2024].",
        "ends in [",
        "ends in 【",
        "ends in \\",
        "ends in (",
        "a\r\nb\r\n\r\nc",
        "  indented   words  \n\n\n",
        "【重要】这是一个句子。【2024年】",
        "हिन्दी में। और",
        "مرحبا، كيف حالك؟ نعم.",
    ],
)
def test_what_is_no_mark_survives(text: str) -> None:
    checker = rewritten(list(text))
    assert (checker.text.strip(), reasons(checker)) == (text.strip(), [])
    assert [checker.text[citation.at :][:3] for citation in checker.citations] == []


def test_code_after_a_fence_with_an_inner_fence_stays_code() -> None:
    text = "~~~\n```\n~~~\nEmployees have 25 days of annual leave."
    assert rewritten([text]).text == text[:-1] + " [1]."


def test_marks_do_not_break_markdown() -> None:
    cases = {
        "**Employees have 25 days of annual leave.** [1] Ok": "**Employees have 25 days of annual leave.** [1] Ok",
        "Leave is booked in the [people portal](https://x.example/(a)).": (
            "Leave is booked in the [people portal](https://x.example/(a)) [1]."
        ),
        "Leave is booked in the `people portal`.": "Leave is booked in the `people portal` [1].",
        "“Leave is booked in the people portal.” [1]": "“Leave is booked in the people portal.” [1]",
        "- Five days carry over\n- Crowns: half price": "- Five days carry over [1]\n- Crowns: half price [2]",
        "> Five days carry over. [1]\n> ok": "> Five days carry over [1].\n> ok",
        "# Five days carry over [1]\n": "# Five days carry over\n",
        "Five days carry over:\r\n\r\nok": "Five days carry over [1]:\r\n\r\nok",
    }
    for written, expected in cases.items():
        assert rewritten([written]).text.rstrip() == expected.rstrip()


def test_a_tables_rows_are_cited_inside_their_last_cell_and_its_header_is_not() -> None:
    table = "| Dental plan cleanings | a year |\n|---|---|\n| Dental plan cleanings | two a year |\n"
    assert shown(table) == table.replace("two a year |", "two a year [2] |").rstrip()


def test_every_citation_becomes_a_link_on_the_page() -> None:
    checker = rewritten([MARKDOWN])
    marks = [Mark(citation.at, citation.n, "/x") for citation in checker.citations]
    assert len(marks) >= 6
    html = render_answer(checker.text, marks, spans(checker))
    assert html.count('class="cite"') == len(marks)
    assert html.count("<td>two a year<sup") + html.count('<td class="center">two a year<sup') == 1
    assert "<code>days[1]</code>" in html
    assert html.count('<a href="https://example.org') == 2


def test_headings_and_table_headers_are_not_called_unsupported() -> None:
    text = "# Parking spaces for visitors\n\n| Parking | Visitors | Spaces |\n|---|---|---|\n"
    assert outcome(rewritten([f"{text}\nYes."])) == (f"{text}\nYes.", [], [], [])


# Sentences


@pytest.mark.parametrize(
    "text",
    [
        "Leave, e.g. annual leave, is booked in the people portal.",
        "Dr. Smith says leave is booked in the people portal.",
        "In the U.S. Leave is booked in the people portal.",
        "As No. 5 says, leave is booked in the people portal.",
        "Leave is booked in the `a. B` people portal.",
        "Leave is booked in the [people. Portal](x) of ours.",
    ],
)
def test_what_only_looks_like_an_end_is_none(text: str) -> None:
    checker = CitationChecker(numbered(LEAVE, "Rule No. 5 of Dr. Smith"))
    for character in text:
        assert checker.feed(character).citations == []


@pytest.mark.parametrize(
    "text",
    [
        "Five days carry over. Crowns: half their price.",
        "Five days carry over! [1] Crowns: half their price.",
        "“Five days carry over.” Crowns: half their price.",
        "**Five days carry over.** *Crowns: half their price.*",
        "(Five days carry over.) (Crowns: half their price.)",
        "Five days carry over. [Crowns](x): half their price.",
        "Five days carry over. [1] [Crowns](x): half their price.",
        "Five days carry over. `Crowns`: half their price.",
        "Five days carry over. 2 crowns? Crowns: half their price.",
    ],
)
def test_sentences_end_where_readers_say(text: str) -> None:
    assert [citation.n for citation in in_pieces(list(text)).citations] == [1, 2]


# Without passages


def test_an_unchecked_answer_passes_as_it_is() -> None:
    checker = Unchecked()
    assert [checker.feed(delta).delta for delta in ["Leave [", "1]", " (1). Yes"]] == ["Leave [", "1]", " (1). Yes"]
    assert checker.flush().delta == ""
    assert checker.text == "Leave [1] (1). Yes"
    assert (checker.citations, checker.unsupported) == ([], [])


# Size


@pytest.mark.parametrize(
    "unit",
    [
        "word ",
        "x",
        "Dr. ",
        "[",
        "[1] ",
        "[a](b) ",
        "`",
        "` `` ",
        ". ",
        ".",
        " ",
        "( ",
        "e.g. [",
        "\\",
        "a [1",
        "【1",
        "1. ",
    ],
)
def test_a_sentence_of_any_length_is_read_a_bounded_number_of_times(unit: str) -> None:
    """Quadratic work over these sizes would take minutes to hours."""
    text = "Leave " + unit * (100_000 // len(unit))
    checker = CitationChecker(EVIDENCE)
    handed = "".join(checker.feed(character).delta for character in text)
    assert len(handed + checker.flush().delta) == len(checker.text)
