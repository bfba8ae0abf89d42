"""The lines of a PDF page, from where PDFium says each character stands.

PDFium's own line breaks fall inside words in files of some programs, so lines are made here: characters in the order of
the file that stand on one baseline and go on to the right. Positions are in points, in the direction of the text.
"""

import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pypdfium2 as pdfium
import pypdfium2.raw as raw

Box = tuple[float, float, float, float]  # left, bottom, right, top

SMALLEST = 1.0  # points; smaller text is not for readers
SMALLEST_SHARE = 1 / 800  # of the page's longer side, where its unit is larger than a point
CELL_GAP = 1.6  # of the font size: a wider gap in a line stands between two columns
_MARK_GAP = 0.5  # of the font size: a wider gap follows the mark of a list item
_WORD_GAP = 0.15  # of the font size, where PDFium saw a line break inside a line
_LINE_END_HYPHENS = frozenset({0x2, 0xAD, 0xFFFE})
_LONE_MARK = re.compile(r"(?P<full>[^\w\s$€£%]|o|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)])|\d{1,2}")
"""A bullet or number with nothing but space after it; a number without a dot may as well be the cell of a table."""
_BOLD_NAMES = (b"bold", b"black", b"heavy", b"demi")


@dataclass
class Line:
    """One line of text without a wide gap, or a row of a table: its `cells`, each with its left edge."""

    page: int
    cells: list[tuple[float, str]] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0
    baseline: float = 0.0
    top: float = 0.0  # baseline of the first line, where a row has several
    height: float = 0.5  # of the baseline: 0 at the bottom of the page, 1 at its top
    size: float = 0.0  # points
    is_bold: bool = False  # all of it
    first_word: float = 0.0  # width of the first word, in points
    angle: float = 0.0  # radians

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.cells)


@dataclass
class _Character:
    text: str
    left: float
    right: float
    baseline: float
    size: float
    is_bold: bool
    angle: float
    after_space: bool
    after_break: bool


def page_lines(textpage: pdfium.PdfTextPage, page: int, seen: Box, box: Box) -> list[Line]:
    """Lines in the order of the file, cut at wide gaps; outside of `seen` nothing is read. `box` is the page's size."""
    smallest = min(SMALLEST, max(box[2] - box[0], box[3] - box[1]) * SMALLEST_SHARE or SMALLEST)
    lines: list[Line] = []
    run: list[_Character] = []
    for character in _characters(textpage, seen, smallest):
        if run and not _goes_on(run[-1], character):
            lines += _lines(run, page)
            run = []
        run.append(character)
    if run:
        lines += _lines(run, page)
    for line in lines:
        line.height = (line.baseline - box[1]) / max(box[3] - box[1], 1.0)
    return lines


def _characters(textpage: pdfium.PdfTextPage, box: Box, smallest: float) -> Iterator[_Character]:
    handle = textpage.raw
    x, y, bounds = ctypes.c_double(), ctypes.c_double(), raw.FS_RECTF()
    size, is_bold, angle = 0.0, False, 0.0
    after_space = after_break = True
    for index in range(raw.FPDFText_CountChars(handle)):
        code = raw.FPDFText_GetUnicode(handle, index)
        generated = raw.FPDFText_IsGenerated(handle, index) == 1
        if code in (0x0D, 0x0A):
            after_break = True
            continue
        if generated or code in (0x20, 0xA0, 0x09, 0):
            after_space = True
            continue
        raw.FPDFText_GetCharOrigin(handle, index, x, y)
        raw.FPDFText_GetLooseCharBox(handle, index, bounds)
        if after_space or after_break:
            size, is_bold, angle = _font(handle, index)
        if size < smallest or not (box[0] <= x.value <= box[2] and box[1] <= y.value <= box[3]):
            continue
        text = "-" if code in _LINE_END_HYPHENS else chr(code)
        left, right, baseline = _along(angle, x.value, y.value, bounds)
        yield _Character(text, left, right, baseline, size, is_bold, angle, after_space, after_break)
        after_space = after_break = False


