"""Documents with their chunks, and failures, as JSON, and back. What comes back is checked field by field: it is not
trusted."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from indexer.documents.chunk import ChunkDraft
from indexer.documents.extract.document import KINDS, Block, ExtractedDocument
from indexer.errors import FileError, NeedsOcr, UnreadableFile, UnsupportedFile
from indexer.text.sentences import Span

_MOST_OF_BOXES = 32  # characters for a code point: 0.7 in documents, 20 where each letter is a line
_ERRORS = {error.state: error for error in (UnsupportedFile, UnreadableFile, NeedsOcr)}


@dataclass(frozen=True)
class CutDocument:
    """What a file holds, and the chunks that it was cut into."""

    document: ExtractedDocument
    drafts: list[ChunkDraft]


def document_to_message(document: ExtractedDocument, drafts: Sequence[ChunkDraft]) -> dict[str, Any]:
    return {
        "title": document.title,
        "text": document.text,
        "blocks": [[KINDS.index(b.kind), b.start, b.end, b.level, b.page] for b in document.blocks],
        "pages": document.pages,
        "remarks": document.remarks,
        "boxes": base64.b64encode(document.boxes).decode("ascii"),
        "chunks": [[d.prefix, d.sections, d.page, d.start, d.end, d.sentences] for d in drafts],
    }


def error_to_message(error: FileError) -> dict[str, Any]:
    return {"state": error.state, "what": error.what, "advice": error.advice}


def read_message(message: dict[str, Any]) -> CutDocument:
    """The document, or the FileError that the message stands for, raised. Raises ValueError where it is neither."""
    if "state" in message:
        kind = _ERRORS.get(str(message["state"]))
        what, advice = message.get("what"), message.get("advice")
        if kind is None or not isinstance(what, str) or not isinstance(advice, str):
            raise ValueError("an unknown failure")
        raise kind(what, advice)
    title, text, pages = message.get("title"), message.get("text"), message.get("pages")
    blocks, remarks, chunks = message.get("blocks"), message.get("remarks"), message.get("chunks")
    if not (isinstance(title, str) and isinstance(text, str) and isinstance(blocks, list) and isinstance(chunks, list)):
        raise ValueError("no document")
    if not (isinstance(remarks, list) and all(isinstance(remark, str) for remark in remarks)):
        raise ValueError("no remarks")
    if not (pages is None or _is_count(pages)):
        raise ValueError("no number of pages")
    boxes = message.get("boxes")
    if not isinstance(boxes, str) or len(boxes) > _MOST_OF_BOXES * (len(text) + 100):
        raise ValueError("no boxes")
    kept = base64.b64decode(boxes, validate=True)  # what they hold is checked by who looks words up
    document = ExtractedDocument(title, text, _blocks(blocks, len(text)), pages, tuple(remarks), kept)
    return CutDocument(document, _drafts(chunks, len(text)))


def _blocks(rows: list[Any], length: int) -> tuple[Block, ...]:
    blocks = []
    last = 0
    for row in rows:
        if not (isinstance(row, list) and len(row) == 5 and all(map(_is_count, row[:4]))):
            raise ValueError("no block")
        kind, start, end, level, page = row
        if not (kind < len(KINDS) and last <= start < end <= length and level <= 100):
            raise ValueError("a block out of bounds")
        if not _is_page(page):
            raise ValueError("a block on no page")
        blocks.append(Block(KINDS[kind], start, end, level, page))
        last = end
    return tuple(blocks)


def _drafts(rows: list[Any], length: int) -> list[ChunkDraft]:
    drafts = []
    last = 0
    for row in rows:
        if not (isinstance(row, list) and len(row) == 6 and isinstance(row[0], str)):
            raise ValueError("no chunk")
        prefix, sections, page, start, end, sentences = row
        if not (_is_count(start) and _is_count(end) and last <= start < end <= length and _is_page(page)):
            raise ValueError("a chunk out of bounds")
        drafts.append(ChunkDraft(prefix, _sections(sections), page, start, end, _sentences(sentences, start, end)))
        last = end
    return drafts


def _sections(rows: Any) -> tuple[tuple[int, str], ...]:
    if not (isinstance(rows, list) and all(_is_pair(row) and _is_count(row[0]) for row in rows)):
        raise ValueError("no sections")
    if not all(isinstance(heading, str) for _, heading in rows):
        raise ValueError("a section without a heading")
    return tuple((start, heading) for start, heading in rows)


def _sentences(rows: Any, last: int, end: int) -> tuple[Span, ...]:
    if not (isinstance(rows, list) and all(_is_pair(row) and all(map(_is_count, row)) for row in rows)):
        raise ValueError("no sentences")
    for first, stop in rows:
        if not last <= first < stop <= end:
            raise ValueError("a sentence out of bounds")
        last = stop
    return tuple((first, stop) for first, stop in rows)


def _is_pair(row: Any) -> TypeGuard[list[Any]]:
    return isinstance(row, list) and len(row) == 2


def _is_page(value: Any) -> bool:
    return value is None or (_is_count(value) and value > 0)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
