"""What is true of every extracted document, whatever file it came from."""

import re
import unicodedata

from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.document import KINDS, blocks_from_json, blocks_to_json

_SEEN_FORMATS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"


def check(document: ExtractedDocument) -> None:
    """Blocks in order, apart, not empty, without white space around; text that can be stored, shown and quoted."""
    text = document.text
    position = 0
    for block in document.blocks:
        assert block.kind in KINDS
        assert position <= block.start < block.end <= len(text)
        body = text[block.start : block.end]
        assert body == body.strip()
        assert "\n\n" not in body or block.kind == "code"
        assert "\n" not in body or block.kind not in ("heading", "header", "row")
        gap = text[position : block.start]
        assert gap in ("", "\n", "\n\n")
        assert (gap == "") == (position == 0)
        assert (1 <= block.level <= 6) if block.kind == "heading" else block.level >= (block.kind == "item")
        assert block.page is None or (document.pages is not None and 1 <= block.page <= document.pages)
        position = block.end
    assert position == len(text)
    assert document.title
    for string in (text, document.title, *document.remarks):
        check_characters(string)
    assert "\n" not in document.title
    assert blocks_from_json(blocks_to_json(document.blocks)) == document.blocks


def check_characters(string: str) -> None:
    assert unicodedata.is_normalized("NFC", string)
    for character in set(string):
        assert character in "\n\t " or unicodedata.category(character) not in ("Cc", "Cs", "Co", "Zs", "Zl", "Zp")
        assert unicodedata.category(character) != "Cf" or character in _SEEN_FORMATS
    assert not re.search(r"[\ufffe\uffff\ufdd0-\ufdef]", string)


def outline(document: ExtractedDocument) -> list[tuple[str, str]]:
    """(kind and level, words) of each block: `heading2`, `item1`, `paragraph`."""
    return [(f"{b.kind}{b.level or ''}", document.text[b.start : b.end]) for b in document.blocks]
