"""Cut a document into chunks that the embedder can read whole (pure).

A chunk is a stretch of neighbouring blocks: `text[start:end]` is its body, exactly. It never crosses a page, begins
anew at a heading once it is long enough to stand alone, and carries a prefix (title, heading path, header of the table
it begins in) that is searched but never quoted. Body and prefix together fit the embedder's limit; what is longer is
split at sentences, then at words.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from indexer.documents.extract.document import LONGEST_HEADING, Block, ExtractedDocument
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

LONGEST_PATH = 600
"""Characters of a heading path as it is kept for each section, its end: a chunk may hold a hundred short sections."""
STRETCH = 100_000
"""Characters of a long block in which sentences are looked for at once; ordinary paragraphs have 500."""
MANY_TICKS, TICKED_STRETCH = 1_000, 10_000
"""Backticks in a stretch from which it is this short: the library takes time quadratic in them, 3 s for 100,000."""
SLOW_TRIES = 4
"""Times that a piece is made shorter by as little as it seems to need, before it is halved each time."""

TokenOffsets = Callable[[str], Sequence[Span]]
"""Spans of a text's word pieces, without special tokens."""


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """A chunk before it has a vector. `sentences` are spans of the document's text, inside `[start, end)`, in order."""

    prefix: str
    sections: tuple[tuple[int, str], ...]  # (code point from which, heading path) of what it holds
    page: int | None
    start: int
    end: int
    sentences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
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
    """Chunks in order; `limit` is in tokens, special tokens not counted. Every block that is no heading is in one.

    The work is linear in the text: `offsets` is given at most eight times the document's characters, and for each
    chunk five times what a prefix may hold, in stretches of at most `limit` times CHARACTERS_PER_TOKEN.
    """
    chunker = _Chunker(document, offsets, limit)
    for unit in _units(document, offsets, limit):
        chunker.feed(unit)
    return chunker.finish()


class _Chunker:
    """Gathers units into the chunk that is open, and closes it where the next unit has no place in it."""

    def __init__(self, document: ExtractedDocument, offsets: TokenOffsets, limit: int) -> None:
        self._document = document
        self._offsets = offsets
        self._limit = limit
        self._prefixes = _Prefixes(document, offsets, limit)
        self._drafts: list[ChunkDraft] = []
        self._open: list[_Unit] = []
        self._used = 0  # tokens of the open chunk's body
        self._room = 0  # tokens that it may have

    def feed(self, unit: _Unit) -> None:
        waiting = [unit]  # the next one last
        while waiting:
            unit = waiting.pop()
            if self._open and self._breaks(unit):
                waiting += [unit, *reversed(self._close())]
            else:
                self._put(unit)

    def finish(self) -> list[ChunkDraft]:
        while self._open:
            for unit in self._close():
                self.feed(unit)
        return self._drafts

    def _breaks(self, unit: _Unit) -> bool:
        """Whether a new chunk begins with this unit."""
        return (
            self._used + unit.gap + unit.tokens > self._room
            or unit.page != self._open[0].page
            or (unit.opens_section and self._used >= STANDS_ALONE)
        )

    def _put(self, unit: _Unit) -> None:
        if self._open:
            self._used += unit.gap + unit.tokens
        else:
            self._used, self._room = unit.tokens, self._limit - self._prefixes.of(unit)[1]
        self._open.append(unit)

    def _close(self) -> list[_Unit]:
        """Make a chunk of the open units; those that it has no room for."""
        units, self._open = self._open, []
        held = self._held(units)
        self._drafts.append(_draft(self._document, units[:held], self._prefixes))
        return units[held:]

    def _held(self, units: list[_Unit]) -> int:
        """How many of the units fit together. The halves of a cut word, joined again, may be more word pieces than
        apart: where no white space stands between two units the chunk is counted as a whole."""
        if all(before.end < after.start for before, after in pairwise(units)) or self._fits(units, len(units)):
            return len(units)
        fits, fails = 1, len(units)
        while fails - fits > 1:
            middle = (fits + fails) // 2
            if self._fits(units, middle):
                fits = middle
            else:
                fails = middle
        return fits

    def _fits(self, units: list[_Unit], count: int) -> bool:
        return len(self._offsets(self._document.text[units[0].start : units[count - 1].end])) <= self._room


