"""Running headers and footers of a PDF: lines that stand in one place of most of its pages (pure)."""

import re
from collections import Counter
from collections.abc import Sequence

from indexer.documents.extract.pdf.lines import Line

HEADING_SIZE = 1.1  # of the body's size
_EDGE_LINES = 6  # lines at the top and at the bottom of a page among which running headers are looked for
_MARGIN_FROM = 0.405  # of the page's height, from its middle
_MARGIN_SPACE = 1.7  # of the font size
_RUNNING_SHARE = 0.4  # of the pages: left and right pages may differ
_DIGITS = re.compile(r"\d+")


def without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without lines that stand in one place of most of them, the same but for their numbers."""
    body = body_size([line for lines in pages for line in lines])
    margins = [{id(line): _place(line) for line in _marginal(lines, body)} for lines in pages]
    seen = Counter(place for places in margins for place in set(places.values()))
    needed = max(3, _RUNNING_SHARE * len(pages))
    kept = [
        [line for line in lines if seen[places.get(id(line), ("", 0))] < needed]
        for lines, places in zip(pages, margins, strict=True)
    ]
    return [rest or list(lines) for rest, lines in zip(kept, pages, strict=True)]  # a page is not furniture alone


def _place(line: Line) -> tuple[str, int]:
    """What two running lines have in common: their words, and where they stand, within half a hundredth of the page."""
    return _DIGITS.sub("#", line.text), round(line.height * 100)


def _marginal(lines: Sequence[Line], body: float) -> list[Line]:
    """The few lines in the margins that are no larger than the body and stand apart from it. The top and the bottom of
    lines that run up or down are the sides of the page."""
    directions: dict[int, list[Line]] = {}
    for line in lines:
        if not line.is_placed:
            directions.setdefault(line.angle, []).append(line)
    found: list[Line] = []
    for one in directions.values():
        downwards = sorted(one, key=lambda line: -line.baseline)
        for ordered in (downwards, downwards[::-1]):
            for count in range(1, min(_EDGE_LINES + 1, len(ordered) + 1)):
                edge, rest = ordered[:count], ordered[count : count + 1]
                space = abs(edge[-1].baseline - rest[0].baseline) if rest else 2 * _MARGIN_SPACE * body
                if space > _MARGIN_SPACE * max(edge[-1].size, 1):
                    found += [line for line in edge if _is_in_margin(line) and line.size < HEADING_SIZE * body]
    return found


def _is_in_margin(line: Line) -> bool:
    return abs(line.height - 0.5) > _MARGIN_FROM


def body_size(lines: Sequence[Line]) -> float:
    """The font size of most characters; 0 where there are none."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0
