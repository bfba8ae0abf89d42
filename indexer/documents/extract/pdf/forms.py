"""What is typed into the fields of a PDF page, ticked and noted on it: none of this is part of the page's text."""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.documents.extract.pdf.characters import Box

TICKED, UNTICKED = "[x]", "[ ]"
MOST_FIELDS = 10_000  # of a document that are read: PDFium looks for each among all others
MOST_CHOICES = 20_000  # of all lists together that are looked at; then their stored values are read
_LONGEST = 1 << 20  # bytes of one value
_UNSEEN = raw.FPDF_ANNOT_FLAG_HIDDEN | raw.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD = 1 << 13  # a field that shows no more than dots
_BOXES = (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON)
_CHOICES = (raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX)
_DRAWN = (raw.FPDF_ANNOT_STAMP, raw.FPDF_ANNOT_INK, raw.FPDF_ANNOT_WATERMARK)
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


class Entries:
    """Reads the annotations of a document, page by page. Its forms are to be initialised before a page is opened."""

    def __init__(self, document: pdfium.PdfDocument) -> None:
        self._form = document.formenv.raw if document.formenv else None
        self._choices = MOST_CHOICES
        self.fields = 0  # that were met, whether they were read or not
        self.on_layers = 0  # with words, which may be switched off
        self.marks = 0  # stamps, signatures and drawings that say nothing in words

    def of(self, page: pdfium.PdfPage) -> Iterator[Entry]:
        """In the order of the file."""
        for index in range(raw.FPDFPage_GetAnnotCount(page)):
            annotation = raw.FPDFPage_GetAnnot(page, index)
            if not annotation:
                continue
            try:
                entry = self._entry(annotation)
                is_on_layer = raw.FPDFAnnot_HasKey(annotation, b"OC")
            finally:
                raw.FPDFPage_CloseAnnot(annotation)
            if entry is not None and entry.text.strip():
                self.on_layers += bool(is_on_layer)
                yield entry

    def _entry(self, annotation: object) -> Entry | None:
        kind, rect = raw.FPDFAnnot_GetSubtype(annotation), raw.FS_RECTF()
        if raw.FPDFAnnot_GetFlags(annotation) & _UNSEEN or kind in _SILENT:
            return None
        raw.FPDFAnnot_GetRect(annotation, rect)
        (left, right), (bottom, top) = sorted((rect.left, rect.right)), sorted((rect.bottom, rect.top))
        box = (left, bottom, right, top)
        if kind == raw.FPDF_ANNOT_WIDGET:
            self.fields += 1
            return Entry(self._value(annotation), box) if self.fields <= MOST_FIELDS else None
        said = _string(lambda *room: raw.FPDFAnnot_GetStringValue(annotation, b"Contents", *room))
        self.marks += kind in _DRAWN and not said.strip()
        return Entry(said, box, is_note=kind != raw.FPDF_ANNOT_FREETEXT)

    def _value(self, annotation: object) -> str:
        if self._form is None:  # fields of no form, whose values are shown all the same
            return _string(lambda *room: raw.FPDFAnnot_GetStringValue(annotation, b"V", *room))
        kind = raw.FPDFAnnot_GetFormFieldType(self._form, annotation)
        self.marks += kind == raw.FPDF_FORMFIELD_SIGNATURE and _is_signed(annotation)
        if kind in _BOXES:
            return TICKED if raw.FPDFAnnot_IsChecked(self._form, annotation) else UNTICKED
        if kind in _CHOICES:
            count = min(raw.FPDFAnnot_GetOptionCount(self._form, annotation), self._choices)
            self._choices -= max(count, 0)
            chosen = [at for at in range(count) if raw.FPDFAnnot_IsOptionSelected(self._form, annotation, at)]
            if chosen:
                return ", ".join(_choice(self._form, annotation, at) for at in chosen)
        is_text = kind == raw.FPDF_FORMFIELD_TEXTFIELD
        if is_text and raw.FPDFAnnot_GetFormFieldFlags(self._form, annotation) & _PASSWORD:
            return ""
        if is_text or kind in _CHOICES:
            return _string(lambda *room: raw.FPDFAnnot_GetFormFieldValue(self._form, annotation, *room))
        return ""


def _is_signed(annotation: object) -> bool:
    """An empty field for a signature shows nothing."""
    return bool(raw.FPDFAnnot_HasKey(annotation, b"V"))


def _choice(form: object, annotation: object, index: int) -> str:
    return _string(lambda *room: raw.FPDFAnnot_GetOptionLabel(form, annotation, index, *room))


def _string(get: Callable[..., int]) -> str:
    """What a function of PDFium writes as UTF-16 into the room that it is given, asked first how much it needs."""
    count = min(get(None, 0), _LONGEST)
    room = ctypes.create_string_buffer(count + 2)
    get(ctypes.cast(room, ctypes.POINTER(ctypes.c_ushort)), count)
    return room.raw[:count].decode("utf-16-le", "replace").split("\0", 1)[0]
