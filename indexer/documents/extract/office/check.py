"""Look inside a Word, PowerPoint or Excel file before a library opens it: is it one, and is it safe to unpack?"""

import re
import zipfile
import zlib
from io import BytesIO

from lxml import etree

from indexer.errors import UnreadableFile

MOST_BYTES = 1 << 29
"""Largest unpacked size of all parts. Real files of 64 MB hold pictures, which hardly pack."""
MOST_PARTS = 20_000
_RATIO = 200
"""Packing better than this, past 32 MiB unpacked, is what a zip bomb does (deflate ends at 1,032)."""
_RATIO_FROM = 1 << 25
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DTD = re.compile(rb"<!\s*(DOCTYPE|ENTITY)|<\0!\0(D\0O\0C\0T\0Y\0P\0E|E\0N\0T\0I\0T\0Y)", re.IGNORECASE)
DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, OSError, RuntimeError, EOFError)
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def open_office(data: bytes, kind: str, part: str = "") -> zipfile.ZipFile:
    """The checked archive; `kind` names it to people, `part` is what such a file must hold, if its name is known.
    Raises UnreadableFile."""
    if data.startswith(_OLE):
        raise UnreadableFile(
            f"The file is protected with a password, or has the format of {kind} before 2007.",
            f"Save it in {kind} without a password in the current format.",
        )
    try:
        archive = zipfile.ZipFile(BytesIO(data))
        names = set(archive.namelist())
    except DAMAGE as error:
        raise UnreadableFile(
            f"The file is not {a(kind)} file, or it is damaged: {error}.", "Open and save it again."
        ) from error
    if part and part not in names:
        raise UnreadableFile(f"The file is not {a(kind)} file: the part {part} is missing.", "Open and save it again.")
    _check_size(archive, len(data))
    _check_entities(archive)
    return archive


def a(name: str) -> str:
    """The name of a program with its article."""
    return f"an {name}" if name[0] in "AEIOU" else f"a {name}"


def core_title(archive: zipfile.ZipFile) -> str:
    """The title in the file's properties, or ""."""
    try:
        root = etree.fromstring(
            archive.read("docProps/core.xml"), etree.XMLParser(resolve_entities=False, no_network=True)
        )
    except (KeyError, etree.LxmlError, *DAMAGE):
        return ""
    return root.findtext(_TITLE) or ""


def _check_size(archive: zipfile.ZipFile, packed: int) -> None:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MOST_BYTES or len(parts) > MOST_PARTS or (unpacked > _RATIO_FROM and unpacked > packed * _RATIO):
        raise UnreadableFile(
            f"The file would unpack from {packed:,} bytes to {unpacked:,} in {len(parts):,} parts: it was not"
            " opened, since no real document does that."
        )


def _check_entities(archive: zipfile.ZipFile) -> None:
    """No office program writes a document type; whoever does wants entities to multiply."""
    for part in archive.infolist():
        if not part.filename.endswith((".xml", ".rels")):
            continue
        try:
            with archive.open(part) as stream:
                head = stream.read(1 << 16)
        except DAMAGE as error:
            raise UnreadableFile(f"The file is damaged: {error}.", "Open and save it again.") from error
        if _DTD.search(head):
            raise UnreadableFile(f"The part {part.filename} defines XML entities, which no real document does.")
