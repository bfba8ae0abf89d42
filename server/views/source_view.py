"""A document's stored text as blocks to show, with one stretch of it highlighted at exact code points (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from indexer.documents.extract.document import Block

WINDOW = 20_000  # characters shown before "show more"; a screenful is about 2,000
CELL = " | "

GroupKind = Literal["block", "list", "table"]


class TextSpan(NamedTuple):
    """A stretch of words; `anchor` is the first one that is highlighted."""

    words: str
    marked: bool = False
    anchor: bool = False


@dataclass(frozen=True)
class ShownBlock:
    """A heading, paragraph, code block, list item (with its depth), or table row (with its cells)."""

    kind: str
    level: int
    segments: tuple[TextSpan, ...] = ()
    cells: tuple[tuple[TextSpan, ...], ...] = ()
    page: int | None = None  # where a new page begins with this block


@dataclass(frozen=True)
class Group:
    """Neighbouring blocks that stand in one element: the items of a list, the rows of a table."""

    kind: GroupKind
    blocks: tuple[ShownBlock, ...]


@dataclass(frozen=True)
class Window:
    """The blocks [first, last) of a document, of `total`."""

    groups: tuple[Group, ...]
    first: int
    last: int
    total: int


def window(
    text: str, blocks: Sequence[Block], start: int, end: int, first: int | None = None, last: int | None = None
) -> Window:
    """Blocks around the highlight [start, end), or exactly the blocks [first, last) where both are given."""
    if not blocks:
        blocks = (Block("paragraph", 0, len(text)),)
    if first is None or last is None:
        first, last = _around(blocks, start, end)
    first, last = max(0, min(first, len(blocks))), max(0, min(last, len(blocks)))
    page = blocks[first - 1].page if first else None
    shown = []
    header = _header_over(blocks, first)
    if header is not None:
        shown.append(_shown(text, header, 0, 0, page))
    for block in blocks[first:last]:
        shown.append(_shown(text, block, start, end, page))
        page = block.page
    return Window(tuple(_grouped(shown)), first, last, len(blocks))


def grown(blocks: Sequence[Block], first: int, last: int) -> tuple[int, int]:
    """The first block of the window before `first`, and the end of the window after `last`."""
    return _reach(blocks, first, -1, WINDOW), _reach(blocks, last, 1, WINDOW)


def find_quote(text: str, quote: str, start: int) -> int | None:
    """Where `quote` stands in `text`: at `start` if it still does, otherwise at the nearest place, or None."""
    if not quote:
        return None
    if text[start : start + len(quote)] == quote:
        return start
    before = text.rfind(quote, 0, max(0, start) + len(quote))
    after = text.find(quote, max(0, start))
    places = [place for place in (before, after) if place >= 0]
    return min(places, key=lambda place: abs(place - start)) if places else None


def _header_over(blocks: Sequence[Block], first: int) -> Block | None:
    """The names of the columns, where the window begins in the middle of a table."""
    if first >= len(blocks) or blocks[first].kind != "row":
        return None
    above = next((block for block in reversed(blocks[:first]) if block.kind != "row"), None)
    return above if above is not None and above.kind == "header" else None


def _around(blocks: Sequence[Block], start: int, end: int) -> tuple[int, int]:
    touched = [i for i, block in enumerate(blocks) if block.start < end and start < block.end]
    first, last = (touched[0], touched[-1] + 1) if touched else (0, 0)
    before = _reach(blocks, first, -1, WINDOW // 2)
    return before, _reach(blocks, last, 1, WINDOW // 2 if before else WINDOW)


def _reach(blocks: Sequence[Block], edge: int, step: int, characters: int) -> int:
    """The edge moved outwards over whole blocks of about `characters` in sum, by one at least."""
    while characters > 0 and 0 <= edge + min(step, 0) < len(blocks):
        block = blocks[edge + min(step, 0)]
        characters -= block.end - block.start
        edge += step
    return edge


def _shown(text: str, block: Block, start: int, end: int, page: int | None) -> ShownBlock:
    new_page = block.page if block.page != page else None
    if block.kind not in ("header", "row"):
        segments = _segments(text, block.start, block.end, start, end)
        return ShownBlock(block.kind, block.level, segments, (), new_page)
    cells, at = [], block.start
    for cell in text[block.start : block.end].split(CELL):
        cells.append(_segments(text, at, at + len(cell), start, end))
        at += len(cell) + len(CELL)
    return ShownBlock(block.kind, block.level, (), tuple(cells), new_page)


def _segments(text: str, first: int, last: int, start: int, end: int) -> tuple[TextSpan, ...]:
    """The code points [first, last) of `text`, apart where the highlight [start, end) begins and ends."""
    low, high = max(start, first), min(end, last)
    if low >= high:
        return (TextSpan(text[first:last]),)
    begins = not text[start:low].strip(" |\n")  # nothing visible of the highlight stands before
    parts = (TextSpan(text[first:low]), TextSpan(text[low:high], True, begins), TextSpan(text[high:last]))
    return tuple(part for part in parts if part.words)


_GROUPS: dict[str, GroupKind] = {"item": "list", "header": "table", "row": "table"}


def _grouped(blocks: Sequence[ShownBlock]) -> list[Group]:
    groups: list[Group] = []
    for block in blocks:
        kind: GroupKind = _GROUPS.get(block.kind, "block")
        same = groups and kind != "block" and groups[-1].kind == kind and block.kind != "header" and block.page is None
        if same:
            groups[-1] = Group(kind, (*groups[-1].blocks, block))
        else:
            groups.append(Group(kind, (block,)))
    return groups
