"""A chart of an Office file, as Word, Excel and PowerPoint all store it: its words, and its values as a table."""

from collections.abc import Iterable
from dataclasses import dataclass

from indexer.documents.extract import clean
from indexer.documents.extract.office.cells import number, shown
from indexer.documents.extract.office.number_format import GENERAL
from indexer.documents.extract.office.package import Element, every, first, local, whole

MOST_SERIES = 255  # that Excel draws in one chart


@dataclass(frozen=True)
class Chart:
    """`rows` begin with the names of the series; "" where no values are stored. `sources` are the sheets, or "" for
    values that stand in the chart alone."""

    title: str
    axes: tuple[str, ...]
    rows: list[list[str]]
    sources: frozenset[str]


@dataclass(frozen=True)
class _Series:
    name: str
    categories: dict[int, str]
    values: dict[int, str]
    sources: frozenset[str]


def read_chart(root: Element) -> Chart:
    """`root` is the part that the drawing names: a chart, or one of the kinds since Excel 2016."""
    if first(root, "chartData") is not None:
        return _extended(root)
    series = [_series(found) for found in root.iterfind(".//{*}plotArea/*/{*}ser")][:MOST_SERIES]
    title = _title(first(root, "chart/title"))
    if not title and len(series) == 1 and first(root, "chart/title") is not None:
        title = series[0].name  # as Excel does where it makes the title itself
    axes = [_title(found) for found in root.iterfind(".//{*}plotArea/*/{*}title")]
    sources = frozenset[str]().union(*(one.sources for one in series))
    return Chart(title, tuple(dict.fromkeys(filter(None, axes))), _table(series), sources)


def _table(series: list[_Series]) -> list[list[str]]:
    """A row for each category that has a value; series may have other categories than the first one."""
    names: dict[int, str] = {}
    for one in series:
        names |= one.categories
    rows = []
    for place in sorted({place for one in series for place in one.values}):
        row = [names.get(place, ""), *(one.values.get(place, "") for one in series)]
        rows.append(row if len(series) < 10 else [cell for cell in row if cell])
    return [["", *(one.name for one in series)], *rows] if rows else []


def _series(element: Element) -> _Series:
    sources: set[str] = set()
    name = " ".join(_points(first(element, "tx"), sources).values())
    if not name and (plain := first(element, "tx/v")) is not None:
        name = plain.text or ""
    categories = {**_points(first(element, "cat"), sources), **_points(first(element, "xVal"), sources)}
    values = {**_points(first(element, "val"), sources), **_points(first(element, "yVal"), sources)}
    return _Series(name, categories, values, frozenset(sources))


def _points(element: Element | None, sources: set[str]) -> dict[int, str]:
    """What a reference held when the file was saved; names on several levels are joined, the outer one first."""
    if element is None:
        return {}
    formulas = [found.text or "" for found in element.iterfind(".//{*}f")]
    sources |= {_sheet(formula) for formula in formulas} or {""}
    found: dict[int, str] = {}
    levels = element.findall(".//{*}lvl") or element.findall(".//{*}strCache") + element.findall(".//{*}numCache")
    for level in levels or [*element.findall(".//{*}strLit"), *element.findall(".//{*}numLit")]:
        code = first(level, "formatCode")
        names = _of_level(every(level, "pt"), code.text or GENERAL if code is not None else GENERAL)
        found = {place: f"{names[place]} {found.get(place, '')}".strip() for place in names} | {
            place: text for place, text in found.items() if place not in names
        }
    return found


def _of_level(points: Iterable[Element], code: str) -> dict[int, str]:
    texts: dict[int, str] = {}
    for point in points:
        value = first(point, "v")
        if value is None or not value.text:
            continue
        amount = number(value.text) if local(point.getparent()) in ("numCache", "numLit") else None
        texts[whole(point.get("idx"))] = value.text if amount is None else shown(amount, point.get("formatCode", code))
    return texts


def _sheet(formula: str) -> str:
    """The sheet of `'Sales 2025'!$B$2:$B$9`."""
    return clean.one_line(formula.lstrip("(").rpartition("!")[0].strip("'").replace("''", "'"))


def _title(element: Element | None) -> str:
    if element is None:
        return ""
    rich = " ".join(drawn_text(found) for found in element.iterfind(".//{*}rich"))
    return rich.strip() or " ".join(_points(first(element, "tx"), set()).values())


def drawn_text(element: Element) -> str:
    """The words of a shape or a title, a line a paragraph."""
    lines = []
    for paragraph in element.iterfind(".//{*}p"):
        parts = paragraph.iter("{*}t", "{*}br")
        lines.append("".join("\n" if local(part) == "br" else part.text or "" for part in parts))
    return "\n".join(lines).strip()


def _extended(root: Element) -> Chart:
    """Waterfalls, tree maps, funnels: a dimension of names and one of numbers for each set of data."""
    series, sources = [], set[str]()
    names = [drawn_text(found) or _first_value(found) for found in root.iterfind(".//{*}series/{*}tx")]
    for place, data in enumerate(root.iterfind(".//{*}chartData/{*}data")):
        sources |= {_sheet(found.text or "") for found in data.iterfind(".//{*}f")} or {""}
        categories = _dimension(data, "strDim")
        values = _dimension(data, "numDim")
        series.append(_Series(names[place] if place < len(names) else "", categories, values, frozenset()))
    title = " ".join(drawn_text(found) or _first_value(found) for found in root.iterfind(".//{*}chart/{*}title/{*}tx"))
    return Chart(title, (), _table(series[:MOST_SERIES]), frozenset(sources))


def _dimension(data: Element, kind: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for level in data.iterfind(f"{{*}}{kind}/{{*}}lvl"):
        for point in every(level, "pt"):
            if point.text:
                place, amount = whole(point.get("idx")), number(point.text) if kind == "numDim" else None
                text = point.text if amount is None else shown(amount, level.get("formatCode", GENERAL))
                found[place] = f"{text} {found.get(place, '')}".strip()
    return found


def _first_value(element: Element) -> str:
    return next((found.text or "" for found in element.iter("{*}v")), "")
