r"""How language models write that a sentence rests on a passage, and how such marks are read and taken out (pure).

- A square mark names passages wherever it stands: `[1]`, `[1, 3-5]`, `[source 1]`, `[^1]`, `\[1\]`, `[1](address)`,
  `【1†source】`, any of them in round brackets.
- A round mark with a name does too: `(source 1)`.
- A bare round mark, `(1)`, does only before the end of a sentence, and only with numbers that passages have.
- A mention, "source 1" among the words, names a passage but stays in the text.

A search for marks steps over code in backticks and the addresses of links.
"""

import re
from collections.abc import Set

_NUMBERS = r"\d{1,3}(?:\s*(?:[,;&–-]|and)\s*\d{1,3})*"
_NAME = r"(?:sources?|passages?|documents?)"
_MARK = (
    rf"(?:\\?\[\s*(?:\^|{_NAME}[\s:#]*)?({_NUMBERS})\s*\\?\](?:\([^()\s]*\))?"
    r"|【\s*(\d{1,3})(?:[†:,][^】\n]{0,40})?】"
    rf"|\(\s{{0,3}}{_NAME}[\s:#]{{0,3}}({_NUMBERS})\s{{0,3}}\))"
)
_MARKS = rf"{_MARK}(?:[ \t]{{0,3}}(?:[,;]|and)?[ \t]{{0,3}}{_MARK})*"
_BARE_MARK = rf"\(\s{{0,3}}({_NUMBERS})\s{{0,3}}\)"
_MENTION = re.compile(rf"\b(?:sources?|passages?)[ \t]+#?({_NUMBERS})\b", re.I)

_ONE_MARK = re.compile(_MARK, re.I)
_MARK_OR_ITS_BRACKET = re.compile(rf"\(?\s{{0,3}}{_MARK}", re.I)
_VERBATIM_OR_MARKS = re.compile(
    rf"(?P<verbatim>(?<!`)(?P<ticks>`+)(?!`)[\s\S]*?(?<!`)(?P=ticks)(?!`)|\]\([^()\s]*\))"
    rf"|(?<![ \t])[ \t]*(?:\(\s{{0,3}}{_MARKS}\s{{0,3}}\)|{_MARKS})",
    re.I,
)
_BARE_MARK_AT_END = re.compile(rf"(?<=[^\W\d_])[ \t]+{_BARE_MARK}(?=[\s.!?…|]*$)")
"""A number before the bracket, as in "section 5 (1)", makes it no mark."""

_NAME_BEGUN = "|".join(name[:end] for name in ("sources", "passages", "documents") for end in range(1, len(name) + 1))
_NAMING = rf"\(\s{{0,3}}(?:{_NAME_BEGUN})?[\s:#]{{0,3}}"
_NUMBERS_BEGUN = r"\d[\d\s,;&–and-]{0,20}"
_MAY_BECOME_MARK = re.compile(
    rf"{_NAMING}|\(\s{{0,3}}{_NAME}[\s:#]{{0,3}}{_NUMBERS_BEGUN}|\\|[(\\]?\s{{0,3}}[\[【][^\]】]{{0,60}}", re.I
)


def without_marks(written: str, known: Set[int]) -> tuple[str, list[int]]:
    """A sentence without its marks, and the numbers that stood in them, in order, ranges written out.

    `known`: the numbers of passages. Marks of other numbers are taken out and returned too, bare ones are left.
    """
    named: list[int] = []

    def take_out(match: re.Match[str]) -> str:
        if match["verbatim"]:
            return match[0]
        for mark in _ONE_MARK.finditer(match[0]):
            named.extend(_listed(mark[1] or mark[2] or mark[3]))
        return ""

    remaining = _VERBATIM_OR_MARKS.sub(take_out, written)
    bare = _BARE_MARK_AT_END.search(remaining)
    if bare and set(_listed(bare[1])) <= known:
        named.extend(_listed(bare[1]))
        remaining = remaining[: bare.start()] + remaining[bare.end() :]
    return remaining, named


def without_mentions(text: str, known: Set[int]) -> tuple[str, list[int]]:
    """A text without each "source 1" that mentions passages of `known` alone, and the numbers mentioned so."""
    mentioned: list[int] = []

    def take_out(match: re.Match[str]) -> str:
        numbers = _listed(match[1])
        if not set(numbers) <= known:
            return match[0]
        mentioned.extend(numbers)
        return ""

    return _MENTION.sub(take_out, text), mentioned


def begins_with_mark(text: str) -> bool:
    return _ONE_MARK.match(text) is not None


def is_mark_after_stop(following: str) -> bool | None:
    """Whether what follows a full stop begins with a mark that is no bare one; None while that cannot be told."""
    if _MAY_BECOME_MARK.fullmatch(following):
        return None
    return _MARK_OR_ITS_BRACKET.match(following) is not None


def _listed(numbers: str) -> list[int]:
    """The numbers of a list such as "1, 3-5 and 7", ranges written out."""
    listed: list[int] = []
    for part in re.split(r"[,;&]|and", numbers, flags=re.I):
        ends = [int(number) for number in re.findall(r"\d+", part)]
        listed.extend(range(ends[0], ends[-1] + 1))
    return listed
