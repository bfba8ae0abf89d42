"""However an answer arrives, its sentences are the same, and what was handed out of them is never taken back."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.answering.sentence_scanner import ClosedSentence, SentenceScanner, Verbatim
from tests.server.answer_texts import MARKDOWN, answers, cut_in_two, pieces

KNOWN = frozenset({1, 2})


def scan(deltas: list[str]) -> tuple[str, list[ClosedSentence]]:
    """The answer without the model's marks, and its sentences as if nothing of them had been shown before."""
    scanner = SentenceScanner(KNOWN)
    text, sentences = "", list[ClosedSentence]()
    for delta in [*deltas, None]:
        for event in scanner.flush() if delta is None else scanner.feed(delta):
            match event:
                case Verbatim(characters):
                    text += characters
                case ClosedSentence():
                    assert 0 <= event.shown <= event.marks_at <= len(event.text)
                    assert text.endswith(event.text[: event.shown]), "what was handed out was taken back"
                    text += event.text[event.shown :]
                    sentences.append(replace(event, shown=0))
    return text, sentences


def sentences_of(text: str) -> list[str]:
    return [sentence.text.strip() for sentence in scan(list(text))[1] if sentence.text.strip()]


def only(text: str) -> ClosedSentence:
    (sentence,) = scan([text])[1]
    return sentence


# Streaming


def test_cut_in_two_at_every_point_it_is_the_same() -> None:
    expected = scan([MARKDOWN])
    for halves in cut_in_two(MARKDOWN):
        assert scan(halves) == expected


@settings(deadline=None)
@given(answers, st.lists(st.integers(0, 80), max_size=4))
@example("days. ([1]", [8, 9])
@example("days\\[1]", [5])
@example("`a", [1])
@example(" (source 1) Leave", [1, 3])
def test_in_any_pieces_it_is_the_same(text: str, cuts: list[int]) -> None:
    expected = scan([text])
    assert scan(pieces(text, cuts)) == expected
    assert scan(list(text)) == expected


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["Leave is paid", ". ", ".", "! ", " [1]", "[2] ", " (1)", "\n", "`x. Y` "])).map("".join)
)
def test_cut_in_two_at_every_point_a_short_answer_is_the_same(text: str) -> None:
    expected = scan([text])
    for halves in cut_in_two(text):
        assert scan(halves) == expected


def test_words_go_out_at_once_and_the_punctuation_after_them_waits() -> None:
    scanner = SentenceScanner(KNOWN)
    assert scanner.feed("Leave is paid") == [Verbatim("Leave is paid")]
    assert scanner.feed(". ") == []
    assert scanner.feed("A") == [
        ClosedSentence("Leave is paid.", shown=13, marks_at=13, claim="Leave is paid.", named=()),
        Verbatim(" A"),
    ]


@pytest.mark.parametrize("bracket", ["[", "【", "(1)", "(source 1)", "\\["])
def test_from_a_bracket_that_may_be_a_mark_on_all_waits_for_the_end(bracket: str) -> None:
    scanner = SentenceScanner(KNOWN)
    assert scanner.feed("Leave") == [Verbatim("Leave")]
    assert scanner.feed(f" {bracket} is") == []
    assert scanner.feed(" paid") == []
    (sentence, line_end) = scanner.feed("\n")
    assert isinstance(sentence, ClosedSentence)
    assert sentence.shown == len("Leave")
    assert line_end == Verbatim("\n")


def test_code_goes_out_as_it_comes_and_closes_no_sentence() -> None:
    scanner = SentenceScanner(KNOWN)
    for delta in ["```\n", "a[1]. B. ", "[1]", "\n```\n"]:
        events = scanner.feed(delta)
        assert "".join(event.text for event in events) == delta
        assert all(isinstance(event, Verbatim) for event in events)
    assert [event.text for event in scanner.flush()] == [""]


# Sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Leave is paid. It is long.", ["Leave is paid.", "It is long."]),
        ("Leave is paid. [1] It is long.", ["Leave is paid.", "It is long."]),
        ("Leave is paid. ([1]) [It](x) is long.", ["Leave is paid.", "[It](x) is long."]),
        ("Leave, e.g. annual leave, is paid.", ["Leave, e.g. annual leave, is paid."]),
        ("See `a. B` and [c. D](x) there.", ["See `a. B` and [c. D](x) there."]),
        ("Leave\nis paid", ["Leave", "is paid"]),
        ("“Is it paid?” *Yes.* No.", ["“Is it paid?”", "*Yes.*", "No."]),
        ("~~~\nLeave. Paid.\n~~~\nYes.", ["Yes."]),
        ("~~~ Leave. Paid.\nYes [1]\n~~~\nNo.", ["No."]),
    ],
)
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert sentences_of(text) == sentences


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("Leave is paid.", "Leave is paid."),
        ("2. Leave is paid", "Leave is paid"),
        ("> - [x] Leave is paid", "Leave is paid"),
        ("See [leave](https://example.org/2031).", "See [leave]."),
        ("As source 1 says, leave is paid.", "As  says, leave is paid."),
        ("As source 9 says, leave is paid.", "As source 9 says, leave is paid."),
        ("# Leave is paid", ""),
        ("| Leave | Paid |", ""),
        ("---", ""),
    ],
)
def test_what_a_sentence_claims(text: str, claim: str) -> None:
    assert only(text).claim == claim


def test_only_the_first_sentence_of_a_line_has_a_list_marker() -> None:
    assert [sentence.claim for sentence in scan(["1. Five it is. Then"])[1]] == ["Five it is.", " Then"]


def test_the_passages_that_are_named_come_in_order() -> None:
    assert only("[9] As source 2 says, leave [1, 3-4] is paid (1).").named == (9, 1, 3, 4, 1, 2)


@pytest.mark.parametrize("ending", ["", ".", " |", ": ", "…", "?! "])
def test_marks_are_put_after_the_last_word(ending: str) -> None:
    assert only(f"Leave is paid{ending}").marks_at == len("Leave is paid")


def test_a_mark_that_begins_a_line_leaves_no_space_behind() -> None:
    assert only("[1] Leave is paid.").text == "Leave is paid."
