"""Where the characters of a PDF page stand on the page as it is shown. They are numbered as lines are made of them, so
that the text that comes of the lines in the end can be told where it stands."""

import math
import operator
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from indexer.documents.extract.boxes import STEP, Run
from indexer.documents.extract.pdf.characters import Box, Character, turned
from indexer.documents.extract.traced import NOWHERE, Traced

_MOST = 0x10FFFF  # characters of a page that can be numbered; those beyond stand nowhere
_DESCENT, _ASCENT = -0.25, 0.85  # of the font size, where what the font says cannot be
_LEAST_HEIGHT, _MOST_HEIGHT = 0.3, 1.6  # of the font size: fonts say nothing beyond
_BACK = 0.3  # of the height of a line: closely set letters begin that much before those in front of them

NO_SPAN = (-math.inf, -math.inf)  # of a space between words that do not stand side by side

_Way = tuple[bool, float, float, float, float]
"""How text of one direction lies on the page as it is shown: whether it runs up or down, where 0 along the line is and
which way the line runs (1 or -1), and the same across."""


class _Numbers:
    """Strings of consecutive numbers, cut out of one that grows to the longest page."""

    def __init__(self) -> None:
        self._known = NOWHERE

    def of(self, first: int, count: int) -> str:
        if first + count > len(self._known) <= _MOST:
            more = min(max(2 * len(self._known), first + count), _MOST + 1)
            self._known += "".join(map(chr, range(len(self._known), more)))
        return self._known[first : first + count].ljust(count, NOWHERE)


_NUMBERS = _Numbers()


class Sheet:
    """One page. `box` is what is shown of it; `rotation`, by which it is turned then, in degrees with the clock."""

    def __init__(self, page: int, box: Box, rotation: int) -> None:
        self.page = page
        self._box, self._rotation = box, rotation
        self._lefts, self._rights = array("f"), array("f")  # of each number, along its line
        self._starts: list[int] = []  # the first number of each strip
        self._strips: list[tuple[_Way, float, float]] = []  # how each lies, and between where across
        self._ways: dict[int, _Way] = {}

    def line(self, text: str, spans: Sequence[tuple[float, float]], main: Character, direction: int) -> Traced:
        """The text of a line, each code point of which reaches over one of the spans; `main` is its largest
        character."""
        first = len(self._lefts) + 1
        self._strip(direction, *_across(main, direction))
        self._lefts.extend([left for left, _ in spans])
        self._rights.extend([right for _, right in spans])
        return Traced(text, _NUMBERS.of(first, len(text)))

    def slanted(self, text: str, boxes: Sequence[Box | None]) -> Traced:
        """The same of text that is neither level nor upright: each code point has a box, or none."""
        return Traced(text, "".join(NOWHERE if box is None else self._spot(box) for box in boxes))

    def whole(self, text: str, box: Box) -> Traced:
        """A text all of which stands in a box, nobody knows where."""
        return Traced(text, self._spot(box) * len(text))

    def _spot(self, box: Box) -> str:
        left, bottom, right, top = box
        self._strip(0, bottom, top)
        self._lefts.append(left)
        self._rights.append(right)
        return _NUMBERS.of(len(self._lefts), 1)

    def _strip(self, direction: int, low: float, high: float) -> None:
        self._starts.append(len(self._lefts) + 1)
        self._strips.append((self._way(direction), low, high))

    def _way(self, direction: int) -> _Way:
        if direction not in self._ways:
            back = (-direction) % 360
            x, y = self._shown(0, 0)
            along, across = (self._shown(*turned(*point, back)) for point in ((1, 0), (0, 1)))
            if along[0] == x:
                self._ways[direction] = (True, y, along[1] - y, x, across[0] - x)
            else:
                self._ways[direction] = (False, x, along[0] - x, y, across[1] - y)
        return self._ways[direction]

    def _shown(self, x: float, y: float) -> tuple[float, float]:
        """A point of the page as it is in the file, on the page as it is shown, from its upper left corner."""
        left, bottom, right, top = self._box
        places = ((x - left, top - y), (y - bottom, x - left), (right - x, y - bottom), (top - y, right - x))
        return places[self._rotation // 90 % 4]

    def runs(self, start: int, at: str) -> Iterator[Run]:
        """Where the text stands whose first code point is `start` of its document and whose numbers are `at`."""
        place = 0
        while place < len(at):
            number = ord(at[place])
            if not number:
                place += 1
                continue
            strip = bisect_right(self._starts, number) - 1
            end = self._starts[strip + 1] if strip + 1 < len(self._starts) else len(self._lefts) + 1
            most = min(end - number, len(at) - place)
            count = most if at.startswith(_NUMBERS.of(number, most), place) else 1
            while count < most and ord(at[place + count]) == number + count:
                count += 1
            shared = 1
            while shared < len(at) - place and at[place + shared] == at[place]:
                shared += 1
            if shared > 1:
                yield self._run(strip, start + place, shared, [self._lefts[number - 1], self._rights[number - 1]])
            else:
                yield from self._stretches(strip, start + place, number - 1, count)
            place += max(count if shared == 1 else 0, shared)

    def _stretches(self, strip: int, start: int, first: int, count: int) -> Iterator[Run]:
        """Runs of code points that stand one behind the other, in either direction: numbers run from left to right in
        a line of Hebrew."""
        _, low, high = self._strips[strip]
        lefts, rights = self._lefts[first : first + count], self._rights[first : first + count]
        stands = lefts[0] > -math.inf  # the second of two words that do not stand side by side may begin with the space
        if stands and all(map(operator.le, lefts, lefts[1:])):  # most lines, and many
            yield self._run(strip, start, count, [*lefts, max(rights[-1], lefts[-1])])
            return
        tolerance = _BACK * (high - low)
        turns = [after < before - tolerance for before, after in pairwise(lefts)]
        if stands and not any(turns):
            yield self._run(strip, start, count, [*lefts, max(rights[-1], lefts[-1])])
            return
        at = 0
        while at < count:
            if lefts[at] == -math.inf:
                at += 1
                continue
            end = at + 1
            is_back = end < count and turns[at] and lefts[end] != -math.inf
            while end < count and turns[end - 1] == is_back and lefts[end] != -math.inf:
                end += 1
            edges = [*rights[at:end], lefts[end - 1]] if is_back else [*lefts[at:end], rights[end - 1]]
            yield self._run(strip, start + at, end - at, edges)
            at = end

    def _run(self, strip: int, start: int, length: int, edges: Sequence[float]) -> Run:
        (is_vertical, origin, way, across, side), low, high = self._strips[strip]
        origin, way = origin / STEP + 0.5, way / STEP
        steps = [int(origin + way * edge) for edge in edges]
        steps = list(accumulate(steps, max if steps[-1] >= steps[0] else min))
        low, high = sorted((round((across + side * low) / STEP), round((across + side * high) / STEP)))
        return Run(start, length, self.page, is_vertical, low, high, tuple(steps))


def _across(main: Character, direction: int) -> tuple[float, float]:
    """Between where a line stands across its direction: as high as its font, or as fonts usually are."""
    low, high = sorted(turned(*corner, direction)[1] for corner in (main.box[:2], main.box[2:]))
    if _LEAST_HEIGHT * main.size <= high - low <= _MOST_HEIGHT * main.size:
        return low, high
    return main.baseline + _DESCENT * main.size, main.baseline + _ASCENT * main.size
