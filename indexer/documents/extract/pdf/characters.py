"""The characters of a PDF page, from PDFium, by the direction in which their text runs.

A turned page, a table that lies on its side, a note that runs up the margin: the letters of each direction are seen as
if the page were turned so that they stand upright. Positions are in points in that sight.
"""

import ctypes
import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as raw

Box = tuple[float, float, float, float]  # left, bottom, right, top

SMALLEST = 1.0  # points; smaller text is not for readers
SMALLEST_SHARE = 1 / 800  # of the page's longer side, where its unit is larger than a point
_UPRIGHT = 0.15  # of the characters: a table that lies on its side may stand between an upright header and footer
_SKEW = 12  # degrees that a scanned line may be off its direction
_SLANT = 5  # degrees; text on a slant is told apart in steps of this
_BREAKS, _SPACES = frozenset({0x0D, 0x0A}), frozenset({0x20, 0xA0, 0x09, 0})
_LINE_END_HYPHENS = frozenset({0x2, 0xAD, 0xFFFE})
_TICKED, _UNTICKED, _SQUARE = "[x]", "[ ]", "□"  # a square may be a box to tick or a bullet
_SYMBOLS = {"☐": _UNTICKED, "☑": _TICKED, "☒": _TICKED, "🗷": _TICKED, "🗹": _TICKED, "❏": _SQUARE, "❑": _SQUARE}
_SYMBOLS |= dict.fromkeys("❐❒◻▢\uf06f\uf071\uf072\uf0a8", _SQUARE)
_SYMBOLS |= {"\uf0fd": _TICKED, "\uf0fe": _TICKED, "\uf0fc": "✓", "\uf0fb": "✗"}
_SYMBOLS_2 = dict.fromkeys("\uf051\uf052\uf053\uf054", _TICKED) | {"\uf0a3": _SQUARE, "\uf050": "✓", "\uf04f": "✗"}
"""What the signs of Wingdings and Wingdings 2 show, which have no characters of their own."""
_BOLD_NAMES = (b"bold", b"black", b"heavy", b"demi")


@dataclass(slots=True)
class Character:
    text: str
    x: float  # of the origin, on the page as it is in the file
    y: float
    box: Box
    size: float
    is_bold: bool
    angle: float  # degrees, against the clock
    after_space: bool
    after_break: bool
    left: float = 0.0  # these three in the direction of the text
    right: float = 0.0
    baseline: float = 0.0


def page_characters(
    textpage: pdfium.PdfTextPage, seen: Box, page: Box, upright: int = 0
) -> list[tuple[int, list[Character]]]:
    """(direction in degrees, characters in the order of the file), the main direction first: `upright`, in which the
    page is shown, or that of nearly all characters.

    Outside of `seen` nothing is read; `page` is the page's size.
    """
    smallest = min(SMALLEST, max(page[2] - page[0], page[3] - page[1]) * SMALLEST_SHARE or SMALLEST)
    characters = list(_characters(textpage, seen, smallest))
    _turn_columns_of_characters(characters)
    directions: dict[int, list[Character]] = {}
    for character in characters:
        directions.setdefault(_direction(character.angle), []).append(character)
    for direction, group in directions.items():
        for character in group:
            _place(character, direction)
        group[0].after_break = True
    is_main = len(directions.get(upright, ())) >= _UPRIGHT * len(characters)
    return sorted(directions.items(), key=lambda item: (not is_main or item[0] != upright, -len(item[1])))


