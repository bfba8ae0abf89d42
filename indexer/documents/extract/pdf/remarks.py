"""What of a PDF a reader sees and we do not read, in words, by kind and page."""

import ctypes
import re
from collections.abc import Callable, Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.documents.extract import clean
from indexer.documents.extract.pdf.forms import MOST_FIELDS, Entries
from indexer.documents.extract.pdf.layers import may_say
from indexer.documents.extract.pdf.page import Page
from indexer.documents.extract.places import listed
from indexer.errors import SAVE_AGAIN, NeedsOcr, UnreadableFile, UnsupportedFile

PICTURE_SHARE = 0.04
"""Share of a page from which a picture may hold words. Logos and rules are smaller."""
_MOST_NAMED = 5  # embedded files whose names are told
_XFA = (raw.FORMTYPE_XFA_FULL, raw.FORMTYPE_XFA_FOREGROUND)
_LONGEST_WAITING = 1500  # characters of a page that only asks for another program
_WAITING = re.compile(
    r"please wait\W.*(?:not eventually replaced|adobe reader)|this pdf form requires a newer version"
    r"|to view (?:the full contents of )?this (?:document|form|pdf)\W.*(?:later version|adobe)"
    r"|(?:bitte warten|veuillez patienter)\W.*adobe",
    re.IGNORECASE | re.DOTALL,
)
"""What the page says that stands in a form of the kind XFA for programs other than Adobe's."""
_PORTFOLIO = re.compile(r"pdf[ -]?(?:portfolio|portefeuille|package|paket)", re.IGNORECASE)


def check(document: pdfium.PdfDocument, pages: Sequence[Page], entries: Entries, data: bytes) -> None:
    """Raises what is true of a document without any text of its own: its words alone are no proof of that."""
    text = _short_text(pages)
    if _WAITING.search(text) and document.get_formtype() in _XFA and not entries.fields:
        raise UnsupportedFile(
            "The PDF is a form of a kind (XFA) that only Adobe's programs show; to others its page says no more"
            ' than "Please wait".',
            "Open it in Adobe Acrobat Reader and print it to a PDF.",
        )
    if _PORTFOLIO.search(text) and may_say(data, b"/Collection") and _embedded(document):
        raise UnsupportedFile(
            f"The PDF is a portfolio: a cover, and {_files(_embedded(document))} inside.",
            "Save the files from it and index those.",
        )
    if any(page.lines for page in pages):
        return
    if any(page.sheet is None for page in pages):
        raise UnreadableFile("No page of the PDF can be read: it is damaged.", SAVE_AGAIN)
    if any(not page.is_blank for page in pages):
        count = "its only page" if len(pages) == 1 else f"any of its {len(pages)} pages"
        raise NeedsOcr(
            f"No text on {count}: the words are pictures, as in a scan.",
            "Run text recognition (OCR) on it and save it as a searchable PDF.",
        )
    if _embedded(document):
        raise UnsupportedFile(
            f"The PDF has no text of its own, but {_files(_embedded(document))} inside.",
            "Save the files from it and index those.",
        )
    if document.get_formtype() in _XFA:
        raise UnsupportedFile(
            "The PDF is a form of a kind (XFA) that only Adobe's programs show.",
            "Open it in Adobe Acrobat Reader and print it to a PDF.",
        )
    raise UnsupportedFile("The PDF is blank: it holds no text.")


