"""Code, headings and the first row of a table claim nothing; every other line does."""

import pytest

from server.answering.markdown_lines import MarkdownLines, claim_of


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


def test_a_fence_opens_code_at_the_start_of_a_line_only() -> None:
    lines = MarkdownLines()
    assert lines.opens_code("```py")
    assert not lines.in_code
    lines.claims("Like this. ")
    assert not lines.opens_code("```py")


@pytest.mark.parametrize(
    ("sentence", "claim"),
    [("2. Ask", "Ask"), ("- [x] Ask", "Ask"), ("> 1) Ask", "Ask"), ("Ask [us](a(1)b) now", "Ask [us] now")],
)
def test_list_markers_and_addresses_are_no_part_of_a_claim(sentence: str, claim: str) -> None:
    assert claim_of(sentence, begins_line=True) == claim


def test_a_number_inside_a_line_is_no_list_marker() -> None:
    assert claim_of("2. Ask", begins_line=False) == "2. Ask"
