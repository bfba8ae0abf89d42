"""Text keeps the numbers of its characters however it is cut, joined and cleaned."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents.extract import clean
from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.traced import Traced, chained, kept, sliced, split_lines, trace

many = settings(max_examples=200, deadline=None)
ODD = (
    "ab \n\t\u00ad\u200b\u2028\ue000\x00\u00a0\u3000e\u0301o\u0323\u0302\u1100\u1161\u11a8\U0001f3c1\ufb01\ufb03\u0f73"
)
texts = st.text(st.one_of(st.characters(), st.sampled_from(ODD)), max_size=40)


def numbered(text: str, first: int = 1) -> Traced:
    return Traced(text, "".join(map(chr, range(first, first + len(text)))))


@many
@given(texts, st.sampled_from([clean.one_line, clean.lines]))
def test_cleaning_keeps_where_each_letter_comes_from(text: str, function: object) -> None:
    cleaned = function(text)  # type: ignore[operator]
    placed = kept(numbered(text), cleaned)
    assert isinstance(placed, Traced)
    assert placed == cleaned
    assert len(placed.at) == len(placed)
    if not any("\u1100" <= letter <= "\u11ff" or "\uac00" <= letter <= "\ud7a3" for letter in text):
        for letter, number in zip(placed, placed.at, strict=True):
            if number != "\0" and not letter.isspace() and not unicodedata.combining(letter):
                source = text[ord(number) - 1]
                assert set(unicodedata.normalize("NFKD", source)) & set(unicodedata.normalize("NFKD", letter))
        assert [one for one in placed.at if one != "\0"] == sorted(one for one in placed.at if one != "\0")


def test_letters_of_a_ligature_and_composed_ones_stand_where_they_stood() -> None:
    placed = kept(numbered("e\u0301  o\ufb03ce"), "é office")
    assert [ord(number) for number in trace(placed)] == [1, 0, 5, 6, 6, 6, 7, 8]


def test_a_space_keeps_its_place_between_its_words() -> None:
    assert trace(kept(numbered(" a b"), "a b")) == "\2\3\4"


def test_texts_are_cut_and_joined() -> None:
    joined = chained([numbered("ab"), numbered("cd", 5)], " | ")
    assert (joined, trace(joined)) == ("ab | cd", "\1\2\0\0\0\5\6")
    assert trace(sliced(joined, 1, -1)) == "\2\0\0\0\5"
    assert [trace(line) for line in split_lines(numbered("ab\nc"))] == ["\1\2", "\4"]
    assert chained(["a", "b"]) == "ab"
    assert not isinstance(chained(["a", "b"]), Traced)
    assert trace(chained(["a", numbered("b")])) == "\0\1"


@pytest.mark.parametrize("cells", [["", "b", "", "", "d"], ["a\ue000", "\ue000", "d "]])
def test_rows_keep_their_cells_places(cells: list[str]) -> None:
    builder = DocumentBuilder()
    builder.add_table([[numbered(cell, 10 * at + 1) if cell else "" for at, cell in enumerate(cells)], ["x"] * 5])
    text = builder.build("t").text.split("\n")[0]
    ((start, page, at),) = builder.traces
    assert (start, page, len(at)) == (0, None, len(text))
    assert [(letter, ord(number) // 10) for letter, number in zip(text, at, strict=True) if letter.isalpha()] == [
        (cell[0], place) for place, cell in enumerate(cells) if cell[:1].isalpha()
    ]
