"""Layers of a PDF that are switched off (optional content): no viewer shows what is on them.

PDFium reads their text all the same and has no function that says what is shown, but it draws only what is: each group
of objects that may be on a layer is drawn alone and small, and where nothing comes out, it is taken off the page.
"""

import ctypes
import itertools
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

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


class Looked(NamedTuple):
    """What came of looking for layers of one page."""

    found: bool  # something was on a layer that is switched off; it is off the page now
    left: bool  # something may be that was not looked at


def take_hidden_off(page: pdfium.PdfPage) -> Looked:
    """Looks for what is on a layer and not drawn. Where a page changes between layers very often, those of one name are
    taken for one, and some may not be looked at."""
    handles = [raw.FPDFPage_GetObject(page, index) for index in range(raw.FPDFPage_CountObjects(page))]
    walk = _Walk()
    groups = [group for group in walk.groups(handles) if not any(_is_recognised(path[-1]) for path in group.paths)]
    most = min(_MOST_DRAWN, _MOST_WORK // max(walk.objects, 1))
    if len(groups) > most:
        groups = _by_name(groups)
    if not groups or not most:
        return Looked(False, bool(groups) or not most)
    for handle in handles:
        raw.FPDFPageObj_SetIsActive(handle, False)
    hidden = [path for group in groups[:most] if not _is_drawn(page, group) for path in group.paths]
    for handle in handles:
        raw.FPDFPageObj_SetIsActive(handle, True)
    for *forms, handle in sorted(hidden, key=len, reverse=True):  # what is in a form goes before the form
        if forms:
            raw.FPDFFormObj_RemoveObject(forms[-1], handle)
        else:
            raw.FPDFPage_RemoveObject(page, handle)
        raw.FPDFPageObj_Destroy(handle)
    return Looked(bool(hidden), len(groups) > most)


_Path = tuple[object, ...]
"""An object, behind the forms that it is in, the outermost first."""


class _Group(NamedTuple):
    layer: tuple[str, ...] | None
    paths: list[_Path]


class _Walk:
    """What may be on a layer of a page, and how many objects that was looked for among."""

    def __init__(self) -> None:
        self.objects = 0

    def groups(self, handles: Sequence[object], forms: _Path = ()) -> Iterator[_Group]:
        """Neighbours on one layer, and forms, which may be on one themselves; only what would show anything."""
        self.objects += len(handles)
        if self.objects > _MOST_WORK:
            return
        for layer, group in itertools.groupby(handles, key=_layer):
            paths = [(*forms, handle) for handle in group]
            inner = [path for path in paths if raw.FPDFPageObj_GetType(path[-1]) == raw.FPDF_PAGEOBJ_FORM]
            if layer is None:
                yield from (_Group(None, [path]) for path in inner if raw.FPDFFormObj_CountObjects(path[-1]))
            else:
                yield _Group(layer, paths)
            for path in inner:
                yield from self.groups(_inside(path[-1]), path)


def _inside(form: object) -> list[object]:
    return [raw.FPDFFormObj_GetObject(form, index) for index in range(raw.FPDFFormObj_CountObjects(form))]


def _by_name(groups: Iterable[_Group]) -> list[_Group]:
    """Groups of one layer together; those of layers without names, and forms, stay alone."""
    found: dict[tuple[str, ...], _Group] = {}
    alone = []
    for group in groups:
        if group.layer and all(group.layer):
            found.setdefault(group.layer, _Group(group.layer, [])).paths.extend(group.paths)
        else:
            alone.append(group)
    return [*found.values(), *alone]


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


def _is_drawn(page: pdfium.PdfPage, group: _Group) -> bool:
    """Whether a group alone leaves a trace on the page, of which nothing is active. White words are drawn, too: the
    ground is transparent."""
    forms = {_address(form): form for path in group.paths for form in path[:-1]}
    beside = [handle for form in forms.values() for handle in _inside(form)]
    shown = [*forms.values(), *(path[-1] for path in group.paths)]
    for handle in beside:
        raw.FPDFPageObj_SetIsActive(handle, False)
    for handle in shown:
        raw.FPDFPageObj_SetIsActive(handle, True)
    width, height = page.get_size()
    scale = _SIDE / max(width, height, 1.0)
    bitmap = page.render(
        scale=scale, fill_color=(0, 0, 0, 0), may_draw_forms=False, force_bitmap_format=raw.FPDFBitmap_BGRA
    )
    for handle in shown:
        raw.FPDFPageObj_SetIsActive(handle, False)
    for handle in beside:
        raw.FPDFPageObj_SetIsActive(handle, True)
    drawn = bytes(bitmap.buffer)
    return drawn.count(0) < len(drawn)


def _address(handle: Any) -> int:
    return ctypes.addressof(handle.contents)
