"""A paragraph of a Word file to its text, and what hangs on it: text boxes, charts, pictures, notes.

Left out: deleted and moved-away words, hidden and struck-out ones (counted), codes of fields, marks of notes.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from indexer.documents.extract.office.equations import equation
from indexer.documents.extract.office.package import Element, attribute, first, local
from indexer.documents.extract.word.fields import Fields
from indexer.documents.extract.word.styles import Styles, is_on
from indexer.documents.extract.word.symbols import EMPTY, TICKED, is_of_signs, sign, with_boxes, written

_GONE = frozenset("del moveFrom pPr rPr sdtPr sdtEndPr tblPr trPr tcPr rt fldData delText delInstrText ffData".split())
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "ptab": "\t", "noBreakHyphen": "-"}
_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_HANGING = frozenset(("drawing", "pict", "object"))
_NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes", "commentReference": "comments"}


@dataclass
class Seen:
    """What was met in the whole file beside its words."""

    left_out: Counter[str] = field(default_factory=Counter)  # words, by why
    things: dict[str, list[str]] = field(default_factory=dict)  # pictures and the like: by kind, the headings above
    small_pictures: int = 0
    notes: dict[str, dict[str, None]] = field(default_factory=dict)  # numbers of each kind, in the order of their marks
    comments: list[str] = field(default_factory=list)  # of the paragraph that is read
    has_changes: bool = False
    heading: str = ""  # the last one
    damaged: list[str] = field(default_factory=list)  # parts that could not be read
    said: list[str] = field(default_factory=list)  # remarks on pages inside the file

    def meet(self, kind: str) -> None:
        """Something that a person sees here and that is not read."""
        self.things.setdefault(kind, []).append(self.heading)

    def take(self, inner: "Seen") -> None:
        """What was met in a file inside this one."""
        self.left_out += inner.left_out
        for kind, places in inner.things.items():
            self.things.setdefault(kind, []).extend([self.heading] * len(places))
        self.small_pictures += inner.small_pictures
        self.has_changes |= inner.has_changes
        self.damaged += inner.damaged
        self.said += inner.said


@dataclass(slots=True)
class _Run:
    style: str
    font: str
    is_raised: bool
    why_left_out: str


class TextReader:
    """Reads the paragraphs of one part. `hanging` fills with the drawings of the last one."""

    def __init__(self, styles: Styles, fields: Fields, seen: Seen) -> None:
        self._styles = styles
        self._fields = fields
        self._seen = seen
        self._parts: list[str] = []
        self._style = ""
        self.hanging: list[Element] = []
        self._bold = False
        self.strong = self.weak = 0  # characters that are bold, and others

    def read(self, paragraph: Element, style: str) -> str:
        self._parts, self.hanging, self._style = [], [], style or self._styles.ordinary
        self.strong = self.weak = 0
        self._inside(paragraph)
        return with_boxes("".join(self._parts))

    def _inside(self, element: Element) -> None:
        for child in element:
            name = local(child)
            if name == "r":
                self._run(child)
            elif name in _GONE:
                self._seen.has_changes |= name in ("del", "moveFrom")
            elif name == "sdt":
                self._control(child)
            elif name == "AlternateContent":
                self._inside(chosen(child))
            elif name == "oMath":
                self._put(equation(child))
            elif name == "oMathPara":  # on a line of its own
                self._put(f"\n{equation(child)}\n")
            elif name == "fldSimple" and (text := self._fields.simple(attribute(child, "instr"), child)):
                self._put(text)
            else:
                self._inside(child)

    def _control(self, element: Element) -> None:
        content = first(element, "sdtContent")
        if box := box_of(element):
            self._put(box)
        elif content is not None:
            self._inside(content)

    def _run(self, run: Element) -> None:
        about = first(run, "rPr")
        self._run_parts(run, self._look(about))

    def _look(self, about: Element | None) -> _Run:
        marks = {local(mark): mark for mark in about} if about is not None else {}
        style = attribute(marks["rStyle"], "val") if "rStyle" in marks else ""
        if "vanish" in marks:
            is_hidden = is_on(marks["vanish"])
        else:
            hides = self._styles.is_hidden(self._style) != self._styles.is_hidden(style)
            is_hidden = hides or self._styles.hides_all
        strikes = [is_on(marks[name]) for name in ("strike", "dstrike") if name in marks]
        is_struck = any(strikes) if strikes else self._styles.is_struck(style) or self._styles.is_struck(self._style)
        fonts = marks.get("rFonts")
        names = (attribute(fonts, name) for name in ("ascii", "hAnsi", "cs")) if fonts is not None else ()
        raised = "vertAlign" in marks and attribute(marks["vertAlign"], "val") == "superscript"
        self._bold = is_on(marks["b"]) if "b" in marks else self._is_bold(style)
        why = "hidden" if is_hidden else "struck out" if is_struck else ""
        return _Run(style, next((name for name in names if is_of_signs(name)), ""), raised, why)

    def _is_bold(self, style: str) -> bool:
        return self._styles.is_bold(style) or self._styles.is_bold(self._style)

    def _run_parts(self, run: Element, look: _Run) -> None:
        for child in run:
            name = local(child)
            if name == "t":
                self._text(child.text or "", look)
            elif name in ("fldChar", "instrText"):
                if name == "instrText":
                    self._fields.add_code(child.text or "")
                else:
                    self._put(self._fields.mark(child))
            elif name in _GONE or not name or look.why_left_out:
                continue
            elif name in _BREAKS:
                self._put(_BREAKS[name])
            elif name == "sym":
                self._put(sign(attribute(child, "char"), attribute(child, "font")))
            elif name == "ruby":
                self._ruby(child)
            elif name in _NOTES:
                self._note(_NOTES[name], attribute(child, "id"))
            elif name == "contentPart":
                self._seen.meet("drawing by hand")
            elif name in _HANGING:
                if not self._fields.hides:
                    self.hanging.append(child)
            elif name == "AlternateContent":
                self._run_parts(chosen(child), look)
            elif name == "r":
                self._run(child)
            else:
                self._inside(child)

    def _text(self, text: str, look: _Run) -> None:
        if self._fields.hides:
            return
        if look.why_left_out:
            self._seen.left_out[look.why_left_out] += len(text.split())
            return
        shown = written(text, look.font)
        if look.is_raised and shown.strip().isascii() and shown.strip(" +-−").isdigit():
            shown = shown.translate(_RAISED)
        self._put(shown)

    def _put(self, text: str) -> None:
        if text and not self._fields.hides:
            self._parts.append(text)
            if text.strip():
                self.strong += len(text) * self._bold
                self.weak += len(text) * (not self._bold)

    def _ruby(self, element: Element) -> None:
        """The word, and how it is read in parentheses."""
        base, reading = first(element, "rubyBase"), first(element, "rt")
        if base is not None:
            self._inside(base)
        if reading is not None:
            text = "".join(part.text or "" for part in reading.iter("{*}t"))
            self._put(f"({text})" if text.strip() else "")

    def _note(self, kind: str, number: str) -> None:
        if self._fields.hides:
            return
        known = self._seen.notes.setdefault(kind, {})
        if number not in known:
            known[number] = None
            if kind == "comments":
                self._seen.comments.append(number)


def box_of(control: Element) -> str:
    """Of a content control that is a box to tick, whatever signs it is drawn with; "" for others."""
    box = first(control, "sdtPr/checkbox")
    return "" if box is None else TICKED if is_on(first(box, "checked")) else EMPTY


def chosen(alternatives: Element) -> Element:
    """The first of several ways to draw a thing, unless only the one for older programs has words in it."""
    choice, old = first(alternatives, "Choice"), first(alternatives, "Fallback")
    if choice is None or (old is not None and not _says(choice) and _says(old)):
        return old if old is not None else ()
    return choice


def _says(element: Element) -> bool:
    return next(element.iter("{*}t", "{*}chart", "{*}relIds"), None) is not None


def drawn(elements: list[Element]) -> Iterator[Element]:
    """What the drawings of a paragraph hold, in order: text boxes, charts, pictures; of alternatives one."""
    for element in elements:
        yield element
        yield from _below(element)


def _below(element: Element) -> Iterator[Element]:
    pending = [iter(element)]
    while pending:
        child = next(pending[-1], None)
        if child is None:
            pending.pop()
            continue
        name = local(child)
        if name == "AlternateContent":
            pending.append(iter(chosen(child)))
            continue
        yield child
        if name != "txbxContent":  # whoever takes it reads what is in it
            pending.append(iter(child))
