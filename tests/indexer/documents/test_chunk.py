"""Chunks hold every word of a document once, exactly, and fit the embedder."""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from indexer.documents.chunk import (
    CHARACTERS_PER_TOKEN,
    LONGEST_PATH,
    PREFIX_SHARE,
    STANDS_ALONE,
    ChunkDraft,
    TokenOffsets,
    chunk_document,
)
from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.embed import model_folder
from indexer.settings import DEFAULT_EMBEDDER
from indexer.text.sentences import Span
from indexer.text.word_pieces import WordPieces
from tests.indexer.made_documents import documents


def white_space(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


def greedy(text: str) -> list[tuple[int, int]]:
    """A vocabulary in which what a cut word leaves over takes more pieces than the whole word."""
    return [
        (at, min(at + 4, match.end()) if len(match[0]) <= 100 else match.end())
        for match in re.finditer(r"\S+", text)
        for at in (range(match.start(), match.end(), 4) if len(match[0]) <= 100 else [match.start()])
    ]


@pytest.fixture(scope="module")
def pieces() -> WordPieces:
    return WordPieces(model_folder(DEFAULT_EMBEDDER))


class Counting:
    """A vocabulary that remembers how many characters it was given, and the longest text of them."""

    def __init__(self, offsets: TokenOffsets) -> None:
        self._offsets = offsets
        self.characters = self.longest = 0

    def __call__(self, text: str) -> Sequence[Span]:
        self.characters += len(text)
        self.longest = max(self.longest, len(text))
        return self._offsets(text)


def counted(document: ExtractedDocument, offsets: TokenOffsets, limit: int) -> int:
    """Characters that cutting the document hands to the tokenizer: no more than a multiple of the text."""
    counting = Counting(offsets)
    chunks = chunk_document(document, counting, limit)
    prefix = limit // PREFIX_SHARE * CHARACTERS_PER_TOKEN
    assert counting.characters <= 8 * len(document.text) + 5 * prefix * len(chunks)
    assert counting.longest <= limit * CHARACTERS_PER_TOKEN
    return counting.characters


def check(document: ExtractedDocument, offsets: TokenOffsets, limit: int) -> list[ChunkDraft]:
    """Everything that must be true of the chunks of any document."""
    chunks = chunk_document(document, offsets, limit)
    held = np.zeros(len(document.text), int)
    seen = np.array([not character.isspace() for character in document.text], bool)
    before = 0
    for chunk in chunks:
        body = document.text[chunk.start : chunk.end]
        assert before <= chunk.start < chunk.end <= len(document.text)
        assert body == body.strip()
        assert len(offsets(body)) + len(offsets(chunk.prefix)) <= limit
        assert len(offsets(f"{chunk.prefix}\n{body}")) <= limit
        assert len(offsets(chunk.prefix)) <= limit // PREFIX_SHARE
        assert len(body) <= limit * CHARACTERS_PER_TOKEN
        at = chunk.start
        for start, end in chunk.sentences:
            assert at <= start < end <= chunk.end
            at = end
        held[chunk.start : chunk.end] += 1
        before = chunk.end
    for block in document.blocks:
        if block.kind != "heading":
            inside = slice(block.start, block.end)
            assert (held[inside][seen[inside]] == 1).all()
        for chunk in chunks:
            if block.start < chunk.end and chunk.start < block.end:
                assert block.page == chunk.page
    return chunks


slow_generation = hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@slow_generation
@given(documents(), st.sampled_from([46, 100, 254]), st.sampled_from([white_space, greedy]))
def test_whatever_the_document(document: ExtractedDocument, limit: int, offsets: TokenOffsets) -> None:
    check(document, offsets, limit)


@slow_generation
@given(document=documents(), limit=st.sampled_from([46, 254]))
def test_whatever_the_document_with_word_pieces(document: ExtractedDocument, limit: int, pieces: WordPieces) -> None:
    check(document, pieces.offsets, limit)


@slow_generation
@given(documents(), st.sampled_from([46, 254]), st.sampled_from([white_space, greedy]))
def test_the_tokenizer_is_given_a_multiple_of_the_text(
    document: ExtractedDocument, limit: int, offsets: TokenOffsets
) -> None:
    counted(document, offsets, limit)


@slow_generation
@given(document=documents())
def test_real_word_pieces_are_given_a_multiple_of_the_text(document: ExtractedDocument, pieces: WordPieces) -> None:
    counted(document, pieces.offsets, 254)


Made = list[tuple[str, str, int, int | None]]


def made(blocks: Made, title: str = "Handbook") -> ExtractedDocument:
    text, placed = "", []
    for kind, words, level, page in blocks:
        text += "\n\n" if text else ""
        placed.append(Block(kind, len(text), len(text) + len(words), level, page))  # type: ignore[arg-type]
        text += words
    return ExtractedDocument(title, text, tuple(placed))


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def bodies(document: ExtractedDocument, limit: int = 100, offsets: TokenOffsets = white_space) -> list[str]:
    return [document.text[chunk.start : chunk.end] for chunk in check(document, offsets, limit)]


def test_short_sections_join_and_their_headings_stand_between() -> None:
    section: Made = [("heading", "Leave", 1, None), ("paragraph", "Ask.", 0, None)]
    document = made([*section, ("heading", "Pay", 1, None), ("item", "Wait.", 1, None)])
    assert bodies(document) == ["Ask.\n\nPay\n\nWait."]
    (chunk,) = check(document, white_space, 100)
    wait = document.text.index("Wait.")
    assert chunk.sections == ((chunk.start, "Leave"), (wait, "Pay")), "a quote is said to stand where it stands"


def test_a_section_that_can_stand_alone_ends_at_the_next_heading() -> None:
    long = words(STANDS_ALONE)
    document = made([("paragraph", long, 0, None), ("heading", "Pay", 1, None), ("paragraph", "Wait.", 0, None)])
    assert bodies(document) == [long, "Wait."]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentences = [f"Sentence number {i} has exactly so many words." for i in range(40)]
    document = made([("paragraph", " ".join(sentences), 0, None)])
    assert " ".join(bodies(document)).split(". ") == " ".join(sentences).split(". ")
    assert all(body.startswith("Sentence") and body.endswith(".") for body in bodies(document))


def test_a_long_sentence_is_cut_between_words() -> None:
    document = made([("paragraph", words(500, "overtime"), 0, None)])
    assert set(" ".join(bodies(document)).split()) == {"overtime"}


def test_a_word_without_end_is_cut_anywhere() -> None:
    document = made([("code", "a" * 10_000, 0, None)])
    assert "".join(bodies(document)) == "a" * 10_000
    assert len(bodies(document)) > 1


def test_a_table_repeats_its_header_in_every_chunk_that_does_not_hold_it() -> None:
    rows: Made = [("row", f"Employee {i} | {i} days", 0, None) for i in range(60)]
    document = made([("header", "Name | Days", 0, None), *rows, ("paragraph", "After the table.", 0, None)])
    chunks = check(document, white_space, 100)
    assert len(chunks) > 2
    assert "Name | Days" not in chunks[0].prefix
    assert all(chunk.prefix == "Handbook\nName | Days" for chunk in chunks[1:])


def test_two_rows_of_column_names_are_both_in_the_prefix() -> None:
    rows: Made = [("row", f"Region {i} | {i} | {i}", 0, None) for i in range(60)]
    heads: Made = [("header", "| 2025 | 2025", 0, None), ("header", "Region | Plan | Actual", 0, None)]
    chunks = check(made([*heads, *rows]), white_space, 100)
    assert all(chunk.prefix == "Handbook\n| 2025 | 2025\n\nRegion | Plan | Actual" for chunk in chunks[1:])


def test_a_row_longer_than_a_chunk_keeps_the_header() -> None:
    document = made([("header", "Name | Note", 0, None), ("row", words(400), 0, None)])
    chunks = check(document, white_space, 100)
    assert len(chunks) > 4
    assert all("Name | Note" in chunk.prefix for chunk in chunks if chunk.start > 0)


def test_the_prefix_is_title_and_path_with_nothing_twice() -> None:
    document = made(
        [
            ("heading", "handbook", 1, None),
            ("heading", "Leave", 2, None),
            ("heading", "Parents", 3, None),
            ("paragraph", words(70), 0, None),
            ("heading", "Pay", 2, None),
            ("paragraph", "Monthly.", 0, None),
        ]
    )
    first, second = check(document, white_space, 100)
    assert (first.prefix, first.sections) == ("Handbook › Leave › Parents", ((first.start, "Leave › Parents"),))
    assert (second.prefix, second.sections) == ("Handbook › Pay", ((second.start, "Pay"),))


def test_headings_with_nothing_below_them_are_found_too() -> None:
    document = made([("heading", "Contents", 1, None), ("heading", "Index", 1, None)])
    assert bodies(document) == ["Contents\n\nIndex"]


def test_a_page_ends_a_chunk() -> None:
    document = made([("paragraph", "One.", 0, 1), ("paragraph", "Still one.", 0, 1), ("paragraph", "Two.", 0, 2)])
    assert [(c.page, document.text[c.start : c.end]) for c in check(document, white_space, 100)] == [
        (1, "One.\n\nStill one."), (2, "Two."),
    ]  # fmt: skip


def test_a_title_longer_than_the_limit_leaves_room_for_the_words() -> None:
    document = made([("paragraph", words(150), 0, None)], title=words(300, "title"))
    assert all("word" in body for body in bodies(document))


def test_a_document_without_blocks_has_no_chunks() -> None:
    assert chunk_document(ExtractedDocument("Empty", "", ()), white_space, 100) == []


SECTION: Made = [("heading", "b", 6, None), ("paragraph", "x", 0, None)]
ENDLESS: dict[str, Callable[[int], ExtractedDocument]] = {
    "heading": lambda n: made([("heading", words(n), 1, None), *SECTION * n]),
    "heading with nothing below": lambda n: made([("heading", words(5 * n), 1, None)]),
    "title": lambda n: made([("paragraph", "x y z", 0, None)] * n, title=words(n, "title")),
    "heading path": lambda n: made(
        [*((("heading", words(60), level, None)) for level in range(1, 6)), *SECTION * n]  # type: ignore[arg-type]
    ),
    "table header": lambda n: made([("header", " | ".join(["ab"] * n), 0, None), *[("row", "1 | 2", 0, None)] * n]),
    "rows of 200 columns": lambda n: made([("row", " | ".join(["1"] * 200), 0, None)] * (n // 200)),
    "numbering": lambda n: made([("paragraph", "1." * n, 0, None)]),
    "sentences without space": lambda n: made([("paragraph", "日。" * n, 0, None)]),
    "words that are many pieces": lambda n: made([("paragraph", words(n // 24, "zqxj" * 24), 0, None)]),
    "word": lambda n: made([("code", "a" * 5 * n, 0, None)]),
    "short items": lambda n: made([("item", "x", 1, None)] * n),
    "pages": lambda n: made([("paragraph", "x", 0, page) for page in range(1, n)]),
}
"""What a file may hold without end; the number is how much of it."""


@pytest.mark.parametrize("kind", ENDLESS)
def test_twice_the_text_is_twice_the_work(kind: str, pieces: WordPieces) -> None:
    once, twice = (counted(ENDLESS[kind](n), pieces.offsets, 254) for n in (2_000, 4_000))
    assert twice <= 2.2 * once + 20_000


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_has_no_end_is_held_whole_and_fits(kind: str, pieces: WordPieces) -> None:
    check(ENDLESS[kind](600), pieces.offsets, 46)


def test_a_path_of_long_headings_is_cut_from_its_beginning() -> None:
    path: Made = [("heading", f"{level} {words(50)}", level, None) for level in range(1, 7)]
    (chunk,) = check(made([*path, ("paragraph", "Here.", 0, None)]), white_space, 100)
    ((_, heading),) = chunk.sections
    assert len(heading) == LONGEST_PATH
    assert heading.startswith("…")
    assert heading.endswith(f" › 6 {words(50)}")
