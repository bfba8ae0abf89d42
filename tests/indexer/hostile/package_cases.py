"""Archives that are no honest Office file: bombs, names that lead out, parts that lie, entities, wrong types."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from tests.indexer.documents.extract.shapes import book_of, slide_of
from tests.indexer.documents.extract.word.words import paragraph, word
from tests.indexer.hostile.cases import failed, indexed

HELD = "Annual leave is thirty days."
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROTECTED = r"The file is protected with a password.*"
_OLD = r"The file .*has the format of \w+ before 2007\..*"
_BOMB = r"The file would unpack from [\d,]+ bytes to [\d,]+ in [\d,]+ parts: it was not opened.*"
_ENTITIES = r".*XML entities.*"
_DAMAGED = r"The file is damaged.*"
_NOT_ONE = r"The file is not an? \w+ file.*"
DOCUMENT = "word/document.xml"


def leave() -> bytes:
    return word(paragraph(HELD))


def packed(data: bytes, *more: tuple[str, bytes], change: Callable[[str, bytes], bytes] = lambda _n, old: old) -> bytes:
    """The archive with parts changed, and more parts behind them, whatever their names."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, content in more:
            new.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def with_document(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return lambda: packed(leave(), change=lambda name, old: change(old) if name == DOCUMENT else old)


def behind_head(text: bytes) -> Callable[[], bytes]:
    """`text` between the XML declaration and the root."""
    return with_document(lambda old: old.replace(b"?>", b"?>" + text, 1))


def entities(levels: int) -> bytes:
    lines = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, levels))
    return b'<!DOCTYPE w [<!ENTITY e0 "lol">' + lines + b"]>"


def _behind_comment(root: bytes) -> bytes:
    return b"<!--" + b"-a" * 40_000 + b"-->" + entities(10) + root


def lying_size(part: str, size: int) -> bytes:
    """An archive whose directory says that a part unpacks to `size` bytes."""
    data = bytearray(leave())
    with zipfile.ZipFile(BytesIO(bytes(data))) as archive:
        name = archive.getinfo(part).orig_filename.encode()
    at = data.rindex(name) - 46
    struct.pack_into("<I", data, at + 24, size)
    return bytes(data)


def swollen(part_mb: int, said: int) -> bytes:
    """A part that unpacks to much more than its directory says."""
    data = bytearray(packed(leave(), ("word/media/a.xml", b"<a/>" + b" " * (part_mb << 20))))
    at = data.rindex(b"word/media/a.xml") - 46
    struct.pack_into("<I", data, at + 24, said)
    return bytes(data)


def overlapping(times: int) -> bytes:
    """Many directory entries that all name one and the same packed part, of a megabyte each."""
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = b"<a>" + b" " * (1 << 20) + b"</a>"
    body = kernel.compress(content) + kernel.flush()
    crc = zlib.crc32(content)
    sizes = struct.pack("<III", crc, len(body), len(content))
    out = b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + struct.pack("<HH", 5, 0) + b"a.xml" + body
    start, entries = len(out), b""
    for number in range(times):
        name = b"%04d.xml" % number
        entries += b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
        entries += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    return out + entries + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, times, times, len(entries), start, 0)


def zipped_in_zips(depth: int) -> bytes:
    data = b"\0" * 1_000_000
    for _ in range(depth):
        made = BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inside.zip", data)
        data = made.getvalue()
    return data


def plain_zip() -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("readme.txt", "words")
    return made.getvalue()


def utf16(old: bytes) -> bytes:
    return old.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")


def encrypted_flag() -> bytes:
    """Every part is said to be encrypted by the archive itself."""
    data = bytearray(leave())
    for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = data.find(mark)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


def unknown_packing() -> bytes:
    data = bytearray(leave())
    for mark, place in ((b"PK\1\2", 10), (b"PK\3\4", 8)):
        at = data.find(mark)
        while at >= 0:
            struct.pack_into("<H", data, at + place, 99)
            at = data.find(mark, at + 4)
    return bytes(data)


