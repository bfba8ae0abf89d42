"""Documents and failures as JSON, and back. What comes back is checked field by field: it is not trusted."""

from typing import Any

from indexer.documents.extract.document import KINDS, Block, ExtractedDocument
from indexer.errors import FileError, NeedsOcr, UnreadableFile, UnsupportedFile

_ERRORS = {error.state: error for error in (UnsupportedFile, UnreadableFile, NeedsOcr)}


def document_to_message(document: ExtractedDocument) -> dict[str, Any]:
    return {
        "title": document.title,
        "text": document.text,
        "blocks": [[KINDS.index(b.kind), b.start, b.end, b.level, b.page] for b in document.blocks],
        "pages": document.pages,
        "remarks": document.remarks,
    }


def error_to_message(error: FileError) -> dict[str, Any]:
    return {"state": error.state, "what": error.what, "advice": error.advice}


def read_message(message: dict[str, Any]) -> ExtractedDocument:
    """The document, or the FileError that the message stands for, raised. Raises ValueError where it is neither."""
    if "state" in message:
        kind = _ERRORS.get(str(message["state"]))
        what, advice = message.get("what"), message.get("advice")
        if kind is None or not isinstance(what, str) or not isinstance(advice, str):
            raise ValueError("an unknown failure")
        raise kind(what, advice)
    title, text, pages = message.get("title"), message.get("text"), message.get("pages")
    blocks, remarks = message.get("blocks"), message.get("remarks")
    if not (isinstance(title, str) and isinstance(text, str) and isinstance(blocks, list)):
        raise ValueError("no document")
    if not (isinstance(remarks, list) and all(isinstance(remark, str) for remark in remarks)):
        raise ValueError("no remarks")
    if not (pages is None or _is_count(pages)):
        raise ValueError("no number of pages")
    return ExtractedDocument(title, text, _blocks(blocks, len(text)), pages, tuple(remarks))


def _blocks(rows: list[Any], length: int) -> tuple[Block, ...]:
    blocks = []
    last = 0
    for row in rows:
        if not (isinstance(row, list) and len(row) == 5 and all(map(_is_count, row[:4]))):
            raise ValueError("no block")
        kind, start, end, level, page = row
        if not (kind < len(KINDS) and last <= start < end <= length and level <= 100):
            raise ValueError("a block out of bounds")
        if not (page is None or (_is_count(page) and page > 0)):
            raise ValueError("a block on no page")
        blocks.append(Block(KINDS[kind], start, end, level, page))
        last = end
    return tuple(blocks)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
