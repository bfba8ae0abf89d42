"""What reading a file yields: its text, and which stretches of it are headings, paragraphs, items and table rows."""

import json
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["heading", "paragraph", "item", "header", "row", "code"]
KINDS: tuple[Kind, ...] = get_args(Kind)
READER_VERSION = 1
"""Raised whenever a reader yields another text, title, page or remark for some file: files that an older one has read
are read again by the next ingest of their folder, though their bytes are the same."""
PIECE = 1 << 16  # characters of JSON that are read at once: some 2,000 blocks, a millisecond

LONGEST_HEADING = 300
"""Code points of a heading; what a file marks as heading beyond that is read as a paragraph below it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A structural unit: code points `[start, end)` of the text, without surrounding white space.

    `header` is the header row of the table whose `row` blocks follow it; cells are joined by " | ".
    `level` is 1 to 6 for a heading, the nesting depth (from 1) for a list item, 0 otherwise.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    page: int | None = None  # from 1; None where the format has no pages


@dataclass(frozen=True)
class ExtractedDocument:
    """The words a reader would see. Blocks are in order and do not overlap; text between them is white space."""

    title: str
    text: str
    blocks: tuple[Block, ...]
    pages: int | None = None  # pages, slides or sheets
    remarks: tuple[str, ...] = ()  # what the operator should know, such as a page that is a picture
    boxes: bytes = b""  # where on their pages the code points of the text stand, see `boxes`; empty without pages


def blocks_to_json(blocks: tuple[Block, ...]) -> str:
    return json.dumps([[b.kind, b.start, b.end, b.level, b.page] for b in blocks], separators=(",", ":"))


def blocks_from_json(text: str) -> tuple[Block, ...]:
    """Read a piece at a time: json.loads lets no other thread run until it is done, and a document may have a hundred
    thousand blocks."""
    blocks: list[Block] = []
    at, end = 1, 1
    while end > 0:
        end = text.find("],", at + PIECE) + 1  # behind a block: 0 where there is no other
        blocks += (Block(*fields) for fields in json.loads(f"[{text[at : end or -1]}]"))
        at = end + 1
    return tuple(blocks)