def broken_bytes(packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The packed bytes of the document's text are overwritten."""
    stream = BytesIO()
    with zipfile.ZipFile(BytesIO(leave())) as old, zipfile.ZipFile(stream, "w", packing) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    data = bytearray(stream.getvalue())
    at = data.index(DOCUMENT.encode()) + len(DOCUMENT) + 13  # behind what LZMA says of itself
    data[at : at + 60] = bytes(range(100, 160))
    return bytes(data)


def many_parts() -> bytes:
    return packed(leave(), *((f"word/media/{number}.bin", b"") for number in range(25_000)))


def twice() -> bytes:
    """Two parts of one name."""
    with zipfile.ZipFile(BytesIO(word(paragraph("Another text.")))) as archive:
        return packed(leave(), ("word/documenT.xml", archive.read(DOCUMENT))).replace(b"documenT", b"document")


OLD_BOOK = OLE + bytes(504) + b"\x09\x08\x10\0\0\6\5\0" + bytes(2000)
ELF = b"\x7fELF\2\1\1" + bytes(9) + bytes(range(256)) * 20
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4

PACKAGE = (
    failed(
        "a bomb.docx",
        "a part that unpacks to 64 MB",
        lambda: packed(leave(), ("word/media/a.bin", bytes(64 << 20))),
        _BOMB,
    ),
    failed(
        "parts that lie on each other.docx", "a thousand entries name one packed part", lambda: overlapping(1000), _BOMB
    ),
    failed(
        "parts that lie on each other.xlsx", "a thousand entries name one packed part", lambda: overlapping(1000), _BOMB
    ),
    failed("25,000 parts.docx", "as many parts as fit", many_parts, _BOMB),
    failed("zips in zips.docx", "an archive in an archive, fifty deep", lambda: zipped_in_zips(50), _NOT_ONE),
    failed("a size that lies.docx", "a part said to unpack to 4 GB", lambda: lying_size(DOCUMENT, 0xFFFFFFF0), _BOMB),
    failed("a size that lies low.docx", "the text said to be one byte long", lambda: lying_size(DOCUMENT, 1), _DAMAGED),
    indexed(
        "a part that swells unasked.docx",
        "a part that nothing refers to unpacks to more than it says",
        lambda: swollen(30, 9),
        HELD,
    ),
    indexed(
        "names that lead out.docx",
        "parts with absolute names and ../",
        lambda: packed(leave(), ("../../../../tmp/evil.xml", b"<a/>"), ("/etc/passwd", b"x"), ("C:\\a.xml", b"<a/>")),
        HELD,
    ),
    indexed("a name twice.docx", "two documents in one archive", twice, ""),
    failed("entities.docx", "a billion laughs", behind_head(entities(10)), _ENTITIES),
    failed(
        "an entity of a file.docx",
        "an external entity",
        behind_head(b'<!DOCTYPE w [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
        _ENTITIES,
    ),
    failed(
        "entities behind a comment.docx",
        "a document type behind 70 KB of comment",
        behind_head(b"<!--" + b" " * 70_000 + b"-->" + entities(10)),
        _ENTITIES,
    ),
    failed(
        "entities in a sheet.xlsx",
        "a document type behind a comment, in a part named in capitals",
        lambda: packed(book_of(""), ("xl/STYLES.XML", _behind_comment(b"<styleSheet/>"))),
        _ENTITIES,
    ),
    failed(
        "entities in relations.pptx",
        "a document type behind a comment, in relations",
        lambda: packed(
            slide_of(""),
            change=lambda name, old: _behind_comment(b"<Relationships/>") if name == "_rels/.rels" else old,
        ),
        _ENTITIES,
    ),
    failed(
        "entities in UTF-16.docx",
        "a document type in two bytes a letter",
        with_document(lambda old: utf16(old.replace(b"?>", b"?>" + entities(10), 1))),
        _ENTITIES,
    ),
    failed(
        "entities in UTF-7.docx",
        "a document type in UTF-7",
        with_document(lambda old: b'<?xml version="1.0" encoding="UTF-7"?>+ADw-!DOCTYPE w+AD4-<w/>'),
        r".+",
    ),
    indexed("in UTF-16.docx", "a part in UTF-16", with_document(utf16), HELD),
    failed(
        "in an encoding that is none.docx",
        "a part in an encoding that no one knows",
        with_document(lambda old: old.replace(b"UTF-8", b"x-none")),
        r".+",
    ),
    failed("cut off.docx", "a download that broke off", lambda: leave()[:-300], _NOT_ONE),
    failed("no XML inside.docx", "a document that is no XML", with_document(lambda _old: b"words"), r".+"),
    failed("XML that ends early.docx", "a document that breaks off", with_document(lambda old: old[:-40]), r".+"),
    failed("protected parts.docx", "parts that the archive encrypts", encrypted_flag, _DAMAGED),
    failed("an unknown packing.docx", "parts packed in an unknown way", unknown_packing, _DAMAGED),
    failed("broken inside.docx", "packed bytes overwritten", broken_bytes, _DAMAGED),
    failed("broken in LZMA.docx", "bytes packed by LZMA", lambda: broken_bytes(zipfile.ZIP_LZMA), _DAMAGED),
    failed("broken in bzip2.docx", "bytes packed by bzip2", lambda: broken_bytes(zipfile.ZIP_BZIP2), _DAMAGED),
    failed(
        "with a password.docx",
        "an encrypted Office file",
        lambda: OLE + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(999),
        _PROTECTED,
    ),
    failed("an old book.xlsx", "Excel 97 under a new ending", lambda: OLD_BOOK, _OLD),
    failed("an old deck.pptx", "PowerPoint 97 under a new ending", lambda: OLD_BOOK, _OLD),
    failed(
        "a book.docx",
        "a workbook under Word's ending",
        lambda: book_of('<row><c t="inlineStr"><is><t>a</t></is></c></row>'),
        _NOT_ONE,
    ),
    failed("a letter.xlsx", "a letter under Excel's ending", leave, r".*not an Excel file.*"),
    failed("a letter.pptx", "a letter under PowerPoint's ending", leave, r".*not a PowerPoint file.*"),
    failed("a deck.xlsx", "a deck under Excel's ending", lambda: slide_of(""), r".*not an Excel file.*"),
    failed("a zip.xlsx", "any archive under Excel's ending", plain_zip, r".*not an Excel file.*"),
    failed("a zip.pptx", "any archive under PowerPoint's ending", plain_zip, r".*not a PowerPoint file.*"),
    failed("a PDF.docx", "a PDF under Word's ending", lambda: b"%PDF-1.7\n" + bytes(999), _NOT_ONE),
    failed("a picture.pdf", "a PNG under PDF's ending", lambda: PNG, r"The file is not a PDF.*"),
    failed("a letter.pdf", "a Word file under PDF's ending", leave, r"The file is not a PDF.*"),
    failed("a program.txt", "a program under the ending of text", lambda: ELF, r".*binary.*"),
    failed(
        "a packed table.csv",
        "gzip under the ending of a table",
        lambda: b"\x1f\x8b\x08" + zlib.compress(bytes(range(256)) * 40),
        r".+",
    ),
    failed("a program.html", "a program under the ending of a page", lambda: ELF, r".+"),
    failed("one byte.docx", "a file of one byte", lambda: b"P", _NOT_ONE),
    failed("one byte.pdf", "a file of one byte", lambda: b"%", r"The file is not a PDF.*"),
    failed("one byte.xlsx", "a file of one byte", lambda: b"P", _NOT_ONE),
    failed("two bytes.pptx", "a file of two bytes", lambda: b"PK", _NOT_ONE),
    failed("a directory alone.xlsx", "an archive without parts", lambda: b"PK\5\6" + bytes(18), _NOT_ONE),
)
