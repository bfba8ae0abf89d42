"""What is drawn on a PDF page with lines and shapes: boxes to tick beside their labels, and letters as outlines."""

import ctypes
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.documents.extract.pdf.characters import Box
from indexer.documents.extract.pdf.forms import TICKED, UNTICKED, Entry

_MOST_OBJECTS = 20_000  # of a page that are looked at
_LEAST_OUTLINES = 80  # small filled shapes, about as many as a line of text has letters
_LEAST_SEGMENTS = 6  # of a letter: lines and rectangles have fewer
_LOWEST, _HIGHEST, _WIDEST = 2.0, 40.0, 60.0  # points of a letter that is drawn as a shape
_FEW_SEGMENTS = 24  # of a box with its mark
_CORNERS = (4, 5)  # of a rectangle: five where it ends where it began
_CURVES = 4  # of a ring, and of a rectangle with round corners
_WHITE, _DARK = 240, 96  # of 255: each color is at least, and at most
_CLEAR = 16  # of 255: what covers less is not seen
_SMALLEST_BOX, _LARGEST_BOX = 5.0, 18.0  # points of a side
_UNEVEN = 1.5  # points that its sides may differ by, and those of boxes that are alike
_ASLANT = 0.1  # of a line's length: a rectangle's are that level
_MOST_BOXES = 200  # of a page: more are a pattern
_MARK = 0.4  # of the box: a cross or tick in it is at least that wide
_LABEL_REACH = 1.8  # times its side: how far behind a box its label begins
_TOUCHING = 1.0  # points between two boxes that are cells of a grid
_LINE = 3.0  # points that such cells may share: the line between them


@dataclass(frozen=True)
class _Path:
    box: Box
    segments: int
    frames: int  # rectangles in it, with round corners or without
    rings: int
    others: int  # strokes of the pen that make neither
    is_filled: bool  # with anything but white
    is_dark: bool  # filled almost black
    is_stroked: bool

    @property
    def is_outline(self) -> bool:
        """Rectangles or rings and nothing else."""
        return self.others == 0


@dataclass(frozen=True)
class _Square:
    """A square or a ring with words behind it: a box to tick, a bullet, or a color of a legend."""

    box: Box
    is_ring: bool
    is_marked: bool  # with something inside
    is_filled: bool
    is_dark: bool

    def sign(self, others: Iterable["_Square"]) -> str:
        """Empty where it may be no box: of what is filled or round, only others that are alike can tell."""
        if self.is_marked:
            return TICKED
        if not self.is_filled and not self.is_ring:
            return UNTICKED
        alike = [one for one in others if one.is_ring == self.is_ring and _are_as_large(one.box, self.box)]
        if self.is_dark and not self.is_ring and any(not one.is_filled for one in alike):
            return TICKED
        return UNTICKED if not self.is_dark and any(one.is_marked for one in alike) else ""


def bounds(handle: object) -> Box | None:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not raw.FPDFPageObj_GetBounds(handle, left, bottom, right, top):
        return None
    return left.value, bottom.value, right.value, top.value


