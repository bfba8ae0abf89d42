"""The paragraphs of a slide's shape as a reader sees them: line breaks, numbers that count by themselves, boxes."""

from collections.abc import Iterator
from dataclasses import dataclass

from indexer.documents.extract.office.package import Element, first, local, whole

_DEEPEST_LEVEL = 9
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_BOXES = {
    "wingdings": {"o": "[ ]", "q": "[ ]", "¨": "[ ]", "x": "[x]", "ý": "[x]", "þ": "[x]", "ü": "✓", "û": "✗"},
    "wingdings 2": {"£": "[ ]", "R": "[x]", "T": "[x]", "P": "✓", "O": "✗"},
}
"""Letters that a symbol font shows as a box to tick or a mark."""
_MARKS_OF_LISTS = {"☐": "[ ]", "☑": "[x]", "☒": "[x]", "✓": "✓", "✔": "✓", "✗": "✗", "✘": "✗"}
_ORNAMENT = "q"  # of Wingdings
_PRIVATE = 0xF000  # from here on symbol fonts have their characters


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`level` counts from 0; `has_mark` says that the paragraph itself asks for a bullet or a number."""

    text: str
    level: int
    has_mark: bool
    has_struck: bool = False  # words that are struck out, which are left out
    is_bold: bool = False  # all of it


def paragraphs(body: Element) -> Iterator[Paragraph]:
    """Those of a `txBody` that hold words."""
    counters: dict[int, tuple[str, int]] = {}  # by level: the way of counting, and the last number
    has_ticked = any(_box_of_list(found, True) == "[x]" for found in body.iterfind("{*}p/{*}pPr"))
    for element in body.iterfind("{*}p"):
        text, has_struck, is_bold = _words(element)
        properties = first(element, "pPr")
        level = min(whole(properties.get("lvl")), _DEEPEST_LEVEL) if properties is not None else 0
        if not text.strip():
            if has_struck:
                yield Paragraph("", level, False, True)
            continue
        mark = _counted(properties, level, counters) or _box_of_list(properties, has_ticked)
        marked = properties is not None and any(
            local(child) in ("buChar", "buAutoNum", "buBlip") for child in properties
        )
        yield Paragraph(f"{mark} {text}" if mark else text, level, marked, has_struck, is_bold)


def plain_text(body: Element | None) -> str:
    """The words of a `txBody`, a line a paragraph."""
    return "" if body is None else "\n".join(paragraph.text for paragraph in paragraphs(body)).strip()


def _words(paragraph: Element) -> tuple[str, bool, bool]:
    """Text of a paragraph, whether some is struck out, whether all of it is bold."""
    parts: list[str] = []
    has_struck, is_bold = False, True
    for run in _runs(paragraph):
        if local(run) == "br":
            parts.append("\n")
            continue
        properties = first(run, "rPr")
        text = "".join(found.text or "" for found in run.iter("{*}t"))
        if properties is not None and properties.get("strike") in ("sngStrike", "dblStrike"):
            has_struck = has_struck or bool(text.strip())
            continue
        if text.strip() and (properties is None or properties.get("b") not in ("1", "true")):
            is_bold = False
        parts.append(_of_symbol_font(text, properties))
    text = "".join(parts)
    return text, has_struck, is_bold and bool(text.strip())


def _runs(element: Element) -> Iterator[Element]:
    """Runs, fields, line breaks and formulas; of an alternative what newer programs show."""
    for child in element:
        name = local(child)
        if name in ("r", "fld", "br", "m"):
            yield child
        elif name == "AlternateContent":
            chosen = first(child, "Choice") if first(child, "Choice/m") is not None else first(child, "Fallback")
            yield from _runs(chosen) if chosen is not None else ()


def _of_symbol_font(text: str, properties: Element | None) -> str:
    if properties is None:
        return text
    for name in ("sym", "latin"):
        font = first(properties, name)
        boxes = _BOXES.get(font.get("typeface", "").lower() if font is not None else "")
        if boxes:
            # The font for symbols shows nothing but characters of its own.
            return "".join(
                boxes.get(_in_latin(character), character)
                if name == "latin" or ord(character) >= _PRIVATE
                else character
                for character in text
            )
    return text


def _in_latin(character: str) -> str:
    return chr(ord(character) - _PRIVATE) if _PRIVATE <= ord(character) < _PRIVATE + 256 else character


def _box_of_list(properties: Element | None, has_ticked: bool) -> str:
    """What the bullet itself says: a ticked or an empty box. One that PowerPoint offers as an ornament is a box beside
    ticked ones alone."""
    bullet = first(properties, "buChar") if properties is not None else None
    if bullet is None:
        return ""
    character = bullet.get("char", "")[:1]
    font = first(properties, "buFont")
    boxes = _BOXES.get(font.get("typeface", "").lower() if font is not None else "")
    if not boxes or not character:
        return _MARKS_OF_LISTS.get(character, "")
    letter = _in_latin(character)
    return boxes.get(letter, "") if letter != _ORNAMENT or has_ticked else ""


def _counted(properties: Element | None, level: int, counters: dict[int, tuple[str, int]]) -> str:
    """The number that stands before a paragraph. One on an outer level begins the inner ones anew."""
    for deeper in [found for found in counters if found > level]:
        del counters[deeper]
    counting = first(properties, "buAutoNum") if properties is not None else None
    if counting is None:
        counters.pop(level, None)
        return ""
    start = whole(counting.get("startAt"), 1)
    way = f"{counting.get('type', 'arabicPeriod')} {start}"
    known, last = counters.get(level, ("", 0))
    number = last + 1 if known == way else start
    counters[level] = (way, number)
    return _written(number, counting.get("type", "arabicPeriod"))


def _written(number: int, way: str) -> str:
    """`alphaLcParenR` is "b)", `arabicPeriod` "2.", `romanUcParenBoth` "(II)"."""
    if way.startswith("alpha"):
        text = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 8)
    elif way.startswith("roman") and number < 40:
        text, left = "", number
        for value, letters in _ROMAN:
            text, left = text + letters * (left // value), left % value
    else:
        text = str(number)
    text = text.upper() if "Uc" in way else text
    if way.endswith("ParenBoth"):
        return f"({text})"
    return text + (")" if way.endswith("ParenR") else "" if way.endswith("Plain") else ".")