def remarks(document: pdfium.PdfDocument, pages: Sequence[Page], entries: Entries, cover: str) -> list[str]:
    """`cover` is the title on a first page that holds nothing else: its picture is an ornament."""
    found = []
    if document.get_formtype() in _XFA:
        found.append("The form is of a kind (XFA) that only Adobe's programs show; its fields are not searched.")
    elif document.get_formtype() != raw.FORMTYPE_NONE and document.formenv is None:
        found.append("Its form is damaged; what is typed into it is not searched.")
    elif _WAITING.search(_short_text(pages)):
        found.append("Its page may only stand for a form of a kind (XFA) that only Adobe's programs show.")
    if entries.fields > MOST_FIELDS:
        found.append(f"Of {entries.fields} fields of its form, {MOST_FIELDS} are read.")
    bare = _those(pages, lambda page: not page.lines and not page.is_blank)
    pictures = _those(pages, lambda page: page.picture_share >= PICTURE_SHARE)
    for numbers, one, many, what in (
        (bare, "is a picture", "are pictures", "without text; words there are not searched."),
        (
            [n for n in pictures if n not in bare and (n > 1 or not cover)],
            "holds a picture;",
            "hold pictures;",
            "words inside are not searched.",
        ),
        (
            [n for n in _those(pages, lambda page: page.has_outlines) if n not in bare],
            "holds drawings of many small shapes;",
            "hold drawings of many small shapes;",
            "words that are drawn so are not searched.",
        ),
        (
            _those(pages, lambda page: page.has_unknown),
            "has words",
            "have words",
            "in fonts that do not say which letters they show; such words may be read wrongly.",
        ),
        (
            _those(pages, lambda page: page.has_hidden),
            "has",
            "have",
            "words or pictures on layers that are switched off, so that no viewer shows them; they are not searched.",
        ),
        (
            _those(pages, lambda page: page.has_unlooked),
            "has",
            "have",
            "layers of which it is not known whether they are switched off; words on them are searched.",
        ),
        (
            _those(pages, lambda page: page.has_numbers),
            "has line numbers in the margin;",
            "have line numbers in the margin;",
            "they are left out.",
        ),
        (_those(pages, lambda page: page.sheet is None), "is damaged", "are damaged", "and could not be read."),
    ):
        if numbers:
            found.append(f"{_pages(numbers)} {one if len(numbers) == 1 else many} {what}")
    return found + _laid_over(document, pages)


def _short_text(pages: Sequence[Page]) -> str:
    """The text of a document that may be no more than a cover, or a page that asks for another program; else ""."""
    text = "\n".join(line.text for page in pages for line in page.lines) if len(pages) <= 2 else ""
    return text if len(text) <= _LONGEST_WAITING else ""


def _laid_over(document: pdfium.PdfDocument, pages: Sequence[Page]) -> list[str]:
    found = []
    count, where = sum(page.marks for page in pages), _those(pages, lambda page: page.marks > 0)
    if count:
        kind = "stamp, signature or drawing is" if count == 1 else "stamps, signatures or drawings are"
        found.append(f"{count} {kind} laid over {_pages(where).lower()}; words inside are not searched.")
    if names := _embedded(document):
        files = _files(names)
        found.append(f"{files[:1].upper()}{files[1:]} inside {'is' if len(names) == 1 else 'are'} not searched.")
    return found


def _those(pages: Sequence[Page], are: Callable[[Page], bool]) -> list[int]:
    return [number for number, page in enumerate(pages, start=1) if are(page)]


def _pages(numbers: Sequence[int]) -> str:
    """`Page 4`, `Pages 1, 4 and 6-9`."""
    return f"Page {listed(numbers)}" if len(numbers) == 1 else f"Pages {listed(numbers)}"


def _embedded(document: pdfium.PdfDocument) -> list[str]:
    """The names of files inside of the PDF, "" where one has none."""
    names = []
    for index in range(raw.FPDFDoc_GetAttachmentCount(document)):
        attachment, length = raw.FPDFDoc_GetAttachment(document, index), 0
        length = raw.FPDFAttachment_GetName(attachment, None, 0) if attachment else 0
        room = ctypes.create_string_buffer(min(length, 1000) + 2)
        if attachment:
            raw.FPDFAttachment_GetName(attachment, ctypes.cast(room, ctypes.POINTER(ctypes.c_ushort)), len(room))
        names.append(clean.one_line(room.raw[: len(room) // 2 * 2].decode("utf-16-le", "replace").split("\0", 1)[0]))
    return names


def _files(names: Sequence[str]) -> str:
    """`the file a.xlsx`, `3 files (a.xlsx, b.xlsx, ...)`."""
    known = [name for name in names if name][:_MOST_NAMED]
    if len(names) == 1:
        return f"the file {known[0]}" if known else "a file"
    return f"{len(names)} files ({', '.join(known)}{', ...' if len(known) < len(names) else ''})"
