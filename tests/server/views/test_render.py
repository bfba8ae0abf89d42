"""Rendered Markdown is safe, marks stand where they were, and streaming ends in the same HTML."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from server.views.render import GROWTH, AnswerStream, Mark, guess_marks, render_answer

SAMPLE = """## Leave

You have **25 days.**[1] After *five years* it is 28 [2], see `days[1]`.

1. Ask your lead [1]
2. Book it

   in the tool [3]
- other

| Years | Days |
|---|--:|
| 0 | 25 [1] |

```python
days[1]

# not a heading
```
> quoted
lazy

A [link [1]](https://example.org/a[1]) and ![chart [1]](https://example.org/a.png)
Setext
---
last"""
NUMBERS = frozenset({1, 2})


def cite(n: int) -> str:
    return f"#source-{n}"


def whole(text: str) -> str:
    return render_answer(text, guess_marks(text, NUMBERS, cite))


def streamed(pieces: list[str]) -> str:
    stream = AnswerStream(NUMBERS, cite)
    return "".join([*(stream.feed(piece) for piece in pieces), stream.flush()])


def test_streaming_in_two_pieces_at_every_point_ends_in_the_same_html() -> None:
    expected = whole(SAMPLE)
    for at in range(len(SAMPLE) + 1):
        assert streamed([SAMPLE[:at], SAMPLE[at:]]) == expected


def test_streaming_by_character_shows_the_same_html_at_every_moment() -> None:
    stream = AnswerStream(NUMBERS, cite)
    closed = ""
    for at, character in enumerate(SAMPLE, 1):
        closed += stream.feed(character)
        assert closed + stream.open == whole(SAMPLE[:at])


def test_closed_blocks_are_sent_before_the_end() -> None:
    stream = AnswerStream()
    assert stream.feed("one\n\ntwo\n") == "<p>one</p>\n"
    assert stream.open == "<p>two</p>\n"


markdown_lines = st.lists(
    st.one_of(
        st.sampled_from(
            ["", "- a", "  - b", "1. c", "para [1]", "---", "===", "> q", "```", "    code", "# h", "|a|b|", "|-|-|"]
        ),
        st.sampled_from(["  ", "\t", "* x", "+", "-", "~~~", "[r]: http://x", "[r]", "<b>", "12) z", "   text", "a\\"]),
    ),
    max_size=14,
)


@given(markdown_lines, st.lists(st.integers(0, 80), max_size=4))
def test_streaming_any_blocks_in_any_pieces_ends_in_the_same_html(lines: list[str], cuts: list[int]) -> None:
    text = "\n".join(lines)
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    assert streamed(pieces) == whole(text)


@given(markdown_lines)
def test_streaming_any_blocks_by_character_ends_in_the_same_html(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert streamed(list(text)) == whole(text)


def test_a_mark_becomes_a_link_with_its_quote() -> None:
    html = render_answer(
        "So it is.[2]", [Mark(9, 2, "/citations/7#quote", "Leave, page 3", 'the "words" <b>', "tip-7")]
    )
    assert '<a class="cite" href="/citations/7#quote" aria-label="Source 2: Leave, page 3"' in html
    assert 'aria-describedby="tip-7"' in html
    assert 'the "words" &lt;b&gt;' in html
    assert "[2]" not in html


def test_brackets_that_are_no_mark_stay_text() -> None:
    assert render_answer("See [1] and [note].") == "<p>See [1] and [note].</p>\n"
    assert render_answer("See [1].", [Mark(3, 1, "/x")]) == "<p>See [1].</p>\n"  # no mark begins there


def test_marks_in_code_links_and_pictures_stay_text() -> None:
    html = whole("`a[1]` [b [1]](https://example.org/[1]) ![c [1]](https://example.org/c)\n\n    d[1]\n")
    assert html.count("[1]") == 4
    assert "cite" not in html
    assert "\u2e22" not in html


def test_a_mark_stands_close_to_its_words() -> None:
    assert whole("So it is. [1]").startswith("<p>So it is.<sup")
    assert whole("- [1] alone").count("<li><sup") == 1


def test_emphasis_closes_beside_a_mark() -> None:
    assert whole("**25 days.**[1]").startswith("<p><strong>25 days.</strong><sup")


def test_characters_that_carry_marks_cannot_be_smuggled_in() -> None:
    html = render_answer("\u2e22" + "1:0" + "\u2e23 [1]", [Mark(6, 1, "/ok")])
    assert html.count('class="cite"') == 1


def test_hostile_markdown_is_inert() -> None:
    html = render_answer(
        "<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n"
        "[a](javascript:alert(1)) [b](data:text/html,x) [c](/turns/1/stop) [d](//evil.example) [e](vbscript:x)\n\n"
        "![tracker](https://evil.example/pixel.png) [ok](https://example.org 'onload')\n\n"
        '```"><script>\nx\n```\n\n<style>*{display:none}</style>'
    )
    assert "<script" not in html
    assert "<img" not in html
    assert "<style" not in html
    assert html.count("href=") == 1
    assert 'href="https://example.org"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert "[Picture: tracker]" in html


def test_a_mark_cannot_break_out_of_its_attributes() -> None:
    html = render_answer("[1]", [Mark(0, 1, '/x"><script>', 'a" onclick="b', "<script>", 't"1')])
    assert "<script>" not in html
    assert 'onclick="b"' not in html


def test_unsupported_sentences_are_underlined_and_said() -> None:
    text = "- Sure.[1] Maybe so.\n- Fine.\n"
    html = render_answer(text, [Mark(7, 1, "/x")], [(11, 20)])
    assert '<span class="weak">Maybe so.<span class="visually-hidden">' in html
    assert html.count("<li>") == 2


def test_headings_stand_below_the_question() -> None:
    assert render_answer("# a\n###### b") == "<h3>a</h3>\n<h6>b</h6>\n"


@given(st.text(max_size=200))
def test_any_text_renders(text: str) -> None:
    assert "<script" not in render_answer(text)


@given(st.lists(st.integers(0, len(SAMPLE)), max_size=6))
def test_known_marks_lead_to_their_words_wherever_the_text_is_cut(cuts: list[int]) -> None:
    known = [
        Mark(mark.at, mark.n, f"/documents/{mark.at}", "Leave", "words") for mark in guess_marks(SAMPLE, {1}, cite)
    ]
    others = [mark for mark in guess_marks(SAMPLE, NUMBERS, cite) if mark.n != 1]
    stream = AnswerStream(NUMBERS, cite)
    html = ""
    for start, end in itertools.pairwise(sorted({0, len(SAMPLE), *cuts})):
        # A mark comes with the words that end it, as a checker hands it out.
        html += stream.feed(SAMPLE[start:end], [mark for mark in known if start < mark.at + 3 <= end])
    html += stream.flush()
    assert html == render_answer(SAMPLE, [*known, *others])


def test_a_block_that_stays_open_is_gone_through_a_limited_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    gone_through: list[int] = []
    monkeypatch.setattr(MarkdownIt, "parse", lambda _self, text, _env=None: gone_through.append(len(text)) or [])
    stream = AnswerStream()
    written = 0
    for _ in range(1000):
        stream.feed("- item\n")
        written += len("- item\n")
        if stream.has_grown:
            assert stream.open == ""
    assert sum(gone_through) < 2 * (GROWTH + 2) * written  # once to look for blocks, once to show


def test_a_short_block_is_shown_with_every_word() -> None:
    stream = AnswerStream()
    for word in "Every employee has".split():
        stream.feed(f"{word} ")
        assert stream.has_grown
        assert word in stream.open
