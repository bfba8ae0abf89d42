"""Where the words of a text stand on their pages, kept in about a byte a code point (pure).

Coordinates are those of the page as it is shown, turned and cropped: in units of the page (points, unless the page has
a unit of its own), from its upper left corner to the right and downwards, in steps of 1/8. On a page that is shown at
`scale` pixels a point, the box `(x0, y0, x1, y1)` lies at `left: x0 * scale; top: y0 * scale`.

The kept form is a row of parts, so that a few words can be looked up without reading all: each says how many code
points it reaches over and how many bytes it has, and holds its runs, columns of numbers of seven bits a byte, packed
with zlib.
"""

import operator
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

STEP = 1 / 8
_PART = 1 << 14  # code points after which another part begins: some 5 ms to unpack
_LONGEST = 64 * _PART  # bytes of a part that are unpacked: more is no part of ours
_VERTICAL, _BACK, _SHARED = 1, 2, 4
_ONE_LINE = 0.5  # of the lower box: boxes that share so much of their height stand on one line
_APART = 2.0  # of the height: what stands farther apart on a line are cells of a table

Area = tuple[int, float, float, float, float]  # page from 1, x0, y0, x1, y1


@dataclass(frozen=True, slots=True)
class Run:
    """Code points `[start, start + length)` side by side on one line of a page, all numbers in steps.

    They stand between `low` and `high` across the line; code point i reaches from `edges[i]` to `edges[i + 1]` along
    it, and edges only grow or only shrink. With two edges for several code points all have the same box: what was typed
    into a field, a sign that is read as "[x]".
    """

    start: int
    length: int
    page: int
    is_vertical: bool  # the line runs up or down the page: `low` and `high` count from the left, edges from the top
    low: int
    high: int
    edges: tuple[int, ...]

    def area(self, first: int, end: int) -> Area:
        """The box of code points `[first, end)`, which are some of the run's."""
        if len(self.edges) != self.length + 1:
            first, end = 0, 1
        else:
            first, end = first - self.start, end - self.start
        low, high = sorted((self.edges[first] * STEP, self.edges[end] * STEP))
        across = (self.low * STEP, self.high * STEP)
        (x0, x1), (y0, y1) = (across, (low, high)) if self.is_vertical else ((low, high), across)
        return self.page, x0, y0, x1, y1


def encode(runs: Iterable[Run]) -> bytes:
    """Runs in the order of their start, apart; `decode` is the exact inverse."""
    kept: list[bytes] = []
    part: list[Run] = []
    begun = reached = 0
    for run in runs:
        part.append(run)
        reached = run.start + run.length
        if reached - begun >= _PART:
            kept.append(_packed(part, begun))
            part, begun = [], reached
    if part:
        kept.append(_packed(part, begun))
    return b"".join(kept)


def decode(kept: bytes, start: int = 0, end: int | None = None) -> Iterator[Run]:
    """The runs that hold some of the code points `[start, end)`. Raises ValueError for what `encode` has not made."""
    at = begun = 0
    while at < len(kept) and (end is None or begun < end):
        reach, at = _number(kept, at)
        size, at = _number(kept, at)
        if begun + reach > start:
            for run in _unpacked(kept[at : at + size], begun):
                if run.start + run.length > start and (end is None or run.start < end):
                    yield run
        at += size
        begun += reach


def areas(kept: bytes, start: int, end: int) -> list[Area]:
    """The boxes of code points `[start, end)` in their order, one for each line that they stand on; cells of a table
    row have boxes of their own. Raises ValueError for what `encode` has not made."""
    found: list[Area] = []
    was_vertical = False
    for run in decode(kept, start, end):
        area = run.area(max(start, run.start), min(end, run.start + run.length))
        if found and was_vertical == run.is_vertical and _are_on_one_line(found[-1], area, was_vertical):
            page, x0, y0, x1, y1 = found.pop()
            area = (page, min(x0, area[1]), min(y0, area[2]), max(x1, area[3]), max(y1, area[4]))
        found.append(area)
        was_vertical = run.is_vertical
    return found


def _are_on_one_line(one: Area, other: Area, is_vertical: bool) -> bool:
    along, across = (2, 1) if is_vertical else (1, 2)
    low, high = max(one[across], other[across]), min(one[across + 2], other[across + 2])
    height = min(one[across + 2] - one[across], other[across + 2] - other[across])
    gap = max(other[along] - one[along + 2], one[along] - other[along + 2])
    return one[0] == other[0] and high - low >= _ONE_LINE * height and gap <= _APART * height


def _packed(runs: Sequence[Run], begun: int) -> bytes:
    heads: list[int] = [len(runs)]
    steps: list[int] = []
    end, page, low, first = begun, 0, 0, 0
    for run in runs:
        is_back, is_shared = run.edges[-1] < run.edges[0], len(run.edges) != run.length + 1
        flags = _VERTICAL * run.is_vertical + _BACK * is_back + _SHARED * is_shared
        heads += (run.start - end, run.length, flags)
        heads += (_folded(run.page - page), _folded(run.low - low), run.high - run.low, _folded(run.edges[0] - first))
        before, after = run.edges[:-1], run.edges[1:]
        steps += map(operator.sub, before, after) if is_back else map(operator.sub, after, before)
        end, page, low, first = run.start + run.length, run.page, run.low, run.edges[0]
    packed = zlib.compress(_bytes(heads) + _bytes(steps), 6)
    return _bytes([end - begun, len(packed)]) + packed


def _unpacked(packed: bytes, begun: int) -> Iterator[Run]:
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, _LONGEST)
    except zlib.error as error:
        raise ValueError("damaged boxes") from error
    numbers = iter(_numbers(data))
    try:
        heads = [[next(numbers) for _ in range(7)] for _ in range(next(numbers))]
        end, page, low, first = begun, 0, 0, 0
        for gap, length, flags, *moves in heads:
            start, page, low = end + gap, page + _unfolded(moves[0]), low + _unfolded(moves[1])
            first += _unfolded(moves[3])
            sign = -1 if flags & _BACK else 1
            count = 1 if flags & _SHARED else length
            edges = tuple(accumulate((sign * next(numbers) for _ in range(count)), initial=first))
            yield Run(start, length, page, bool(flags & _VERTICAL), low, low + moves[2], edges)
            end = start + length
    except (StopIteration, RuntimeError) as error:
        raise ValueError("damaged boxes") from error


def _folded(number: int) -> int:
    """Whole numbers as those from 0."""
    return 2 * number if number >= 0 else -2 * number - 1


def _unfolded(number: int) -> int:
    return number >> 1 if number % 2 == 0 else -(number + 1 >> 1)


def _bytes(numbers: Sequence[int]) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte of a number have the eighth set."""
    if max(numbers, default=0) < 0x80:
        return bytes(numbers)
    written = bytearray()
    for number in numbers:
        while number >= 0x80:
            written.append(number & 0x7F | 0x80)
            number >>= 7
        written.append(number)
    return bytes(written)


def _numbers(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        if byte < 0x80 and not shift:
            yield byte
            continue
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0


def _number(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it."""
    number = shift = 0
    while at < len(data):
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise ValueError("damaged boxes")
