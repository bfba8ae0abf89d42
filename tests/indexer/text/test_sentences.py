"""Spans of sentences: exact, in order, and nothing that can be seen is lost between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.text.sentences import sentence_spans
from tests.indexer.made_documents import WORDS


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


PUNCTUATED = st.text(st.sampled_from("A b1.!?…,;()[]\"'“”’« »\n\r\t\u00a0\u2028\u3000\u200b。é中"), max_size=12)


@given(st.one_of(st.text(), PUNCTUATED, st.lists(WORDS, max_size=40).map(" ".join)))
def test_spans_are_in_order_and_hold_every_visible_character(text: str) -> None:
    spans = sentence_spans(text)
    rest, before = "", 0
    for start, end in spans:
        assert before <= start < end
        assert text[start:end] == text[start:end].strip()
        rest += text[before:start]
        before = end
    assert (rest + text[before:]).strip() == ""


@given(st.text(max_size=30), st.text(max_size=60), st.text(max_size=30))
def test_a_stretch_is_cut_as_if_it_stood_alone(before: str, stretch: str, after: str) -> None:
    shift = len(before)
    found = sentence_spans(before + stretch + after, shift, shift + len(stretch))
    assert found == [(start + shift, end + shift) for start, end in sentence_spans(stretch)]


def test_sentences_are_counted_in_code_points() -> None:
    assert cut("Hello 😀 world. Next one 😀. 日本語です。二番目。 End.") == [
        "Hello 😀 world.", "Next one 😀.", "日本語です。", "二番目。", "End.",
    ]  # fmt: skip


def test_a_list_mark_belongs_to_its_sentence() -> None:
    assert cut("1. Ask your manager. 2. Fill in the form.") == ["1. Ask your manager.", "2. Fill in the form."]
    assert cut("Ask first. (b)") == ["Ask first.", "(b)"]


def test_abbreviations_do_not_end_a_sentence() -> None:
    assert cut("Ask Dr. Meyer. She knows.") == ["Ask Dr. Meyer.", "She knows."]


@pytest.mark.parametrize("text", ["A\u00a0\u00a0.", "A\r\u2028.", "A\u00a0.]。", "“A\u3000 B.”\u00a0 C."])
def test_spaces_that_are_not_ascii_are_spaces(text: str) -> None:
    assert "".join(text[start:end] for start, end in sentence_spans(text)).split() == text.split()
