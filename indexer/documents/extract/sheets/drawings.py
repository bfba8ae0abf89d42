"""What hangs on a sheet beside its cells: text boxes, charts, diagrams, boxes to tick, notes; pictures are counted."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from indexer.documents.extract.office.charts import Chart, drawn_text, read_chart
from indexer.documents.extract.office.package import Element, Package, Relation, attribute, every, first, local, whole

_LARGE = 4 * 914_400**2
"""Square units of a picture, 4 square inches: smaller ones are logos and icons, which say nothing."""
_FROM_NEWER_EXCEL = "[Threaded comment]"  # begins what older versions show in place of a discussion
_NUMBER = re.compile(r"\d+$")
_AROUND_SHAPES = ("grpSp", "Choice", "twoCellAnchor", "oneCellAnchor", "absoluteAnchor")
_DEEPEST = 20  # groups in groups


@dataclass
class Attached:
    texts: list[str] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)  # the cell, and what is noted there
    read: set[str] = field(default_factory=set)  # numbers of shapes with words
    unread: Counter[str] = field(default_factory=Counter)  # what is seen and not read, by kind
    small_pictures: int = 0


def attached(package: Package, relations: tuple[Relation, ...], controls: dict[str, str]) -> Attached:
    """`controls` are the shapes that are parts of a form: their number, and the relation that says what they are."""
    found = Attached()
    boxes = _boxes(package, relations, controls)
    for relation in relations:
        if relation.kind == "drawing":
            _Drawing(package, relation.part, boxes, found).read()
        elif relation.kind in ("oleObject", "package"):
            found.unread["embedded file"] += 1
        elif relation.kind == "image":  # behind the cells
            found.unread["picture"] += 1
        elif relation.kind == "control":
            found.unread["form control (ActiveX)"] += 1
        elif relation.kind == "ctrlProp" and _is_list(package.parse(relation.part)):
            found.unread["list box"] += 1
    for relation in relations:
        root = package.parse(relation.part, is_sloppy=True) if relation.kind == "vmlDrawing" else None
        found.texts += _old_shapes(root, found.read) if root is not None else []
    found.notes = _notes(package, relations)
    return found


def _boxes(package: Package, relations: tuple[Relation, ...], controls: dict[str, str]) -> dict[str, str]:
    """What stands before the label of each shape of a form."""
    marks = {}
    for relation in relations:
        root = package.parse(relation.part) if relation.kind == "ctrlProp" else None
        if root is not None:
            has_box = root.get("objectType") in ("CheckBox", "Radio")
            marks[relation.id] = ("[x] " if root.get("checked") == "Checked" else "[ ] ") if has_box else ""
    return {shape: marks.get(relation, "") for shape, relation in controls.items()}


class _Drawing:
    def __init__(self, package: Package, part: str, boxes: dict[str, str], found: Attached) -> None:
        self._package = package
        self._parts = {relation.id: relation for relation in package.relations(part)}
        self._root = package.parse(part)
        self._boxes = boxes
        self._found = found

    def read(self) -> None:
        anchors = list(self._root) if self._root is not None else []
        for anchor in sorted(anchors, key=_place):
            for shape in _shapes(anchor):
                self._add(shape)

    def _add(self, shape: Element) -> None:
        properties = next(shape.iter("{*}cNvPr"), None)
        number = properties.get("id", "") if properties is not None else ""
        if properties is not None and properties.get("hidden") in ("1", "true") and number not in self._boxes:
            return
        if local(shape) == "pic" or first(shape, "spPr/blipFill") is not None:  # a picture, or one that fills a shape
            is_large = _is_large(shape)
            self._found.unread["picture"] += is_large
            self._found.small_pictures += not is_large
        if local(shape) == "contentPart":
            self._found.unread["drawing by hand"] += 1
        elif local(shape) == "graphicFrame":
            self._add_frame(shape)
        elif local(shape) != "pic":
            text = drawn_text(shape)
            if text:
                self._found.read.add(number)
                self._found.texts.append(self._boxes.get(number, "") + text)

    def _add_frame(self, frame: Element) -> None:
        for data in frame.iter("{*}chart", "{*}relIds", "{*}slicer", "{*}timeslicer", "{*}model3d"):
            name = local(data)
            if name == "chart":
                root = self._part(attribute(data, "id"), "chart")
                if root is not None:
                    self._found.charts.append(read_chart(root))
            elif name == "relIds":
                root = self._part(attribute(data, "dm"), "diagram")
                points = root.iter("{*}pt") if root is not None else ()
                self._found.texts += filter(None, (drawn_text(point) for point in points))
            elif name == "model3d":
                self._found.unread["three-dimensional model"] += 1
            else:
                self._found.unread["filter with buttons (slicer)"] += 1

    def _part(self, relation_id: str, kind: str) -> Element | None:
        relation = self._parts.get(relation_id)
        if relation is None or not self._package.has(relation.part):
            self._found.unread[f"{kind} without its contents"] += 1
            return None
        return self._package.parse(relation.part)


def _old_shapes(root: Element, read: set[str]) -> list[str]:
    """Boxes and buttons of a form as Excel 2007 draws them; newer ones stand in the drawing too."""
    texts = []
    for shape in root.iter("{*}shape"):
        about, box = first(shape, "ClientData"), first(shape, "textbox")
        kind = about.get("ObjectType", "") if about is not None else ""
        number = _NUMBER.search(attribute(shape, "spid") or shape.get("id", ""))
        if box is None or kind == "Note" or (number and number[0] in read):
            continue
        text = " ".join("".join(box.itertext()).split())
        checked = first(about, "Checked") if kind in ("Checkbox", "Radio") else None
        is_ticked = checked is not None and checked.text != "0"
        mark = "" if kind not in ("Checkbox", "Radio") else "[x] " if is_ticked else "[ ] "
        texts += [mark + text] if text else []
    return texts


def _is_list(control: Element | None) -> bool:
    return control is not None and control.get("objectType") in ("Drop", "List") and whole(control.get("sel")) > 0


def _is_large(picture: Element) -> bool:
    sizes = [size for size in picture.iter("{*}ext") if size.get("cx")]
    return not sizes or whole(sizes[0].get("cx")) * whole(sizes[0].get("cy")) >= _LARGE


def _shapes(element: Element, depth: int = 0) -> Iterator[Element]:
    """The shapes in an anchor or a group; of an alternative the first is taken, the others are for older programs."""
    for child in element:
        name = local(child)
        if name in ("sp", "cxnSp", "pic", "graphicFrame", "contentPart"):
            yield child
        elif depth < _DEEPEST and name in _AROUND_SHAPES:
            yield from _shapes(child, depth + 1)
        elif depth < _DEEPEST and name == "AlternateContent":
            old = first(child, "Fallback")
            if first(child, "Choice") is not None or old is None:
                yield from _shapes(child, depth + 1)
            else:
                yield from _shapes(old, depth + 1)


def _place(anchor: Element) -> tuple[int, int]:
    """Row and column where a shape begins; where it says none, the top."""
    start = first(anchor, "from")
    if start is None and local(anchor) == "AlternateContent":
        start = next(anchor.iter("{*}from"), None)
    places = [first(start, name) if start is not None else None for name in ("row", "col")]
    row, column = (whole(place.text) if place is not None else 0 for place in places)
    return row, column


def _notes(package: Package, relations: tuple[Relation, ...]) -> list[tuple[str, str]]:
    """Notes and discussions, in the order of the file."""
    notes = []
    for relation in relations:
        path = {"comments": "commentList/comment", "threadedComment": "threadedComment"}.get(relation.kind, "")
        root = package.parse(relation.part) if path else None
        for note in every(root, path) if root is not None else ():
            body = first(note, "text")
            text = "".join(part.text or "" for part in body.iter("{*}t")) if body is not None else ""
            text = text or (body.text or "" if body is not None else "")
            if text.strip() and not text.startswith(_FROM_NEWER_EXCEL):
                notes.append((note.get("ref", ""), text.strip()))
    return notes
