"""Layers of a PDF that are switched off (optional content): no viewer shows what is on them.

PDFium reads their text all the same and has no function that says what is shown, but it draws only what is: each group
of objects that may be on a layer is drawn alone and small, and where nothing comes out, it is taken off the page.
"""

import ctypes
import itertools
import re
import zlib
from collections.abc import Callable, Iterator, Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as raw

_OPTIONAL = b"/OCProperties"
_PACKED_OBJECTS = re.compile(rb"/ObjStm\b.{0,400}?stream\r?\n", re.DOTALL)
_MOST_UNPACKED = 1 << 24  # bytes of one stream of objects that are looked through, and of all
_SIDE = 600  # pixels of the drawing's longer side: the letters of a plan of A0 still leave a trace
_DEEPEST = 3  # forms within forms in which invisible text is looked for
_MOST_DRAWN = 200  # groups of one page
_MOST_WORK = 2_000_000  # groups times objects of one page: PDFium looks at all objects for each drawing


def may_have_layers(data: bytes) -> bool:
    """Whether the file says anything of layers."""
    return may_say(data, _OPTIONAL)


def may_say(data: bytes, name: bytes) -> bool:
    """Whether the name stands in the file: openly, in packed objects, or encrypted, where nobody knows."""
    if name in data or b"/Encrypt" in data:
        return True
    left = _MOST_UNPACKED
    for found in _PACKED_OBJECTS.finditer(data):
        try:
            unpacked = zlib.decompressobj().decompress(data[found.end() : found.end() + left], left)
        except zlib.error:
            continue
        if name in unpacked:
            return True
        left -= len(unpacked)
        if left <= 0:
            return True
    return False


def take_hidden_off(page: pdfium.PdfPage) -> bool:
    """Whether anything was on a layer that is switched off; it is off the page then."""
    handles = [raw.FPDFPage_GetObject(page, index) for index in range(raw.FPDFPage_CountObjects(page))]
    groups = list(_groups(handles))
    if not groups or len(groups) > _MOST_DRAWN or len(groups) * len(handles) > _MOST_WORK:
        return False
    for handle in handles:
        raw.FPDFPageObj_SetIsActive(handle, False)
    hidden = [group for group in groups if not any(map(_is_recognised, group)) and not _is_drawn(page, group)]
    for handle in handles:
        raw.FPDFPageObj_SetIsActive(handle, True)
    for handle in itertools.chain.from_iterable(hidden):
        raw.FPDFPage_RemoveObject(page, handle)
        raw.FPDFPageObj_Destroy(handle)
    return bool(hidden)


def _groups(handles: Sequence[object]) -> Iterator[list[object]]:
    """Neighbours on one layer, and forms, which may be on one themselves; only what would show anything."""
    for layer, group in itertools.groupby(handles, key=_layer):
        if layer is None:
            yield from ([handle] for handle in group if raw.FPDFPageObj_GetType(handle) == raw.FPDF_PAGEOBJ_FORM)
        else:
            yield list(group)


def _layer(handle: object) -> tuple[str, ...] | None:
    """What marks an object as being on a layer, and its name; None where nothing does."""
    names: list[str] = []
    for index in range(raw.FPDFPageObj_CountMarks(handle)):
        mark = raw.FPDFPageObj_GetMark(handle, index)
        if _string(lambda *room, mark=mark: raw.FPDFPageObjMark_GetName(mark, *room)) == "OC":
            names.append(
                _string(lambda *room, mark=mark: raw.FPDFPageObjMark_GetParamStringValue(mark, b"Name", *room))
            )
    return tuple(names) or None


def _is_recognised(handle: object, depth: int = 0) -> bool:
    """Whether it holds text that is never drawn, as text recognition puts it over a picture of the words."""
    kind = raw.FPDFPageObj_GetType(handle)
    if kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
        count = min(raw.FPDFFormObj_CountObjects(handle), _MOST_DRAWN)
        return any(_is_recognised(raw.FPDFFormObj_GetObject(handle, index), depth + 1) for index in range(count))
    never = (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)
    return bool(kind == raw.FPDF_PAGEOBJ_TEXT and raw.FPDFTextObj_GetTextRenderMode(handle) in never)


def _string(get: Callable[..., int]) -> str:
    room, length = ctypes.create_string_buffer(256), ctypes.c_ulong()
    if not get(ctypes.cast(room, ctypes.POINTER(ctypes.c_ushort)), len(room), length):
        return ""
    return room.raw[: min(length.value, len(room))].decode("utf-16-le", "replace").rstrip("\0")


def _is_drawn(page: pdfium.PdfPage, group: Sequence[object]) -> bool:
    """Whether a group alone leaves a trace on the page. White words are drawn, too: the ground is transparent."""
    for handle in group:
        raw.FPDFPageObj_SetIsActive(handle, True)
    width, height = page.get_size()
    scale = _SIDE / max(width, height, 1.0)
    bitmap = page.render(
        scale=scale, fill_color=(0, 0, 0, 0), may_draw_forms=False, force_bitmap_format=raw.FPDFBitmap_BGRA
    )
    for handle in group:
        raw.FPDFPageObj_SetIsActive(handle, False)
    drawn = bytes(bitmap.buffer)
    return drawn.count(0) < len(drawn)
