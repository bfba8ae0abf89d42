"""What is drawn on a PDF page with lines and shapes: boxes to tick beside their labels, and letters as outlines."""

import ctypes
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.documents.extract.pdf.characters import Box
from indexer.documents.extract.pdf.forms import TICKED, UNTICKED, Entry

_MOST_OBJECTS = 20_000  # of a page that are looked at
_LEAST_OUTLINES = 80  # small filled shapes, about as many as a line of text has letters
_LEAST_SEGMENTS = 6  # of a letter: lines and rectangles have fewer
_LOWEST, _HIGHEST, _WIDEST = 2.0, 40.0, 60.0  # points of a letter that is drawn as a shape
_FEW_SEGMENTS = 24  # of a box with its mark
_WHITE = 240  # of 255, each color
_SMALLEST_BOX, _LARGEST_BOX = 5.0, 18.0  # points of a side
_UNEVEN = 1.5  # points that its sides may differ by
_MOST_BOXES = 200  # of a page: more are a pattern
_MARK = 0.4  # of the box: a cross or tick in it is at least that wide
_LABEL_REACH = 1.8  # times its side: how far behind a box its label begins
_TOUCHING = 1.0  # points between two boxes that are cells of a grid
_LINE = 3.0  # points that such cells may share: the line between them


@dataclass(frozen=True)
class _Path:
    box: Box
    segments: int
    strokes: int  # of the pen: stretches without lifting it
    is_filled: bool  # with anything but white
    is_stroked: bool

    @property
    def is_frame(self) -> bool:
        """Rectangles and nothing else: with four corners, or five where it ends where it began."""
        return self.segments in (4 * self.strokes, 5 * self.strokes)


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
        squares = [path for path in self._paths if path.is_stroked and _is_square(path.box)]
        if not squares or len(squares) > _MOST_BOXES:
            return []
        paths = sorted(self._paths, key=lambda path: path.box[0])
        lefts = [path.box[0] for path in paths]
        found: dict[tuple[int, ...], Entry] = {}
        for square in squares:
            left, bottom, right, top = square.box
            beside = (right + 0.5, bottom + 1, right + _LABEL_REACH * (right - left), top - 1)
            if any(_touches(square.box, other.box) for other in squares) or not _said(textpage, beside):
                continue
            if _said(textpage, (left + 1, bottom + 1, right - 1, top - 1)):
                continue  # its mark is a letter, and read
            near = paths[bisect_left(lefts, left - 3) : bisect_right(lefts, right)]
            ticked = not square.is_frame or any(_marks(path, square.box) for path in near)
            place = tuple(round(edge) for edge in square.box)
            if ticked or place not in found:
                found[place] = Entry(TICKED if ticked else UNTICKED, square.box)
        return list(found.values())


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
            is_filled = bool(fill.value) and not _is_white(handle)
            found.append(_Path(box, segments, _strokes(handle, segments), is_filled, bool(stroke.value)))
    return found


def _strokes(handle: object, segments: int) -> int:
    """Of a path with few segments; letters have more, and nobody asks."""
    kinds = (
        raw.FPDFPathSegment_GetType(raw.FPDFPath_GetPathSegment(handle, at))
        for at in range(min(segments, _FEW_SEGMENTS))
    )
    return max(sum(int(kind == raw.FPDF_SEGMENT_MOVETO) for kind in kinds), 1)


def _is_white(handle: object) -> bool:
    colors = [ctypes.c_uint() for _ in range(4)]
    raw.FPDFPageObj_GetFillColor(handle, *colors)
    return all(color.value >= _WHITE for color in colors[:3])


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
    same = all(abs(one - other) < 0.15 * side for one, other in zip(mark, box, strict=True))
    shows = path.is_stroked if not path.is_frame else path.is_filled and not same
    return inside and mark[2] - mark[0] >= _MARK * side and (shows or (path.is_filled and not path.is_frame))


def _said(textpage: pdfium.PdfTextPage, box: Box) -> bool:
    left, bottom, right, top = box
    return left < right and bottom < top and bool(str(textpage.get_text_bounded(left, bottom, right, top)).strip())
