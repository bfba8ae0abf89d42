"""What is typed into the fields of a PDF page, ticked and noted on it: none of this is part of the page's text."""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.documents.extract.pdf_characters import Box

TICKED, UNTICKED = "[x]", "[ ]"
MOST_CHOICES = 200  # of a list that are looked at, where none of the first is chosen its stored value is read
_LONGEST = 1 << 20  # bytes of one value
_UNSEEN = raw.FPDF_ANNOT_FLAG_HIDDEN | raw.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD = 1 << 13  # a field that shows no more than dots
_BOXES = (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON)
_CHOICES = (raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX)
_SILENT = (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_PRINTERMARK, raw.FPDF_ANNOT_TRAPNET)


@dataclass(frozen=True)
class Entry:
    """A value in its field, a box or a text on the page; a note, whose place is only that of its mark."""

    text: str
    box: Box
    is_note: bool = False

    @property
    def is_tick_box(self) -> bool:
        return self.text in (TICKED, UNTICKED)


def page_entries(document: pdfium.PdfDocument, page: pdfium.PdfPage) -> Iterator[Entry]:
    """In the order of the file. The forms of the document are to be initialised before its page is opened."""
    form = document.formenv.raw if document.formenv else None
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            entry = _entry(form, annotation)
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
        if entry is not None and entry.text.strip():
            yield entry


def _entry(form: object, annotation: object) -> Entry | None:
    kind, rect = raw.FPDFAnnot_GetSubtype(annotation), raw.FS_RECTF()
    if raw.FPDFAnnot_GetFlags(annotation) & _UNSEEN or kind in _SILENT:
        return None
    raw.FPDFAnnot_GetRect(annotation, rect)
    (left, right), (bottom, top) = sorted((rect.left, rect.right)), sorted((rect.bottom, rect.top))
    box = (left, bottom, right, top)
    if kind == raw.FPDF_ANNOT_WIDGET:
        return Entry(_value(form, annotation), box) if form else None
    said = _string(lambda *room: raw.FPDFAnnot_GetStringValue(annotation, b"Contents", *room))
    return Entry(said, box, is_note=kind != raw.FPDF_ANNOT_FREETEXT)


def _value(form: object, annotation: object) -> str:
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _BOXES:
        return TICKED if raw.FPDFAnnot_IsChecked(form, annotation) else UNTICKED
    if kind in _CHOICES:
        count = min(raw.FPDFAnnot_GetOptionCount(form, annotation), MOST_CHOICES)
        chosen = [index for index in range(count) if raw.FPDFAnnot_IsOptionSelected(form, annotation, index)]
        if chosen:
            return ", ".join(_choice(form, annotation, index) for index in chosen)
    is_text = kind == raw.FPDF_FORMFIELD_TEXTFIELD
    if is_text and raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
        return ""
    if is_text or kind in _CHOICES:
        return _string(lambda *room: raw.FPDFAnnot_GetFormFieldValue(form, annotation, *room))
    return ""


def _choice(form: object, annotation: object, index: int) -> str:
    return _string(lambda *room: raw.FPDFAnnot_GetOptionLabel(form, annotation, index, *room))


def _string(get: Callable[..., int]) -> str:
    """What a function of PDFium writes as UTF-16 into the room that it is given, asked first how much it needs."""
    count = min(get(None, 0), _LONGEST)
    room = ctypes.create_string_buffer(count + 2)
    get(ctypes.cast(room, ctypes.POINTER(ctypes.c_ushort)), count)
    return room.raw[:count].decode("utf-16-le", "replace").split("\0", 1)[0]
