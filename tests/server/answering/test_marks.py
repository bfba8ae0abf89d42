"""Marks are read however models write them, and nothing else is taken for one."""

import pytest

from server.answering.marks import is_mark_after_stop, without_marks, without_mentions

KNOWN = frozenset({1, 2, 3})


@pytest.mark.parametrize(
    ("mark", "numbers"),
    [
        ("[1]", [1]),
        ("[1, 3]", [1, 3]),
        ("[1-3]", [1, 2, 3]),
        ("[1; 2 and 9]", [1, 2, 9]),
        ("[source 1]", [1]),
        ("[Passages: 1 & 2]", [1, 2]),
        ("[^2]", [2]),
        ("\\[2\\]", [2]),
        ("[2](https://example.org)", [2]),
        ("【2】", [2]),
        ("【2†handbook.md】", [2]),
        ("(source 2)", [2]),
        ("([2])", [2]),
        ("[1][2], [3] and [1]", [1, 2, 3, 1]),
        ("(1)", [1]),
        ("(1, 2)", [1, 2]),
    ],
)
def test_a_mark_is_taken_out_and_its_numbers_are_read(mark: str, numbers: list[int]) -> None:
    assert without_marks(f"Leave is paid {mark}.", KNOWN) == ("Leave is paid.", numbers)


def test_a_bare_mark_in_the_last_cell_of_a_row_is_taken_out_too() -> None:
    assert without_marks("| Leave | is paid (1) |", KNOWN) == ("| Leave | is paid |", [1])


@pytest.mark.parametrize(
    "text",
    [
        "Leave is paid (9).",
        "Leave of section 5 (1).",
        "Leave (1) is paid.",
        "Leave in [2024].",
        "Leave is `days[1]`.",
        "Leave is ``a ` [1]``.",
        "See [leave](x[1]).",
        "Leave [see] is paid.",
    ],
)
def test_what_is_no_mark_stays(text: str) -> None:
    assert without_marks(text, KNOWN) == (text, [])


def test_a_mention_of_known_passages_is_read() -> None:
    assert without_mentions("By source 1 and passages 2-3 it is so", KNOWN) == ("By  and  it is so", [1, 2, 3])
    assert without_mentions("By source 9 it is so", KNOWN) == ("By source 9 it is so", [])
    assert without_mentions("By resource 1 it is so", KNOWN) == ("By resource 1 it is so", [])


# Before a bracket is closed


@pytest.mark.parametrize("mark", ["[1]", "[source 1]", "([1]", "\\[1\\]", "【1†a】", "(source 1)"])
def test_a_mark_after_a_full_stop_is_one_from_its_closing_bracket_on(mark: str) -> None:
    assert {is_mark_after_stop(mark[:end]) for end in range(1, len(mark))} == {None}
    assert is_mark_after_stop(mark)


@pytest.mark.parametrize("following", ["[see]", "[2024]", "(a", "\\a", "【重】", "[" + "x" * 61])
def test_a_bracket_after_a_full_stop_that_is_no_mark_begins_a_sentence(following: str) -> None:
    assert is_mark_after_stop(following[:-1]) is None
    assert is_mark_after_stop(following) is False
