"""The highlight is the exact stretch, whatever blocks it crosses, and long documents are shown in parts."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.documents.extract.document import Block
from server.views.source_view import WINDOW, find_quote, grown, window

TEXT = "Leave\n\nYou have 25 days.\n\nAsk first\nThen book\n\nYears | Days\n0 | 25"
BLOCKS = (
    Block("heading", 0, 5, 1, 1),
    Block("paragraph", 7, 24, 0, 1),
    Block("item", 26, 35, 1, 2),
    Block("item", 36, 45, 1, 2),
    Block("header", 47, 59, 0, 2),
    Block("row", 60, 66, 0, 2),
)


def segments(text: str, blocks: tuple[Block, ...], start: int, end: int) -> list[tuple[str, bool, bool]]:
    shown = [block for group in window(text, blocks, start, end).groups for block in group.blocks]
    return [tuple(part) for block in shown for parts in (block.segments, *block.cells) for part in parts]


@given(st.integers(0, len(TEXT)), st.integers(0, len(TEXT)))
def test_what_is_marked_is_what_was_asked_for(start: int, end: int) -> None:
    marked = "".join(words for words, is_marked, _anchor in segments(TEXT, BLOCKS, start, end) if is_marked)
    gaps = str.maketrans("", "", "\n |")
    assert marked.translate(gaps) == TEXT[start:end].translate(gaps)


@given(st.integers(0, len(TEXT)), st.integers(0, len(TEXT)))
def test_everything_is_shown_once_and_one_place_is_the_anchor(start: int, end: int) -> None:
    parts = segments(TEXT, BLOCKS, start, end)
    gaps = str.maketrans("", "", "\n |")
    assert "".join(words for words, *_ in parts).translate(gaps) == TEXT.translate(gaps)
    anchors = [is_anchor for words, is_marked, is_anchor in parts if is_marked and words.strip()]
    assert sum(anchors) == (1 if anchors else 0)


def test_lists_and_tables_are_grouped_and_pages_begin() -> None:
    groups = window(TEXT, BLOCKS, 0, 0).groups
    assert [group.kind for group in groups] == ["block", "block", "list", "table"]
    assert [group.blocks[0].page for group in groups] == [1, None, 2, None]


def test_a_document_without_blocks_is_one_paragraph() -> None:
    assert segments("plain words", (), 6, 11) == [("plain ", False, False), ("words", True, True)]


def long_document() -> tuple[str, tuple[Block, ...]]:
    text = "\n\n".join("x" * 1000 for _ in range(100))
    return text, tuple(Block("paragraph", n * 1002, n * 1002 + 1000) for n in range(100))


def test_a_long_document_is_shown_around_the_words() -> None:
    text, blocks = long_document()
    at = 50 * 1002
    shown = window(text, blocks, at, at + 10)
    assert shown.first < 50 < shown.last
    assert shown.last - shown.first <= WINDOW // 1000 + 1
    first, last = grown(blocks, shown.first, shown.last)
    assert first < shown.first
    assert last > shown.last


def test_its_parts_join_into_the_whole() -> None:
    text, blocks = long_document()
    first, last = 0, window(text, blocks, 0, 0).last
    seen = list(range(first, last))
    while last < len(blocks):
        following = grown(blocks, first, last)[1]
        part = window(text, blocks, 0, 0, last, following)
        seen += range(part.first, part.last)
        last = following
    assert seen == list(range(100))


def test_a_window_outside_the_document_is_empty() -> None:
    shown = window(TEXT, BLOCKS, 0, 0, 90, 100)
    assert shown.groups == ()


def test_a_quote_is_found_where_it_stands_or_nearest() -> None:
    assert find_quote("aa bb aa", "bb", 3) == 3
    assert find_quote("aa bb aa", "aa", 5) == 6
    assert find_quote("aa bb aa", "aa", 1) == 0
    assert find_quote("aa", "zz", 0) is None
    assert find_quote("aa", "", 5) is None
