"""Text that knows which character of its page each of its code points is (pure).

`at` is a string as long as the text; its code points are numbers of characters, from 1, and 0 where there is none. As a
string it is cut and joined as fast as the text itself. What is cut or joined otherwise than here is a plain `str` that
stands nowhere.
"""

import re
import unicodedata
from collections.abc import Iterable

from indexer.documents.extract import clean

NOWHERE = "\0"


class Traced(str):
    """A text and, code point by code point, the numbers of its characters."""

    __slots__ = ("at",)
    at: str

    def __new__(cls, text: str, at: str) -> "Traced":
        made = super().__new__(cls, text)
        made.at = at
        return made


def trace(text: str) -> str:
    """The numbers of the characters of any text."""
    return text.at if isinstance(text, Traced) else NOWHERE * len(text)


def sliced(text: str, start: int = 0, end: int | None = None) -> str:
    """`text[start:end]`."""
    return Traced(text[start:end], text.at[start:end]) if isinstance(text, Traced) else text[start:end]


def chained(parts: Iterable[str], between: str = "") -> str:
    """`between.join(parts)`."""
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    joined = between.join(parts)
    if not any(isinstance(part, Traced) for part in parts):
        return joined
    return Traced(joined, (NOWHERE * len(between)).join(map(trace, parts)))


def split_lines(text: str) -> list[str]:
    """`text.split("\\n")`."""
    found, start = [], 0
    for line in text.split("\n"):
        found.append(sliced(text, start, start + len(line)))
        start += len(line) + 1
    return found


def kept(text: str, cleaned: str) -> str:
    """`cleaned`, which is `text` cleaned by `clean`, with the numbers that its code points have in `text`.

    Cleaning changes white space, replaces code points one by one and composes letters with their marks.
    """
    if not isinstance(text, Traced):
        return cleaned
    if text == cleaned:
        return text
    shown, at = _shown(text)
    wanted = "".join(cleaned.split())
    if shown != wanted:
        at = _composed(shown, at, wanted)
    numbers: list[str] = []
    used = 0
    for word in re.findall(r"\S+|\s+", cleaned):
        if word.isspace():
            gap = used and used < len(at) and ord(at[used]) - ord(at[used - 1]) == 2 and len(word) == 1
            numbers.append(chr(ord(at[used]) - 1) if gap else NOWHERE * len(word))
        else:
            numbers.append(at[used : used + len(word)])
            used += len(word)
    return Traced(cleaned, "".join(numbers))


def _shown(text: Traced) -> tuple[str, str]:
    """What is seen of the text, without white space, with its numbers."""
    pairs = [
        (shown, number)
        for character, number in zip(text, text.at, strict=True)
        if not character.isspace()
        for shown in clean.replaced(character)
        if not shown.isspace()
    ]
    return "".join(shown for shown, _ in pairs), "".join(number for _, number in pairs)


def _composed(shown: str, at: str, wanted: str) -> str:
    """The numbers of `wanted`, which is `shown` composed."""
    numbers: list[str] = []
    place = 0
    while place < len(shown):
        end = place + 1
        while end < len(shown) and unicodedata.combining(shown[end]):
            end += 1
        made = clean.readable(shown[place:end])
        whole = at[place:end]
        numbers.append((whole + whole[-1] * len(made))[: len(made)])
        place = end
    found = "".join(numbers)
    if len(found) == len(wanted):
        return found
    return "".join(at[place * len(at) // len(wanted)] for place in range(len(wanted)))  # Korean letters put together
