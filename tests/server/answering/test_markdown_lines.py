"""Code, headings and the first row of a table claim nothing; every other line does."""

import pytest

from server.answering.markdown_lines import (
    MarkdownLines,
    claim_of,
    heading_level,
    is_item,
    is_rule,
    leads_in,
    markers_of,
    without_fences,
)


def kinds(text: str) -> list[str]:
    """Of each line: "code", "claim", or "" where it is text that claims nothing."""
    lines, said = MarkdownLines(), list[str]()
    for line in text.splitlines():
        if lines.ends_as_code(line):
            said.append("code")
        else:
            said.append("claim" if lines.claims(line) else "")
        lines.next()
    return said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Leave\n\n# Leave\n---\n> ## Leave", ["claim", "", "", "", ""]),
        ("| a | b |\n|---|---|\n| c | d |", ["", "", "claim"]),
        ("| a |\ntext\n| b |", ["", "claim", ""]),
        ("```py\na\n\n```\nb", ["code", "code", "code", "code", "claim"]),
        ("~~~\n```\n~~~~\nb", ["code", "code", "code", "claim"]),
        ("````\n```\n```` x\n````", ["code", "code", "code", "code"]),
        ("- ```\n  a\n  ```\nb", ["code", "code", "code", "claim"]),
        ("``` a `\nb", ["claim", "claim"]),
    ],
)
def test_what_a_line_is(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


def test_the_first_sentence_of_a_line_decides_for_the_others() -> None:
    lines = MarkdownLines()
    assert lines.at_start
    assert not lines.claims("# Leave. ")
    assert not lines.at_start
    assert not lines.claims("It is paid.")
    lines.next()
    assert lines.claims("It is paid.")


@pytest.mark.parametrize("line", ["```py", "  | a. B | c"])
def test_what_opens_code_and_a_row_are_whole_at_the_start_of_a_line_only(line: str) -> None:
    lines = MarkdownLines()
    assert lines.is_whole(line)
    assert not lines.in_code
    lines.claims("Like this. ")
    assert not lines.is_whole(line)


@pytest.mark.parametrize(
    ("line", "goes_on"),
    [("Leave is", True), ("- Leave is", True), ("# Leave", False), ("| Leave", False), ("```py", False), ("", False)],
)
def test_text_alone_may_go_on_in_the_next_line(line: str, goes_on: bool) -> None:
    assert MarkdownLines().may_go_on(line) == goes_on


@pytest.mark.parametrize(("line", "goes_on"), [("Leave.", True), ("# Leave.", False)])
def test_a_later_sentence_of_a_line_goes_on_where_the_first_may(line: str, goes_on: bool) -> None:
    lines = MarkdownLines()
    lines.claims(line)
    assert lines.may_go_on(" It is") == goes_on


@pytest.mark.parametrize(
    ("sentence", "claim"),
    [
        ("2. Ask", "Ask"),
        ("- [x] Ask", "Ask"),
        ("> 1) Ask", "Ask"),
        ("Ask [us](a(1)b) now", "Ask [us] now"),
        ("Step 2: Ask", " Ask"),
        ("- **Step 2:** Ask", " Ask"),
        ("**2. Ask**", " Ask**"),
        ("25 days", "25 days"),
        ("Steps 2 and 3", "Steps 2 and 3"),
    ],
)
def test_list_markers_and_addresses_are_no_part_of_a_claim(sentence: str, claim: str) -> None:
    assert claim_of(sentence, begins_line=True) == claim


def test_a_number_inside_a_line_is_no_list_marker() -> None:
    assert claim_of("2. Ask", begins_line=False) == "2. Ask"


@pytest.mark.parametrize(
    ("line", "markers", "item"),
    [
        ("Ask", "", False),
        ("  Ask", "  ", False),
        ("  - Ask", "  - ", True),
        ("> 12) [x] Ask", "> 12) [x] ", True),
        ("> Ask", "> ", False),
        ("-Ask", "", False),
    ],
)
def test_how_a_line_begins(line: str, markers: str, item: bool) -> None:
    assert markers_of(line) == markers
    assert is_item(markers) == item


def test_headings_have_levels_and_rules_make_them() -> None:
    assert [heading_level(line) for line in ["# A", "> ### A", "#A", "A", "####### A"]] == [1, 3, 0, 0, 0]
    assert [is_rule(line) for line in ["---", " == ", "> -", "- a", "|---|", ""]] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_what_leads_in_ends_with_a_colon() -> None:
    assert [leads_in(line) for line in ["So:", "**So:** \r", "So: a", "So"]] == [True, True, False, False]


def test_a_block_of_code_without_its_fences() -> None:
    assert without_fences("```py\na = 1\n\nb\n```\n") == "a = 1\n\nb"
    assert without_fences("- ~~~\n  a\n  ~~~") == "  a"
