"""Opens a PDF file with its form, or says why not."""

import contextlib
import logging

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.errors import SAVE_AGAIN, UnreadableFile

logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it warns of forms that we remark

_REASONS = {
    raw.FPDF_ERR_PASSWORD: ("The PDF is protected with a password.", "Save it without the password."),
    raw.FPDF_ERR_SECURITY: ("The PDF uses a protection that cannot be read.", "Save it without protection."),
}


def open_pdf(data: bytes) -> pdfium.PdfDocument:
    """Raises UnreadableFile."""
    try:
        document = pdfium.PdfDocument(data)
        with contextlib.suppress(pdfium.PdfiumError):  # then it has no `formenv`, which is remarked
            document.init_forms()  # before any page is opened
        return document
    except pdfium.PdfiumError as error:
        what, advice = _REASONS.get(
            _failure(data), ("The file is not a PDF, or it is damaged or incomplete.", SAVE_AGAIN)
        )
        raise UnreadableFile(what, advice) from error


def _failure(data: bytes) -> int:
    """PDFium's code for why it does not open the file. What it opens and finds no page in has none of its own: there it
    still says that of an earlier file."""
    document = raw.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        return int(raw.FPDF_GetLastError())
    raw.FPDF_CloseDocument(document)
    return int(raw.FPDF_ERR_SUCCESS)
