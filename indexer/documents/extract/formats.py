"""Which file endings are read, by what, and what a file of each is called on the web.

The modules that read are imported when the first file of their format comes: a run that reads nothing imports none.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath

from indexer.documents.extract.document import ExtractedDocument
from indexer.errors import UnsupportedFile


@dataclass(frozen=True)
class Format:
    """`reader` is the module and the function that turn `(data: bytes, name: str)` into an ExtractedDocument."""

    reader: str
    media_type: str


_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

FORMATS: dict[str, Format] = {
    ".md": Format("markdown.reader:extract", "text/markdown"),
    ".markdown": Format("markdown.reader:extract", "text/markdown"),
    ".mdx": Format("markdown.reader:extract", "text/markdown"),
    ".txt": Format("text.reader:extract", "text/plain"),
    ".text": Format("text.reader:extract", "text/plain"),
    ".html": Format("html.reader:extract", "text/html"),
    ".htm": Format("html.reader:extract", "text/html"),
    ".xhtml": Format("html.reader:extract", "application/xhtml+xml"),
    ".pdf": Format("pdf.reader:extract", "application/pdf"),
    ".docx": Format("word.reader:extract", _WORD),
    ".docm": Format("word.reader:extract", "application/vnd.ms-word.document.macroenabled.12"),
    ".dotx": Format("word.reader:extract", "application/vnd.openxmlformats-officedocument.wordprocessingml.template"),
    ".dotm": Format("word.reader:extract", "application/vnd.ms-word.template.macroenabled.12"),
    ".pptx": Format("slides.reader:extract", _SLIDES),
    ".pptm": Format("slides.reader:extract", "application/vnd.ms-powerpoint.presentation.macroenabled.12"),
    ".xlsx": Format("sheets.reader:extract_workbook", _SHEETS),
    ".xlsm": Format("sheets.reader:extract_workbook", "application/vnd.ms-excel.sheet.macroenabled.12"),
    ".csv": Format("sheets.delimited:extract_csv", "text/csv"),
    ".tsv": Format("sheets.delimited:extract_tsv", "text/tab-separated-values"),
}
UNREAD_KINDS = ("Files of type ", "Files without an ending ")
"""How the reason begins for which a file of a kind that no module reads is skipped."""
_LONGEST_ENDING = 20  # characters; a longer one is no ending but a part of the name
_NO_TEXT = "The file holds no text that a reader would see."
SUCCESSORS = {".doc": ".docx", ".rtf": ".docx", ".odt": ".docx", ".ppt": ".pptx", ".odp": ".pptx", ".xls": ".xlsx"}
SUCCESSORS |= {".ods": ".xlsx", ".pages": ".docx", ".numbers": ".xlsx", ".key": ".pptx", ".epub": ".pdf"}


def supported(path: PurePath) -> bool:
    return path.suffix.lower() in FORMATS


def media_type(path: PurePath) -> str:
    found = FORMATS.get(path.suffix.lower())
    return found.media_type if found else "application/octet-stream"


def is_pdf(path: PurePath) -> bool:
    return path.suffix.lower() == ".pdf"


def is_sheet(path: PurePath) -> bool:
    """Whether it is a file of rows and columns."""
    found = FORMATS.get(path.suffix.lower())
    return found is not None and found.reader.startswith("sheets.")


def check_supported(path: PurePath) -> None:
    """Raises UnsupportedFile where no module reads files of this name."""
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return
    if not suffix or len(suffix) > _LONGEST_ENDING or not suffix.isprintable():
        raise UnsupportedFile(f"{UNREAD_KINDS[1]}such as .pdf or .md are not read.")
    successor = SUCCESSORS.get(suffix)
    raise UnsupportedFile(f"{UNREAD_KINDS[0]}{suffix} are not read.", f"Save it as {successor}." if successor else "")


def extract_bytes(data: bytes, name: str) -> ExtractedDocument:
    """The document in `data`, read in this very process. `name` is the file's name. Raises FileError."""
    path = PurePath(name)
    check_supported(path)
    if not data:
        raise UnsupportedFile("The file is empty.")
    module, function = FORMATS[path.suffix.lower()].reader.split(":")
    document: ExtractedDocument = getattr(import_module(f"indexer.documents.extract.{module}"), function)(
        data, path.name
    )
    if not document.blocks:
        remarks = " ".join(document.remarks)
        raise UnsupportedFile(f"The file holds no text that Docent reads. {remarks}" if remarks else _NO_TEXT)
    return document