def turned(x: float, y: float, direction: int) -> tuple[float, float]:
    """A point of the page, seen with what runs in `direction` upright."""
    if direction % 90 == 0:  # exactly: baselines of one row are compared
        return ((x, y), (y, -x), (-x, -y), (-y, x))[direction // 90 % 4]
    cosine, sine = math.cos(math.radians(direction)), math.sin(math.radians(direction))
    return x * cosine + y * sine, y * cosine - x * sine


@cache
def is_leftwards(text: str) -> bool:
    """Whether a character is of a script that is written from right to left."""
    return unicodedata.bidirectional(text[0]) in ("R", "AL")


def _direction(angle: float) -> int:
    if angle == 0:
        return 0
    right_angle = round(angle / 90) * 90
    return (right_angle if abs(angle - right_angle) <= _SKEW else round(angle / _SLANT) * _SLANT) % 360


def _characters(textpage: pdfium.PdfTextPage, seen: Box, smallest: float) -> Iterator[Character]:
    handle = textpage.raw
    code_of, origin_of, box_of = raw.FPDFText_GetUnicode, raw.FPDFText_GetCharOrigin, raw.FPDFText_GetLooseCharBox
    x_out, y_out, bounds = ctypes.c_double(), ctypes.c_double(), raw.FS_RECTF()
    to_x, to_y, to_bounds = ctypes.byref(x_out), ctypes.byref(y_out), ctypes.byref(bounds)
    least_x, least_y, most_x, most_y = seen
    size, is_bold, angle, last_x, last_y = 0.0, False, 0.0, math.inf, math.inf
    symbols = _SYMBOLS
    after_space = after_break = True
    for index in range(raw.FPDFText_CountChars(handle)):
        code = code_of(handle, index)
        if code in _BREAKS:
            after_break = True
            continue
        if code in _SPACES:  # drawn, or put in by PDFium where words stand apart
            after_space = True
            continue
        origin_of(handle, index, to_x, to_y)
        box_of(handle, index, to_bounds)
        x, y = x_out.value, y_out.value
        if after_space or after_break or abs(y - last_y) > 0.1 * size or abs(x - last_x) > 2 * size:
            size, is_bold, angle, symbols = _font(handle, index)
        last_x, last_y = x, y
        if size < smallest or not (least_x <= x <= most_x and least_y <= y <= most_y):
            continue
        box = (bounds.left, bounds.bottom, bounds.right, bounds.top)
        sign = chr(code)
        text = "-" if code in _LINE_END_HYPHENS else symbols.get(sign, sign)
        yield Character(text, x, y, box, size, is_bold, angle, after_space, after_break)
        after_space = after_break = False


def _font(handle: object, index: int) -> tuple[float, bool, float, dict[str, str]]:
    """Size in points, weight and direction of a character, and what its font shows for others."""
    matrix, flags, name = raw.FS_MATRIX(), ctypes.c_int(), ctypes.create_string_buffer(128)
    known = raw.FPDFText_GetMatrix(handle, index, matrix)
    scale = math.hypot(matrix.b, matrix.d) if known else 1.0
    angle = math.degrees(math.atan2(matrix.b, matrix.a)) if known else 0.0
    raw.FPDFText_GetFontInfo(handle, index, name, len(name), flags)
    is_named_bold, symbols = _named(name.value)
    is_bold = is_named_bold or raw.FPDFText_GetFontWeight(handle, index) >= 600
    return raw.FPDFText_GetFontSize(handle, index) * scale, is_bold, angle, symbols


@cache
def _named(font: bytes) -> tuple[bool, dict[str, str]]:
    """Whether a font is bold by its name, and what it shows for others."""
    name = font.lower()
    return any(bold in name for bold in _BOLD_NAMES), _symbols(name.replace(b" ", b"").replace(b"-", b""))


def _symbols(font: bytes) -> dict[str, str]:
    """The signs of symbol fonts come as private characters or as those that have the same codes."""
    if b"wingdings" not in font or b"wingdings3" in font:
        return _SYMBOLS
    signs = _SYMBOLS_2 if b"wingdings2" in font else _SYMBOLS
    return signs | {chr(ord(sign) - 0xF000): shown for sign, shown in signs.items() if "\uf000" <= sign <= "\uf0ff"}


def _turn_columns_of_characters(characters: Sequence[Character]) -> None:
    """Chinese and Japanese may be written downwards, letters upright: such columns are lines that run down."""
    columns: list[Character] = []
    for above, below in pairwise(characters):
        apart = abs(above.box[0] + above.box[2] - below.box[0] - below.box[2]) / 2
        if (
            above.angle == below.angle == 0
            and apart < 0.3 * above.size
            and 0.5 * above.size < above.y - below.y < 1.6 * above.size
            and is_wide(above.text)
            and is_wide(below.text)
        ):
            columns += [above, below]
    for character in columns:
        if character.angle == 0:
            character.angle = -90.0
            character.x = (character.box[0] + character.box[2]) / 2
            character.y = character.box[3]
            character.after_break = character.after_space = False


@cache
def is_wide(text: str) -> bool:
    """Whether a character is as wide as it is high, as Chinese and Japanese are."""
    return unicodedata.east_asian_width(text[0]) in "WF"


def _place(character: Character, direction: int) -> None:
    if direction == 0:  # most of all
        character.left, character.baseline = character.x, character.y
        right = character.box[2]
        character.right = right if right > character.x else character.x  # asked of every character: `max` takes longer
        return
    left, character.baseline = turned(character.x, character.y, direction)
    character.left = left
    if direction % 90:  # the box stands straight on the page and says little
        character.right = left + 0.5 * character.size
    else:
        ends = turned(*character.box[:2], direction)[0], turned(*character.box[2:], direction)[0]
        character.right = max(*ends, left)
