"""Look inside a Word, PowerPoint or Excel file before a library opens it: is it one, and is it safe to unpack?"""

import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable
from io import BytesIO
from typing import IO

from lxml import etree

from indexer.errors import SAVE_AGAIN, NeedsOcr, UnreadableFile

MOST_BYTES = 1 << 29
"""Largest unpacked size of all parts. Real files of 64 MB hold pictures, which hardly pack."""
MOST_PARTS = 20_000
_RATIO = 200
"""Packing better than this, past 32 MiB unpacked, is what a zip bomb does (deflate ends at 1,032)."""
_RATIO_FROM = 1 << 25
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED = "EncryptedPackage".encode("utf-16-le")
"""The name under which such a file keeps what is encrypted."""
_START = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*")
_OTHERS = {b"%PDF-": "PDF", b"{\\rtf": "RTF file", b"<!DOCTYPE html": "web page", b"<!doctype html": "web page"}
_OTHERS |= {b"<html": "web page", b"<HTML": "web page", b"\x89PNG": "picture", b"\xff\xd8\xff": "picture"}
_OTHERS |= {b"GIF8": "picture"}
_PARTS = {"word/": "Word file", "xl/": "Excel file", "ppt/": "PowerPoint file", "mimetype": "OpenDocument file"}
_PARTS |= {"index/": "Pages, Numbers or Keynote file", "visio/": "Visio file"}
"""What the names of the parts begin with in the files of each program."""
_DTD = re.compile(rb"<!\s*(DOCTYPE|ENTITY)|<\0!\0(D\0O\0C\0T\0Y\0P\0E|E\0N\0T\0I\0T\0Y)", re.IGNORECASE)
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, OSError, RuntimeError, EOFError)
_MARKUP = (".xml", ".rels", ".vml")
_PIECES = (1 << 12, 1 << 16)  # bytes: the first holds the head of most parts, and few need another
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def open_office(data: bytes, kind: str) -> zipfile.ZipFile:
    """The checked archive; `kind` names the program to people. Raises UnreadableFile."""
    if data.startswith(_OLE):
        if _LOCKED in data:
            raise UnreadableFile("The file is protected with a password.", f"Save it in {kind} without a password.")
        raise UnreadableFile(f"The file has the format of {kind} before 2007.", f"Save it as a file of today's {kind}.")
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except DAMAGE as error:
        other = next((name for start, name in _OTHERS.items() if _START.sub(b"", data[:1024]).startswith(start)), "")
        if other:
            raise _other(kind, other) from error
        raise UnreadableFile(
            f"The file is not {a(kind)} file, or it is damaged or cut off.", f"Open it in {kind} and save it again."
        ) from error
    _check_size(archive, len(data))
    _check_entities(archive)
    return archive


def not_of(kind: str, names: Iterable[str]) -> UnreadableFile:
    """What to raise of an archive that does not hold what a file of this kind begins with; `names` are its parts."""
    for name in names:
        for start, other in _PARTS.items():
            if name.lower().startswith(start) and not other.startswith(kind):
                return _other(kind, other)
    return UnreadableFile(
        f"The file is not {a(kind)} file, or what it begins with is lost.", f"Open it in {kind} and save it again."
    )


def only_pictures(missing: str = "No text in it") -> NeedsOcr:
    """What to raise of a file in which somebody sees words, and no word is stored; `missing` says where none is."""
    return NeedsOcr(f"{missing}: the words are pictures.", "Save it as PDF and run text recognition (OCR) on that.")


def _other(kind: str, other: str) -> UnreadableFile:
    return UnreadableFile(
        f"The file is not {a(kind)} file: it is {a(other)} under another ending.", "Give it its own ending."
    )


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
            " opened, since no real document does that.",
            SAVE_AGAIN,
        )


def _check_entities(archive: zipfile.ZipFile) -> None:
    """No office program writes a document type; whoever does wants entities to multiply."""
    for part in archive.infolist():
        if not part.filename.lower().endswith(_MARKUP):
            continue
        try:
            with archive.open(part) as stream:
                defines = _has_document_type(stream)
        except DAMAGE:
            continue  # whoever needs the part says so
        if defines:
            raise UnreadableFile(
                "The file defines words that stand for others (XML entities), which no office program does and which"
                " can overload a reader: it was not opened.",
                SAVE_AGAIN,
            )


def _has_document_type(stream: IO[bytes]) -> bool:
    """Whether one stands before the first element, behind however long a comment and in whatever encoding.

    Where XML is damaged before that, a reader that puts up with damage might still come to it: the bytes decide.
    """
    parser = etree.XMLPullParser(("start",), resolve_entities=False, no_network=True, remove_comments=True)
    before, seems = b"", False
    piece = stream.read(_PIECES[0])
    while piece:
        seems = seems or _DTD.search(before + piece) is not None
        try:
            parser.feed(piece)
            for _, root in parser.read_events():
                return bool(root.getroottree().docinfo.doctype)
        except etree.XMLSyntaxError:
            return seems
        before, piece = piece[-32:], stream.read(_PIECES[1])
    return seems
