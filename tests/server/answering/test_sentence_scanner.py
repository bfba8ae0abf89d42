"""However an answer arrives, its sentences are the same."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.answering.sentence_scanner import ClosedSentence, Code, LineEnd, SentenceScanner
from tests.server.answer_texts import MARKDOWN, answers, cut_in_two, pieces

KNOWN = frozenset({1, 2})


def scan(deltas: list[str]) -> tuple[str, list[ClosedSentence]]:
    """The answer without the model's marks, and its sentences."""
    scanner = SentenceScanner(KNOWN)
    text, length, sentences = "", 0, list[ClosedSentence]()
    for delta in [*deltas, None]:
        for event in scanner.flush() if delta is None else scanner.feed(delta):
            match event:
                case Code(characters):
                    text += characters
                    length += len(characters)
                case LineEnd():
                    text += "\n"
                    length += 1
                case ClosedSentence():
                    assert 0 <= event.marks_at <= len(event.text)
                    assert event.text.startswith(event.markers or "")
                    text += event.text
                    length += event.length
                    sentences.append(event)
    assert length == sum(map(len, deltas)), "what was written is the events' alone"
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


def test_a_sentence_is_handed_out_when_the_next_begins() -> None:
    scanner = SentenceScanner(KNOWN)
    assert scanner.feed("Leave is paid. ") == []
    assert scanner.feed("A") == [
        ClosedSentence("Leave is paid.", marks_at=13, claim="Leave is paid.", named=(), markers="", length=14)
    ]
    (rest,) = scanner.flush()
    assert isinstance(rest, ClosedSentence)
    assert (rest.text, rest.markers) == (" A", None)


def test_a_line_is_handed_out_when_the_next_one_begins_where_it_breaks_off() -> None:
    scanner = SentenceScanner(KNOWN)
    assert [type(event) for event in scanner.feed("- Leave is paid.\n")] == [ClosedSentence, LineEnd]
    assert scanner.feed("- Days carry over\n") == []
    assert [type(event) for event in scanner.feed("-")] == [ClosedSentence, LineEnd]
    assert scanner.feed(" Crowns\n") == []
    assert [type(event) for event in scanner.flush()] == [ClosedSentence, LineEnd, ClosedSentence]


def test_code_goes_out_as_it_comes_and_closes_no_sentence() -> None:
    scanner = SentenceScanner(KNOWN)
    for delta in ["```\n", "a[1]. B. ", "[1]", "\nb\n", "```"]:
        events = scanner.feed(delta)
        assert all(isinstance(event, Code) for event in events)
        assert "".join(event.text for event in events if isinstance(event, Code)) == delta
    assert scanner.feed("\n") == [LineEnd()]
    (end,) = scanner.flush()
    assert isinstance(end, ClosedSentence)
    assert end.text == ""


# Sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Leave is paid. It is long.", ["Leave is paid.", "It is long."]),
        ("Yes. It is paid. Surely.", ["Yes. It is paid.", "Surely."]),  # three letters and a full stop wait, like "1."
        ("Leave is paid. [1] It is long.", ["Leave is paid.", "It is long."]),
        ("Leave is paid. ([1]) [It](x) is long.", ["Leave is paid.", "[It](x) is long."]),
        ("Leave, e.g. annual leave, is paid.", ["Leave, e.g. annual leave, is paid."]),
        ("See `a. B` and [c. D](x) there.", ["See `a. B` and [c. D](x) there."]),
        ("Leave\nIs paid", ["Leave", "Is paid"]),
        ("Leave,\nin short, \nis paid.\nit is", ["Leave,\nin short, \nis paid.", "it is"]),
        ("Leave  \nis paid", ["Leave", "is paid"]),
        ("Leave [1]\nis paid", ["Leave", "is paid"]),
        ("# Leave\nis paid", ["# Leave", "is paid"]),
        ("- Leave\n\nis paid", ["- Leave", "is paid"]),
        ("Leave:\nis paid", ["Leave:", "is paid"]),
        ("| Leave. It | is. Paid\nso | it", ["| Leave. It | is. Paid", "so | it"]),
        ("**Leave. It is.** It is **paid. So** it", ["**Leave. It is.**", "It is **paid. So** it"]),
        ("2 ** 3. It is", ["2 ** 3.", "It is"]),
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
        ("Step 2: Leave is paid", " Leave is paid"),
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


def test_the_first_sentence_of_a_line_says_how_the_line_begins() -> None:
    sentences = scan(["  2) Five. Then\n\n> Leave\n  days"])[1]
    assert [sentence.markers for sentence in sentences] == ["  2) ", None, "", "> ", "  "]


def test_the_passages_that_are_named_come_in_order() -> None:
    assert only("[9] As source 2 says, leave [1, 3-4] is paid (1).").named == (9, 1, 3, 4, 1, 2)


@pytest.mark.parametrize("ending", ["", ".", " |", ": ", "…", "?! "])
def test_marks_are_put_after_the_last_word(ending: str) -> None:
    assert only(f"Leave is paid{ending}").marks_at == len("Leave is paid")


def test_a_mark_that_begins_a_line_leaves_no_space_behind() -> None:
    assert only("[1] Leave is paid.").text == "Leave is paid."
