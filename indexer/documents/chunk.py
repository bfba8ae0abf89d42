"""Cut a document into chunks that the embedder can read whole (pure).

A chunk is a stretch of neighbouring blocks: `text[start:end]` is its body, exactly. It never crosses a page, begins
anew at a heading once it is long enough to stand alone, and carries a prefix (title, heading path, header of the table
it begins in) that is searched but never quoted. Body and prefix together fit the embedder's limit; what is longer is
split at sentences, then at words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.text.sentences import Span, sentence_spans

VERSION = "1"
"""Raised whenever the same document would be cut differently, so that an older index asks to be rebuilt."""

HEADING_SEPARATOR = " › "
STANDS_ALONE = 64
"""Tokens after which a heading begins a new chunk; shorter sections join the next one."""
PREFIX_SHARE = 4
"""The prefix takes at most one part in this many of the limit."""
CHARACTERS_PER_TOKEN = 12
"""Words that no vocabulary holds count as one token however long they are; this keeps a chunk of them readable."""

TokenOffsets = Callable[[str], Sequence[Span]]
"""Spans of a text's word pieces, without special tokens."""


@dataclass(frozen=True)
class ChunkDraft:
    """A chunk before it has a vector. `sentences` are spans of the document's text, inside `[start, end)`, in order."""

    prefix: str
    sections: tuple[tuple[int, str], ...]  # (code point from which, heading path) of what it holds
    page: int | None
    start: int
    end: int
    sentences: tuple[Span, ...]


@dataclass(frozen=True)
class _Unit:
    """The smallest thing that is never cut further: a block that fits, or a piece of one that does not."""

    start: int
    end: int
    tokens: int  # or more, see `_weight`
    page: int | None
    path: tuple[str, ...]
    table_header: Span | None
    sentences: tuple[Span, ...]
    opens_section: bool = False
    gap: int = 0  # tokens of the headings between the unit before and this one


def chunk_document(document: ExtractedDocument, offsets: TokenOffsets, limit: int) -> list[ChunkDraft]:
    """Chunks in order; `limit` is in tokens, special tokens not counted. Every block that is no heading is in one."""
    units = _units(document, offsets, limit)
    drafts: list[ChunkDraft] = []
    open_units: list[_Unit] = []
    room = limit
    for unit in units:
        used = sum(u.tokens for u in open_units) + sum(u.gap for u in open_units[1:])
        breaks = open_units and (
            used + unit.gap + unit.tokens > room
            or (_cuts_a_word(open_units, unit) and len(offsets(document.text[open_units[0].start : unit.end])) > room)
            or unit.page != open_units[0].page
            or (unit.opens_section and used >= STANDS_ALONE)
        )
        if breaks:
            drafts.append(_draft(document, open_units, offsets, limit))
            open_units = []
        if not open_units:
            room = limit - len(offsets(_prefix(document, unit, offsets, limit)))
        open_units.append(unit)
    if open_units:
        drafts.append(_draft(document, open_units, offsets, limit))
    return drafts


def _cuts_a_word(units: list[_Unit], following: _Unit) -> bool:
    """Whether no white space stands between: joined again, such halves may be more word pieces than apart."""
    return units[-1].end == following.start


def _units(document: ExtractedDocument, offsets: TokenOffsets, limit: int) -> list[_Unit]:
    units: list[_Unit] = []
    path: list[tuple[int, str]] = []
    table_header: Span | None = None
    opens = True
    gap = 0
    for block, following in zip_longest(document.blocks, document.blocks[1:]):
        text = document.text[block.start : block.end]
        if block.kind == "heading":
            path = [(level, words) for level, words in path if level < block.level] + [(block.level, text)]
            lonely = following is None or (following.kind == "heading" and following.level <= block.level)
            opens, table_header = True, None
            if not lonely:
                gap += _weight(len(offsets(text)), len(text))
                continue
        if block.kind == "header":
            table_header = (block.start, block.end)
        elif block.kind != "row":
            table_header = None
        where = _Unit(
            start=block.start,
            end=block.end,
            tokens=0,
            page=block.page,
            path=tuple(words for _, words in path),
            table_header=table_header if block.kind == "row" else None,
            sentences=(),
            opens_section=opens,
            gap=gap,
        )
        units.extend(_split(document.text, block, where, offsets, limit))
        opens, gap = False, 0
    return units


