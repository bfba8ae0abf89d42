"""A page of a PDF as a viewer shows it, to a PNG picture: without layers that are switched off, with what is typed into
its fields.

PDFium draws no layer that is switched off, so nothing is taken off the page here, as it is where text is read.
"""

import struct
import zlib
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

MOST_PIXELS = 8_000_000
MOST_BYTES = 8 << 20  # of a picture: a photograph over the whole page is drawn smaller at the largest widths
_SMALLEST = 320  # pixels of width below which nobody can read a page
_LONGEST = 14_400.0  # units of a page's side; PDF allows no more
_NARROWEST = 20.0  # times that one side may be as long as the other
_LEVEL = 4  # of compression: 3 ms longer than 1 for a page of text, and three quarters of its size


@dataclass(frozen=True)
class PagePicture:
    """`width` and `height` are the page's as it is shown, in its own units: those that boxes of words are in."""

    png: bytes
    width: float
    height: float


class CannotDraw(Exception):  # noqa: N818 (what happened)
    """With a sentence that says why."""


def draw_page(document: pdfium.PdfDocument, number: int, width: int) -> PagePicture:
    """Page `number` (from 1), about `width` pixels wide. Raises CannotDraw, MemoryError."""
    try:
        page = document[number - 1]
    except pdfium.PdfiumError as error:
        raise CannotDraw("This page is damaged.") from error
    try:
        across, down = size(page)
        while True:
            png = _drawn(page, width / across)
            if len(png) <= MOST_BYTES or width < 2 * _SMALLEST:
                return PagePicture(png, across, down)
            width //= 2
    finally:
        page.close()


def size(page: pdfium.PdfPage) -> tuple[float, float]:
    """Width and height of what is shown. Raises CannotDraw where no screen could show it."""
    left, bottom, right, top = page.get_bbox()
    across, down = right - left, top - bottom
    if page.get_rotation() in (90, 270):
        across, down = down, across
    if not (0 < across <= _LONGEST and 0 < down <= _LONGEST):
        raise CannotDraw("This page has a size that cannot be shown.")
    if max(across, down) > _NARROWEST * min(across, down):
        raise CannotDraw("This page is too narrow to be shown as a picture.")
    return across, down


def _drawn(page: pdfium.PdfPage, scale: float) -> bytes:
    pixels = page.get_width() * page.get_height() * scale * scale
    scale *= min(1.0, (MOST_PIXELS / pixels) ** 0.5)
    bitmap = page.render(scale=scale, rev_byteorder=True, force_bitmap_format=raw.FPDFBitmap_BGR)
    try:
        return _png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride)
    finally:
        bitmap.close()


def _png(pixels: bytes, width: int, height: int, stride: int) -> bytes:
    """Rows of RGB as a PNG; a page without colours as one of greys, a third of the bytes."""
    if stride != 3 * width:
        pixels = b"".join(pixels[at : at + 3 * width] for at in range(0, stride * height, stride))
    red = pixels[0::3]
    kind, channels = (2, 3)
    if red == pixels[1::3] == pixels[2::3]:
        pixels, kind, channels = red, 0, 1
    row = channels * width
    lines = b"".join(b"\0" + pixels[at : at + row] for at in range(0, row * height, row))
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, _LEVEL)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
