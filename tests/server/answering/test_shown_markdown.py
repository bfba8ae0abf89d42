"""Whatever sentences are dropped, what is shown is Markdown that says what it said."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.answering.sentence_scanner import Code, LineEnd, SentenceScanner
from server.answering.shown_markdown import ShownMarkdown
from server.views.render import render_answer


def shown(text: str) -> str:
    """The text with each sentence that says "wrong" dropped, and each that says "sure" or claims nothing held back."""
    scanner, markdown = SentenceScanner(frozenset()), ShownMarkdown()
    parts: list[str] = []
    for event in [*scanner.feed(text), *scanner.flush()]:
        match event:
            case LineEnd():
                markdown.end_line()
            case Code(code):
                if "wrong" in text:
                    markdown.drop(None)
                else:
                    parts += [markdown.release(None), code]
            case _ if "wrong" in event.text.lower():
                markdown.drop(event)
            case _:
                sentence = markdown.place(event)
                assert 0 <= sentence.marks_at <= len(sentence.text)
                assert sentence.text[: sentence.marks_at].rstrip() == sentence.text[: sentence.marks_at]
                if not event.claim or "sure" in event.text.lower() or event.text.endswith(":"):
                    markdown.wait(sentence)
                else:
                    parts += [markdown.release(sentence), sentence.text]
    return "".join(parts)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        # within a line
        ("Right. Wrong. Good.", "Right. Good."),
        ("Wrong. Right.", "Right."),
        ("Sure. Right.", "Sure. Right."),
        ("Sure. Wrong. Right.", "Right."),
        ("Right. Sure. Wrong. Good.", "Right. Good."),
        ("Right. Wrong.\nGood.", "Right.\nGood."),
        ("Right. Sure. Wrong.\nGood.", "Right.\nGood."),
        # lines
        ("Wrong.\nRight.", "Right."),
        ("Right.\nWrong.\nGood.", "Right.\nGood."),
        ("Right.\n\nWrong.\n\nGood.", "Right.\n\nGood."),
        ("Right.\n\nSure.\n\nWrong.\n\nGood.", "Right.\n\nGood."),
        ("Right.\n\n\n\nGood.", "Right.\n\n\n\nGood."),
        ("Right.\n\nSure.\n", "Right."),
        ("Right.\nWrong\n---\nGood.", "Right.\nGood."),
        ("Right.\n\n---\nGood.", "Right.\n\n---\nGood."),
        # lists
        ("- Right.\n- Wrong.\n- Good.", "- Right.\n- Good."),
        ("- Wrong. Right.\n- Good.", "- Right.\n- Good."),
        ("- Right.\n- Sure. Wrong. Good.", "- Right.\n- Good."),
        ("1. Right.\n2. Wrong.\n3. Good.", "1. Right.\n3. Good."),
        ("> Wrong. Right.\n> Wrong.\n> Good.", "> Right.\n> Good."),
        ("So:\n- Wrong.\n- Right.", "So:\n- Right."),
        ("So:\n\n1. Wrong.\n\n2. Right.", "So:\n\n2. Right."),
        ("So:\n- Wrong.\n\nRight.", "\n\nRight."),
        ("So:\n\nRight.", "So:\n\nRight."),
        # what stands under a dropped item
        ("- Wrong.\n    - Right.\n    - Good.\n- Fine.", "- Right.\n- Good.\n- Fine."),
        ("- Right.\n- Wrong.\n  - Good.\n    - Fine.\n", "- Right.\n- Good.\n- Fine."),
        ("- Right.\n- Wrong.\n  - Wrong.\n  - Good.", "- Right.\n- Good."),
        ("- Right.\n- Wrong.\n\n  Good.\n\n  Fine.", "- Right.\n\n- Good.\n\n  Fine."),
        ("- Wrong.\n\nRight.\n\n    Good.", "\nRight.\n\n    Good."),
        ("- Right.\n    - Good.", "- Right.\n    - Good."),
        # tables
        ("| A |\n|---|\n| Wrong |\n| Right |", "| A |\n|---|\n| Right |"),
        ("| A |\n|---|\n| Right |\n| Wrong |\n\nGood.", "| A |\n|---|\n| Right |\n\nGood."),
        ("| A |\n|---|\n| Wrong |\n\nRight.", "\n\nRight."),
        ("| A |\n|---|\n| Wrong |\n\n| B |\n|---|\n| Right |", "\n\n| B |\n|---|\n| Right |"),
        ("| A. Right | It. B |\n|---|---|\n| It is. Wrong | so |\n| Right | so. It |",
         "| A. Right | It. B |\n|---|---|\n| Right | so. It |"),
        # headings
        ("# A\n\nRight.", "# A\n\nRight."),
        ("# A\n\nWrong.\n\nRight.", "# A\n\nRight."),
        ("# A\n\nWrong.\n\n# B\n\nRight.", "\n\n# B\n\nRight."),
        ("# A\n\n## B\n\nWrong.\n\n## C\n\nRight.", "# A\n\n## C\n\nRight."),
        ("# A\n\n## B\n\nWrong.\n\n# C\n\nRight.", "\n\n# C\n\nRight."),
        ("# A\n\nSo:\n- Wrong.\n\n## B\n\nRight.", "# A\n\n## B\n\nRight."),
        # code
        ("Run:\n```\na\n```\nRight.", "Run:\n```\na\n```\nRight."),
        ("Right.\n\nRun:\n```\nwrong\n```\nGood.", "Right.\n\nGood."),
    ],
)  # fmt: skip
def test_what_is_left_when_a_sentence_is_dropped(written: str, expected: str) -> None:
    assert shown(written) == expected


LINES = st.lists(
    st.tuples(
        st.sampled_from(["", "", "- ", "  - ", "    - ", "1. ", "> ", "# ", "## ", "| a | "]),
        st.lists(st.sampled_from(["Right.", "Wrong.", "Sure.", "So:", "Good."]), max_size=3).map(" ".join),
    ).map("".join),
    max_size=9,
).map("\n".join)


@settings(deadline=None)
@given(LINES)
def test_only_what_is_dropped_or_waits_at_the_end_is_missing(written: str) -> None:
    kept = shown(written)
    assert "Wrong" not in kept
    heads = sum(line.startswith(("#", "| a")) for line in written.splitlines())
    if not heads:  # a row and a heading are kept or dropped as a whole
        assert len(re.findall("Right|Good", kept)) == len(re.findall("Right|Good", written))
    assert not kept.endswith(("Sure.", "So:"))


@settings(deadline=None)
@given(LINES)
def test_what_nothing_is_dropped_of_is_as_it_was(written: str) -> None:
    right = written.replace("Wrong", "Good")
    kept = shown(right)
    assert right.startswith(kept), "the end may wait"


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["Right", "Wrong"]), min_size=1, max_size=6),
    st.sampled_from(["- {}\n", "1. {}\n", "> - {}\n", "* {}. Right\n", "  - {}\n"]),
)
def test_a_list_stays_one_list(items: list[str], form: str) -> None:
    html = render_answer(shown("So:\n\n" + "".join(map(form.format, items))))
    left = len(items) if "Right" in form else items.count("Right")
    assert html.count("<li>") == left
    assert len(re.findall("<[ou]l", html)) == bool(left)
    assert "<pre>" not in html


@settings(deadline=None)
@given(st.lists(st.sampled_from(["Right", "Wrong"]), min_size=1, max_size=6))
def test_a_table_stays_a_table(rows: list[str]) -> None:
    html = render_answer(
        shown("| A | B |\n|---|---|\n" + "".join(f"| It is. {row} | 1 |\n" for row in rows) + "\nGood.")
    )
    assert html.count("<table>") == bool(rows.count("Right"))
    assert html.count("<tr>") == rows.count("Right") + bool(rows.count("Right"))
    assert "|" not in html
