"""Plots as inline SVG (pure): elements whose text is data, so nothing that stands in a label can become markup.

Colours come from the page: `bar`, `line`, `grid`, `mark` are classes.
Each plot has a label for those who cannot see it.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

WIDTH = 640
LABEL = 210  # left of the bars
VALUE = 70  # right of them
ROW = 26
BINS = 24


def element(tag: str, text: str = "", *children: Element, **attributes: object) -> Element:
    """An element; `class_` is the attribute class, and `_` in a name is a hyphen."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): _number(value) for name, value in attributes.items()})
    made.text = text
    made.extend(children)
    return made


def bars(label: str, values: Sequence[tuple[str, float]]) -> Element:
    """A bar from 0 to 1 for each name."""
    room = WIDTH - LABEL - VALUE
    plot = _canvas(label, ROW * len(values) + 4)
    for at, (name, value) in enumerate(values):
        top = at * ROW
        _text(plot, name, LABEL - 10, top + 18, "end")
        plot.append(element("rect", class_="grid", x=LABEL, y=top + 6, width=room, height=14))
        plot.append(element("rect", class_="bar", x=LABEL, y=top + 6, width=room * min(max(value, 0), 1), height=14))
        _text(plot, f"{value:.3f}", LABEL + room + 8, top + 18)
    return plot


def curve(label: str, values: Sequence[float], unit: str) -> Element:
    """Values from 0 to 1 at 1, 2, 3, … of a unit."""
    left, top, height = 46, 10, 180
    room = WIDTH - left - 30
    plot = _canvas(label, top + height + 40)
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = top + height * (1 - share)
        plot.append(element("line", class_="grid", x1=left, x2=left + room, y1=y, y2=y))
        _text(plot, f"{share:g}", left - 8, y + 4, "end")
    step = room / max(len(values) - 1, 1)
    points = [(left + at * step, top + height * (1 - value)) for at, value in enumerate(values)]
    plot.append(element("polyline", class_="line", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points)))
    for at, ((x, y), value) in enumerate(zip(points, values, strict=True), start=1):
        dot = element("circle", "", element("title", f"{at}: {value:.3f}"), class_="mark", cx=x, cy=y, r=4)
        plot.append(dot)
        _text(plot, str(at), x, top + height + 18, "middle")
    _text(plot, unit, left + room / 2, top + height + 36, "middle")
    return plot


def histogram(label: str, values: Sequence[float], unit: str) -> Element:
    """How many values fall into each of equally wide bins from 0 to the largest."""
    left, top, height = 46, 10, 140
    room = WIDTH - left - 30
    largest = max([*values, 1e-9])
    counts = [0] * BINS
    for value in values:
        counts[min(int(value / largest * BINS), BINS - 1)] += 1
    plot = _canvas(label, top + height + 40)
    tallest = max([*counts, 1])
    for at, count in enumerate(counts):
        tall = height * count / tallest
        place = {"x": left + at * room / BINS + 1, "y": top + height - tall, "width": room / BINS - 2, "height": tall}
        words = f"{at * largest / BINS:.3g} to {(at + 1) * largest / BINS:.3g} {unit}: {count}"
        plot.append(element("rect", "", element("title", words), class_="bar", **place))
    plot.append(element("line", class_="axis", x1=left, x2=left + room, y1=top + height, y2=top + height))
    _text(plot, str(tallest), left - 8, top + 8, "end")
    for share in (0, 0.5, 1):
        _text(plot, f"{share * largest:.3g}", left + share * room, top + height + 18, "middle")
    _text(plot, unit, left + room / 2, top + height + 36, "middle")
    return plot


def intervals(label: str, rows: Sequence[tuple[str, float, float, float]]) -> Element:
    """(name, low, middle, high) about a line at 0, all on one scale."""
    room = WIDTH - LABEL - VALUE
    reach = max([abs(bound) for _, low, _, high in rows for bound in (low, high)] + [1e-9])
    plot = _canvas(label, ROW * len(rows) + 4)

    def place(value: float) -> float:
        return LABEL + room * (0.5 + 0.5 * value / reach)

    plot.append(element("line", class_="axis", x1=place(0), x2=place(0), y1=0, y2=ROW * len(rows)))
    for at, (name, low, middle, high) in enumerate(rows):
        y = at * ROW + 13
        _text(plot, name, LABEL - 10, y + 5, "end")
        plot.append(element("line", class_="line", x1=place(low), x2=place(high), y1=y, y2=y))
        plot.append(element("circle", class_="mark", cx=place(middle), cy=y, r=4))
        _text(plot, f"{middle:+.3f}", LABEL + room + 8, y + 5)
    return plot


def _canvas(label: str, height: float) -> Element:
    return element("svg", "", element("title", label), role="img", aria_label=label, viewBox=f"0 0 {WIDTH} {height:g}")


def _text(plot: Element, text: str, x: float, y: float, anchor: str = "start") -> None:
    SubElement(plot, "text", {"x": _number(x), "y": _number(y), "text-anchor": anchor}).text = text


def _number(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
