"""Bytes of a text file to characters; what is no text is refused."""

import codecs
import re

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
_SAMPLE = 1 << 18  # bytes that are enough to tell an encoding
_DECLARABLE = re.compile(
    r"(utf-?8|utf-16(le|be)?|us-ascii|latin-?1|iso-?8859-\d+|windows-\d+|cp\d+|koi8-[ru]|macintosh"
    r"|shift_jis|euc-(jp|kr)|iso-2022-jp|gbk|gb2312|gb18030|big5)",
    re.IGNORECASE,
)


def decode(data: bytes, declared: str = "") -> str:
    """The characters of `data`; `declared` is an encoding that the file itself names. Raises UnreadableFile."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    wide = _utf16_without_bom(data)
    if wide:
        return data.decode(wide, "replace")
    if len(data.translate(None, _BINARY)) < len(data) * (1 - _MOST_BINARY):
        raise UnreadableFile("The file is not text: it holds binary data.", "Check that its name has the right ending.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_known(declared) or _guess(data), "replace")


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
    return ""


def _guess(data: bytes) -> str:
    """The likeliest encoding. Windows-1252 wins a draw: short Western texts fit many code pages equally well."""
    from charset_normalizer import from_bytes

    first = max(0, next((i for i, byte in enumerate(data) if byte > 127), 0) - _SAMPLE // 2)
    matches = from_bytes(data[first : first + _SAMPLE])
    best = matches.best()
    if best is None:
        return "cp1252"
    if any(match.encoding == "cp1252" and match.chaos <= best.chaos + 0.02 for match in matches):
        return "cp1252"
    return str(best.encoding)