def _split(text: str, block: Block, where: _Unit, offsets: TokenOffsets, limit: int) -> list[_Unit]:
    """The block as one unit where it fits beside the longest prefix, else as pieces at sentences, else at words."""
    room = limit - limit // PREFIX_SHARE
    if block.end - block.start <= room * CHARACTERS_PER_TOKEN:
        tokens = len(offsets(text[block.start : block.end]))
        if tokens <= room:
            weight = _weight(tokens, block.end - block.start)
            return [replace(where, tokens=weight, sentences=_sentences(text, block))]
    pieces: list[_Unit] = []
    for start, end in sentence_spans(text, block.start, block.end):
        for piece_start, piece_end, count in _cut_at_words(text, start, end, offsets, room):
            pieces.append(
                replace(
                    where,
                    start=piece_start,
                    end=piece_end,
                    tokens=count,
                    sentences=((piece_start, piece_end),),
                    opens_section=where.opens_section and not pieces,
                    gap=0 if pieces else where.gap,
                )
            )
    return pieces


def _sentences(text: str, block: Block) -> tuple[Span, ...]:
    if block.kind == "heading":
        return ()
    if block.kind in ("row", "header", "code"):
        return ((block.start, block.end),)
    return tuple(sentence_spans(text, block.start, block.end))


def _cut_at_words(text: str, start: int, end: int, offsets: TokenOffsets, room: int) -> list[tuple[int, int, int]]:
    """Stretches [start, end) of at most `room` tokens, with their weights, cut at white space where there is any.

    Each is counted by itself: a word cut in two may have more word pieces than it had whole.
    """
    pieces: list[tuple[int, int, int]] = []
    while start < end:
        stop = min(end, start + room * CHARACTERS_PER_TOKEN)
        if stop < end:
            stop = _space_before(text, start, stop)
        while len(tokens := offsets(text[start:stop])) > room and stop > start + 1:
            cut = start + tokens[room][0]
            stop = max(start + 1, min(_space_before(text, start, cut), stop - 1))
        piece = text[start:stop]
        inside = piece.strip()
        if inside:
            begin = start + len(piece) - len(piece.lstrip())
            pieces.append((begin, begin + len(inside), _weight(len(tokens), len(inside))))
        start = stop
    return pieces


def _weight(tokens: int, characters: int) -> int:
    """What a unit takes of a chunk's room, in tokens."""
    return max(tokens, -(-characters // CHARACTERS_PER_TOKEN))


def _space_before(text: str, start: int, stop: int) -> int:
    """The last white space in the second half of [start, stop], or `stop` where there is none."""
    space = max(text.rfind(" ", start + 1, stop + 1), text.rfind("\n", start + 1, stop + 1))
    return space if space > start + (stop - start) // 2 else stop


def _draft(document: ExtractedDocument, units: list[_Unit], offsets: TokenOffsets, limit: int) -> ChunkDraft:
    first = units[0]
    return ChunkDraft(
        prefix=_prefix(document, first, offsets, limit),
        sections=_sections(document, units),
        page=first.page,
        start=first.start,
        end=units[-1].end,
        sentences=tuple(span for unit in units for span in unit.sentences),
    )


def _sections(document: ExtractedDocument, units: list[_Unit]) -> tuple[tuple[int, str], ...]:
    sections: list[tuple[int, str]] = []
    for unit in units:
        heading = HEADING_SEPARATOR.join(_below_title(document, unit.path))
        if not sections or heading != sections[-1][1]:
            sections.append((unit.start, heading))
    return tuple(sections)


def _prefix(document: ExtractedDocument, unit: _Unit, offsets: TokenOffsets, limit: int) -> str:
    """Title and heading path on the first line, the table's header on the second, cut to its share of the limit."""
    lines = [HEADING_SEPARATOR.join([document.title, *_below_title(document, unit.path)]).strip()]
    if unit.table_header is not None:
        lines.append(document.text[slice(*unit.table_header)])
    prefix = "\n".join(line for line in lines if line)
    tokens = offsets(prefix)
    share = limit // PREFIX_SHARE
    if len(tokens) <= share and len(prefix) <= share * CHARACTERS_PER_TOKEN:
        return prefix
    return prefix[slice(*_cut_at_words(prefix, 0, len(prefix), offsets, share)[0][:2])]


def _below_title(document: ExtractedDocument, path: tuple[str, ...]) -> tuple[str, ...]:
    return path[1:] if path and path[0].casefold() == document.title.casefold() else path