def _font(handle: object, index: int) -> tuple[float, bool, float]:
    """Size in points, weight and direction of a character."""
    matrix, flags = raw.FS_MATRIX(), ctypes.c_int()
    scale = math.hypot(matrix.b, matrix.d) if raw.FPDFText_GetMatrix(handle, index, matrix) else 1.0
    name = ctypes.create_string_buffer(128)
    raw.FPDFText_GetFontInfo(handle, index, name, len(name), flags)
    is_bold = raw.FPDFText_GetFontWeight(handle, index) >= 600 or any(
        bold in name.value.lower() for bold in _BOLD_NAMES
    )
    angle = raw.FPDFText_GetCharAngle(handle, index)
    return raw.FPDFText_GetFontSize(handle, index) * scale, is_bold, angle


def _along(angle: float, x: float, y: float, bounds: object) -> tuple[float, float, float]:
    """Left, right and baseline, seen in the direction in which the text runs."""
    if abs(math.sin(angle)) < 0.02 and math.cos(angle) > 0:
        return x, max(bounds.right, x), y  # type: ignore[attr-defined]
    cosine, sine = math.cos(angle), math.sin(angle)
    corners = [
        a * cosine + b * sine
        for a in (bounds.left, bounds.right)  # type: ignore[attr-defined]
        for b in (bounds.bottom, bounds.top)  # type: ignore[attr-defined]
    ]
    return x * cosine + y * sine, max(corners), y * cosine - x * sine


def _goes_on(last: _Character, new: _Character) -> bool:
    """Whether `new` continues the line of `last`; raised and lowered characters do when they follow closely."""
    if abs(last.angle - new.angle) > 0.02:
        return False
    size = max(last.size, new.size)
    drop = abs(last.baseline - new.baseline)
    gap = new.left - last.right
    if drop < 0.2 * size:  # the letters of a ligature stand in one place
        return gap > -0.6 * size or abs(new.left - last.left) < 0.1
    return drop < 0.55 * size and -0.5 * size < gap < 0.8 * size and min(last.size, new.size) < 0.85 * size


def _lines(run: list[_Character], page: int) -> list[Line]:
    """The stretches of a line between wide gaps; the mark of a list item stays with its text."""
    size = max(character.size for character in run)
    pieces: list[list[_Character]] = []
    for character in run:
        gap = character.left - pieces[-1][-1].right if pieces else 0.0
        wide = (_MARK_GAP if len(pieces) == 1 and _is_mark(pieces[0]) else CELL_GAP) * size
        if not pieces or (gap > wide and (character.after_space or character.after_break)):
            pieces.append([])
        pieces[-1].append(character)
    lines = [_line(piece, page) for piece in pieces]
    if len(lines) > 1:
        mark = _LONE_MARK.fullmatch(lines[0].text)
        if mark and (mark["full"] or len(lines) == 2):
            lines[1].cells = [(lines[0].left, f"{lines[0].text}{'' if mark['full'] else '.'} {lines[1].text}")]
            lines[1].left = lines[0].left
            return lines[1:]
    return lines


def _is_mark(piece: list[_Character]) -> bool:
    return len(piece) < 6 and bool(_LONE_MARK.fullmatch("".join(character.text for character in piece)))


def _line(piece: list[_Character], page: int) -> Line:
    main = max(piece, key=lambda character: character.size)
    text: list[str] = []
    first_word = 0.0
    for index, character in enumerate(piece):
        gap = character.left - piece[index - 1].right if index else 0.0
        if index and (character.after_space or (character.after_break and gap > _WORD_GAP * main.size)):
            text.append(" ")
            first_word = first_word or piece[index - 1].right - piece[0].left
        text.append(character.text)
    return Line(
        page=page,
        cells=[(piece[0].left, _joined(text))],
        left=piece[0].left,
        right=piece[-1].right,
        baseline=main.baseline,
        top=main.baseline,
        size=round(main.size * 2) / 2,
        is_bold=all(character.is_bold for character in piece if character.text.isalnum()),
        first_word=first_word or piece[-1].right - piece[0].left,
        angle=main.angle,
    )


def _joined(characters: list[str]) -> str:
    """Halves of a surrogate pair come as two characters."""
    return "".join(characters).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