class _Prefixes:
    """What is searched together with a unit. Neighbours mostly have the same, which is then made and counted once."""

    def __init__(self, document: ExtractedDocument, offsets: TokenOffsets, limit: int) -> None:
        self._text = document.text
        self._title = document.title
        self._folded_title = document.title.casefold()
        self._offsets = offsets
        self._tokens = limit // PREFIX_SHARE  # that a prefix may have
        self._characters = self._tokens * CHARACTERS_PER_TOKEN  # the same
        self._last: tuple[tuple[str, ...], Span | None] | None = None
        self._made = ("", 0)

    def of(self, unit: _Unit) -> tuple[str, int]:
        """The prefix and its tokens: title and heading path on the first line, the table's header on the second, cut to
        their share of the limit."""
        if self._last != (unit.path, unit.table_header):
            self._last = (unit.path, unit.table_header)
            self._made = self._make(unit)
        return self._made

    def below_title(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return path[1:] if path and path[0].casefold() == self._folded_title else path

    def _make(self, unit: _Unit) -> tuple[str, int]:
        read = self._characters + 1  # what stands behind is cut off in any case
        lines = [HEADING_SEPARATOR.join([self._title[:read], *self.below_title(unit.path)]).strip()]
        if unit.table_header is not None:
            start, end = unit.table_header
            lines.append(self._text[start : min(end, start + read)])
        prefix = "\n".join(line for line in lines if line)[:read]
        tokens = len(self._offsets(prefix))
        if tokens <= self._tokens and len(prefix) <= self._characters:
            return prefix, tokens
        start, end, _ = next(_cut_at_words(prefix, 0, len(prefix), self._offsets, self._tokens))
        return prefix[start:end], len(self._offsets(prefix[start:end]))


def _units(document: ExtractedDocument, offsets: TokenOffsets, limit: int) -> Iterator[_Unit]:
    path: list[tuple[int, str]] = []
    table_header: Span | None = None
    opens, follows_header = True, False
    gap = 0
    for block, following in zip_longest(document.blocks, document.blocks[1:]):
        if block.kind == "heading":
            words = document.text[block.start : min(block.end, block.start + LONGEST_HEADING)]
            path = [(level, words) for level, words in path if level < block.level] + [(block.level, words)]
            lonely = following is None or (following.kind == "heading" and following.level <= block.level)
            opens, table_header = True, None
            if not lonely:
                gap += _heading_weight(document.text, block, offsets, limit)
                continue
        if block.kind == "header":
            table_header = (table_header[0] if table_header and follows_header else block.start, block.end)
        elif block.kind != "row":
            table_header = None
        follows_header = block.kind == "header"
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
        yield from _split(document.text, block, where, offsets, limit)
        opens, gap = False, 0


def _heading_weight(text: str, heading: Block, offsets: TokenOffsets, limit: int) -> int:
    """Of a heading that stands between two units; one that no chunk has room for is not counted."""
    characters = heading.end - heading.start
    if characters > limit * CHARACTERS_PER_TOKEN:
        return limit
    return _weight(len(offsets(text[heading.start : heading.end])), characters)


def _split(text: str, block: Block, where: _Unit, offsets: TokenOffsets, limit: int) -> Iterator[_Unit]:
    """The block as one unit where it fits beside the longest prefix, else as pieces at sentences, else at words."""
    room = limit - limit // PREFIX_SHARE
    if block.end - block.start <= room * CHARACTERS_PER_TOKEN:
        tokens = len(offsets(text[block.start : block.end]))
        if tokens <= room:
            weight = _weight(tokens, block.end - block.start)
            yield replace(where, tokens=weight, sentences=_sentences(text, block))
            return
    first = True
    for start, end in _long_sentences(text, block):
        for piece_start, piece_end, count in _cut_at_words(text, start, end, offsets, room):
            yield replace(
                where,
                start=piece_start,
                end=piece_end,
                tokens=count,
                sentences=((piece_start, piece_end),),
                opens_section=where.opens_section and first,
                gap=where.gap if first else 0,
            )
            first = False


def _long_sentences(text: str, block: Block) -> Iterator[Span]:
    """Sentences of a block of any length, found in stretches of it: finding them takes many times a text's memory."""
    start = block.start
    while start < block.end:
        many = text.count("`", start, start + STRETCH) > MANY_TICKS
        stop = min(block.end, start + (TICKED_STRETCH if many else STRETCH))
        if stop < block.end:
            stop = _space_before(text, start, stop)
        yield from sentence_spans(text, start, stop)
        start = stop


def _sentences(text: str, block: Block) -> tuple[Span, ...]:
    if block.kind == "heading":
        return ()
    if block.kind in ("row", "header", "code"):
        return ((block.start, block.end),)
    return tuple(sentence_spans(text, block.start, block.end))


def _cut_at_words(text: str, start: int, end: int, offsets: TokenOffsets, room: int) -> Iterator[tuple[int, int, int]]:
    """Stretches [start, end) of at most `room` tokens, with their weights, cut at white space where there is any."""
    while start < end:
        stop, tokens = _piece(text, start, end, offsets, room)
        piece = text[start:stop]
        inside = piece.strip()
        if inside:
            begin = start + len(piece) - len(piece.lstrip())
            yield begin, begin + len(inside), _weight(tokens, len(inside))
        start = stop


def _piece(text: str, start: int, end: int, offsets: TokenOffsets, room: int) -> tuple[int, int]:
    """Where a piece of at most `room` tokens ends that begins at `start`, and how many it has.

    It is counted by itself: a word cut in two may have more word pieces than it had whole, and the piece shrinks until
    it fits, slowly at first.
    """
    stop, tokens = _window(text, start, end, offsets, room)
    tries = 0
    while len(tokens) > room and stop > start + 1:
        cut = start + tokens[room][0]
        stop = max(start + 1, min(_space_before(text, start, cut), stop - 1))
        tries += 1
        if tries > SLOW_TRIES:
            stop = start + max(1, (stop - start) // 2)
        tokens = offsets(text[start:stop])
    return stop, len(tokens)


def _window(text: str, start: int, end: int, offsets: TokenOffsets, room: int) -> tuple[int, Sequence[Span]]:
    """A stretch from `start` that is as long as a piece may be, or shorter where that has more tokens than `room`, and
    its tokens. Most pieces are far shorter: a quarter is looked at first. Where it ends inside a word, only its first
    half is what it would be in a longer stretch."""
    longest = room * CHARACTERS_PER_TOKEN
    for length in (longest // 4, longest // 2, longest):
        stop = min(end, start + length)
        if stop < end:
            stop = _space_before(text, start, stop)
        tokens = offsets(text[start:stop])
        if stop == end:
            break
        if len(tokens) > room and (text[stop].isspace() or 2 * tokens[room][0] <= stop - start):
            break
    return stop, tokens


def _weight(tokens: int, characters: int) -> int:
    """What a unit takes of a chunk's room, in tokens."""
    return max(tokens, -(-characters // CHARACTERS_PER_TOKEN))


def _space_before(text: str, start: int, stop: int) -> int:
    """The last white space in the second half of [start, stop], or `stop` where there is none."""
    space = max(text.rfind(" ", start + 1, stop + 1), text.rfind("\n", start + 1, stop + 1))
    return space if space > start + (stop - start) // 2 else stop


def _draft(document: ExtractedDocument, units: list[_Unit], prefixes: "_Prefixes") -> ChunkDraft:
    first = units[0]
    return ChunkDraft(
        prefix=prefixes.of(first)[0],
        sections=_sections(units, prefixes),
        page=first.page,
        start=first.start,
        end=units[-1].end,
        sentences=tuple(span for unit in units for span in unit.sentences),
    )


def _sections(units: list[_Unit], prefixes: "_Prefixes") -> tuple[tuple[int, str], ...]:
    sections: list[tuple[int, str]] = []
    path: tuple[str, ...] | None = None
    for unit in units:
        if unit.path == path:
            continue
        path = unit.path
        heading = HEADING_SEPARATOR.join(prefixes.below_title(path))
        if len(heading) > LONGEST_PATH:
            heading = f"…{heading[1 - LONGEST_PATH :]}"
        if not sections or heading != sections[-1][1]:
            sections.append((unit.start, heading))
    return tuple(sections)