class Drawings:
    """The small paths of a page."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        self._paths = list(_paths(page))

    def has_outlines(self) -> bool:
        """Many small filled shapes, as of letters that are drawn."""
        shapes = (path for path in self._paths if path.is_filled and path.segments >= _LEAST_SEGMENTS)
        return sum(_height(path.box) >= _LOWEST for path in shapes) >= _LEAST_OUTLINES

    def tick_boxes(self, textpage: pdfium.PdfTextPage) -> list[Entry]:
        """Squares that stand by themselves with a label behind them, ticked where something is drawn inside."""
        found: dict[tuple[int, ...], Entry] = {}
        squares = self._squares(textpage)
        for square in squares:
            sign, place = square.sign(squares), tuple(round(edge) for edge in square.box)
            if sign == TICKED or (sign and place not in found):
                found[place] = Entry(sign, square.box)
        return list(found.values())

    def _squares(self, textpage: pdfium.PdfTextPage) -> list[_Square]:
        squares = [
            path for path in self._paths if path.is_stroked and (path.frames or path.rings) and _is_square(path.box)
        ]
        if not squares or len(squares) > _MOST_BOXES:
            return []
        paths = sorted(self._paths, key=lambda path: path.box[0])
        lefts = [path.box[0] for path in paths]
        found = []
        for square in squares:
            left, bottom, right, top = square.box
            beside = (right + 0.5, bottom + 1, right + _LABEL_REACH * (right - left), top - 1)
            if any(_touches(square.box, other.box) for other in squares) or not _said(textpage, beside):
                continue
            if _said(textpage, (left + 1, bottom + 1, right - 1, top - 1)):
                continue  # its mark is a letter, and read
            near = paths[bisect_left(lefts, left - 3) : bisect_right(lefts, right)]
            marked = not square.is_outline or any(_marks(path, square.box) for path in near)
            grounds = [path for path in near if path.is_filled and path.is_outline and _is_same(path.box, square.box)]
            found.append(
                _Square(square.box, not square.frames, marked, bool(grounds), any(ground.is_dark for ground in grounds))
            )
        return found


def _paths(page: pdfium.PdfPage) -> list[_Path]:
    found = []
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    for index in range(min(raw.FPDFPage_CountObjects(page), _MOST_OBJECTS)):
        handle = raw.FPDFPage_GetObject(page, index)
        if raw.FPDFPageObj_GetType(handle) != raw.FPDF_PAGEOBJ_PATH:
            continue
        box = bounds(handle)
        if box and _height(box) <= _HIGHEST and box[2] - box[0] <= _WIDEST:
            raw.FPDFPath_GetDrawMode(handle, fill, stroke)
            segments = raw.FPDFPath_CountSegments(handle)
            is_filled, is_dark = _ground(handle) if fill.value else (False, False)
            found.append(_Path(box, segments, *_shapes(handle, segments), is_filled, is_dark, bool(stroke.value)))
    return found


def _shapes(handle: object, segments: int) -> tuple[int, int, int]:
    """Rectangles, rings and other strokes of a path with few segments; letters have more, and nobody asks."""
    if segments > _FEW_SEGMENTS:
        return 0, 0, 1
    strokes: list[list[object]] = []
    kinds: list[list[int]] = []
    for at in range(segments):
        segment = raw.FPDFPath_GetPathSegment(handle, at)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO or not strokes:
            strokes.append([])
            kinds.append([])
        strokes[-1].append(segment)
        kinds[-1].append(kind)
    frames = rings = 0
    for stroke, its in zip(strokes, kinds, strict=True):
        lines, curves = its.count(raw.FPDF_SEGMENT_LINETO), its.count(raw.FPDF_SEGMENT_BEZIERTO) / 3
        is_rounded = curves == _CURVES and _CURVES - 1 <= lines <= _CURVES + 1
        frames += is_rounded or (not curves and len(its) in _CORNERS and _is_level(stroke))
        rings += curves == _CURVES and lines <= 1
    return frames, rings, max(len(strokes), 1) - frames - rings


def _is_level(segments: Sequence[object]) -> bool:
    """Whether all its lines run along or up the page, as those of a rectangle."""
    x, y = ctypes.c_float(), ctypes.c_float()
    points = []
    for segment in segments:
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        points.append((x.value, y.value))
    moves = [(abs(after[0] - before[0]), abs(after[1] - before[1])) for before, after in pairwise(points)]
    return all(min(move) <= _ASLANT * max(move) for move in moves)


def _ground(handle: object) -> tuple[bool, bool]:
    """Whether a path is filled with anything but white, and whether almost black."""
    colors = [ctypes.c_uint() for _ in range(4)]
    known = raw.FPDFPageObj_GetFillColor(handle, *colors)
    *shades, cover = (color.value for color in colors)
    if known and (cover < _CLEAR or min(shades) >= _WHITE):
        return False, False
    return True, bool(known) and max(shades) <= _DARK


def _height(box: Box) -> float:
    return box[3] - box[1]


def _is_square(box: Box) -> bool:
    width, height = box[2] - box[0], box[3] - box[1]
    return all(_SMALLEST_BOX <= side <= _LARGEST_BOX for side in (width, height)) and abs(width - height) <= _UNEVEN


def _touches(box: Box, other: Box) -> bool:
    """Whether two boxes are neighbours in a grid; one drawn twice is no neighbour of itself."""
    apart = (max(other[0] - box[2], box[0] - other[2]), max(other[1] - box[3], box[1] - other[3]))
    return -_LINE <= max(apart) <= _TOUCHING


def _marks(path: _Path, box: Box) -> bool:
    """Whether something is drawn inside a box, or a little over its edge; not a second frame, nor its ground."""
    mark, side = path.box, box[2] - box[0]
    inside = all(mark[at] >= box[at] - 0.3 * side for at in (0, 1)) and all(
        mark[at] <= box[at] + 0.3 * side for at in (2, 3)
    )
    shows = path.is_filled and not _is_same(mark, box) if path.is_outline else path.is_stroked or path.is_filled
    return inside and mark[2] - mark[0] >= _MARK * side and shows


def _is_same(box: Box, other: Box) -> bool:
    most = 0.15 * (other[2] - other[0])
    return all(abs(one - another) < most for one, another in zip(box, other, strict=True))


def _are_as_large(box: Box, other: Box) -> bool:
    return all(abs(box[at + 2] - box[at] - (other[at + 2] - other[at])) <= _UNEVEN for at in (0, 1))


def _said(textpage: pdfium.PdfTextPage, box: Box) -> bool:
    left, bottom, right, top = box
    return left < right and bottom < top and bool(str(textpage.get_text_bounded(left, bottom, right, top)).strip())
