"""Turn characters as files hold them into characters as people read them (pure).

Out of here comes NFC text with "\\n" as the only line break, plain spaces, and no character that cannot be seen:
no controls, no zero-width or direction marks, no soft hyphens, no lone surrogates, no private-use glyph codes. Latin
ligatures become their letters, which is what people search for.
"""

import re
import unicodedata

_SEEN_FORMATS = frozenset("؀؁؂؃؄؅۝܏࢐࢑࣢")
"""The few characters of category Cf that have a shape of their own."""
_SPACES = re.compile(r"[ \t]+")
_ANY_SPACE = re.compile(r"\s+")
_AROUND_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_BLANK_LINES = re.compile(r"\n{2,}")
_MOST_MARKS = 30
"""Combining marks on one letter that are common: Unicode's own bound for text that is read as a stream."""
_TWO_MARKS = "\u0f73\u0f75\u0f81"  # each is two marks in NFC, though it is counted as none


class _Characters(dict[int, str]):
    """What becomes of each code point; filled as characters are met, so that `str.translate` stays a table look-up."""

    def __missing__(self, code: int) -> str:
        self[code] = replacement = _replacement(chr(code))
        return replacement


def _replacement(character: str) -> str:
    if character in "\n\t":
        return character
    if character in "\r\x0b\x0c\x85\u2028\u2029":
        return "\n"
    if character in _TWO_MARKS:
        return unicodedata.normalize("NFC", character)
    if "\ufb00" <= character <= "\ufb06":
        return unicodedata.normalize("NFKC", character)
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    unseen = category in ("Cc", "Cs", "Co") or (category == "Cf" and character not in _SEEN_FORMATS)
    return "" if unseen or _is_noncharacter(ord(character)) else character


def _is_noncharacter(code: int) -> bool:
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


_CHARACTERS = _Characters()


def replaced(character: str) -> str:
    """What stands for one character, before it is composed with its neighbours."""
    return _CHARACTERS[ord(character)]


def readable(text: str) -> str:
    """`text` in NFC, without what cannot be seen; line breaks and runs of spaces are kept."""
    shown = text.replace("\r\n", "\n").translate(_CHARACTERS)
    return shown if shown.isascii() else unicodedata.normalize("NFC", _ordered(shown))


def _ordered(text: str) -> str:
    """`text` with long runs of combining marks in the order of NFC: normalising takes time quadratic in them else."""
    marks = "".join(filter(unicodedata.combining, set(text)))
    if not marks:
        return text
    return re.sub(f"[{marks}]{{{_MOST_MARKS},}}", lambda run: "".join(sorted(run[0], key=unicodedata.combining)), text)


def one_line(text: str) -> str:
    """`text` on one line, words separated by single spaces."""
    return _ANY_SPACE.sub(" ", readable(text)).strip()


def lines(text: str) -> str:
    """`text` with its line breaks, but no blank lines, no space around breaks, and no runs of spaces."""
    tidy = _AROUND_BREAK.sub("\n", _SPACES.sub(" ", readable(text)))
    return _BLANK_LINES.sub("\n", tidy).strip()


def code(text: str) -> str:
    """`text` with its indentation relative to the least indented line; no blank lines around, no trailing spaces."""
    rows = [row.rstrip() for row in readable(text).expandtabs(4).split("\n")]
    indents = [len(row) - len(row.lstrip()) for row in rows if row]
    shift = min(indents, default=0)
    return "\n".join(row[shift:] for row in rows).strip()
