"""Bytes of a text file to characters; what is no text is refused."""

import codecs
import re

from indexer.documents.extract.places import counted
from indexer.documents.extract.text.code_pages import code_page
from indexer.errors import UnreadableFile

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = bytes(range(9)) + bytes(range(14, 27)) + bytes(range(28, 32)) + b"\x7f"
_MOST_BINARY = 0.003
"""Share of control bytes above which a file is no text. Random bytes have .11, compressed data about as much."""
_SMALL = bytes(range(7))
_END_OF_FILE = b"\x1a\0"  # what DOS programs write behind the text
_WRONG_BYTES = "docent-as-windows-1252"
_DECLARABLE = re.compile(
    r"(utf-?8|utf-16(le|be)?|us-ascii|latin-?1|iso-?8859-\d+|windows-\d+|cp\d+|koi8-[ru]|macintosh"
    r"|shift_jis|euc-(jp|kr)|iso-2022-jp|gbk|gb2312|gb18030|big5)",
    re.IGNORECASE,
)


def decode(data: bytes, declared: str = "") -> str:
    """The characters of `data`; `declared` is an encoding that the file itself names. Raises UnreadableFile."""
    return _decoded(data, declared)[0]


def decode_with_doubts(data: bytes, declared: str = "") -> tuple[str, list[str]]:
    """The same, and what the ledger says of bytes that stand for no character, or were read by a guess."""
    text, mixed = _decoded(data, declared)
    told = []
    if lost := text.count("\ufffd"):
        what = counted(lost, "character")
        told.append(f"{what} cannot be read: the file is damaged, or in an encoding that is not known.")
    if mixed:
        told.append(
            f"{counted(mixed, 'byte')} in another encoding than the rest of the file: read as Western European letters."
        )
    return text, told


def _decoded(data: bytes, declared: str) -> tuple[str, int]:
    """Characters, and how many bytes are in another encoding than all others."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace"), 0
    wide = _utf16_without_bom(data)
    if wide:
        return data.decode(wide, "replace"), 0
    data = data.rstrip(_END_OF_FILE)
    if len(data.translate(None, _BINARY)) < len(data) * (1 - _MOST_BINARY):
        raise UnreadableFile("The file is not text: it holds binary data.", "Check that its name has the right ending.")
    try:
        return data.decode("utf-8"), 0
    except UnicodeDecodeError:
        text, wrong = _damaged_utf8(data)
        return (text, wrong) if text else (data.decode(_known(declared) or code_page(data), "replace"), 0)


def _known(declared: str) -> str:
    if not _DECLARABLE.fullmatch(declared):
        return ""
    name = declared.lower()
    # Browsers read these labels as Windows-1252, and so do the programs that write them.
    return "cp1252" if re.fullmatch(r"latin-?1|iso-?8859-1|us-ascii|utf-?8|utf-16(le|be)?", name) else name


def _utf16_without_bom(data: bytes) -> str:
    """Every other byte of Western text in UTF-16 is zero."""
    sample = data[:4096]
    half = len(sample) // 2
    if half < 8:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.05 * half:
        return "utf-16-be"
    return next((name for name, high in (("utf-16-le", 1), ("utf-16-be", 0)) if _is_utf16(sample, name, high)), "")


def _is_utf16(sample: bytes, encoding: str, high: int) -> bool:
    """Whether every other byte is small, as in Cyrillic, Greek, Hebrew or Arabic, and what comes out is readable."""
    highs, lows = sample[high::2], sample[1 - high :: 2]
    if len(highs.translate(None, _SMALL)) > 0.1 * len(highs) or len(lows.translate(None, _SMALL)) < 0.7 * len(lows):
        return False
    text = sample.decode(encoding, "ignore")
    return sum(character.isprintable() or character.isspace() for character in text) > 0.99 * len(text)


def _damaged_utf8(data: bytes) -> tuple[str, int]:
    """UTF-8 in which few bytes are wrong, as where two files were joined or one was cut: those alone are read as
    Windows-1252. Their number; "" where it is no UTF-8 at all."""
    text = data.decode("utf-8", "ignore")
    right = len(text) - len(text.encode("ascii", "ignore"))
    wrong = len(data) - len(text.encode())
    return (data.decode("utf-8", _WRONG_BYTES), wrong) if right > 3 * wrong else ("", 0)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_WRONG_BYTES, _as_windows_1252)
