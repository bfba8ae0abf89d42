"""The shapes of a slide in the order in which they are read, and what each is (pure but for the parts it is given)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from indexer.documents.extract.office.package import Element, first, is_true, local

_SAME_LINE = 137_160
"""English metric units, .15 inch: shapes that begin so near to each other stand side by side, as drawn by hand."""
_SHAPES = frozenset({"sp", "pic", "graphicFrame", "cxnSp", "contentPart"})
_TITLES = ("title", "ctrTitle")


@dataclass(frozen=True, slots=True)
class Shape:
    """`place` is the kind of the placeholder: "" for none, "obj" where the file names none; `index` its number."""

    element: Element
    top: int
    left: int
    place: str = ""
    index: str = ""
    is_hidden: bool = False

    @property
    def is_title(self) -> bool:
        return self.place in _TITLES

    @property
    def properties(self) -> Element | None:
        """Name, number, alternative text."""
        return next(self.element.iter("{*}cNvPr"), None)


Places = Mapping[str, tuple[int, int]]
"""Where the placeholders of a layout stand: left and top, by "#" and their number or by their kind."""


def shapes_of(root: Element, places: Places) -> list[Shape]:
    """All of a slide, a layout or a page of notes; those of a group together. `places` are those of its layout."""
    tree = first(root, "cSld/spTree")
    return list(_ordered(tree, places)) if tree is not None else []


def places_of(root: Element, master: Places) -> Places:
    """Where the placeholders of a layout stand, by themselves or as its master has it."""
    found = {kind: corner for kind, corner in master.items() if not kind.startswith("#")}
    tree = first(root, "cSld/spTree")
    for element in tree if tree is not None else ():
        kind, index = _placeholder(element)
        corner = _corner(element)
        if kind and corner is None:
            corner = found.get(kind, found.get(_LIKE.get(kind, "")))
        if kind and corner is not None:
            found[f"#{index}"] = found[kind] = corner
    return found


_LIKE = {"ctrTitle": "title", "subTitle": "body", "obj": "body"}
"""On a master there are few kinds of placeholders."""


def _ordered(parent: Element, places: Places) -> Iterator[Shape]:
    """From top to bottom, then from left to right."""
    found: list[tuple[int, int, Element, bool]] = []
    for element, is_group in _children(parent):
        kind, index = _placeholder(element)
        left, top = _corner(element) or places.get(f"#{index}") or places.get(kind) or (0, 0)
        found.append((top, left, element, is_group))
    for top, left, element, is_group in _in_lines(found):
        if is_group:
            is_hidden = _is_hidden(element)
            for shape in _ordered(element, places):
                hidden = is_hidden or shape.is_hidden
                yield Shape(shape.element, top, left, shape.place, shape.index, hidden)
        else:
            yield Shape(element, top, left, *_placeholder(element), _is_hidden(element))


def _in_lines(found: Sequence[tuple[int, int, Element, bool]]) -> list[tuple[int, int, Element, bool]]:
    """What begins at nearly the same height is read from left to right."""
    lines: list[list[tuple[int, int, Element, bool]]] = []
    for one in sorted(found, key=lambda one: one[0]):
        if lines and one[0] - lines[-1][0][0] <= _SAME_LINE:
            lines[-1].append(one)
        else:
            lines.append([one])
    return [one for line in lines for one in sorted(line, key=lambda one: one[1])]


def _children(parent: Element) -> Iterator[tuple[Element, bool]]:
    """Shapes, and whether each is a group; of an alternative what newer programs show."""
    for child in parent:
        name = local(child)
        if name in _SHAPES:
            yield child, False
        elif name == "grpSp":
            yield child, True
        elif name == "AlternateContent":
            choice, old = first(child, "Choice"), first(child, "Fallback")
            shown = list(_children(choice)) if choice is not None else []
            yield from shown or (_children(old) if old is not None else ())


def _placeholder(element: Element) -> tuple[str, str]:
    """Kind and number; "" for what is no placeholder."""
    for properties in element:
        found = first(properties, "nvPr/ph") if local(properties).startswith("nv") else None
        if found is not None:
            return found.get("type", "obj"), found.get("idx", "0")
    return "", ""


def _corner(element: Element) -> tuple[int, int] | None:
    for path in ("spPr/xfrm/off", "grpSpPr/xfrm/off", "xfrm/off"):
        found = first(element, path)
        if found is not None:
            return _signed(found.get("x")), _signed(found.get("y"))
    return None


def _signed(text: str | None) -> int:
    text = (text or "").strip()
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 12 else 0


def _is_hidden(element: Element) -> bool:
    properties = next((found for child in element if (found := first(child, "cNvPr")) is not None), None)
    return properties is not None and is_true(properties.get("hidden"))
