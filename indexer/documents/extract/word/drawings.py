"""What hangs on a paragraph of a Word file and is no text box: charts, diagrams, pictures, embedded files."""

import re
from collections.abc import Iterator

from indexer.documents.extract.office.charts import drawn_text, read_chart
from indexer.documents.extract.office.package import Element, Package, Relation, attribute, first, local, whole
from indexer.documents.extract.word.text import Seen, drawn
from indexer.documents.extract.word.units import Grid, Line, Unit

_LARGE = 2 * 914_400**2
"""Square units of a picture, 2 square inches: smaller ones are logos and icons."""
_POINTS = re.compile(r"(?<![\w-])(width|height)\s*:\s*([\d.]{1,8})(pt|in|cm|mm|px)?", re.IGNORECASE)
_UNITS = {"pt": 12_700, "in": 914_400, "cm": 360_000, "mm": 36_000, "px": 9_525, "": 9_525}
_LEFT_BY_PROGRAMS = re.compile(
    r"(description automatically generated|ai-generated content|\.(png|jpe?g|gif|bmp|emf|wmf|svg|tiff?)\s*$|https?://"
    r"|^(picture|image|graphic|grafik|bild|logo|shape|text ?box|chart|diagram|object)\b\W*\d*$|[\\/]\w+[\\/])",
    re.IGNORECASE,
)
_KINDS = {"Excel": "Excel table", "Word": "Word document", "PowerPoint": "PowerPoint slide", "Equation": "equation"}
_KINDS |= {"Visio": "Visio drawing", "AcroExch": "PDF", "Acrobat": "PDF", "MSGraph": "chart", "Package": "file"}
_DEEPEST = 30  # levels of a diagram


class Drawings:
    """`relations` are those of the part in which the drawings stand."""

    def __init__(self, package: Package, relations: dict[str, Relation], seen: Seen) -> None:
        self._package = package
        self._relations = relations
        self._seen = seen
        self._read = set[str]()

    def read(self, hanging: list[Element]) -> Iterator[Unit | Element]:
        """The units in their order; text boxes as they stand in the file."""
        in_object = False
        for element in drawn(hanging):
            name = local(element)
            if name in ("drawing", "pict", "object"):
                in_object = name == "object"
            if name == "txbxContent":
                yield element
            elif name == "chart":
                yield from self._chart(element)
            elif name == "relIds":
                yield from self._diagram(element)
            elif name == "txBody":
                yield from (Line("paragraph", line) for line in drawn_text(element).split("\n"))
            elif name == "textpath":
                yield Line("paragraph", attribute(element, "string"))
            elif name == "docPr":
                yield from _told(attribute(element, "descr"))
            elif name == "shape" and not in_object:
                yield from _told(attribute(element, "alt"))
            self._count(element, name, in_object)

    def _count(self, element: Element, name: str, in_object: bool) -> None:
        if name == "OLEObject":
            program = attribute(element, "ProgID").partition(".")[0]
            kind = next((kind for start, kind in _KINDS.items() if program.startswith(start)), "file")
            self._seen.meet(f"embedded {kind}")
        elif name == "control":
            self._seen.meet("form control (ActiveX)")
        elif name == "pic":
            self._picture(_size(element))
        elif name == "blipFill" and local(element.getparent()) == "spPr":  # a picture that fills a shape
            self._picture(_size(element.getparent()))
        elif name == "imagedata" and not in_object:
            self._picture(_old_size(element))
        elif name == "model3d":
            self._seen.meet("three-dimensional model")
        elif name == "contentPart":
            self._seen.meet("drawing by hand")

    def _picture(self, size: int) -> None:
        if size >= _LARGE:
            self._seen.meet("picture")
        else:
            self._seen.small_pictures += 1

    def _chart(self, element: Element) -> Iterator[Unit]:
        root = self._part(attribute(element, "id"), "chart")
        if root is None:
            return
        chart = read_chart(root)
        for text in (chart.title, *chart.axes):
            if text.strip():
                yield Line("paragraph", text)
        if chart.rows:
            yield Grid(chart.rows)
        else:
            self._seen.meet("chart without stored values")

    def _diagram(self, element: Element) -> Iterator[Unit]:
        root = self._part(attribute(element, "dm"), "diagram")
        for level, text in diagram(root) if root is not None else ():
            yield Line("item", text, min(level, 6))

    def _part(self, relation_id: str, kind: str) -> Element | None:
        """Once: a file that shows one part a thousand times would grow by it."""
        relation = self._relations.get(relation_id)
        if relation is None or not self._package.has(relation.part):
            self._seen.meet(f"{kind} without its contents")
            return None
        if relation.part in self._read:
            return None
        self._read.add(relation.part)
        return self._package.parse(relation.part)


def diagram(root: Element) -> list[tuple[int, str]]:
    """The words of SmartArt with their levels from 1, in the order of the tree that its connections make."""
    points = {attribute(point, "modelId"): point for point in root.iterfind("./{*}ptLst/{*}pt")}
    below: dict[str, list[tuple[int, str]]] = {}
    for one in root.iterfind("./{*}cxnLst/{*}cxn"):
        if (one.get("type") or "parOf") == "parOf":
            below.setdefault(one.get("srcId", ""), []).append((whole(one.get("srcOrd")), one.get("destId", "")))
    roots = [name for name, point in points.items() if point.get("type") == "doc"]
    found, seen = [], set[str]()
    for start in [*roots, *points]:
        pending = [(0, start)]
        while pending:
            level, name = pending.pop()
            if name in seen or name not in points:
                continue
            seen.add(name)
            body = first(points[name], "t")
            text = " ".join(drawn_text(body).split()) if body is not None else ""
            if text and points[name].get("type") != "pres":
                found.append((max(level, 1), text))
            deeper = min(level + 1, _DEEPEST)
            pending += [(deeper, other) for _, other in sorted(below.get(name, ()), reverse=True)]
    return found


def _told(words: str) -> Iterator[Line]:
    """What somebody wrote of a picture for those who do not see it, where it says something."""
    text = " ".join(words.split())
    if len(text.split()) > 2 and not _LEFT_BY_PROGRAMS.search(text):
        yield Line("paragraph", text)


def _size(picture: Element) -> int:
    sizes = [size for size in picture.iter("{*}ext") if size.get("cx")]
    return whole(sizes[0].get("cx")) * whole(sizes[0].get("cy")) if sizes else _LARGE


def _old_size(data: Element) -> int:
    shape = data.getparent()
    sides = {side.lower(): _length(size, unit) for side, size, unit in _POINTS.findall(shape.get("style", ""))}
    return int(sides.get("width", 0.0) * sides.get("height", 0.0)) if len(sides) == 2 else _LARGE


def _length(size: str, unit: str) -> float:
    try:
        return float(size) * _UNITS[unit.lower()]
    except ValueError:
        return 0.0
